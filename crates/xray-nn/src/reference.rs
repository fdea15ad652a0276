//! A second opinion: the ResNet-18 of `candle_transformers`, which can only infer, over the same tensors.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Module, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::resnet::resnet18;

use crate::arch::{FEATURES, HEAD_WEIGHT};
use crate::{Error, Network, Result};

/// Images (B, 3, S, S) f32 to logits (B, classes), by the network whose [`Network::state`] is given.
///
/// # Errors
/// If a tensor is missing or has another shape.
pub fn forward(state: &BTreeMap<String, Tensor>, images: &Tensor) -> Result<Tensor> {
    let Some(head) = state.get(HEAD_WEIGHT) else {
        let (name, expected) = (HEAD_WEIGHT.to_owned(), vec![0, FEATURES]);
        return Err(Error::MissingTensor { name, expected, of: "a ResNet-18" });
    };
    let tensors: HashMap<String, Tensor> = state.iter().map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
    let builder = VarBuilder::from_tensors(tensors, DType::F32, images.device());
    Ok(resnet18(head.dim(0)?, builder)?.forward(images)?)
}

/// The largest difference between the network's logits for these images and the reference's, relative to logits above
/// 1; NaN if any logit is. About 1e-5 where both are right.
///
/// # Errors
/// If the images do not fit.
pub fn largest_difference(network: &Network, images: &Tensor) -> Result<f32> {
    let own = network.inference()?.forward(images)?;
    let other = forward(&network.state()?, images)?;
    let size = other.abs()?.maximum(1_f64)?;
    let differences = (own - other)?.abs()?.div(&size)?.flatten_all()?.to_vec1::<f32>()?;
    let larger = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
    Ok(differences.into_iter().fold(0.0, larger))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn network() -> Network {
        Network::new(3, &mut ChaCha8Rng::seed_from_u64(1), &crate::Engine::best()).unwrap()
    }

    fn images() -> Tensor {
        let count = 2_u16 * 3 * 64 * 64;
        let values: Vec<f32> = (0..count).map(|index| (f32::from(index) * 0.7).sin()).collect();
        Tensor::from_vec(values, (2, 3, 64, 64), &Device::Cpu).unwrap()
    }

    #[test]
    fn both_networks_give_the_same_logits() {
        let network = network();
        network.forward(&images()).unwrap();
        assert!(largest_difference(&network, &images()).unwrap() < 1e-4);
    }

    #[test]
    fn a_network_of_nan_differs_by_nan() {
        let network = network();
        let mut state = network.state().unwrap();
        state.insert("fc.bias".to_owned(), Tensor::new(&[0.0, f32::NAN, 0.0], &Device::Cpu).unwrap());
        network.load_state(&state).unwrap();
        assert!(largest_difference(&network, &images()).unwrap().is_nan());
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let mut state = network().state().unwrap();
        state.remove("layer3.1.bn2.running_var");
        let error = forward(&state, &images()).unwrap_err();
        assert!(error.to_string().contains("layer3.1.bn2.running_var"), "{error}");
    }
}
