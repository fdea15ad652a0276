//! Reads the data set, or makes the demo set, on a thread of its own.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::message::{DataMessage, DataSummary, Message};
use crate::dataset::cache::Progress;
use crate::dataset::demo::{self, DemoConfig};
use crate::dataset::split::Splits;
use crate::dataset::{Class, statistics};
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::session::{LoadedData, Workplace};
use crate::train::{TrainConfig, priority};
use crate::tui::wake::Outbox;

/// Sample pictures of each class.
const SAMPLES: usize = 8;

/// Counts are told at most this often.
const PACE: Duration = Duration::from_millis(30);

pub fn load(place: &Workplace, config: &TrainConfig, outbox: &Outbox) {
    let (place, config) = (place.clone(), config.clone());
    spawn(outbox, move |outbox| gather(&place, &config, outbox));
}

pub fn make_demo(place: &Workplace, config: &TrainConfig, outbox: &Outbox) {
    let (place, config) = (place.clone(), config.clone());
    spawn(outbox, move |outbox| {
        demo::write(
            &place.data.join("demo"),
            &DemoConfig::default(),
            &mut progress("drawing synthetic X-rays", outbox),
        )?;
        gather(&place, &config, outbox)
    });
}

fn spawn(outbox: &Outbox, work: impl FnOnce(&Outbox) -> Result<DataSummary> + Send + 'static) {
    let theirs = outbox.clone();
    let started = std::thread::Builder::new().name("data".into()).spawn(move || {
        priority::lower();
        let result = catch_unwind(AssertUnwindSafe(|| work(&theirs)));
        theirs.send(Message::Data(match result {
            Ok(Ok(summary)) => DataMessage::Ready(Box::new(summary)),
            Ok(Err(Error::NoFolder { dir } | Error::NoDataSet { dir })) => DataMessage::Missing { dir },
            Ok(Err(error)) => DataMessage::Failed(error.to_string()),
            Err(_) => DataMessage::Failed("internal error while reading it; the log has the details".into()),
        }));
    });
    if let Err(error) = started {
        outbox.send(Message::Data(DataMessage::Failed(format!("cannot start a thread: {error}"))));
    }
}

/// Tells counts at a pace that the screen can show.
fn progress<'a>(what: &'static str, outbox: &'a Outbox) -> impl FnMut(Progress) -> ControlFlow<()> + 'a {
    let mut told: Option<Instant> = None;
    move |Progress { done, total }| {
        if told.is_none_or(|at| at.elapsed() >= PACE) {
            told = Some(Instant::now());
            outbox.send(Message::Data(DataMessage::Progress { what, done, total }));
        }
        ControlFlow::Continue(())
    }
}

fn gather(place: &Workplace, config: &TrainConfig, outbox: &Outbox) -> Result<DataSummary> {
    let data = LoadedData::open(place, config.image_size, &mut progress("decoding", outbox))?;
    let splits = data.splits(config);
    let hash = data.hash()?;
    Ok(DataSummary {
        root: data.dataset.root.clone(),
        synthetic: data.dataset.synthetic,
        statistics: statistics::gather(&data.dataset, &splits, &data.cache, &hash),
        samples: Class::ALL.into_iter().flat_map(|class| samples(&data, &splits, class)).collect(),
    })
}

/// Some training pictures of a class, spread over all of them.
fn samples(data: &LoadedData, splits: &Splits, class: Class) -> Vec<(Class, String, Arc<Picture>)> {
    let images: Vec<usize> =
        splits.train.iter().copied().filter(|image| data.dataset.images[*image].class == class).collect();
    let step = (images.len() / SAMPLES).max(1);
    let picture = |image: &usize| {
        let picture = data.cache.read_source(*image).ok()?;
        Some((class, data.dataset.images[*image].file.clone(), Arc::new(Picture::from(&picture))))
    };
    images.iter().step_by(step).take(SAMPLES).filter_map(picture).collect()
}
