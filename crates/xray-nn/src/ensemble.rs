//! Several networks' tensors as those of one: `0.conv1.weight`, `1.conv1.weight` and so on.

use std::collections::BTreeMap;

use candle_core::Tensor;

type State = BTreeMap<String, Tensor>;

/// The tensors of an ensemble, which [`Inference`](crate::Inference) takes as it takes a single network's.
#[must_use]
pub fn join(members: &[State]) -> State {
    let named = |(number, member): (usize, &State)| {
        member.iter().map(|(name, tensor)| (format!("{number}.{name}"), tensor.clone())).collect::<Vec<_>>()
    };
    members.iter().enumerate().flat_map(named).collect()
}

/// How many networks the tensors are of.
#[must_use]
pub fn count(state: &State) -> usize {
    split(state).len()
}

/// Each network's tensors. What is no ensemble is one network, sound or not.
#[must_use]
pub fn split(state: &State) -> Vec<State> {
    let Some(tensors) = state.iter().map(numbered).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty()) else {
        return vec![state.clone()];
    };
    let mut members: BTreeMap<usize, State> = BTreeMap::new();
    for (number, name, tensor) in tensors {
        members.entry(number).or_default().insert(name.to_owned(), tensor.clone());
    }
    members.into_values().collect()
}

/// `3.fc.bias` as 3 and `fc.bias`.
fn numbered<'a>((name, tensor): (&'a String, &'a Tensor)) -> Option<(usize, &'a str, &'a Tensor)> {
    let (number, name) = name.split_once('.')?;
    Some((number.parse().ok()?, name, tensor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::tests::network;
    use crate::{Engine, Inference};
    use candle_core::{DType, Device};

    fn bits(tensor: &Tensor) -> Vec<u32> {
        tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn an_ensemble_answers_the_mean_of_its_members_and_each_of_them_alone() {
        let engine = Engine::best();
        let states: Vec<State> = (1..=3).map(|seed| network(seed).state().unwrap()).collect();
        let images = Tensor::randn(0.0_f32, 1.0, (2, 3, 64, 64), &Device::Cpu).unwrap();
        let alone: Vec<Tensor> =
            states.iter().map(|state| Inference::new(state, &engine).unwrap().forward(&images).unwrap()).collect();
        let joined = join(&states);
        assert_eq!((count(&joined), split(&joined).len(), count(&states[0])), (3, 3, 1));
        let ensemble = Inference::new(&joined, &engine).unwrap();
        let features = ensemble.features(&images).unwrap();
        assert_eq!(features.dims()[1], 3 * 512);
        let each = ensemble.each(&features).unwrap();
        assert!(each.iter().zip(&alone).all(|(a, b)| bits(a) == bits(b)));
        let mean = (((&alone[0] + &alone[1]).unwrap() + &alone[2]).unwrap() / 3.0).unwrap();
        let off = (ensemble.head(&features).unwrap() - mean).unwrap().abs().unwrap().max_all().unwrap();
        assert!(off.to_dtype(DType::F32).unwrap().to_scalar::<f32>().unwrap() < 1e-5);
        assert_eq!(ensemble.head_weight().dims(), [2, 3 * 512]);
    }

    #[test]
    fn a_member_that_lacks_a_tensor_is_named() {
        let state = network(1).state().unwrap();
        let mut joined = join(&[state.clone(), state]);
        joined.remove("1.conv1.weight");
        let said = Inference::new(&joined, &Engine::best()).unwrap_err().to_string();
        assert!(said.contains("conv1.weight"), "{said}");
    }
}
