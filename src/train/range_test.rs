//! The learning-rate range test (Smith 2017, doi:10.1109/WACV.2017.58): a rate that rises from batch to batch, and the
//! loss that answers to it.
//!
//! The suggestion is the rate at which the smoothed loss falls most steeply, as `steep` of fastai has it: the largest step
//! that still helps most. Rates near the lowest loss are on the edge of diverging.

use serde::{Deserialize, Serialize};
use xray_nn::{Adam, Network};

use super::job::{heed, order_of};
use super::loader;
use super::objective::Objective;
use super::step::{Aim, make_network, step};
use crate::dataset::Dataset;
use crate::dataset::batch::Source;
use crate::dataset::cache::Cache;
use crate::error::{Error, Result};
use crate::train::{Control, Phase, TrainConfig, TrainEvent, machine};

/// Weight of the past in the smoothed loss: it looks back over some ten batches.
const MEMORY: f64 = 0.9;

/// The test ends where the smoothed loss is so many times its lowest.
const DIVERGED: f64 = 4.0;

/// Which rates are tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateRange {
    /// Of the first batch, above 0.
    pub low: f64,
    /// Of the last batch, at most 10.
    pub high: f64,
    /// Batches, 10 to 10,000; they go on through further epochs where one has fewer.
    pub steps: usize,
}

impl Default for RateRange {
    fn default() -> Self {
        Self { low: 1e-7, high: 1.0, steps: 100 }
    }
}

impl RateRange {
    /// Checks every bound.
    ///
    /// # Errors
    /// `BadSetting` names what is out of range and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let bad = |setting, problem: &str| Err(Error::BadSetting { setting, problem: problem.to_owned() });
        if !(self.low > 0.0 && self.low < self.high && self.high <= 10.0) {
            return bad("range of rates", "must begin above 0 and rise to at most 10");
        }
        if !(10..=10_000).contains(&self.steps) {
            return bad("steps", "must be 10 to 10,000 batches");
        }
        Ok(())
    }

    /// The rate of a batch, counted from 0: each is the same factor above the one before.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a few thousand batches")]
    pub fn rate(&self, batch: usize) -> f64 {
        let share = batch as f64 / (self.steps.max(2) - 1) as f64;
        (self.low.ln() + share * (self.high.ln() - self.low.ln())).exp()
    }
}

/// One batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatePoint {
    pub learning_rate: f64,
    /// What training makes small, in nats: the batch's mean cross entropy before its step, with the labels' smoothing and
    /// the classes' weights where there are any.
    pub loss: f64,
    /// A weighted mean of this loss and those before it.
    pub smoothed: f64,
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RateCurve {
    /// In the order of their rates.
    pub points: Vec<RatePoint>,
    /// Where the smoothed loss falls most steeply; `None` where it never falls.
    pub suggestion: Option<f64>,
    /// Whether the loss rose too far before the last batch.
    pub diverged: bool,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RateOutcome {
    Done(RateCurve),
    /// On request.
    Stopped,
    Failed(String),
    /// A setting cannot be used.
    Refused(String),
}

/// One message of a test to whoever listens.
#[derive(Debug, Clone, PartialEq)]
pub enum RateEvent {
    Phase(Phase),
    Notice(String),
    Point(RatePoint),
    /// The last message.
    Ended(RateOutcome),
}

/// What a test works on.
#[derive(Debug)]
pub struct RangeJob<'a> {
    pub config: &'a TrainConfig,
    pub range: RateRange,
    pub dataset: &'a Dataset,
    pub cache: &'a Cache,
    /// The training images, readable ones only.
    pub images: &'a [usize],
}

/// Where events go.
pub type Tell<'a> = &'a mut dyn FnMut(RateEvent);

/// Trains a fresh network with rising rates, telling each batch. The same seed gives the same curve.
///
/// # Errors
/// `BadSetting` where the range cannot be used, `Cancelled` where `control` says stop, what the network cannot do.
pub fn test_range(job: &RangeJob, control: &Control, tell: Tell) -> Result<RateCurve> {
    job.range.validate()?;
    tell(RateEvent::Phase(Phase::Preparing));
    let network = make_network(job.config, true, &mut |event| pass_on(event, tell))?;
    let adam = Adam::new(network.parameters(), job.range.low).with_isa(machine::isa());
    let adam = adam.with_weight_decay(job.config.weight_decay);
    let mut test = Test { job, control, network, adam, curve: RateCurve::default() };
    for epoch in 1..=job.range.steps {
        let before = test.curve.points.len();
        test.epoch(epoch, tell)?;
        let done = test.curve.points.len();
        if test.curve.diverged || done == before || done == job.range.steps {
            break;
        }
    }
    let suggestion = suggest(&test.curve.points);
    Ok(RateCurve { suggestion, ..test.curve })
}

/// What the training loop's parts say, as this test says it.
#[expect(clippy::unnecessary_wraps, reason = "as the training loop's listeners are")]
fn pass_on(event: TrainEvent, tell: Tell) -> Result<()> {
    match event {
        TrainEvent::Phase(phase) => tell(RateEvent::Phase(phase)),
        TrainEvent::Notice(text) => tell(RateEvent::Notice(text)),
        _ => {}
    }
    Ok(())
}

struct Test<'a> {
    job: &'a RangeJob<'a>,
    control: &'a Control,
    network: Network,
    adam: Adam,
    curve: RateCurve,
}

impl Test<'_> {
    /// The batches of an epoch, as far as the range and the loss allow.
    fn epoch(&mut self, epoch: usize, tell: Tell) -> Result<()> {
        let RangeJob { config, range, dataset, cache, images } = *self.job;
        let images = order_of(config, (dataset, images), epoch);
        let mut batches = loader::cut(&images, config.batch_size);
        batches.truncate(range.steps - self.curve.points.len());
        let count = batches.len();
        let source = Source {
            dataset,
            cache,
            augmentation: config.augmentation,
            normalisation: config.normalisation,
            size: config.image_size,
            seed: config.seed,
        };
        let aim = Aim { objective: Objective::of(config, dataset, &images), clip_norm: config.clip_norm };
        std::thread::scope(|scope| {
            let made = loader::load(scope, source, batches, epoch)?;
            for batch in 0..count {
                heed(self.control, &mut |event| pass_on(event, tell))?;
                tell(RateEvent::Phase(Phase::Training { epoch, batch, batches: count }));
                self.adam.set_learning_rate(range.rate(self.curve.points.len()));
                let made = made.recv().map_err(|_| lost_loader())??;
                let (loss, _) = step((&self.network, &mut self.adam), (&made, source.size), aim)?;
                if !self.add(loss, tell) {
                    return Ok(());
                }
            }
            Ok(())
        })
    }

    /// Notes a batch; whether to go on.
    fn add(&mut self, loss: f64, tell: Tell) -> bool {
        let points = &mut self.curve.points;
        if !loss.is_finite() {
            self.curve.diverged = true;
            return false;
        }
        let smoothed = smooth(points.iter().map(|point| point.loss).chain([loss]));
        let point = RatePoint { learning_rate: self.job.range.rate(points.len()), loss, smoothed };
        points.push(point);
        tell(RateEvent::Point(point));
        let lowest = points.iter().map(|point| point.smoothed).fold(f64::INFINITY, f64::min);
        self.curve.diverged = smoothed > DIVERGED * lowest;
        !self.curve.diverged
    }
}

fn lost_loader() -> Error {
    Error::Run { run: "of the range test".into(), problem: "the loader thread died; see the log".into() }
}

/// The mean of losses, older ones counting less, without a lean to the first (as Adam corrects its means).
fn smooth(losses: impl Iterator<Item = f64>) -> f64 {
    let (sum, weight) = losses.fold((0.0, 0.0), |(sum, weight), loss| {
        (MEMORY * sum + (1.0 - MEMORY) * loss, MEMORY * weight + (1.0 - MEMORY))
    });
    sum / weight
}

/// The rate at which the smoothed loss falls most steeply before it is lowest. The slope is taken over a tenth of the
/// points, as single batches differ; the first tenth, where the mean is still of few, is left out.
#[must_use]
pub fn suggest(points: &[RatePoint]) -> Option<f64> {
    let reach = (points.len() / 20).max(1);
    let lowest = (0..points.len()).min_by(|&a, &b| points[a].smoothed.total_cmp(&points[b].smoothed))?;
    let slope = |at: usize| Some(points.get(at + reach)?.smoothed - points.get(at.checked_sub(reach)?)?.smoothed);
    let falling = (points.len() / 10..=lowest).filter_map(|at| Some((at, slope(at).filter(|slope| *slope < 0.0)?)));
    falling.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| points[at].learning_rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(loss: impl Fn(f64) -> f64) -> Vec<RatePoint> {
        let range = RateRange::default();
        let losses: Vec<f64> = (0..range.steps).map(|batch| loss(range.rate(batch).log10())).collect();
        (0..losses.len())
            .map(|at| RatePoint {
                learning_rate: range.rate(at),
                loss: losses[at],
                smoothed: smooth(losses[..=at].iter().copied()),
            })
            .collect()
    }

    #[test]
    fn rates_rise_by_one_factor_from_end_to_end() {
        let range = RateRange { low: 1e-4, high: 1.0, steps: 11 };
        let rates: Vec<f64> = (0..11).map(|batch| range.rate(batch)).collect();
        assert!((rates[0] - 1e-4).abs() < 1e-12 && (rates[10] - 1.0).abs() < 1e-12);
        assert!(rates.windows(2).all(|pair| (pair[1] / pair[0] - 10_f64.powf(0.4)).abs() < 1e-9));
    }

    #[test]
    fn a_range_that_cannot_be_is_refused() {
        let refused = |low, high, steps| RateRange { low, high, steps }.validate().is_err();
        assert!(refused(0.0, 1.0, 100) && refused(1.0, 1e-3, 100) && refused(1e-7, 11.0, 100) && refused(1e-7, 1.0, 9));
        assert!(RateRange::default().validate().is_ok());
    }

    /// A loss that falls most steeply at 1e-3, is lowest a little above 1e-2, and rises then.
    #[test]
    fn the_suggestion_lies_where_the_loss_falls_most_steeply() {
        let points = curve(|log| 1.0 / (1.0 + (4.0 * (log + 3.0)).exp()) + (log + 1.5).max(0.0).powi(2));
        let suggestion = suggest(&points).unwrap().log10();
        // The mean looks back: it lags by half an order of magnitude.
        assert!((-3.1..=-2.2).contains(&suggestion), "{suggestion}");
    }

    #[test]
    fn a_loss_that_never_falls_suggests_nothing() {
        assert_eq!(suggest(&curve(|log| log + 8.0)), None);
        assert_eq!(suggest(&[]), None);
    }

    #[test]
    fn the_smoothed_loss_does_not_lean_to_its_beginning() {
        assert!((smooth([3.0; 5].into_iter()) - 3.0).abs() < 1e-12);
        assert!((smooth([2.0].into_iter()) - 2.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn a_suggestion_is_one_of_the_rates_before_the_lowest_loss(losses in prop::collection::vec(0.0_f64..3.0, 0..120)) {
            let points: Vec<RatePoint> = losses.iter().enumerate().map(|(at, &loss)| RatePoint {
                learning_rate: f64::from(u8::try_from(at).unwrap()),
                loss,
                smoothed: smooth(losses[..=at].iter().copied()),
            }).collect();
            let lowest = points.iter().map(|point| point.smoothed).fold(f64::INFINITY, f64::min);
            if let Some(rate) = suggest(&points) {
                let before = points.iter().take_while(|point| point.smoothed > lowest).count();
                prop_assert!(points.iter().position(|point| point.learning_rate >= rate).unwrap() <= before);
            }
        }
    }
}
