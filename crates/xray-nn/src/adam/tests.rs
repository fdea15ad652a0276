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
    Gradients { values: vec![Tensor::new(slopes, &Device::Cpu).unwrap()], frozen: 0 }
}

fn values(parameters: &[Parameter]) -> Vec<f32> {
    parameters[0].variable.to_vec1().unwrap()
}

/// A flat parameter of many tensors, one behind the other; values from -2 to 2.
fn tensors(shapes: &[&[usize]]) -> Vec<Parameter> {
    let mut views: Vec<View> = Vec::new();
    for (shape, name) in shapes.iter().zip('a'..) {
        let start = views.last().map_or(0, |view| view.place.end);
        let place = start..start + shape.iter().product::<usize>();
        views.push(View { name: name.to_string(), shape: shape.to_vec(), place });
    }
    let variable = Var::from_vec(wave(&views, 0.37), views[views.len() - 1].place.end, &Device::Cpu).unwrap();
    vec![Parameter { variable, views }]
}

/// A value for each of the views' places.
fn wave(views: &[View], frequency: f32) -> Vec<f32> {
    let places = (0_u16..).take(views[views.len() - 1].place.end);
    places.map(|place| 2.0 * (f32::from(place) * frequency).sin()).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn scalar_adam(start: f64, slopes: &[f64], rate: f64) -> f64 {
    scalar_adamw(start, slopes, (rate, 0.0))
}

/// One number, in f64, straight from the papers' algorithms with PyTorch's place for epsilon.
fn scalar_adamw(start: f64, slopes: &[f64], (rate, decay): (f64, f64)) -> f64 {
    let (mut x, mut mean, mut square) = (start, 0.0, 0.0);
    for (slope, step) in slopes.iter().zip(1..) {
        x -= rate * decay * x;
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
fn decay_shrinks_a_weight_whatever_its_gradient_and_no_scale_shift_or_bias() {
    let shrunk = |shape: &[usize]| {
        let parameters = tensors(&[&[1], shape]);
        let before = values(&parameters)[1];
        let mut adam = Adam::new(&parameters, 0.5).with_weight_decay(0.1);
        adam.step(&gradients(&[0.0, 0.0])).unwrap();
        values(&parameters)[1] / before
    };
    assert!((shrunk(&[1, 1, 1, 1]) - 0.95).abs() < 1e-6, "AdamW: 1 - 0.5 * 0.1");
    assert!((shrunk(&[1, 1]) - 0.95).abs() < 1e-6, "AdamW: 1 - 0.5 * 0.1");
    assert_eq!(shrunk(&[1]).to_bits(), 1.0_f32.to_bits());
}

#[test]
fn decay_of_some_tensors_of_a_flat_parameter_follows_the_reference_on_every_instruction_set() {
    const SHAPES: [&[usize]; 6] = [&[8, 3, 3, 3], &[8], &[8], &[4, 8, 1, 1], &[5], &[3, 7]];
    let (rate, decay) = (0.01, 0.3);
    for isa in Isa::available() {
        let parameters = tensors(&SHAPES);
        let (start, slopes) = (values(&parameters), wave(&parameters[0].views, 0.91));
        let mut adam = Adam::new(&parameters, rate).with_weight_decay(decay).with_isa(isa);
        for _ in 0..4 {
            adam.step(&gradients(&slopes)).unwrap();
        }
        let moved = values(&parameters);
        for view in &parameters[0].views {
            let decay = if view.shape.len() > 1 { decay } else { 0.0 };
            for place in view.place.clone() {
                let expected = scalar_adamw(f64::from(start[place]), &[f64::from(slopes[place]); 4], (rate, decay));
                let found = f64::from(moved[place]);
                assert!((found - expected).abs() < 2e-6, "{isa:?}, {}: {found} instead of {expected}", view.name);
            }
        }
    }
}

#[test]
fn what_a_run_of_tensors_holds_does_not_change_a_bit_of_the_step() {
    let many: [&[usize]; 4] = [&[7, 3], &[7], &[7, 2], &[30]];
    let (apart, whole) = (tensors(&many), tensors(&[&[21 + 7 + 14 + 30]]));
    let slopes = wave(&apart[0].views, 0.91);
    for parameters in [&apart, &whole] {
        let mut adam = Adam::new(parameters, 0.01);
        for _ in 0..3 {
            adam.step(&gradients(&slopes)).unwrap();
        }
    }
    assert_eq!(bits(&values(&apart)), bits(&values(&whole)));
}

#[test]
fn runs_are_as_few_as_tensors_of_one_kind_allow() {
    let parameters = tensors(&[&[2, 2], &[2], &[2], &[2, 1], &[1, 1], &[3]]);
    let run = |place, decays| Run { place, decays };
    let views = &parameters[0].views;
    assert_eq!(runs(views, 0, false), [run(0..14, false)]);
    assert_eq!(runs(views, 0, true), [run(0..4, true), run(4..8, false), run(8..11, true), run(11..14, false)]);
    assert_eq!(runs(views, 6, true), [run(6..8, false), run(8..11, true), run(11..14, false)]);
    assert!(runs(views, 14, true).is_empty());
}

#[test]
fn what_is_frozen_neither_moves_nor_decays_nor_loses_its_moments() {
    let parameters = tensors(&[&[4, 5], &[5], &[5, 2]]);
    let slopes = wave(&parameters[0].views, 0.91);
    let mut adam = Adam::new(&parameters, 0.1).with_weight_decay(0.5);
    adam.step(&gradients(&slopes)).unwrap();
    let (before, moments) = (values(&parameters), adam.state().unwrap());
    adam.step(&Gradients { frozen: 25, ..gradients(&slopes) }).unwrap();
    let (after, moved) = (values(&parameters), adam.state().unwrap());
    assert_eq!(bits(&after[..25]), bits(&before[..25]));
    assert!(after[25..].iter().zip(&before[25..]).all(|(after, before)| after.to_bits() != before.to_bits()));
    let of =
        |state: &BTreeMap<String, Tensor>, name: &str| state[name].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for name in ["adam.mean.a", "adam.square.a", "adam.mean.b", "adam.square.b"] {
        assert_eq!(bits(&of(&moments, name)), bits(&of(&moved, name)), "{name}");
    }
    assert_ne!(of(&moments, "adam.mean.c"), of(&moved, "adam.mean.c"));
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
