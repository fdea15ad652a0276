//! Adam against a reference for one number, and its state.

use candle_core::DType;

use super::*;

fn parameters(values: &[f32]) -> Vec<(String, Var)> {
    vec![("x".to_owned(), Var::from_slice(values, values.len(), &Device::Cpu).unwrap())]
}

/// The gradients of `sum(x * slopes)`: the slopes.
fn gradients(parameters: &[(String, Var)], slopes: &[f32]) -> GradStore {
    let slopes = Tensor::new(slopes, &Device::Cpu).unwrap();
    (parameters[0].1.as_tensor() * slopes).unwrap().sum_all().unwrap().backward().unwrap()
}

fn values(parameters: &[(String, Var)]) -> Vec<f32> {
    parameters[0].1.to_vec1().unwrap()
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
    let mut adam = Adam::new(&parameters, rate).unwrap();
    for slopes in &slopes {
        adam.step(&gradients(&parameters, slopes)).unwrap();
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
    let mut adam = Adam::new(&parameters, 0.5).unwrap();
    adam.set_learning_rate(0.0);
    adam.step(&gradients(&parameters, &[1.0])).unwrap();
    assert_eq!(values(&parameters), [1.0]);
    adam.set_learning_rate(0.25);
    adam.step(&gradients(&parameters, &[1.0])).unwrap();
    assert!((values(&parameters)[0] - 0.75).abs() < 1e-6);
}

#[test]
fn a_parameter_without_a_gradient_is_named_and_none_is_moved() {
    let mut parameters = parameters(&[1.0]);
    parameters.push(("unused".to_owned(), Var::from_slice(&[1.0_f32], 1, &Device::Cpu).unwrap()));
    let mut adam = Adam::new(&parameters, 0.5).unwrap();
    let error = adam.step(&gradients(&parameters, &[1.0])).unwrap_err();
    assert!(error.to_string().contains("unused"), "{error}");
    assert_eq!(values(&parameters), [1.0]);
    assert_eq!(adam.state().unwrap()[STEPS].to_scalar::<i64>().unwrap(), 0);
}

#[test]
fn a_state_that_does_not_fit_is_refused_with_the_tensor() {
    let mut adam = Adam::new(&parameters(&[1.0, 2.0]), 0.5).unwrap();
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

#[test]
fn the_moments_keep_no_graph_of_the_steps_before() {
    let parameters = parameters(&[1.0]);
    let mut adam = Adam::new(&parameters, 0.1).unwrap();
    // The gradient of a square is computed from the parameter itself, and so carries the graph.
    let square = parameters[0].1.as_tensor().sqr().unwrap().sum_all().unwrap();
    adam.step(&square.backward().unwrap()).unwrap();
    assert!(!adam.slots[0].mean.track_op() && !adam.slots[0].square.track_op());
}
