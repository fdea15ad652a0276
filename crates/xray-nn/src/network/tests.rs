//! The network's promises: seeds, errors, learning, and that a resumed run is the same run.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]

use std::collections::{BTreeMap, HashMap};

use candle_core::{D, Device, Tensor};
use candle_nn::loss::cross_entropy;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::Adam;

pub(crate) fn network(seed: u64) -> Network {
    Network::new(2, &mut ChaCha8Rng::seed_from_u64(seed), &Engine::best()).unwrap()
}

/// Noise, brighter where the label is 1.
pub(crate) fn batch(count: usize, seed: u64) -> (Tensor, Tensor) {
    batch_of(count, 32, seed)
}

fn batch_of(count: usize, side: usize, seed: u64) -> (Tensor, Tensor) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<u32> = (0..count).map(|index| (index % 2) as u32).collect();
    let noise = |_| (rng.next_u32() as f32 / u32::MAX as f32) - 0.5;
    let images = Tensor::from_vec(
        (0..count * 3 * side * side).map(noise).collect::<Vec<f32>>(),
        (count, 3, side, side),
        &Device::Cpu,
    );
    let labels = Tensor::new(labels, &Device::Cpu).unwrap();
    let light = labels.to_dtype(DType::F32).unwrap().reshape((count, 1, 1, 1)).unwrap();
    (images.unwrap().broadcast_add(&(light * 0.2).unwrap()).unwrap(), labels)
}

pub(crate) fn step(network: &Network, adam: &mut Adam, (images, labels): &(Tensor, Tensor)) -> f32 {
    let loss = cross_entropy(&network.forward(images).unwrap(), labels).unwrap();
    adam.step(&network.backward(&loss).unwrap()).unwrap();
    loss.to_scalar().unwrap()
}

pub(crate) fn assert_same_bits(a: &BTreeMap<String, Tensor>, b: &BTreeMap<String, Tensor>) {
    assert!(a.keys().eq(b.keys()));
    let bits = |tensor: &Tensor| -> Vec<u64> {
        let values = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        values.into_iter().map(f64::to_bits).collect()
    };
    for (name, tensor) in a {
        assert!(bits(tensor) == bits(&b[name]), "{name} differs");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    assert_same_bits(&network(1).state().unwrap(), &network(1).state().unwrap());
    let [one, two] = [1, 2].map(|seed| network(seed).state().unwrap()["conv1.weight"].clone());
    assert!(one.sub(&two).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() > 0.0);
}

#[test]
fn parameters_come_without_statistics() {
    let network = network(1);
    let views = network.parameters().iter().flat_map(|parameter| &parameter.views);
    let names: Vec<&str> = views.map(|view| view.name.as_str()).collect();
    assert_eq!(names.len(), 62);
    assert!(!names.iter().any(|name| name.contains("running") || name.contains("tracked")));
}

#[test]
fn features_shrink_by_32_and_odd_sides_round_up() {
    let network = network(1);
    let images = Tensor::zeros((1, 3, 64, 65), DType::F32, &Device::Cpu).unwrap();
    let features = network.inference().unwrap().features(&images).unwrap();
    assert_eq!(features.dims(), [1, arch::FEATURES, 2, 3]);
    assert_eq!(network.head(&features).unwrap().dims(), [1, 2]);
}

#[test]
fn evaluation_changes_nothing_and_training_moves_the_statistics() {
    let network = network(1);
    let (images, _) = batch(2, 1);
    let before = network.state().unwrap();
    network.inference().unwrap().forward(&images).unwrap();
    assert_same_bits(&before, &network.state().unwrap());
    network.forward(&images).unwrap();
    let after = network.state().unwrap();
    assert_eq!(after["layer4.1.bn2.num_batches_tracked"].to_scalar::<i64>().unwrap(), 1);
    let mean = |state: &BTreeMap<String, Tensor>| state["bn1.running_mean"].to_vec1::<f32>().unwrap();
    assert_eq!(mean(&before), [0.0; 64], "a state is a copy");
    assert_ne!(mean(&after), mean(&before));
}

#[test]
fn one_small_image_cannot_train_but_can_be_evaluated() {
    let network = network(1);
    let (images, _) = batch(1, 1);
    let before = network.state().unwrap();
    let error = network.forward(&images).unwrap_err();
    assert!(error.to_string().contains("1 image of 32x32 pixels"), "{error}");
    assert_same_bits(&before, &network.state().unwrap());
    assert!(network.inference().unwrap().forward(&images).is_ok());
    let larger = Tensor::ones((1, 3, 33, 32), DType::F32, &Device::Cpu).unwrap();
    assert!(network.forward(&larger).is_ok());
}

#[test]
fn images_of_another_shape_or_type_are_named() {
    let network = network(1).inference().unwrap();
    let grey = Tensor::zeros((1, 1, 32, 32), DType::F32, &Device::Cpu).unwrap();
    assert!(network.forward(&grey).unwrap_err().to_string().contains("[1, 1, 32, 32]"));
    let none = Tensor::zeros((0, 3, 32, 32), DType::F32, &Device::Cpu).unwrap();
    assert!(network.forward(&none).unwrap_err().to_string().contains("[0, 3, 32, 32]"));
    let bytes = Tensor::zeros((1, 3, 32, 32), DType::U8, &Device::Cpu).unwrap();
    assert!(network.forward(&bytes).unwrap_err().to_string().contains("u8"));
}

#[test]
fn a_state_that_does_not_fit_is_refused_with_the_tensor_and_changes_nothing() {
    let network = network(1);
    let own = network.state().unwrap();
    let other = self::network(2).state().unwrap();
    let refused = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
        let mut state = other.clone();
        change(&mut state);
        network.load_state(&state).unwrap_err().to_string()
    };
    let zeros = |dtype| Tensor::zeros((2, 3), dtype, &Device::Cpu).unwrap();
    let shape = refused(&|state| _ = state.insert("fc.weight".to_owned(), zeros(DType::F32)));
    assert!(["fc.weight", "[2, 3]", "[2, 512]"].iter().all(|part| shape.contains(part)), "{shape}");
    let missing = refused(&|state| _ = state.remove("layer1.0.conv1.weight"));
    assert!(missing.contains("layer1.0.conv1.weight") && missing.contains("[64, 64, 3, 3]"), "{missing}");
    let unknown = refused(&|state| _ = state.insert("layer1.2.conv1.weight".to_owned(), zeros(DType::F32)));
    assert!(unknown.contains("layer1.2.conv1.weight"), "{unknown}");
    let doubles = Tensor::zeros(2, DType::F64, &Device::Cpu).unwrap();
    let kind = refused(&|state| _ = state.insert("fc.bias".to_owned(), doubles.clone()));
    assert!(["fc.bias", "f64", "f32"].iter().all(|part| kind.contains(part)), "{kind}");
    assert_same_bits(&own, &network.state().unwrap());
}

#[test]
fn a_small_set_is_learnt_by_heart() {
    let network = network(3);
    let mut adam = Adam::new(network.parameters(), 1e-3);
    let set = batch(4, 4);
    let losses: Vec<f32> = (0..8).map(|_| step(&network, &mut adam, &set)).collect();
    assert!(losses[7] < 0.05, "{losses:?}");
    let answers = network.forward(&set.0).unwrap().argmax(D::Minus1).unwrap();
    assert_eq!(answers.to_vec1::<u32>().unwrap(), set.1.to_vec1::<u32>().unwrap());
}

#[test]
fn an_interrupted_run_ends_with_the_bits_of_one_that_was_not() {
    let train = |network: &Network, adam: &mut Adam, seeds: std::ops::Range<u64>| {
        for seed in seeds {
            step(network, adam, &batch(2, seed));
        }
    };
    let whole = network(5);
    let mut adam = Adam::new(whole.parameters(), 1e-3);
    train(&whole, &mut adam, 0..4);

    let first = network(5);
    let mut adam_of_first = Adam::new(first.parameters(), 1e-3);
    train(&first, &mut adam_of_first, 0..2);
    let folder = tempfile::tempdir().unwrap();
    let (weights, moments) = (folder.path().join("weights.safetensors"), folder.path().join("adam.safetensors"));
    crate::weights::save(&weights, &first.state().unwrap(), &HashMap::new()).unwrap();
    crate::weights::save(&moments, &adam_of_first.state().unwrap(), &HashMap::new()).unwrap();

    let second = network(6);
    let mut adam_of_second = Adam::new(second.parameters(), 1e-3);
    second.load_state(&crate::weights::load(&weights).unwrap().0).unwrap();
    adam_of_second.load_state(&crate::weights::load(&moments).unwrap().0).unwrap();
    train(&second, &mut adam_of_second, 2..4);
    assert_same_bits(&whole.state().unwrap(), &second.state().unwrap());
    assert_same_bits(&adam.state().unwrap(), &adam_of_second.state().unwrap());
}

#[test]
fn a_second_forward_pass_takes_the_first_ones_memory_and_says_so() {
    let network = network(1);
    let (images, labels) = batch(2, 1);
    let first = cross_entropy(&network.forward(&images).unwrap(), &labels).unwrap();
    let second = cross_entropy(&network.forward(&images).unwrap(), &labels).unwrap();
    let error = network.backward(&first).unwrap_err().to_string();
    assert!(error.contains("run it again"), "{error}");
    assert!(network.backward(&second).is_ok());
    assert!(network.backward(&second).is_err(), "it is used up");
}

/// Loss, gradients and state after one pass on `images`.
pub(crate) fn pass(network: &Network, (images, labels): &(Tensor, Tensor)) -> (f32, BTreeMap<String, Tensor>) {
    let loss = cross_entropy(&network.forward(images).unwrap(), labels).unwrap();
    let gradients = network.backward(&loss).unwrap().tensors(network.parameters()).unwrap();
    (loss.to_scalar().unwrap(), gradients)
}

#[test]
fn the_bits_are_the_same_on_any_number_of_threads() {
    for isa in Isa::available() {
        let engine = Engine::Fast(isa);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let network = Network::new(2, &mut ChaCha8Rng::seed_from_u64(1), &engine).unwrap();
                let gradients = pass(&network, &batch_of(5, 96, 1)).1;
                let answers = network.inference().unwrap().forward(&batch(3, 1).0).unwrap();
                (gradients, BTreeMap::from([("answers".to_owned(), answers)]))
            })
        };
        let one = on(1);
        for threads in [2, 3, 7] {
            let many = on(threads);
            assert_same_bits(&one.0, &many.0);
            assert_same_bits(&one.1, &many.1);
        }
    }
}

#[test]
fn the_fast_engine_agrees_with_the_plain_one_on_every_instruction_set() {
    agree(&batch(6, 2));
}

#[test]
fn the_engines_agree_where_a_weights_gradient_goes_on_over_several_groups() {
    // At this size layers 1 and 2 have more tiles and pixels than a group takes.
    agree(&batch_of(8, 160, 2));
}

fn agree(set: &(Tensor, Tensor)) {
    let norm = |tensor: &Tensor| -> f64 {
        let values = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        values.into_iter().map(|value| value * value).sum::<f64>().sqrt()
    };
    let of = |engine: Engine| Network::new(2, &mut ChaCha8Rng::seed_from_u64(3), &engine).unwrap();
    let plain = of(Engine::Plain(Device::Cpu));
    let (expected_loss, expected) = pass(&plain, set);
    let expected_answers = plain.inference().unwrap().forward(&set.0).unwrap();
    for isa in Isa::available() {
        let fast = of(Engine::Fast(isa));
        let (loss, gradients) = pass(&fast, set);
        assert!((loss - expected_loss).abs() < 1e-4 * expected_loss, "{isa:?}: {loss} instead of {expected_loss}");
        for (name, expected) in &expected {
            let difference = norm(&(&gradients[name] - expected).unwrap()) / norm(expected);
            // A rectifier whose input is zero but for rounding may open or not, which moves all gradients below it.
            assert!(difference < 3e-2, "{isa:?}: {name} differs by {difference}");
        }
        for (name, expected) in plain.state().unwrap().iter().filter(|(name, _)| name.contains("running")) {
            let difference = norm(&(&fast.state().unwrap()[name] - expected).unwrap()) / norm(expected);
            assert!(difference < 1e-4, "{isa:?}: {name} differs by {difference}");
        }
        let answers = fast.inference().unwrap().forward(&set.0).unwrap();
        let difference = norm(&(answers - &expected_answers).unwrap()) / norm(&expected_answers);
        assert!(difference < 1e-3, "{isa:?}: answers differ by {difference}");
    }
}

#[test]
fn the_plain_engine_too_says_when_its_pass_is_used_up() {
    let network = Network::new(2, &mut ChaCha8Rng::seed_from_u64(1), &Engine::Plain(Device::Cpu)).unwrap();
    let (images, labels) = batch(2, 1);
    let loss = cross_entropy(&network.forward(&images).unwrap(), &labels).unwrap();
    assert!(network.backward(&loss).is_ok());
    assert!(network.backward(&loss).unwrap_err().to_string().contains("run it again"));
}

#[test]
fn images_that_carry_a_graph_are_constants_to_the_fast_engine() {
    let network = network(1);
    let (images, labels) = batch(2, 1);
    let images = Var::from_tensor(&images).unwrap();
    let scaled = (images.as_tensor() * 1.0).unwrap();
    let loss = cross_entropy(&network.forward(&scaled).unwrap(), &labels).unwrap();
    assert!(network.backward(&loss).is_ok());
}

#[test]
fn a_loss_without_the_trunk_gets_no_gradient_of_another_one() {
    let network = network(1);
    let (images, labels) = batch(2, 1);
    let loss = cross_entropy(&network.forward(&images).unwrap(), &labels).unwrap();
    loss.backward().unwrap();
    let features = Tensor::ones((2, arch::FEATURES, 1, 1), DType::F32, &Device::Cpu).unwrap();
    let other = cross_entropy(&network.head(&features).unwrap(), &labels).unwrap();
    assert!(matches!(network.backward(&other), Err(Error::NoGradient { .. })));
}

#[test]
fn many_may_ask_at_once_inside_a_pool_and_outside() {
    use rayon::prelude::*;
    let inference = network(1).inference().unwrap();
    let (images, _) = batch(1, 1);
    let bits = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let alone = bits(inference.forward(&images).unwrap());
    let all: Vec<Vec<f32>> = (0..16).into_par_iter().map(|_| bits(inference.forward(&images).unwrap())).collect();
    assert!(all.iter().all(|answer| *answer == alone));
}

#[test]
fn a_second_pass_of_a_network_in_training_is_refused_and_never_waited_for() {
    use rayon::prelude::*;
    let network = network(1);
    let (images, _) = batch(2, 1);
    let alone = network.forward(&images).unwrap().to_vec2::<f32>().unwrap();
    let all: Vec<_> = (0..16).into_par_iter().map(|_| network.forward(&images)).collect();
    for answer in &all {
        match answer {
            Ok(logits) => assert_eq!(logits.to_vec2::<f32>().unwrap(), alone),
            Err(error) => assert!(error.to_string().contains("another pass of this network is under way"), "{error}"),
        }
    }
    assert!(all.iter().any(Result::is_ok));
}

#[test]
fn a_state_of_variables_is_copied() {
    let [one, other] = [network(1), network(2)];
    let mut state = other.state().unwrap();
    for parameter in &one.parameters()[1..] {
        state.insert(parameter.views[0].name.clone(), parameter.variable.as_tensor().clone());
    }
    let copied = Network::from_state(&state, &other.engine).unwrap();
    let before = copied.state().unwrap()[HEAD_BIAS].to_vec1::<f32>().unwrap();
    one.parameters()[2].variable.set(&Tensor::new(&[7.0_f32, 8.0], &Device::Cpu).unwrap()).unwrap();
    assert_eq!(copied.state().unwrap()[HEAD_BIAS].to_vec1::<f32>().unwrap(), before);
}
