//! The network agrees with torchvision's, whose answers `fixtures/make.py` has written down.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use candle_core::{Device, Tensor};
use candle_nn::loss::cross_entropy;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use xray_nn::{Adam, Engine, Gradients, Isa, Network, arch, reference};

static FIXTURE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("fixtures/torchvision.json")).unwrap());

/// `count` numbers in [-1, 1): a hash of the tensor's ordinal and the flat index, as in `make.py`.
fn noise(ordinal: u32, count: usize) -> Vec<f64> {
    let number = |index: usize| {
        let mut h = (index as u32).wrapping_mul(2_654_435_761).wrapping_add(ordinal.wrapping_mul(40503) + 12345);
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
        f64::from(h ^ (h >> 15)) / 2_147_483_648.0 - 1.0
    };
    (0..count).map(number).collect()
}

fn filled(ordinal: u32, shape: &[usize], change: impl Fn(f64) -> f64) -> Tensor {
    let values: Vec<f32> =
        noise(ordinal, shape.iter().product()).into_iter().map(|value| change(value) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn weights(name: &str, shape: &[usize], ordinal: u32) -> Tensor {
    filled(ordinal, shape, |u| match shape {
        [] => unreachable!("counts of batches are not filled"),
        [outputs, _, height, width] => u * (6.0 / (outputs * height * width) as f64).sqrt(),
        _ if name.starts_with("fc.") => u / 512_f64.sqrt(),
        _ if name.ends_with("running_var") => 1.0 + 0.5 * u,
        _ if name.ends_with("weight") => 1.0 + 0.1 * u,
        _ => 0.1 * u,
    })
}

/// candle's operations, and our kernels on every instruction set that is here.
fn engines() -> Vec<Engine> {
    let fast = Isa::available().into_iter().map(Engine::Fast);
    [Engine::Plain(Device::Cpu)].into_iter().chain(fast).collect()
}

fn network(engine: &Engine) -> Network {
    let network = Network::new(2, &mut ChaCha8Rng::seed_from_u64(0), engine).unwrap();
    let mut state = network.state().unwrap();
    for ((name, tensor), ordinal) in state.iter_mut().zip(0..) {
        if !tensor.dims().is_empty() {
            *tensor = weights(name, tensor.dims(), ordinal);
        }
    }
    network.load_state(&state).unwrap();
    network
}

fn images(seed: u32, shape: &[usize]) -> Tensor {
    filled(1000 + seed, shape, |u| 2.0 * u)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect()
}

/// The first values of `found` are within `absolute + relative * |expected|` of `expected`.
fn assert_close(what: &str, found: &[f64], expected: &[f64], (absolute, relative): (f64, f64)) {
    assert!(found.len() >= expected.len(), "{what}: {} values of {}", found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let near = (found - expected).abs() <= absolute + relative * expected.abs();
        assert!(near, "{what}: {found} where torchvision has {expected}");
    }
}

#[test]
fn logits_in_evaluation_agree_and_those_of_the_reference_too() {
    for (engine, case) in engines()
        .iter()
        .flat_map(|engine| FIXTURE["evaluation"].as_array().unwrap().iter().map(move |case| (engine, case)))
    {
        let network = network(engine);
        let shape: Vec<usize> = numbers(&case["shape"]).into_iter().map(|size| size as usize).collect();
        let images = images(case["seed"].as_u64().unwrap() as u32, &shape);
        let expected = numbers(&case["logits"]);
        let own = network.inference().unwrap().forward(&images).unwrap();
        assert_close("network", &flat(&own), &expected, (1e-4, 0.0));
        let other = reference::forward(&network.state().unwrap(), &images).unwrap();
        assert_close("reference", &flat(&other), &expected, (1e-4, 0.0));
    }
}

#[test]
fn three_steps_of_adam_agree_in_losses_gradients_and_running_statistics() {
    for engine in engines() {
        three_steps(&engine);
    }
}

fn three_steps(engine: &Engine) {
    let expected = &FIXTURE["training"];
    let network = network(engine);
    let mut adam = Adam::new(network.parameters(), 1e-4);
    let images = images(7, &[4, 3, 64, 64]);
    let labels = Tensor::new(&[0_u32, 1, 1, 0], &Device::Cpu).unwrap();
    let mut losses = Vec::new();
    // A rectifier whose input is zero but for rounding may open or not, which moves all gradients below it.
    let relative = if matches!(engine, Engine::Plain(_)) { 1e-3 } else { 2e-2 };
    for step in 0..3 {
        let loss = cross_entropy(&network.forward(&images).unwrap(), &labels).unwrap();
        let gradients = network.backward(&loss).unwrap();
        if step == 0 {
            assert_gradients(&network, &gradients, (expected, relative));
        }
        adam.step(&gradients).unwrap();
        losses.push(f64::from(loss.to_scalar::<f32>().unwrap()));
    }
    assert_close("losses", &losses, &numbers(&expected["losses"]), (0.0, relative));
    let state = network.state().unwrap();
    assert_running_statistics(&state, (expected, relative));
    let after = network.inference().unwrap().forward(&images).unwrap();
    assert_close("logits after the steps", &flat(&after), &numbers(&expected["logits"]), (relative, relative));
}

fn assert_gradients(network: &Network, gradients: &Gradients, (expected, relative): (&Value, f64)) {
    let norms = expected["gradient_norms"].as_object().unwrap();
    let gradients = gradients.tensors(network.parameters()).unwrap();
    assert_eq!(norms.len(), gradients.len());
    for (name, gradient) in &gradients {
        let gradient = flat(gradient);
        let norm = gradient.iter().map(|value| value * value).sum::<f64>().sqrt();
        assert_close(name, &[norm], &[norms[name].as_f64().unwrap()], (0.0, relative));
        if let Some(entries) = expected["gradients"].get(name) {
            assert_close(
                name,
                &gradient,
                &numbers(entries),
                (5.0 * relative * norm / (gradient.len() as f64).sqrt(), relative),
            );
        }
    }
}

fn assert_running_statistics(state: &BTreeMap<String, Tensor>, (expected, relative): (&Value, f64)) {
    let running = expected["running"].as_object().unwrap();
    assert_eq!(running.len(), 40);
    for (name, values) in running {
        assert_close(name, &flat(&state[name]), &numbers(values), (relative / 10.0, relative));
    }
    assert_eq!(state["bn1.num_batches_tracked"].to_scalar::<i64>().unwrap(), expected["tracked"].as_i64().unwrap());
}

#[test]
fn every_tensor_of_torchvision_has_its_name_and_place() {
    let names: Vec<String> = arch::tensors(2).into_iter().map(|spec| spec.name).collect();
    assert_eq!(
        names[..6],
        ["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked"]
    );
    for name in FIXTURE["training"]["gradient_norms"].as_object().unwrap().keys() {
        assert!(names.contains(name), "{name}");
    }
}
