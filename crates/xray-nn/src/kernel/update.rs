//! The optimizer's step, all of it in one pass over a parameter: Adam and, with weight decay, AdamW.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]

use rayon::prelude::*;

use crate::simd::{Block, Isa, Kernel, LANES, Simd};

/// Values that a task works on.
const VALUES: usize = 1 << 14;

/// The coefficients of one step, as algorithm 2 of Loshchilov and Hutter, 2017 (arXiv:1711.05101), with a schedule of 1.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Share of the mean that is kept.
    pub beta_1: f32,
    /// Share of the mean square that is kept.
    pub beta_2: f32,
    pub epsilon: f32,
    /// The learning rate over the mean's correction.
    pub rate: f32,
    /// One over the root of the mean square's correction.
    pub root_correction: f32,
    /// What is left of a parameter after decay: `1 - learning rate * weight decay`.
    pub decay: f32,
    /// `1 - beta_1` and `1 - beta_2`, rounded once.
    pub one_less_betas: [f32; 2],
}

/// A parameter with its moments, and its gradient; all of one length.
#[derive(Debug)]
pub struct Moving<'a> {
    pub parameter: &'a mut [f32],
    pub mean: &'a mut [f32],
    pub square: &'a mut [f32],
    pub gradient: &'a [f32],
}

/// Moves a parameter by one step.
pub fn update(isa: Isa, step: Step, moving: Moving<'_>) {
    let Moving { parameter, mean, square, gradient } = moving;
    let moments = mean.par_chunks_mut(VALUES).zip(square.par_chunks_mut(VALUES));
    let parts = parameter.par_chunks_mut(VALUES).zip(gradient.par_chunks(VALUES)).zip(moments);
    parts.for_each(|((parameter, gradient), (mean, square))| {
        isa.run(Update { step, moving: Moving { parameter, mean, square, gradient } });
    });
}

struct Update<'a> {
    step: Step,
    moving: Moving<'a>,
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Moving { parameter, mean, square, gradient } = self.moving;
        let (parameters, parameter) = parameter.as_chunks_mut::<LANES>();
        let (means, mean) = mean.as_chunks_mut::<LANES>();
        let (squares, square) = square.as_chunks_mut::<LANES>();
        let (gradients, gradient) = gradient.as_chunks::<LANES>();
        for (index, gradient) in gradients.iter().enumerate() {
            let moments = (&mut means[index], &mut squares[index]);
            update_block(simd, self.step, (&mut parameters[index], gradient), moments);
        }
        // What is left over goes through a block of its own.
        let mut rest = [parameter as &[f32], mean, square, gradient].map(padded);
        let [of_parameter, of_mean, of_square, of_gradient] = &mut rest;
        update_block(simd, self.step, (of_parameter, of_gradient), (of_mean, of_square));
        for (out, block) in [parameter, mean, square].into_iter().zip(rest) {
            out.copy_from_slice(&block[..out.len()]);
        }
    }
}

#[inline(always)]
fn padded(values: &[f32]) -> Block {
    let mut block = [0.0; LANES];
    block[..values.len()].copy_from_slice(values);
    block
}

#[inline(always)]
fn update_block<S: Simd>(
    simd: S,
    step: Step,
    (parameter, gradient): (&mut Block, &Block),
    (mean, square): (&mut Block, &mut Block),
) {
    let gradient = simd.load(gradient);
    let [of_mean, of_square] = step.one_less_betas;
    let kept = simd.mul(simd.load(mean), simd.splat(step.beta_1));
    let moved_mean = simd.fma(gradient, simd.splat(of_mean), kept);
    let kept = simd.mul(simd.load(square), simd.splat(step.beta_2));
    let moved_square = simd.fma(simd.mul(gradient, gradient), simd.splat(of_square), kept);
    let root = simd.fma(simd.sqrt(moved_square), simd.splat(step.root_correction), simd.splat(step.epsilon));
    let change = simd.mul(simd.splat(step.rate), simd.div(moved_mean, root));
    let kept = simd.mul(simd.load(parameter), simd.splat(step.decay));
    simd.store(parameter, simd.sub(kept, change));
    simd.store(mean, moved_mean);
    simd.store(square, moved_square);
}
