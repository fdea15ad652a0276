//! Answers, heat and neighbours agree with what `tests/fixtures/predict/make.py` has from other implementations.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use candle_core::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use xray_nn::{Engine, Inference, Network};

use super::heat::at_input;
use super::placement::{Placement, placement};
use super::*;
use crate::picture::HeatMap;

static REFERENCE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../tests/fixtures/predict/reference.json")).unwrap());

/// `count` numbers in [-1, 1): a hash of the tensor's ordinal and the flat index, as in `make.py`.
pub(super) fn noise(ordinal: u32, count: usize) -> impl Iterator<Item = f64> {
    (0..u32::try_from(count).unwrap()).map(move |index| {
        let mut h = index.wrapping_mul(2_654_435_761).wrapping_add(ordinal.wrapping_mul(40503) + 12345);
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
        f64::from(h ^ (h >> 15)) / 2_147_483_648.0 - 1.0
    })
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as f32 as PyTorch has it")]
fn weights(name: &str, shape: &[usize], ordinal: u32) -> Tensor {
    let change = |u: f64| match shape {
        [outputs, _, height, width] => u * (6.0 / (outputs * height * width) as f64).sqrt(),
        _ if name.starts_with("fc.") => u / 512_f64.sqrt(),
        _ if name.ends_with("running_var") => 1.0 + 0.5 * u,
        _ if name.ends_with("weight") => 1.0 + 0.1 * u,
        _ => 0.1 * u,
    };
    let values: Vec<f32> = noise(ordinal, shape.iter().product()).map(|u| change(u) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The fixture's weights, by name.
pub(super) static STATE: LazyLock<BTreeMap<String, Tensor>> = LazyLock::new(|| {
    let network = Network::new(2, &mut ChaCha8Rng::seed_from_u64(0), &EngineKind::Fast.here()).unwrap();
    let mut state = network.state().unwrap();
    for ((name, tensor), ordinal) in state.iter_mut().zip(0..) {
        if !tensor.dims().is_empty() {
            *tensor = weights(name, tensor.dims(), ordinal);
        }
    }
    state
});

/// A predictor with the fixture's network.
pub(super) fn predictor(image_size: usize) -> Predictor {
    let engine: Engine = EngineKind::Fast.here();
    let weights = checkpoint::fingerprint(&STATE).unwrap();
    Predictor { network: Inference::new(&STATE, &engine).unwrap(), image_size, look: Look::default(), weights }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn picture(seed: u64, side: usize) -> GreyImage {
    let squares = side.div_ceil(8);
    let grey: Vec<u8> = noise(2000 + u32::try_from(seed).unwrap(), squares * squares)
        .map(|u| (127.5 * (1.0 + u)).floor() as u8)
        .collect();
    let pixels = (0..side * side).map(|at| grey[at / side / 8 * squares + at % side / 8]).collect();
    GreyImage { width: side, height: side, pixels }
}

pub(super) fn reference() -> &'static Value {
    &REFERENCE
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap().try_into().unwrap()
}

pub(super) fn cases(of: &str) -> impl Iterator<Item = (&Value, Predictor, GreyImage)> {
    REFERENCE[of].as_array().unwrap().iter().map(|case| {
        let side = whole(&case["side"]);
        (case, predictor(side), picture(case["seed"].as_u64().unwrap(), side))
    })
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

pub(super) fn assert_close(what: &str, found: impl IntoIterator<Item = f64>, expected: &Value, tolerance: f64) {
    let (found, expected): (Vec<f64>, _) = (found.into_iter().collect(), numbers(expected));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= tolerance, "{what}: {found} where the reference has {expected}");
    }
}

fn wide(values: &[f32]) -> impl Iterator<Item = f64> {
    values.iter().map(|value| f64::from(*value))
}

#[test]
fn heat_maps_of_both_classes_are_those_of_pytorch_grad_cam() {
    for (case, predictor, picture) in cases("heat") {
        let found = predictor.explain(&picture).unwrap();
        assert_close("logits", wide(&found.prediction.logits), &case["logits"], 1e-4);
        assert_close("features", wide(&found.features[..12]), &case["features"], 1e-4);
        assert_eq!(found.features.len(), 512);
        for (map, expected) in found.maps.iter().zip(case["classes"].as_array().unwrap()) {
            assert_eq!(map.width, whole(&expected["width"]));
            assert_close("map", wide(&map.values), &expected["map"], 1e-3);
            let full = at_input(map, picture.width);
            let points = case["points"].as_array().unwrap().iter();
            let at_points =
                points.map(|point| f64::from(full.values[whole(&point[0]) * full.width + whole(&point[1])]));
            assert_close("map at the input's size", at_points, &expected["at_points"], 1e-3);
            let placement = placement(&full).unwrap();
            assert!((placement.border - expected["border"].as_f64().unwrap()).abs() < 1e-3, "{placement:?}");
            assert!((placement.outside_lungs - expected["outside_lungs"].as_f64().unwrap()).abs() < 1e-3);
        }
    }
}

#[test]
fn an_explained_answer_is_the_plain_one_to_the_last_bit() {
    for (_, predictor, picture) in cases("heat") {
        let [alone, explained] = [predictor.predict(&picture), predictor.explain(&picture).map(|of| of.prediction)]
            .map(|prediction| prediction.unwrap().logits.map(f32::to_bits));
        assert_eq!(alone, explained);
    }
}

#[test]
fn a_map_without_heat_stays_without_and_lies_nowhere() {
    let cold = HeatMap { width: 7, height: 7, values: vec![0.0; 49] };
    let full = at_input(&cold, 100);
    assert_eq!(full.values, vec![0.0; 10_000]);
    assert_eq!(placement(&full), None);
}

#[test]
fn heat_in_one_corner_lies_in_the_border_and_heat_everywhere_in_its_part() {
    let mut corner = HeatMap { width: 24, height: 24, values: vec![0.0; 576] };
    corner.values[0] = 1.0;
    assert_eq!(placement(&corner), Some(Placement { border: 1.0, outside_lungs: 1.0 }));
    let even = placement(&HeatMap { values: vec![1.0; 576], ..corner }).unwrap();
    assert!((even.border - (1.0 - 100.0 / 144.0)).abs() < 1e-12, "{even:?}");
    assert!((even.outside_lungs - (1.0 - 0.8 * 0.84)).abs() < 1e-12, "{even:?}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_links_lead_back_to_is_read_once() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("a.png"), "").unwrap();
    symlink(folder.path(), inner.join("up")).unwrap();
    symlink(&inner, inner.join("round")).unwrap();
    let files = image_files(&[folder.path().to_owned(), inner.clone()]).unwrap();
    assert_eq!(files, [inner.join("a.png")]);
}
