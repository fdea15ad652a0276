//! Files of tensors: there and back, damaged ones, and PyTorch's.

use std::path::PathBuf;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

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
    fn changed_bytes_never_panic(pytorch: bool, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut bytes = if pytorch {
            fs::read(fixture("small.pth")).unwrap()
        } else {
            save(&path, &few(), &notes()).unwrap();
            fs::read(&path).unwrap()
        };
        for (place, value) in changes {
            *place.get_mut(&mut bytes) = value;
        }
        fs::write(&path, bytes).unwrap();
        let read = if pytorch { pth::read(&path) } else { load(&path).map(|(tensors, _)| tensors) };
        if let Err(error) = read {
            prop_assert!(error.to_string().contains(path.to_str().unwrap()), "{}", error);
        }
    }
}

/// What `make.py` put into small.pth: see there.
#[test]
fn a_file_of_pytorch_is_read_whatever_its_types_and_strides() {
    let tensors = pth::read(&fixture("small.pth")).unwrap();
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
    let tensors = pth::read(&fixture("wrapped.pth")).unwrap();
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
fn a_legacy_file_of_pytorch_says_how_to_save_it_again() {
    let error = load_pretrained(&network(2, 1), &fixture("legacy.pth")).unwrap_err().to_string();
    assert!(error.contains("legacy.pth") && error.contains("torch.save(torch.load("), "{error}");
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
    assert!(deeper.contains("layer1.2.conv1.weight"), "{deeper}");
    let headless = refused(&|state| _ = state.remove(HEAD));
    assert!(headless.contains(HEAD), "{headless}");
}
