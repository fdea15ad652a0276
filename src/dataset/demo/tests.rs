//! What the demo set promises: the same bytes again, the real layout, no shortcut between the classes, and nobody else's files touched.

#![allow(clippy::cast_precision_loss, reason = "counts and sizes in figures")]

use super::*;
use crate::dataset::patient::Kind;

fn quietly(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn few(seed: u64) -> DemoConfig {
    DemoConfig { images: 8, seed }
}

/// Every file below `dir` with its content.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = files_below(dir).unwrap();
    files.into_iter().map(|file| (file.clone(), fs::read(dir.join(file)).unwrap())).collect()
}

fn is_ill(picture: &Picture) -> bool {
    picture.file.contains("/PNEUMONIA/")
}

/// The patient as the real set's names tell it.
fn patient_of(file: &str) -> &str {
    file.rsplit_once('/').unwrap().1.rsplit_once(['-', '_']).unwrap().0
}

#[test]
fn a_seed_always_gives_the_same_bytes_and_another_seed_others() {
    let folder = tempfile::tempdir().unwrap();
    let made = ["one", "two", "three"].map(|name| folder.path().join(name));
    for (dir, seed) in made.iter().zip([5, 5, 6]) {
        write(dir, &few(seed), &mut quietly).unwrap();
    }
    let [one, two, three] = made.map(|dir| contents(&dir));
    assert_eq!(one, two);
    assert!(one.iter().zip(&three).all(|(a, b)| a.1 != b.1));
}

#[test]
fn the_set_on_disk_is_the_planned_one_with_its_marker() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("not/yet/there");
    let mut told = Vec::new();
    write(&dir, &few(3), &mut |progress| {
        told.push(progress);
        ControlFlow::Continue(())
    })
    .unwrap();
    let mut expected: Vec<PathBuf> =
        plan::pictures(&few(3)).iter().map(|picture| picture.file.clone().into()).collect();
    expected.push(MARKER.into());
    expected.sort();
    assert_eq!(files_below(&dir).unwrap(), expected);
    assert_eq!(earlier_config(&dir), Some(few(3)));
    assert!(!dir.join(UNFINISHED).exists());
    assert_eq!(told.first(), Some(&Progress { done: 0, total: 8 }));
    assert_eq!(told.last(), Some(&Progress { done: 8, total: 8 }));
}

#[test]
fn the_files_in_memory_are_those_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &few(4), &mut quietly).unwrap();
    let on_disk = |picture: &Picture| fs::read(folder.path().join(&picture.file)).unwrap();
    let planned: Vec<Vec<u8>> = plan::pictures(&few(4)).iter().map(on_disk).collect();
    assert_eq!(files(&few(4)).unwrap(), planned);
    assert!(matches!(files(&DemoConfig { images: 1, seed: 4 }), Err(Error::BadSetting { .. })));
}

#[test]
fn pictures_are_grey_jpegs_of_the_drawn_size() {
    let picture = &plan::pictures(&few(1))[0];
    let drawn = draw(picture, 1);
    let decoded = image::load_from_memory(&jpeg(picture, 1).unwrap()).unwrap();
    assert_eq!(decoded.color(), image::ColorType::L8);
    assert_eq!((decoded.width() as usize, decoded.height() as usize), (drawn.width, drawn.height));
}

#[test]
fn the_default_set_has_both_classes_and_kinds_in_the_real_sets_names() {
    let pictures = plan::pictures(&DemoConfig::default());
    let count = |beginning: &str| pictures.iter().filter(|picture| picture.file.starts_with(beginning)).count();
    assert_eq!(count("train/NORMAL/IM-"), 135);
    assert_eq!(count("train/PNEUMONIA/person"), 165);
    assert_eq!(count("test/NORMAL/IM-"), 50);
    assert_eq!(count("test/PNEUMONIA/person"), 50);
    let kinds = [Kind::Bacterial, Kind::Viral].map(|kind| pictures.iter().filter(|p| p.kind == kind).count());
    assert!(kinds.iter().all(|count| (80..=135).contains(count)), "{kinds:?}");
    assert!(pictures.iter().all(|p| p.file.contains("_bacteria_") == (p.kind == Kind::Bacterial)));
    assert!(pictures.iter().all(|p| p.file.contains("_virus_") == (p.kind == Kind::Viral)));
    let files: HashSet<&str> = pictures.iter().map(|picture| picture.file.as_str()).collect();
    assert_eq!(files.len(), 400);
}

#[test]
fn patients_have_up_to_three_pictures_and_are_never_in_both_train_and_test() {
    let pictures = plan::pictures(&DemoConfig::default());
    let in_folder = |name| pictures.iter().filter(move |picture| picture.file.starts_with(name));
    let train: HashSet<&str> = in_folder("train").map(|picture| patient_of(&picture.file)).collect();
    assert!(in_folder("test").all(|picture| !train.contains(patient_of(&picture.file))));
    let of_patient = |number| pictures.iter().filter(|picture| picture.patient == number).count();
    let counts: HashSet<usize> = pictures.iter().map(|picture| of_patient(picture.patient)).collect();
    assert_eq!(counts, HashSet::from([1, 2, 3]));
    let numbers: HashSet<(&str, u64)> = pictures.iter().map(|p| (patient_of(&p.file), p.patient)).collect();
    let names: HashSet<&str> = numbers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), numbers.len());
}

#[test]
fn a_set_of_any_size_has_exactly_that_many_pictures_of_several_patients_in_each_class() {
    for images in [8, 9, 10, 11, 13, 57, 200, 1001] {
        let pictures = plan::pictures(&DemoConfig { images, seed: 4 });
        assert_eq!(pictures.len(), images);
        for folder in plan::folders() {
            let here: HashSet<u64> =
                pictures.iter().filter(|p| p.file.starts_with(&folder)).map(|p| p.patient).collect();
            let least = if folder.starts_with("train") { 3 } else { 1 };
            assert!(here.len() >= least, "{images} images: {folder} has {} patients", here.len());
        }
    }
}

#[test]
fn too_few_and_far_too_many_images_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for images in [0, 7, 100_001] {
        let refused = write(&folder.path().join("demo"), &DemoConfig { images, seed: 1 }, &mut quietly);
        assert!(matches!(refused, Err(Error::BadSetting { setting: "images", .. })));
    }
    assert!(!folder.path().join("demo").exists());
}

#[test]
fn a_folder_with_anything_else_in_it_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("train/NORMAL")).unwrap();
    fs::write(folder.path().join("train/NORMAL/IM-0001-0001.jpeg"), "mine").unwrap();
    let before = contents(folder.path());
    let refused = write(folder.path(), &few(1), &mut quietly).unwrap_err().to_string();
    assert!(refused.contains("IM-0001-0001.jpeg is in the way"), "{refused}");
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_file_in_the_folders_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo");
    fs::write(&file, "mine").unwrap();
    assert!(matches!(write(&file, &few(1), &mut quietly), Err(Error::BadDataSet { .. })));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn an_earlier_demo_set_is_replaced_but_not_with_a_file_of_the_users_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    write(dir, &DemoConfig { images: 12, seed: 1 }, &mut quietly).unwrap();
    fs::create_dir_all(dir.join(UNFINISHED)).unwrap();
    write(dir, &few(2), &mut quietly).unwrap();
    assert_eq!(files_below(dir).unwrap().len(), 9);
    assert_eq!(earlier_config(dir), Some(few(2)));
    assert!(!dir.join(UNFINISHED).exists());
    fs::write(dir.join("test/NORMAL/holiday.jpeg"), "mine").unwrap();
    let before = contents(dir);
    assert!(matches!(write(dir, &few(3), &mut quietly), Err(Error::BadDataSet { .. })));
    assert_eq!(contents(dir), before);
}

#[test]
fn stopping_leaves_nothing_behind_and_an_earlier_set_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let mut stop =
        |progress: Progress| if progress.done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    assert!(matches!(write(&dir, &few(1), &mut stop), Err(Error::Cancelled)));
    assert!(!dir.exists());
    write(&dir, &few(1), &mut quietly).unwrap();
    let before = contents(&dir);
    assert!(matches!(write(&dir, &few(2), &mut stop), Err(Error::Cancelled)));
    assert_eq!(contents(&dir), before);
    assert!(!dir.join(UNFINISHED).exists());
}

#[test]
fn illness_shows_in_the_lungs_and_nowhere_else() {
    for (kind, seed) in [Kind::Bacterial, Kind::Viral].into_iter().flat_map(|kind| (0..4).map(move |seed| (kind, seed)))
    {
        let mut rng = random::stream(seed, Purpose::Demo, [0, 0]);
        let anatomy = Anatomy::draw(&mut rng);
        let opacity = Opacity::draw(kind, &anatomy, &mut rng);
        let view = View::draw(anatomy.lung_height, &mut rng);
        let healthy = render::attenuation(&anatomy, None, &view);
        let ill = render::attenuation(&anatomy, opacity.as_ref(), &view);
        let (mut in_lungs, mut changed) = (0, 0);
        for (at, (a, b)) in healthy.values.iter().zip(&ill.values).enumerate() {
            let [x, y] = view.body(render::STRIDE * (at % healthy.width), render::STRIDE * (at / healthy.width));
            let lung = anatomy.lung(x - anatomy.midline(y), y);
            assert!(
                lung > 0.0 || a.to_bits() == b.to_bits(),
                "{kind:?} {seed}: changed at {x}, {y}, outside the lungs"
            );
            in_lungs += usize::from(lung > 0.5);
            changed += usize::from(b - a > 0.1);
        }
        assert!(changed * 20 > in_lungs, "{kind:?} {seed}: {changed} of {in_lungs} points changed");
    }
}

#[test]
fn healthy_patients_have_no_opacity() {
    let mut rng = random::stream(1, Purpose::Demo, [0, 0]);
    let anatomy = Anatomy::draw(&mut rng);
    assert_eq!(Opacity::draw(Kind::Normal, &anatomy, &mut rng), None);
}

#[test]
fn every_picture_says_synthetic_in_its_corner() {
    for picture in plan::pictures(&few(9)) {
        let drawn = draw(&picture, 9);
        let dot = drawn.width / 200;
        let mut dark = GreyImage { pixels: vec![0; drawn.pixels.len()], ..drawn.clone() };
        label::burn(&mut dark, MARKER, (4 * dot, drawn.height - 11 * dot), dot);
        let lit: Vec<usize> = (0..dark.pixels.len()).filter(|at| dark.pixels[*at] > 0).collect();
        assert_eq!(lit.len(), 125 * dot * dot, "{}", picture.file);
        assert!(lit.iter().all(|at| drawn.pixels[*at] == dark.pixels[*at]), "{}", picture.file);
    }
}

#[test]
fn letters_that_do_not_fit_are_cut() {
    let mut tiny = GreyImage { width: 3, height: 2, pixels: vec![0; 6] };
    label::burn(&mut tiny, "RS", (1, 1), 1);
    assert_eq!(tiny.pixels, [0, 0, 0, 0, 235, 235]);
}

/// What a lazy classifier could go by: brightness, contrast, border, and everything about the size.
fn measures(picture: &Picture, seed: u64) -> [f64; 7] {
    let image = draw(picture, seed);
    let (width, height) = (image.width as f64, image.height as f64);
    let bytes = jpeg(picture, seed).unwrap().len() as f64;
    let [mean, deviation] = moments(&image.pixels);
    let [border, _] = moments(&image.pixels[..8 * image.width]);
    [mean, deviation, border, width, height, width * height, bytes]
}

fn moments(pixels: &[u8]) -> [f64; 2] {
    let mean = |power| pixels.iter().map(|p| f64::from(*p).powi(power)).sum::<f64>() / pixels.len() as f64;
    [mean(1), (mean(2) - mean(1).powi(2)).sqrt()]
}

/// Balanced accuracy of calling ill what is at least `threshold`, or less than it where `sign` is -1.
fn balanced(values: &[(f64, bool)], threshold: f64, sign: f64) -> f64 {
    let right = |ill: bool| {
        let of_class: Vec<_> = values.iter().filter(|(_, truth)| *truth == ill).collect();
        let right = of_class.iter().filter(|(value, _)| (sign * (value - threshold) >= 0.0) == ill).count();
        right as f64 / of_class.len() as f64
    };
    f64::midpoint(right(true), right(false))
}

/// The best threshold and direction for `train`, as it fares on `test`.
fn lazy_accuracy(train: &[(f64, bool)], test: &[(f64, bool)]) -> f64 {
    let rules = train.iter().flat_map(|(value, _)| [(*value, 1.0), (*value, -1.0)]);
    let score = |rule: &(f64, f64)| balanced(train, rule.0, rule.1);
    let best = rules.max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
    balanced(test, best.0, best.1)
}

#[test]
fn brightness_contrast_border_and_size_do_not_tell_the_classes_apart() {
    let pictures = plan::pictures(&DemoConfig { images: 200, seed: 42 });
    let measured: Vec<_> = pictures.par_iter().map(|picture| (picture, measures(picture, 42))).collect();
    for (at, name) in ["mean", "deviation", "border", "width", "height", "area", "bytes"].iter().enumerate() {
        let of = |folder| {
            let here = measured.iter().filter(move |(picture, _)| picture.file.starts_with(folder));
            here.map(|(picture, values)| (values[at], is_ill(picture))).collect::<Vec<_>>()
        };
        let accuracy = lazy_accuracy(&of("train"), &of("test"));
        assert!(accuracy < 0.65, "{name} alone reaches {accuracy}");
    }
}
