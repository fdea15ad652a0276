//! How fast this machine trains, answers and decodes: the work of the program itself, timed.

use std::hint::black_box;
use std::time::Instant;

use xray_nn::{Adam, Network};

use super::recipe::Named;
use super::step::{Aim, step};
use super::{EngineKind, TrainConfig, evaluate, machine};
use crate::dataset::batch::{Batch, normalise};
use crate::dataset::cache::SOURCE_SHORT_SIDE;
use crate::dataset::demo::{self, DemoConfig};
use crate::dataset::random::{Purpose, stream};
use crate::dataset::{Class, Dataset, format, resize};
use crate::error::{Error, Result};

/// Synthetic X-rays to measure on.
const SYNTHETIC: usize = 8;
/// Files of a data set to decode, at most.
const FILES: usize = 32;
/// Fewest timed passes, however short the time.
const FEWEST: usize = 3;
/// Seconds that a pass takes at least, so that no figure is infinite.
const SHORTEST: f64 = 1e-9;
/// Batches of evaluation: what Inspect asks for, what a run evaluates by, and a large one.
const EVALUATED: [usize; 3] = [1, 16, 64];
/// Shares of the time.
const FOR_DECODING: f64 = 0.15;
const FOR_EACH_EVALUATION: f64 = 0.1;
const FOR_TRAINING: f64 = 0.55;

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Images a training step, at least 2.
    pub batch_size: usize,
    /// Side of the network's input in pixels: 32 to 512.
    pub image_size: usize,
    /// About how long to measure, in all: above 0, at most 3600. Where the machine is slow it takes longer, since each
    /// figure needs a few passes.
    pub seconds: f64,
    pub engine: EngineKind,
    /// One kind of work with all of the time, evaluation at `batch_size`; without it, each.
    pub only: Option<Work>,
}

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Train,
    Eval,
    Decode,
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Eval => "eval",
            Self::Decode => "decode",
        }
    }
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// `train`, `eval` or `decode`.
    pub name: &'static str,
    /// Images at once.
    pub batch: usize,
    /// The kind of number computed with; `None` for decoding.
    pub precision: Option<&'static str>,
    /// From the median pass.
    pub images_per_second: f64,
    /// Passes timed, after one that was not.
    pub passes: usize,
    /// The most memory in bytes that the process had held by then, where the system tells it.
    pub peak_bytes: Option<u64>,
}

impl Settings {
    /// Checks every setting's range.
    ///
    /// # Errors
    /// `BadSetting` names the first setting out of range and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let Self { batch_size, image_size, seconds, only, .. } = *self;
        // Evaluation takes a single image too, and decoding has no batches.
        let batch_size = match (only, batch_size) {
            (Some(Work::Eval), 1) | (Some(Work::Decode), _) => 2,
            _ => batch_size,
        };
        TrainConfig { batch_size, image_size, ..TrainConfig::default() }.validate()?;
        // Evaluation takes less than training on as many images.
        let lack = machine::lack_of_memory(self.engine, batch_size, image_size);
        if let Some(problem) = lack.filter(|_| only != Some(Work::Decode)) {
            let problem = format!("{problem}: choose a smaller one, or a smaller image size");
            return Err(Error::BadSetting { setting: "batch size", problem });
        }
        if seconds > 0.0 && seconds <= 3600.0 {
            return Ok(());
        }
        Err(Error::BadSetting { setting: "seconds", problem: "must be above 0, at most 3600".into() })
    }
}

/// Measures training, evaluation at several batch sizes, and decoding, and answers in this order; `tell` hears which one
/// begins.
/// `dataset` is what decoding is measured on, without one synthetic X-rays; the network always gets synthetic ones.
///
/// # Errors
/// `BadSetting` as [`Settings::validate`]; `BadDataSet` where no image of `dataset` can be read; what the network cannot do.
pub fn measure(settings: &Settings, dataset: Option<&Dataset>, tell: &mut dyn FnMut(&str)) -> Result<Vec<Measured>> {
    settings.validate()?;
    let synthetic = demo::files(&DemoConfig { images: SYNTHETIC, ..DemoConfig::default() })?;
    let with = |share: f64| Settings { seconds: settings.seconds * share, ..*settings };
    match settings.only {
        Some(Work::Decode) => measure_one(Work::Decode, &files(dataset, synthetic)?, &with(1.0), tell),
        Some(work) => measure_one(work, &synthetic, &with(1.0), tell),
        None => {
            // What takes least memory comes first, so that each one's peak is its own if the batch is large enough.
            let decode = measure_one(Work::Decode, &files(dataset, synthetic.clone())?, &with(FOR_DECODING), tell)?;
            let mut eval = Vec::new();
            for batch_size in EVALUATED {
                let settings = Settings { batch_size, ..with(FOR_EACH_EVALUATION) };
                eval.extend(measure_one(Work::Eval, &synthetic, &settings, tell)?);
            }
            let train = measure_one(Work::Train, &synthetic, &with(FOR_TRAINING), tell)?;
            Ok([train, eval, decode].concat())
        }
    }
}

fn measure_one(
    work: Work,
    files: &[Vec<u8>],
    settings: &Settings,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<Measured>> {
    tell(work.name());
    Ok(vec![match work {
        Work::Train => training(files, settings)?,
        Work::Eval => evaluation(files, settings)?,
        Work::Decode => decoding(files, settings)?,
    }])
}

/// The data set's files, else the synthetic ones.
fn files(dataset: Option<&Dataset>, synthetic: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    dataset.map_or(Ok(synthetic), readable_files)
}

/// The readable ones of some files spread evenly over `dataset`.
fn readable_files(dataset: &Dataset) -> Result<Vec<Vec<u8>>> {
    let every = dataset.images.len().div_ceil(FILES).max(1);
    let read = |index| std::fs::read(dataset.path(index)).ok().filter(|bytes| format::decode(bytes).is_ok());
    let files: Vec<Vec<u8>> = (0..dataset.images.len()).step_by(every).filter_map(read).collect();
    if files.is_empty() {
        let problem = "none of the images tried can be read; `xray-tui data stats` says why".to_owned();
        return Err(Error::BadDataSet { dir: dataset.root.clone(), problem });
    }
    Ok(files)
}

/// Decoding `files` and making of each both pictures that the cache keeps, on one thread.
fn decoding(files: &[Vec<u8>], settings: &Settings) -> Result<Measured> {
    let timing = time(settings.seconds, &clock(), || {
        for decoded in files.iter().filter_map(|file| format::decode(file).ok()) {
            black_box(resize::to_short_side(&decoded.grey, SOURCE_SHORT_SIDE));
            black_box(resize::to_square(&decoded.grey, settings.image_size));
        }
        Ok(())
    })?;
    Ok(Measured { batch: 1, precision: None, ..timing.measured("decode", files.len()) })
}

/// Answering for a batch of images.
fn evaluation(files: &[Vec<u8>], settings: &Settings) -> Result<Measured> {
    let images = evaluate::to_tensor(&batch(files, settings.batch_size, settings.image_size), settings.image_size)?;
    let network = network(settings.engine)?.inference()?;
    let timing = time(settings.seconds, &clock(), || {
        black_box(evaluate::pairs(&network.forward(&images)?)?);
        Ok(())
    })?;
    Ok(timing.measured("eval", settings.batch_size))
}

/// The step of the training loop: forward, loss, backward, Adam.
fn training(files: &[Vec<u8>], settings: &Settings) -> Result<Measured> {
    let batch = batch(files, settings.batch_size, settings.image_size);
    let network = network(settings.engine)?;
    let learning_rate = Named::Plain.config().learning_rate;
    let mut adam = Adam::new(network.parameters(), learning_rate).with_isa(machine::isa());
    let timing = time(settings.seconds, &clock(), || {
        step((&network, &mut adam), (&batch, settings.image_size), Aim::PLAIN).map(drop)
    })?;
    Ok(timing.measured("train", settings.batch_size))
}

fn network(engine: EngineKind) -> Result<Network> {
    let mut rng = stream(TrainConfig::default().seed, Purpose::Weights, [0, 0]);
    Ok(Network::new(Class::ALL.len(), &mut rng, &engine.here())?)
}

/// `count` pictures from `files`, over and over again, with labels that take turns.
fn batch(files: &[Vec<u8>], count: usize, side: usize) -> Batch {
    let mut pixels = vec![0.0; count * 3 * side * side];
    for (out, file) in pixels.chunks_exact_mut((3 * side * side).max(1)).zip(files.iter().cycle()) {
        if let Ok(decoded) = format::decode(file) {
            normalise(&resize::to_square(&decoded.grey, side).pixels, out);
        }
    }
    Batch { pixels, labels: [0, 1].into_iter().cycle().take(count).collect(), images: (0..count).collect() }
}

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Timing {
    /// Of the median pass.
    seconds: f64,
    passes: usize,
}

impl Timing {
    /// As a figure of `name`, for passes over `images` at once.
    fn measured(self, name: &'static str, images: usize) -> Measured {
        #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
        let images_per_second = images as f64 / self.seconds;
        let peak_bytes = machine::peak_bytes();
        Measured { name, batch: images, precision: Some("f32"), images_per_second, passes: self.passes, peak_bytes }
    }
}

/// Seconds since it was made.
fn clock() -> impl Fn() -> f64 {
    let start = Instant::now();
    move || start.elapsed().as_secs_f64()
}

/// Times `pass` for `budget` seconds of `clock`, but at least [`FEWEST`] times, after one pass that pays for what
/// only the first has to do.
fn time(budget: f64, clock: &dyn Fn() -> f64, mut pass: impl FnMut() -> Result<()>) -> Result<Timing> {
    let end = clock() + budget;
    pass()?;
    let mut passes = Vec::new();
    let mut before = clock();
    while passes.len() < FEWEST || before < end {
        pass()?;
        let after = clock();
        passes.push((after - before).max(SHORTEST));
        before = after;
    }
    Ok(Timing { seconds: median(&mut passes), passes: passes.len() })
}

/// The middle one of some numbers, of an even count the mean of the two in the middle; 0 of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or_default();
    f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Times passes that take `seconds`, one after the other and the last one ever after.
    fn time_passes(budget: f64, seconds: &[f64]) -> Timing {
        let now = Cell::new(0.0);
        let mut left = seconds.iter();
        let mut last = 0.0;
        let pass = || {
            last = *left.next().unwrap_or(&last);
            now.set(now.get() + last);
            Ok(())
        };
        time(budget, &|| now.get(), pass).unwrap()
    }

    #[test]
    fn the_first_pass_is_not_timed() {
        assert_eq!(time_passes(0.1, &[8.0, 1.0, 1.0, 1.0]), Timing { seconds: 1.0, passes: 3 });
    }

    #[test]
    fn a_slow_pass_now_and_then_does_not_count() {
        assert_eq!(time_passes(12.5, &[2.0, 2.0, 5.0, 2.0, 2.0]), Timing { seconds: 2.0, passes: 4 });
    }

    #[test]
    fn passes_go_on_until_the_time_is_up() {
        assert_eq!(time_passes(20.0, &[2.0]), Timing { seconds: 2.0, passes: 9 });
    }

    #[test]
    fn a_clock_that_is_too_coarse_gives_a_finite_figure() {
        let rate = time_passes(0.0, &[0.0]).measured("decode", 8).images_per_second;
        assert!(rate.is_finite() && rate > 0.0);
    }

    #[test]
    fn what_a_pass_cannot_do_ends_the_measuring() {
        assert!(matches!(time(1.0, &|| 0.0, || Err(Error::Cancelled)), Err(Error::Cancelled)));
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        let medians = [median(&mut [3.0, 1.0, 2.0]), median(&mut [4.0, 1.0, 2.0, 3.0]), median(&mut [])];
        assert_eq!(medians.map(f64::to_bits), [2.0, 2.5, 0.0_f64].map(f64::to_bits));
    }

    #[test]
    fn a_batch_repeats_the_pictures_and_alternates_the_labels() {
        let files = demo::files(&DemoConfig { images: 8, seed: 1 }).unwrap();
        let batch = batch(&files, 9, 32);
        let (first, ninth) = (&batch.pixels[..3 * 32 * 32], &batch.pixels[8 * 3 * 32 * 32..]);
        assert_eq!(first, ninth);
        assert!(first.iter().any(|value| value.to_bits() != first[0].to_bits()), "the picture is blank");
        assert_eq!(batch.labels, [0, 1, 0, 1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let fine = Settings { batch_size: 2, image_size: 32, seconds: 0.1, engine: EngineKind::Fast, only: None };
        assert!(fine.validate().is_ok());
        let problem = |settings: Settings| settings.validate().unwrap_err().to_string();
        assert!(problem(Settings { batch_size: 1, ..fine }).starts_with("batch size"));
        assert!(problem(Settings { image_size: 16, ..fine }).starts_with("image size"));
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(problem(Settings { seconds, ..fine }).starts_with("seconds"));
        }
    }
}
