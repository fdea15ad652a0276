//! What changes over a run as planned: the learning rate and the size of the training pictures. Plain numbers in and out.

use std::f64::consts::PI;

use super::TrainConfig;
use super::config::Schedule;
use crate::metrics::{Criterion, EpochFigures};

/// Epochs without a better one after which [`Schedule::Plateau`] lowers the rate.
pub const PATIENCE: usize = 3;

/// Share of the epochs after which training pictures have their full size.
const GROWN: f64 = 0.75;

/// Sizes are multiples of this, as the network's strides are.
const GRAIN: usize = 32;

/// The learning rate of the step that follows `steps`, with `an_epoch` of them an epoch, and `history` behind it.
#[must_use]
pub fn rate(config: &TrainConfig, (steps, an_epoch): (usize, usize), history: &[EpochFigures]) -> f64 {
    let (done, warm) = (real(steps), config.warmup_epochs * real(an_epoch));
    let rising = if done + 1.0 < warm { (done + 1.0) / warm } else { 1.0 };
    let all = real(config.epochs * an_epoch);
    let falling = match config.schedule {
        Schedule::Constant => 1.0,
        Schedule::Cosine => {
            let course = if all > warm { ((done - warm) / (all - warm)).clamp(0.0, 1.0) } else { 0.0 };
            0.5 * (1.0 + (PI * course).cos())
        }
        Schedule::Plateau => 0.1_f64.powi(plateaus(history, config.choose_by)),
    };
    config.learning_rate * rising * falling
}

/// How often [`PATIENCE`] epochs in a row brought nothing better.
fn plateaus(history: &[EpochFigures], by: Criterion) -> i32 {
    let (mut count, mut waited, mut best) = (0, 0, None::<&EpochFigures>);
    for epoch in history {
        if best.is_none_or(|best| epoch.beats(best, by)) {
            (best, waited) = (Some(epoch), 0);
        } else {
            waited += 1;
        }
        if waited == PATIENCE {
            (count, waited) = (count + 1, 0);
        }
    }
    count
}

/// Whether a run ends before its last epoch: none of the last ones was better, which counts once pictures are grown.
#[must_use]
pub fn ends_early(config: &TrainConfig, best_epoch: Option<usize>, epochs_done: usize) -> bool {
    let is_small = |epoch: &usize| image_size(config, *epoch) != config.image_size;
    let last_small = (1..=epochs_done).rev().find(is_small);
    let waited = epochs_done.saturating_sub(best_epoch.max(last_small).unwrap_or(0));
    config.early_stopping > 0 && waited >= config.early_stopping
}

/// Side of the training pictures of `epoch`, counted from 1, in pixels: from the first size evenly to the last one, which
/// the last quarter of the epochs has.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two sizes")]
pub fn image_size(config: &TrainConfig, epoch: usize) -> usize {
    let (first, last) = (config.first_image_size, config.image_size);
    let course = real(epoch.saturating_sub(1)) / (GROWN * real(config.epochs)).max(1.0);
    if first == 0 || first >= last || course >= 1.0 || epoch >= config.epochs {
        return last;
    }
    let exact = real(first) + course * (real(last) - real(first));
    let grain = real(GRAIN);
    (((exact / grain).round() * grain) as usize).clamp(first, last)
}

#[expect(clippy::cast_precision_loss, reason = "counts of steps stay far below 2^53")]
const fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Figures;
    use proptest::prelude::*;

    fn config() -> TrainConfig {
        TrainConfig { epochs: 4, learning_rate: 0.1, ..TrainConfig::default() }
    }

    fn history(losses: &[f64]) -> Vec<EpochFigures> {
        let epoch = |(place, &loss): (usize, &f64)| EpochFigures {
            epoch: place + 1,
            train: Figures::default(),
            validation: Figures { loss: Some(loss), ..Figures::default() },
            seconds: 1.0,
            shifted: None,
            weights: None,
        };
        losses.iter().enumerate().map(epoch).collect()
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn a_constant_rate_stays() {
        let config = TrainConfig { schedule: Schedule::Constant, warmup_epochs: 0.0, ..config() };
        assert!((0..40).all(|step| rate(&config, (step, 10), &[]).to_bits() == 0.1_f64.to_bits()));
    }

    #[test]
    fn a_warmup_rises_evenly_to_the_full_rate() {
        let config = TrainConfig { schedule: Schedule::Constant, warmup_epochs: 0.5, ..config() };
        let rates: Vec<f64> = (0..6).map(|step| rate(&config, (step, 10), &[])).collect();
        let wanted = [0.02, 0.04, 0.06, 0.08, 0.1, 0.1];
        assert!(rates.iter().zip(wanted).all(|(&rate, wanted)| near(rate, wanted)), "{rates:?}");
    }

    #[test]
    fn a_cosine_is_at_half_in_the_middle_and_near_nothing_at_the_end() {
        let config = TrainConfig { schedule: Schedule::Cosine, warmup_epochs: 0.0, ..config() };
        assert!(near(rate(&config, (0, 10), &[]), 0.1) && near(rate(&config, (20, 10), &[]), 0.05));
        assert!(rate(&config, (39, 10), &[]) < 0.001);
    }

    #[test]
    fn a_plateau_of_three_epochs_lowers_the_rate_to_a_tenth() {
        let config =
            TrainConfig { schedule: Schedule::Plateau, warmup_epochs: 0.0, choose_by: Criterion::Loss, ..config() };
        let after = |losses: &[f64]| rate(&config, (99, 10), &history(losses));
        assert!(near(after(&[0.5, 0.6, 0.6]), 0.1));
        assert!(near(after(&[0.5, 0.6, 0.6, 0.6]), 0.01));
        assert!(near(after(&[0.5, 0.6, 0.6, 0.4, 0.5, 0.5, 0.5]), 0.01));
        assert!(near(after(&[0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]), 0.001));
    }

    #[test]
    fn a_run_ends_early_after_so_many_epochs_without_a_better_one() {
        let config = TrainConfig { early_stopping: 2, ..config() };
        assert!(!ends_early(&config, Some(1), 2) && ends_early(&config, Some(1), 3));
        assert!(!ends_early(&TrainConfig { early_stopping: 0, ..config.clone() }, Some(1), 99));
        let growing = TrainConfig { epochs: 8, image_size: 224, first_image_size: 96, ..config };
        assert!(!ends_early(&growing, Some(1), 7) && ends_early(&growing, Some(1), 8), "two epochs of full size");
    }

    #[test]
    fn pictures_grow_to_full_size_for_the_last_quarter() {
        let config = TrainConfig { epochs: 8, image_size: 224, first_image_size: 96, ..config() };
        let sizes: Vec<usize> = (1..=8).map(|epoch| image_size(&config, epoch)).collect();
        assert_eq!(sizes, [96, 128, 128, 160, 192, 192, 224, 224]);
        let short = TrainConfig { epochs: 2, ..config.clone() };
        assert_eq!([1, 2].map(|epoch| image_size(&short, epoch)), [96, 224], "the last epoch has what is scored");
        let at_once = TrainConfig { first_image_size: 0, ..config };
        assert!((1..=8).all(|epoch| image_size(&at_once, epoch) == 224));
    }

    proptest! {
        #[test]
        fn a_rate_is_never_negative_nor_above_its_peak(
            (epochs, step, an_epoch) in (1_usize..50, 0_usize..5000, 1_usize..200),
            warmup_epochs in 0.0_f64..60.0,
            way in 0_usize..3,
        ) {
            let schedule: Schedule = Schedule::NAMES[way].parse().unwrap();
            let config = TrainConfig { epochs, schedule, warmup_epochs, ..config() };
            let rate = rate(&config, (step, an_epoch), &[]);
            prop_assert!((0.0..=0.1 + 1e-12).contains(&rate), "{}", rate);
        }

        #[test]
        fn a_size_lies_between_the_first_and_the_last(epochs in 1_usize..50, epoch in 1_usize..50, first in 32_usize..=224) {
            let config = TrainConfig { epochs, image_size: 224, first_image_size: first, ..config() };
            prop_assert!((first..=224).contains(&image_size(&config, epoch)));
        }
    }
}
