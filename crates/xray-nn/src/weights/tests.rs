//! Files of tensors: there and back, damaged ones, and PyTorch's.

use std::path::PathBuf;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::file::WeightFile;
use super::*;
use crate::{Engine, Network};

const HEAD: &str = "fc.weight";

fn network(classes: usize, seed: u64) -> Network {
    Network::new(classes, &mut ChaCha8Rng::seed_from_u64(seed), &Engine::best()).unwrap()
}

fn few() -> BTreeMap<String, Tensor> {
    let matrix = Tensor::new(&[[1.0_f32, -2.0, f32::MIN_POSITIVE], [0.5, f32::INFINITY, -0.0]], &Device::Cpu).unwrap();
    let count = Tensor::new(-7_i64, &Device::Cpu).unwrap();
    BTreeMap::from([("a.weight".to_owned(), matrix), ("a.num_batches_tracked".to_owned(), count)])
}

fn notes() -> HashMap<String, String> {
    let pairs = [("run", "7"), ("note", "\"quoted\"\n\u{1F600}"), ("best", "true"), ("epoch", "3")];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// All that a file holds, whatever its form.
fn read_all(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let mut file = WeightFile::open(path)?;
    let names: Vec<String> = file.tensors.keys().cloned().collect();
    file.read(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn tensors_and_notes_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    save(&path, &few(), &notes()).unwrap();
    let (tensors, metadata) = load(&path).unwrap();
    assert_eq!(metadata, notes());
    assert!(tensors.keys().eq(few().keys()));
    assert_eq!(values(&tensors["a.weight"]).unwrap(), values(&few()["a.weight"]).unwrap());
    assert_eq!(tensors["a.weight"].dims(), [2, 3]);
    assert_eq!(tensors["a.num_batches_tracked"].to_scalar::<i64>().unwrap(), -7);
}

#[test]
fn the_same_content_gives_the_same_bytes_and_nothing_else_is_left_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| folder.path().join(name));
    for path in &paths {
        save(path, &few(), &HashMap::new()).unwrap();
        save(path, &few(), &notes()).unwrap();
    }
    assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_the_old_one_kept() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none/x.safetensors");
    assert!(save(&missing, &few(), &notes()).unwrap_err().to_string().contains("x.safetensors"));
    let taken = folder.path().join("folder");
    fs::create_dir(&taken).unwrap();
    assert!(save(&taken, &few(), &notes()).unwrap_err().to_string().contains("folder"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the partial file is gone");
    let bytes = BTreeMap::from([("x".to_owned(), Tensor::new(1.0_f64, &Device::Cpu).unwrap())]);
    assert!(save(&folder.path().join("f64"), &bytes, &notes()).unwrap_err().to_string().contains("tensor x holds f64"));
}

#[test]
fn a_file_cut_short_anywhere_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    save(&path, &few(), &notes()).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("x.safetensors") && error.contains("copy it again"), "{error}");
    }
}

#[test]
fn a_header_that_lies_about_the_content_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let lies = [
        r#"{"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4000000]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"X99","shape":[1],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#,
        "[]",
    ];
    for lie in lies {
        let bytes = [&(lie.len() as u64).to_le_bytes()[..], lie.as_bytes(), &[0; 4]].concat();
        fs::write(&path, bytes).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("x.safetensors"), "{lie}");
    }
    fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
    assert!(load(&path).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_bytes_never_panic(form in prop::sample::select(&["small.pth", "legacy.pth", "x"][..]), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        save(&path, &few(), &notes()).unwrap();
        let mut bytes = fs::read(if form == "x" { path.clone() } else { fixture(form) }).unwrap();
        for (place, value) in changes {
            *place.get_mut(&mut bytes) = value;
        }
        fs::write(&path, bytes).unwrap();
        if let Err(error) = read_all(&path) {
            prop_assert!(error.to_string().contains(path.to_str().unwrap()), "{}", error);
        }
    }
}

/// What `make.py` put into small.pth: see there.
#[test]
fn a_file_of_pytorch_is_read_whatever_its_form_types_and_strides() {
    for form in ["small.pth", "legacy.pth"] {
        check_small(&read_all(&fixture(form)).unwrap());
    }
}

fn check_small(tensors: &BTreeMap<String, Tensor>) {
    let flat =
        |name: &str| tensors[name].to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let counting = |count: u8| (0..count).map(f32::from).collect::<Vec<_>>();
    assert_eq!(tensors.keys().collect::<Vec<_>>(), ["count", "half", "last", "plain", "tail", "turned"]);
    assert_eq!((flat("plain"), tensors["plain"].dims()), (counting(6), &[2, 3][..]));
    assert_eq!((flat("turned"), tensors["turned"].dims()), (vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0], &[3, 2][..]));
    assert_eq!((flat("last"), tensors["last"].dims()), (counting(24), &[1, 2, 3, 4][..]));
    assert_eq!(flat("tail"), [4.0, 5.0]);
    assert_eq!((flat("half"), tensors["half"].dtype()), (vec![0.5], DType::F16));
    assert_eq!(tensors["count"].to_scalar::<i64>().unwrap(), 11);
}

#[test]
fn a_wrapped_file_of_pytorch_is_unwrapped() {
    let tensors = read_all(&fixture("wrapped.pth")).unwrap();
    assert_eq!(tensors["module.fc.bias"].to_vec1::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn a_file_of_pytorch_cut_short_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    let whole = fs::read(fixture("small.pth")).unwrap();
    let network = network(2, 1);
    for length in (0..whole.len()).step_by(31) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(load_pretrained(&network, &path).unwrap_err().to_string().contains("x.pth"));
    }
}

#[test]
fn a_legacy_file_of_pytorch_cut_short_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    let whole = fs::read(fixture("legacy.pth")).unwrap();
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(read_all(&path).unwrap_err().to_string().contains("x.pth"), "{length}");
    }
}

#[test]
fn numbers_with_their_highest_byte_first_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    let mut whole = fs::read(fixture("legacy.pth")).unwrap();
    let key = whole.windows(13).position(|bytes| bytes == b"little_endian").unwrap();
    let value = (key..whole.len()).find(|at| whole[*at] == 0x88).unwrap();
    whole[value] = 0x89;
    fs::write(&path, whole).unwrap();
    assert!(read_all(&path).unwrap_err().to_string().contains("highest byte first"));
}

#[test]
fn forms_that_are_not_read_are_told_by_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    fs::write(&path, tar).unwrap();
    assert!(read_all(&path).unwrap_err().to_string().contains("tar archive"));
    let onnx = folder.path().join("x.onnx");
    let about = onnx::About { producer: "test", version: "1", image_size: 64, notes: &BTreeMap::new() };
    onnx::save(&onnx, &network(2, 1).state().unwrap(), &about).unwrap();
    assert!(read_all(&onnx).unwrap_err().to_string().contains("ONNX model"));
}

#[test]
fn a_header_of_any_length_is_told_from_other_forms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    for length in 0..300 {
        save(&path, &few(), &HashMap::from([("note".to_owned(), "x".repeat(length))])).unwrap();
        assert_eq!(WeightFile::open(&path).unwrap().format, Format::Safetensors, "{length}");
    }
}

#[test]
fn a_network_saved_for_pytorch_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    let (source, target) = (network(2, 1), network(2, 2));
    save_pth(&path, &source.state().unwrap()).unwrap();
    assert_eq!(load_pretrained(&target, &path).unwrap(), Head::Loaded);
    assert!(source.state().unwrap().keys().all(|name| same(&source, &target, name)));
}

#[test]
fn a_file_is_described_with_its_classes_and_whether_it_fits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    save_pth(&path, &network(1000, 1).state().unwrap()).unwrap();
    let found = describe(&path, 2).unwrap();
    assert_eq!((found.format, found.tensors.len(), found.parameters), (Format::Pth, 122, 11_689_512));
    assert_eq!((found.classes, found.fit), (Some(1000), Ok(Head::Kept { classes_in_file: 1000 })));
    let found = describe(&fixture("legacy.pth"), 2).unwrap();
    assert_eq!((found.format, found.classes), (Format::LegacyPth, None));
    assert!(found.fit.unwrap_err().contains("conv1.weight"));
}

#[test]
fn a_file_of_something_else_is_named() {
    let error = load_pretrained(&network(2, 1), &fixture("make.py")).unwrap_err().to_string();
    assert!(error.contains("make.py") && error.contains("no safetensors file"), "{error}");
    let error = load_pretrained(&network(2, 1), &fixture("nowhere.pth")).unwrap_err().to_string();
    assert!(error.contains("nowhere.pth") && error.contains("check the path"), "{error}");
    let error = load_pretrained(&network(2, 1), &fixture("small.pth")).unwrap_err().to_string();
    assert!(
        error.contains("small.pth") && error.contains("conv1.weight") && error.contains("[64, 3, 7, 7]"),
        "{error}"
    );
}

/// Loads `change`d tensors of a network with so many classes into another of two; gives it and the result.
fn loaded(classes: usize, change: impl Fn(&mut BTreeMap<String, Tensor>)) -> (Network, Network, Result<Head>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let (source, target) = (network(classes, 1), network(2, 2));
    let mut state = source.state().unwrap();
    change(&mut state);
    save(&path, &state, &HashMap::new()).unwrap();
    let head = load_pretrained(&target, &path);
    (source, target, head)
}

fn same(a: &Network, b: &Network, name: &str) -> bool {
    values(&a.state().unwrap()[name]).unwrap() == values(&b.state().unwrap()[name]).unwrap()
}

#[test]
fn a_checkpoint_of_as_many_classes_is_loaded_with_its_head() {
    let (source, target, head) = loaded(2, |_| ());
    assert_eq!(head.unwrap(), Head::Loaded);
    assert!(source.state().unwrap().keys().all(|name| same(&source, &target, name)));
}

#[test]
fn a_head_of_a_thousand_classes_is_left_out_and_the_rest_loaded() {
    let (source, target, head) = loaded(1000, |_| ());
    assert_eq!(head.unwrap(), Head::Kept { classes_in_file: 1000 });
    assert!(same(&source, &target, "layer4.1.conv2.weight"));
    assert!(same(&network(2, 2), &target, HEAD) && same(&network(2, 2), &target, "fc.bias"));
}

#[test]
fn names_with_module_before_them_and_without_counts_are_accepted() {
    let (source, target, head) = loaded(2, |state| {
        let old = std::mem::take(state).into_iter().filter(|(name, _)| !name.ends_with("tracked"));
        state.extend(old.map(|(name, tensor)| (format!("module.{name}"), tensor)));
    });
    assert_eq!(head.unwrap(), Head::Loaded);
    assert!(same(&source, &target, "conv1.weight") && same(&source, &target, HEAD));
}

#[test]
fn weights_of_another_network_are_refused_with_file_tensor_and_shapes() {
    let narrow = Tensor::zeros((64, 3, 3, 3), DType::F32, &Device::Cpu).unwrap();
    let refused = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
        let (_, target, head) = loaded(1000, change);
        assert!(same(&network(2, 2), &target, "conv1.weight"), "nothing changed");
        head.unwrap_err().to_string()
    };
    let shape = refused(&|state| _ = state.insert("conv1.weight".to_owned(), narrow.clone()));
    let parts = ["x.safetensors", "conv1.weight", "[64, 3, 3, 3]", "[64, 3, 7, 7]"];
    assert!(parts.iter().all(|part| shape.contains(part)), "{shape}");
    let missing = refused(&|state| _ = state.remove("layer2.0.downsample.0.weight"));
    assert!(missing.contains("layer2.0.downsample.0.weight") && missing.contains("missing"), "{missing}");
    let deeper = refused(&|state| _ = state.insert("layer1.2.conv1.weight".to_owned(), narrow.clone()));
    assert!(deeper.contains("layer1.2.conv1.weight") && deeper.contains("ResNet-34"), "{deeper}");
    let other = refused(&|state| _ = state.insert("layer1.0.gate".to_owned(), narrow.clone()));
    assert!(other.contains("layer1.0.gate"), "{other}");
    let headless = refused(&|state| _ = state.remove(HEAD));
    assert!(headless.contains(HEAD) && headless.contains("no last layer"), "{headless}");
    let counted = Tensor::zeros(64, DType::I64, &Device::Cpu).unwrap();
    let kind = refused(&|state| _ = state.insert("bn1.bias".to_owned(), counted.clone()));
    assert!(kind.contains("bn1.bias") && kind.contains("i64"), "{kind}");
}
