//! What is frozen keeps every bit, and the rest learns as if it stood on constants.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::loss::cross_entropy;

use super::super::tests::{assert_same_bits, batch, network, pass, step};
use super::super::{Engine, Network};
use crate::{Adam, Inference, Isa, arch};

type State = BTreeMap<String, Tensor>;

/// candle's operations, and our kernels on every instruction set that is here.
fn engines() -> Vec<Engine> {
    let fast = Isa::available().into_iter().map(Engine::Fast);
    [Engine::Plain(Device::Cpu)].into_iter().chain(fast).collect()
}

/// After two steps, so that the running statistics are not those of a start.
fn trained(engine: &Engine) -> Network {
    let network = Network::from_state(&network(1).state().unwrap(), engine).unwrap();
    let mut adam = Adam::new(network.parameters(), 1e-3);
    for seed in 0..2 {
        step(&network, &mut adam, &batch(4, seed));
    }
    network
}

/// The names of the first parts' tensors.
fn names_of(parts: usize) -> Vec<String> {
    let units = arch::units().into_iter().take(arch::units_of(parts));
    units.flat_map(|unit| unit.tensors()).map(|spec| spec.name).collect()
}

/// The tensors of that state that are among `names`, and the others.
fn split(state: State, names: &[String]) -> (State, State) {
    state.into_iter().partition(|(name, _)| names.contains(name))
}

fn length(tensor: &Tensor) -> f64 {
    let values = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    values.into_iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[test]
fn a_frozen_part_keeps_every_bit_over_steps_with_decay_and_the_others_move() {
    for engine in engines() {
        for parts in [1, 3, arch::PARTS] {
            let mut network = trained(&engine);
            network.freeze(parts).unwrap();
            assert_eq!(network.frozen(), parts);
            let (before, others_before) = split(network.state().unwrap(), &names_of(parts));
            let mut adam = Adam::new(network.parameters(), 1e-3).with_weight_decay(0.1);
            for seed in 2..4 {
                step(&network, &mut adam, &batch(4, seed));
            }
            let (after, others) = split(network.state().unwrap(), &names_of(parts));
            assert_eq!(before.len(), 6 * arch::units_of(parts));
            assert_same_bits(&before, &after);
            for (name, tensor) in others.iter().filter(|(_, tensor)| tensor.dtype() == DType::F32) {
                let moved = length(&(tensor - &others_before[name]).unwrap());
                assert!(moved > 0.0, "{engine:?}, {parts} parts: {name} stands still");
            }
        }
    }
}

#[test]
fn a_frozen_part_has_gradients_of_exactly_zero() {
    for engine in engines() {
        let mut network = trained(&engine);
        network.freeze(2).unwrap();
        let (frozen, others) = split(pass(&network, &batch(4, 7)).1, &names_of(2));
        assert_eq!((frozen.len(), others.len()), (15, 47));
        assert!(frozen.values().all(|gradient| length(gradient) == 0.0), "{engine:?}");
        assert!(others.values().all(|gradient| length(gradient) > 0.0), "{engine:?}");
    }
}

#[test]
fn the_fast_engine_agrees_with_the_plain_one_above_a_frozen_part() {
    let state = trained(&Engine::Plain(Device::Cpu)).state().unwrap();
    for parts in 1..=arch::PARTS {
        let of = |engine: &Engine| {
            let mut network = Network::from_state(&state, engine).unwrap();
            network.freeze(parts).unwrap();
            pass(&network, &batch(6, 8))
        };
        let (expected_loss, expected) = of(&Engine::Plain(Device::Cpu));
        for isa in Isa::available() {
            let (loss, gradients) = of(&Engine::Fast(isa));
            assert!((loss - expected_loss).abs() < 1e-4 * expected_loss, "{isa:?}: {loss}, not {expected_loss}");
            for (name, expected) in expected.iter().filter(|(name, _)| !names_of(parts).contains(name)) {
                let difference = length(&(&gradients[name] - expected).unwrap()) / length(expected);
                // A rectifier whose input is zero but for rounding may open or not.
                assert!(difference < 5e-2, "{isa:?}, {parts} parts: {name} differs by {difference}");
            }
        }
    }
}

#[test]
fn a_frozen_trunk_is_the_function_that_it_is_in_evaluation() {
    for engine in engines() {
        let mut network = trained(&engine);
        network.freeze(arch::PARTS).unwrap();
        let (images, _) = batch(4, 9);
        let inference = Inference::new(&network.state().unwrap(), &engine).unwrap();
        let (own, expected) = (network.features(&images).unwrap(), inference.features(&images).unwrap());
        let difference = length(&(&own - &expected).unwrap()) / length(&expected);
        assert!(difference < 1e-4, "{engine:?}: {difference}");
    }
}

#[test]
fn what_was_frozen_learns_again_as_if_it_never_was() {
    for engine in engines() {
        let mut network = trained(&engine);
        let state = network.state().unwrap();
        network.freeze(4).unwrap();
        pass(&network, &batch(4, 7));
        network.load_state(&state).unwrap();
        network.freeze(0).unwrap();
        let (loss, gradients) = pass(&network, &batch(4, 7));
        let (expected_loss, expected) = pass(&Network::from_state(&state, &engine).unwrap(), &batch(4, 7));
        assert_eq!(loss.to_bits(), expected_loss.to_bits(), "{engine:?}");
        assert_same_bits(&gradients, &expected);
    }
}

#[test]
fn a_pass_in_flight_is_dropped_when_parts_are_frozen() {
    for engine in engines() {
        let mut network = trained(&engine);
        let (images, labels) = batch(2, 1);
        let loss = cross_entropy(&network.forward(&images).unwrap(), &labels).unwrap();
        network.freeze(1).unwrap();
        let error = network.backward(&loss).unwrap_err().to_string();
        assert!(error.contains("run it again"), "{engine:?}: {error}");
    }
}

#[test]
fn more_parts_than_there_are_cannot_be_frozen() {
    let mut network = network(1);
    let error = network.freeze(arch::PARTS + 1).unwrap_err().to_string();
    assert!(error.contains("6 parts") && error.contains("there are 5"), "{error}");
    assert_eq!(network.frozen(), 0);
}
