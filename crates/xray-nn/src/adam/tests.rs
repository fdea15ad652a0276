//! Adam against a reference for one number, and its state.

use candle_core::{DType, Var};

use super::*;

fn parameters(values: &[f32]) -> Vec<Parameter> {
    let variable = Var::from_slice(values, values.len(), &Device::Cpu).unwrap();
    vec![Parameter {
        variable,
        views: vec![View { name: "x".to_owned(), shape: vec![values.len()], place: 0..values.len() }],
    }]
}

fn gradients(slopes: &[f32]) -> Gradients {
    Gradients(vec![Tensor::new(slopes, &Device::Cpu).unwrap()])
}

fn values(parameters: &[Parameter]) -> Vec<f32> {
    parameters[0].variable.to_vec1().unwrap()
}

/// One number, in f64, straight from the paper's algorithm with PyTorch's place for epsilon.
fn scalar_adam(start: f64, slopes: &[f64], rate: f64) -> f64 {
    let (mut x, mut mean, mut square) = (start, 0.0, 0.0);
    for (slope, step) in slopes.iter().zip(1..) {
        mean = 0.9 * mean + 0.1 * slope;
        square = 0.999 * square + 0.001 * slope * slope;
        let (mean, square) = (mean / (1.0 - 0.9_f64.powi(step)), square / (1.0 - 0.999_f64.powi(step)));
        x -= rate * mean / (square.sqrt() + 1e-8);
    }
    x
}

#[test]
fn it_follows_the_reference_for_one_number() {
    let (start, rate) = ([1.0_f32, -2.0, 0.25], 0.01);
    let slopes = [[0.5_f32, 1e-9, -3.0], [-0.25, 2e-9, -2.0], [0.125, 0.0, 400.0], [0.0, -1e-8, 0.0]];
    let parameters = parameters(&start);
    let mut adam = Adam::new(&parameters, rate);
    for slopes in &slopes {
        adam.step(&gradients(slopes)).unwrap();
    }
    for (index, value) in values(&parameters).into_iter().enumerate() {
        let slopes: Vec<f64> = slopes.iter().map(|slopes| f64::from(slopes[index])).collect();
        let expected = scalar_adam(f64::from(start[index]), &slopes, rate);
        assert!((f64::from(value) - expected).abs() < 1e-6, "{value} instead of {expected}");
    }
}

#[test]
fn the_rate_can_change_between_steps() {
    let parameters = parameters(&[1.0]);
    let mut adam = Adam::new(&parameters, 0.5);
    adam.set_learning_rate(0.0);
    adam.step(&gradients(&[1.0])).unwrap();
    assert_eq!(values(&parameters), [1.0]);
    adam.set_learning_rate(0.25);
    adam.step(&gradients(&[1.0])).unwrap();
    assert!((values(&parameters)[0] - 0.75).abs() < 1e-6);
}

#[test]
fn a_gradient_of_another_length_is_refused() {
    let parameters = parameters(&[1.0, 2.0]);
    let mut adam = Adam::new(&parameters, 0.5);
    assert!(adam.step(&gradients(&[1.0])).unwrap_err().to_string().contains("[1]"));
    assert_eq!(values(&parameters), [1.0, 2.0]);
}

#[test]
fn decay_shrinks_a_parameter_whatever_its_gradient() {
    let parameters = parameters(&[2.0]);
    let mut adam = Adam::new(&parameters, 0.5).with_weight_decay(0.1);
    adam.step(&gradients(&[0.0])).unwrap();
    assert!((values(&parameters)[0] - 1.9).abs() < 1e-6, "AdamW: 2 * (1 - 0.5 * 0.1)");
}

#[test]
fn every_instruction_set_gives_the_reference_whatever_the_length() {
    for isa in Isa::available() {
        for len in [1, 15, 16, 17, 50] {
            let start: Vec<f32> = (0_u16..).map(|i| f32::from(i) * 0.25 - 1.0).take(len).collect();
            let slopes: Vec<f32> = (0_u16..).map(|i| (f32::from(i) * 0.7).sin()).take(len).collect();
            let parameters = parameters(&start);
            let mut adam = Adam::new(&parameters, 0.01).with_isa(isa);
            for _ in 0..3 {
                adam.step(&gradients(&slopes)).unwrap();
            }
            for (index, value) in values(&parameters).into_iter().enumerate() {
                let expected = scalar_adam(f64::from(start[index]), &[f64::from(slopes[index]); 3], 0.01);
                assert!((f64::from(value) - expected).abs() < 1e-6, "{isa:?}: {value} instead of {expected}");
            }
        }
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_with_the_tensor() {
    let mut adam = Adam::new(&parameters(&[1.0, 2.0]), 0.5);
    let mut refused = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
        let mut state = adam.state().unwrap();
        change(&mut state);
        adam.load_state(&state).unwrap_err().to_string()
    };
    let three = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
    let shape = refused(&|state| _ = state.insert("adam.mean.x".to_owned(), three.clone()));
    assert!(["adam.mean.x", "[3]", "[2]"].iter().all(|part| shape.contains(part)), "{shape}");
    assert!(refused(&|state| _ = state.remove("adam.square.x")).contains("adam.square.x"));
    assert!(refused(&|state| _ = state.remove(STEPS)).contains(STEPS));
    assert!(refused(&|state| _ = state.insert("adam.mean.y".to_owned(), three.clone())).contains("adam.mean.y"));
}
