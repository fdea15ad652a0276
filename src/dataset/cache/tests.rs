//! A cache is warm or filled, healed or made anew, and never gives other pixels than the files do.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::*;
use crate::dataset::{Class, Folder, Image, format, patient, resize};

const SIZE: usize = 16;

/// A data set of small pictures with its cache beside it.
struct Place {
    folder: tempfile::TempDir,
    dataset: Dataset,
}

impl Place {
    fn new(images: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data");
        fs::create_dir_all(root.join("train/NORMAL")).unwrap();
        let mut place = Self { folder, dataset: Dataset { root, images: Vec::new(), synthetic: false } };
        for number in 0..images {
            place.add(&format!("{number:03}.jpeg"), &png(40 + number, 50, number));
        }
        place
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        let file = format!("train/NORMAL/{name}");
        fs::write(self.dataset.root.join(&file), bytes).unwrap();
        let patient = patient::parse(name, Class::Normal);
        self.dataset.images.push(Image { file, folder: Folder::Train, class: Class::Normal, patient });
    }

    fn overwrite(&self, index: usize, bytes: &[u8]) {
        fs::write(self.dataset.path(index), bytes).unwrap();
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// A file of the cache.
    fn file(&self, name: &str) -> PathBuf {
        self.cache().join(name_of(&self.dataset.root)).join(name)
    }

    fn open(&self) -> Cache {
        self.open_at(SIZE)
    }

    fn open_at(&self, size: usize) -> Cache {
        Cache::open(&self.cache(), &self.dataset, size, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    /// Checks every readable picture against its file.
    fn check(&self, cache: &Cache) {
        for index in 0..self.dataset.images.len() {
            let Ok(decoded) = format::decode(&fs::read(self.dataset.path(index)).unwrap()) else { continue };
            assert_eq!(cache.read_source(index).unwrap(), resize::to_short_side(&decoded.grey, SOURCE_SHORT_SIDE));
            assert_eq!(square(cache, index), resize::to_square(&decoded.grey, cache.image_size()).pixels);
        }
    }
}

fn png(width: usize, height: usize, seed: usize) -> Vec<u8> {
    let samples: Vec<u8> =
        (0..width * height).map(|place| u8::try_from((place * (seed + 3) + seed) % 256).unwrap()).collect();
    let mut file = Vec::new();
    let [width, height] = [width, height].map(|side| u32::try_from(side).unwrap());
    PngEncoder::new(&mut file).write_image(&samples, width, height, ExtendedColorType::L8).unwrap();
    file
}

fn square(cache: &Cache, index: usize) -> Vec<u8> {
    let mut pixels = vec![0; cache.image_size() * cache.image_size()];
    cache.read_evaluation(index, &mut pixels).unwrap();
    pixels
}

fn flip_every_byte(path: &Path) {
    let flipped: Vec<u8> = fs::read(path).unwrap().iter().map(|byte| !byte).collect();
    // In place, as a failing disk would: a file replaced would leave an open cache its own.
    OpenOptions::new().write(true).open(path).unwrap().write_all(&flipped).unwrap();
}

#[test]
fn a_cold_cache_decodes_every_image_and_a_warm_one_none() {
    let place = Place::new(5);
    let cold = place.open();
    assert_eq!(cold.decoded(), 5);
    place.check(&cold);
    let warm = place.open();
    assert_eq!(warm.decoded(), 0);
    place.check(&warm);
    assert_eq!(warm.repaired(), 0);
}

#[test]
fn a_warm_cache_does_not_read_the_images() {
    let place = Place::new(2);
    let before = square(&place.open(), 1);
    let path = place.dataset.path(1);
    let about = fs::metadata(&path).unwrap();
    let other = vec![0; usize::try_from(about.len()).unwrap()];
    place.overwrite(1, &other);
    fs::File::options().write(true).open(&path).unwrap().set_modified(about.modified().unwrap()).unwrap();
    let warm = place.open();
    assert_eq!((warm.decoded(), square(&warm, 1)), (0, before));
}

#[test]
fn facts_tell_size_content_brightness_and_what_is_suspect() {
    let mut place = Place::new(0);
    let mut samples = vec![0; 64 * 64];
    samples[..32 * 64].fill(255);
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(&samples, 64, 64, ExtendedColorType::L8).unwrap();
    place.add("half.png", &file);
    place.add("dot.png", &png(1, 1, 0));
    let mut plain = Vec::new();
    PngEncoder::new(&mut plain).write_image(&[7; 1600 * 3], 40, 40, ExtendedColorType::Rgb8).unwrap();
    place.add("plain.png", &plain);
    let cache = place.open();

    let facts = cache.facts(0);
    assert_eq!((facts.bytes, &facts.md5), (file.len() as u64, &work::md5_of(&file)));
    let pixels = facts.pixels.clone().unwrap();
    assert_eq!((pixels.width, pixels.height, pixels.channels.as_str(), pixels.flagged), (64, 64, "grey", None));
    assert_eq!((pixels.brightness[0], pixels.brightness[15], pixels.mean), (0.5, 0.5, 127.5));
    let flagged = |index: usize| cache.facts(index).pixels.clone().unwrap().flagged;
    assert_eq!(flagged(1).unwrap(), "only 1x1 pixels");
    assert_eq!(flagged(2).unwrap(), "all its pixels are equal");
    assert_eq!(square(&cache, 2), [7; SIZE * SIZE]);
}

#[test]
fn an_unreadable_file_is_recorded_with_its_reason_and_not_tried_again_until_it_changes() {
    let mut place = Place::new(1);
    place.add("text.jpeg", b"hello");
    place.add("empty.jpeg", b"");
    let cold = place.open();
    assert_eq!(cold.decoded(), 3);
    let reason = "neither JPEG nor PNG: it starts with the text \"hello\"";
    assert_eq!(cold.facts(1).pixels.clone().unwrap_err(), reason);
    assert_eq!(cold.facts(2).pixels.clone().unwrap_err(), "empty file (0 bytes)");
    let error = cold.read_source(1).unwrap_err().to_string();
    assert!(error.contains("text.jpeg") && error.contains(reason), "{error}");

    let warm = place.open();
    assert_eq!((warm.decoded(), warm.facts(1)), (0, cold.facts(1)));
    place.overwrite(1, &png(33, 44, 5));
    let mended = place.open();
    assert_eq!((mended.decoded(), mended.facts(1).pixels.is_ok()), (1, true));
}

#[test]
fn a_file_that_is_gone_is_named_and_the_rest_goes_on() {
    let place = Place::new(3);
    fs::remove_file(place.dataset.path(1)).unwrap();
    let cache = place.open();
    let reason = cache.facts(1).pixels.clone().unwrap_err();
    assert!(reason.starts_with("cannot be read: "), "{reason}");
    assert_eq!((cache.decoded(), cache.facts(1).md5.as_str()), (2, ""));
    assert!(cache.read_source(2).is_ok());
}

#[test]
fn only_a_changed_file_is_decoded_again() {
    let place = Place::new(4);
    place.open();
    place.overwrite(2, &png(90, 30, 77));
    let cache = place.open();
    assert_eq!(cache.decoded(), 1);
    place.check(&cache);
    assert_eq!(place.open().decoded(), 0);
}

#[test]
fn content_that_is_there_already_is_not_decoded_under_another_name_or_time() {
    let mut place = Place::new(2);
    place.open();
    let bytes = fs::read(place.dataset.path(0)).unwrap();
    place.add("copy.jpeg", &bytes);
    fs::File::options().write(true).open(place.dataset.path(1)).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let cache = place.open();
    assert_eq!(cache.decoded(), 0);
    place.check(&cache);
}

#[test]
fn another_image_size_adds_its_pictures_and_leaves_the_others() {
    let place = Place::new(3);
    place.open();
    let source = fs::metadata(place.file("source-320.bin")).unwrap().len();
    let other = place.open_at(24);
    assert_eq!(other.decoded(), 3);
    place.check(&other);
    assert_eq!(fs::metadata(place.file("source-320.bin")).unwrap().len(), source);
    assert_eq!((place.open().decoded(), place.open_at(24).decoded()), (0, 0));
}

#[test]
fn a_damaged_record_is_made_again_from_its_file() {
    let place = Place::new(3);
    let cache = place.open();
    for name in ["source-320.bin", "eval-16.bin"] {
        flip_every_byte(&place.file(name));
    }
    place.check(&cache);
    assert_eq!(cache.repaired(), 3);
    // It was put back: both pictures of each are right again for everybody.
    let again = place.open();
    place.check(&again);
    assert_eq!((again.decoded(), again.repaired()), (0, 0));
}

#[test]
fn a_damaged_record_whose_file_is_gone_or_changed_is_an_error_that_names_it() {
    let place = Place::new(2);
    let cache = place.open();
    flip_every_byte(&place.file("source-320.bin"));
    fs::remove_file(place.dataset.path(0)).unwrap();
    place.overwrite(1, &png(50, 50, 9));
    let gone = cache.read_source(0).unwrap_err().to_string();
    assert!(gone.contains("000.jpeg"), "{gone}");
    let changed = cache.read_source(1).unwrap_err().to_string();
    assert!(changed.contains("001.jpeg") && changed.contains("has changed"), "{changed}");
}

#[test]
fn a_picture_file_cut_short_loses_only_its_last_pictures() {
    let place = Place::new(4);
    place.open();
    for (name, length) in [("source-320.bin", 40 * 50 + 41 * 50 + 7), ("eval-16.bin", 16 * 16 * 3)] {
        OpenOptions::new().write(true).open(place.file(name)).unwrap().set_len(length).unwrap();
        let cache = place.open();
        assert!((1..4).contains(&cache.decoded()), "{}", cache.decoded());
        place.check(&cache);
        assert_eq!(cache.repaired(), 0);
        assert_eq!(place.open().decoded(), 0);
    }
}

#[test]
fn a_picture_file_that_was_deleted_is_made_again() {
    let place = Place::new(3);
    place.open();
    fs::remove_file(place.file("eval-16.bin")).unwrap();
    let cache = place.open();
    assert_eq!(cache.decoded(), 3);
    place.check(&cache);
}

#[test]
fn an_index_that_is_damaged_foreign_or_from_another_version_is_made_anew() {
    let place = Place::new(3);
    let foreign: [&[u8]; 4] =
        [b"", b"\xff\x00\xfe nonsense", b"{\"json\": 1}\n", b"xray-tui cache, decoder version 0\n"];
    for index in foreign {
        place.open();
        fs::write(place.file("index"), index).unwrap();
        let cache = place.open();
        assert_eq!(cache.decoded(), 3);
        place.check(&cache);
    }
}

#[test]
fn a_damaged_line_of_the_index_costs_that_image_alone() {
    let place = Place::new(4);
    place.open();
    let mut index = fs::read(place.file("index")).unwrap();
    let at = index.len() - 10;
    index[at] ^= 1;
    fs::write(place.file("index"), &index).unwrap();
    place.check(&place.open());
    // Cut within its last line, as by a killed process: what follows must not be swallowed by it.
    index.truncate(index.len() - 20);
    fs::write(place.file("index"), &index).unwrap();
    let cache = place.open();
    assert!(cache.decoded() <= 1, "{}", cache.decoded());
    place.check(&cache);
    assert_eq!(place.open().decoded(), 0);
}

#[test]
fn progress_is_told_from_the_first_to_the_last_image() {
    let place = Place::new(70);
    let mut told = Vec::new();
    let mut watch = |progress| {
        told.push(progress);
        ControlFlow::Continue(())
    };
    Cache::open(&place.cache(), &place.dataset, SIZE, &mut watch).unwrap();
    assert_eq!(told.first(), Some(&Progress { done: 0, total: 70 }));
    assert_eq!(told.last(), Some(&Progress { done: 70, total: 70 }));
    assert!(told.windows(2).all(|pair| pair[0].done < pair[1].done && pair[1].done <= pair[0].done + 64));
}

#[test]
fn stopping_is_an_error_of_its_own_and_what_was_decoded_is_kept() {
    let place = Place::new(200);
    let mut until = |progress: Progress| match progress.done {
        0..100 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let error = Cache::open(&place.cache(), &place.dataset, SIZE, &mut until).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
    let mut first = None;
    let mut watch = |progress: Progress| {
        first.get_or_insert(progress.done);
        ControlFlow::Continue(())
    };
    let cache = Cache::open(&place.cache(), &place.dataset, SIZE, &mut watch).unwrap();
    let kept = first.unwrap();
    assert!((100..200).contains(&kept));
    assert_eq!(cache.decoded(), 200 - kept);
    place.check(&cache);
}

#[test]
fn of_two_that_open_at_once_one_decodes_and_the_other_finds_it_done() {
    let place = Place::new(40);
    let caches: Vec<Cache> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| place.open())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(caches.iter().map(Cache::decoded).sum::<usize>(), 40);
    for cache in &caches {
        place.check(cache);
    }
}

#[test]
fn waiting_for_another_process_can_be_broken_off() {
    let place = Place::new(1);
    place.open();
    let held = fs::File::open(place.file("lock")).unwrap();
    held.lock().unwrap();
    let mut asked = 0;
    let mut watch = |_| {
        asked += 1;
        if asked < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let error = Cache::open(&place.cache(), &place.dataset, SIZE, &mut watch).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_it_and_the_way_out() {
    let mut place = Place::new(1);
    place.add("file", b"in the way");
    // A file where a folder should be stops the administrator too, whom permissions don't.
    let folder = place.dataset.path(1).join("cache");
    let mut watch = |_| ControlFlow::Continue(());
    let error = Cache::open(&folder, &place.dataset, SIZE, &mut watch).unwrap_err().to_string();
    assert!(error.contains(&folder.display().to_string()) && error.contains("XRAY_TUI_CACHE"), "{error}");
}

#[test]
fn a_buffer_of_another_size_is_refused() {
    let place = Place::new(1);
    let cache = place.open();
    assert!(matches!(cache.read_evaluation(0, &mut [0; 5]), Err(Error::BadSetting { .. })));
}

#[test]
fn a_cache_mostly_filled_with_what_is_gone_is_made_anew() {
    let mut place = Place::new(2);
    place.open();
    // A journal that knows of far more than its data set has: as if a large one had been replaced by this one.
    let big = fs::File::options().write(true).open(place.file("source-320.bin")).unwrap();
    big.set_len(200 << 20).unwrap();
    place.add("new.jpeg", &png(60, 60, 1));
    let cache = place.open();
    assert_eq!(cache.decoded(), 3);
    assert!(fs::metadata(place.file("source-320.bin")).unwrap().len() < 1 << 20);
    place.check(&cache);
}

#[test]
fn a_cache_can_be_read_by_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Cache>();
}

#[test]
fn the_default_folder_follows_the_environment() {
    let by = |set: &'static [(&str, &str)]| {
        folder_by(move |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsStr::new(value).to_owned()))
    };
    let home = if cfg!(target_os = "macos") { "/h/Library/Caches/xray-tui" } else { "/h/.cache/xray-tui" };
    assert_eq!(by(&[("XRAY_TUI_CACHE", "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/h")]), Path::new("/a"));
    assert_eq!(by(&[("XDG_CACHE_HOME", "/b"), ("HOME", "/h")]), Path::new("/b/xray-tui"));
    assert_eq!(by(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")]), Path::new(home));
    assert_eq!(by(&[]), std::env::temp_dir().join("xray-tui"));
}

/// The Rust half of `tests/peers/resize.py`, which sets the variable: writes the pictures of a folder as the cache gives them,
/// cold and warm, and as decoding alone gives them.
#[test]
#[ignore = "run by tests/peers/resize.py"]
fn pictures_for_the_comparison_with_pil() {
    let root = PathBuf::from(std::env::var_os("XRAY_TUI_PEER_FOLDER").expect("set by tests/peers/resize.py"));
    let mut files: Vec<String> =
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let image = |file: String| {
        let patient = patient::parse(&file, Class::Normal);
        Image { file, folder: Folder::Train, class: Class::Normal, patient }
    };
    let dataset = Dataset { root: root.clone(), images: files.into_iter().map(image).collect(), synthetic: false };
    let folder = tempfile::tempdir().unwrap();
    for way in ["cold", "warm", "direct"] {
        let mut go_on = |_| ControlFlow::Continue(());
        let cache = Cache::open(folder.path(), &dataset, 224, &mut go_on).unwrap();
        for index in 0..dataset.images.len() {
            let path = dataset.path(index);
            let pixels = if way == "direct" {
                resize::to_square(&format::decode(&fs::read(&path).unwrap()).unwrap().grey, 224).pixels
            } else {
                square(&cache, index)
            };
            fs::write(path.with_extension(way), pixels).unwrap();
        }
    }
}
