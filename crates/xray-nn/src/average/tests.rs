//! The average against its formula in f64, and its state.
#![allow(clippy::cast_precision_loss)]

use super::*;
use crate::network::tests::{assert_same_bits, batch, network, step};
use crate::{Adam, Engine, Inference};

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The network after each of some steps.
fn steps(network: &Network, count: u64) -> Vec<BTreeMap<String, Tensor>> {
    let mut adam = Adam::new(network.parameters(), 1e-3);
    let after = |seed| {
        step(network, &mut adam, &batch(2, seed));
        network.state().unwrap()
    };
    (0..count).map(after).collect()
}

#[test]
fn the_average_of_a_constant_network_is_that_network() {
    let network = network(1);
    let mut average = Average::new(&network).unwrap();
    for decay in [0.0, 0.3, 0.999, 1.0] {
        average.follow(&network, decay).unwrap();
    }
    assert_same_bits(&average.state().unwrap(), &network.state().unwrap());
    assert_eq!(average.updates(), 4);
}

#[test]
fn it_follows_its_formula_with_the_warm_up() {
    const DECAY: f64 = 0.15;
    let network = network(1);
    let mut average = Average::new(&network).unwrap();
    let mut expected: BTreeMap<String, Vec<f64>> =
        network.state().unwrap().iter().map(|(name, tensor)| (name.clone(), flat(tensor))).collect();
    let mut adam = Adam::new(network.parameters(), 1e-3);
    // (1 + t) / (10 + t) is 0.1, 0.18, 0.25: the last two are above the decay.
    for t in 0..3 {
        step(&network, &mut adam, &batch(2, t));
        average.follow(&network, DECAY).unwrap();
        let decay = DECAY.min((1.0 + t as f64) / (10.0 + t as f64));
        for (name, tensor) in &network.state().unwrap() {
            let values = expected.get_mut(name).unwrap();
            for (mean, value) in values.iter_mut().zip(flat(tensor)) {
                *mean = if name.ends_with("tracked") { value } else { decay * *mean + (1.0 - decay) * value };
            }
        }
    }
    for (name, tensor) in &average.state().unwrap() {
        for (found, expected) in flat(tensor).into_iter().zip(&expected[name]) {
            let near = (found - expected).abs() <= 3e-6 * (1.0 + expected.abs());
            assert!(near, "{name}: {found} instead of {expected}");
        }
    }
    assert_eq!(average.state().unwrap()["bn1.num_batches_tracked"].to_scalar::<i64>().unwrap(), 3);
}

#[test]
fn an_average_without_decay_is_the_network_after_its_last_step_but_for_rounding() {
    let network = network(2);
    let mut average = Average::new(&network).unwrap();
    let last = steps(&network, 2).pop().unwrap();
    average.follow(&network, 0.0).unwrap();
    for (name, tensor) in &average.state().unwrap() {
        for (found, expected) in flat(tensor).into_iter().zip(flat(&last[name])) {
            assert!((found - expected).abs() <= 1e-6 * (1.0 + expected.abs()), "{name}: {found}, not {expected}");
        }
    }
}

#[test]
fn an_average_that_was_kept_goes_on_with_the_same_bits() {
    let network = network(3);
    let mut whole = Average::new(&network).unwrap();
    steps(&network, 1);
    whole.follow(&network, 0.9).unwrap();
    let (state, updates) = (whole.state().unwrap(), whole.updates());
    steps(&network, 1);
    whole.follow(&network, 0.9).unwrap();
    let mut resumed = Average::new(&network).unwrap();
    resumed.load_state(&state, updates).unwrap();
    assert_same_bits(&resumed.state().unwrap(), &state);
    resumed.follow(&network, 0.9).unwrap();
    assert_same_bits(&resumed.state().unwrap(), &whole.state().unwrap());
    assert_eq!(resumed.updates(), 2);
}

#[test]
fn a_state_of_an_average_is_that_of_a_network_which_answers() {
    let network = network(4);
    let mut average = Average::new(&network).unwrap();
    steps(&network, 2);
    average.follow(&network, 0.5).unwrap();
    let state = average.state().unwrap();
    let restored = Network::from_state(&state, &Engine::best()).unwrap();
    assert_same_bits(&restored.state().unwrap(), &state);
    let (images, _) = batch(2, 9);
    let own = Inference::new(&state, &Engine::best()).unwrap().forward(&images).unwrap();
    let other = restored.inference().unwrap().forward(&images).unwrap();
    assert_eq!(flat(&own), flat(&other));
}

#[test]
fn the_plain_engine_has_an_average_too() {
    let plain = Network::from_state(&network(5).state().unwrap(), &Engine::Plain(Device::Cpu)).unwrap();
    let mut average = Average::new(&network(5)).unwrap();
    average.follow(&plain, 0.9).unwrap();
    assert_same_bits(&average.state().unwrap(), &plain.state().unwrap());
}

#[test]
fn what_does_not_fit_an_average_is_refused_and_changes_nothing() {
    let network = network(1);
    let mut average = Average::new(&network).unwrap();
    for decay in [-0.1, 1.1, f64::NAN] {
        assert!(average.follow(&network, decay).unwrap_err().to_string().contains("not 0 to 1"));
    }
    let state = average.state().unwrap();
    let mut other = state.clone();
    other.insert("fc.bias".to_owned(), Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap());
    assert!(average.load_state(&other, 0).unwrap_err().to_string().contains("fc.bias"));
    other.insert("fc.weight".to_owned(), Tensor::zeros((3, arch::FEATURES), DType::F32, &Device::Cpu).unwrap());
    let three = Network::from_state(&other, &Engine::best()).unwrap();
    assert!(average.follow(&three, 0.9).unwrap_err().to_string().contains("other classes"));
    other.remove("bn1.weight");
    assert!(average.load_state(&other, 0).unwrap_err().to_string().contains("bn1.weight"));
    assert!(average.load_state(&state, -1).unwrap_err().to_string().contains("-1 updates"));
    assert_same_bits(&average.state().unwrap(), &state);
    assert_eq!(average.updates(), 0);
}
