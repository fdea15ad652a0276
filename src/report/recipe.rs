//! How the run was trained: settings, what was done to it meanwhile, and how it went epoch by epoch.

use super::card::{Block, Facts, Section, Table, UNKNOWN, figure, known, number, words};
use super::material::Material;
use super::{card, private};
use crate::dataset::augment::Augmentation;
use crate::metrics::EpochFigures;
use crate::store::{Mark, MarkKind};
use crate::train::TrainConfig;
use crate::units::{count, duration};

pub fn section(material: &Material) -> Section {
    let mut blocks = Vec::new();
    match &material.config {
        Some(config) => blocks.extend([Block::Text(method(config)), Block::Facts(settings(config, &material.marks))]),
        None => blocks.push(Block::Text("This version cannot read the run's settings.".into())),
    }
    blocks.extend([Block::Heading("How it went"), Block::Facts(course(material))]);
    if !material.marks.is_empty() {
        blocks.push(Block::Table(marks(&material.marks)));
    } else if material.run.folds().is_none() {
        blocks.push(Block::Text("It was never paused, stopped, resumed or given another learning rate.".into()));
    }
    if !material.epochs.is_empty() {
        blocks.push(Block::Table(epochs(&material.epochs, material.run.best_epoch)));
    }
    Section { title: "Recipe", blocks }
}

fn method(config: &TrainConfig) -> String {
    let from = match &config.pretrained {
        Some(file) => format!("from the weights in {}", private::name(file)),
        None => "from random weights".to_owned(),
    };
    format!(
        "One ResNet-18 (torchvision's layers, two outputs: NORMAL and PNEUMONIA), trained whole {from} with Adam (0.9, \
         0.999, without weight decay) on the cross entropy, in f32 on the CPU. Of its epochs, the one with the highest \
         validation accuracy is kept, ties going to the lower validation loss."
    )
}

fn settings(config: &TrainConfig, marks: &[Mark]) -> Facts {
    let Augmentation { horizontal_flip, rotation_degrees, brightness, contrast } = config.augmentation;
    let set = marks.iter().any(|mark| mark.kind == MarkKind::Rate);
    let rate = if set { "at first, then set as listed below" } else { "throughout" };
    let changed = |by: f64, how: String| if by > 0.0 { how } else { "off".into() };
    vec![
        ("epochs", count(config.epochs)),
        ("batch size", count(config.batch_size)),
        ("learning rate", format!("{} {rate}", config.learning_rate)),
        ("image size", format!("{0} x {0} pixels", config.image_size)),
        ("seed", config.seed.to_string()),
        ("mirrored", if horizontal_flip { "half of the time".into() } else { "never".into() }),
        ("rotated", changed(rotation_degrees, format!("by up to {rotation_degrees} degrees"))),
        ("brightness changed", changed(brightness, format!("by up to {brightness}"))),
        ("contrast changed", changed(contrast, format!("by up to {contrast}"))),
        ("pretrained weights", config.pretrained.as_deref().map_or_else(|| "none".into(), private::name)),
        ("threshold by", config.threshold.to_string()),
        ("weights kept of every epoch", if config.keep_epochs { "yes".into() } else { "no".into() }),
        ("marked images of train and val, not trained on", left_out(config)),
        ("engine", config.engine.name().to_owned()),
    ]
}

/// Of those in the folders train and val that were marked as wrongly labelled or of poor quality when the run began.
fn left_out(config: &TrainConfig) -> String {
    match &config.excluded {
        Some(list) if list.is_empty() => "none was marked".into(),
        Some(list) => count(list.len()),
        None => "no".into(),
    }
}

fn course(material: &Material) -> Facts {
    let run = &material.run;
    if run.folds().is_some() {
        return vec![("time of all parts", duration(run.seconds))];
    }
    let seconds: f64 = material.epochs.iter().map(|epoch| epoch.seconds).sum();
    #[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
    let epochs = material.epochs.len() as f64;
    vec![
        ("epochs done", count(run.epochs_done)),
        ("best epoch", known(run.best_epoch)),
        ("validation accuracy of the best epoch, at 0.5", figure(run.best_val_accuracy)),
        ("time", duration(run.seconds)),
        ("time an epoch", if epochs > 0.0 { duration(seconds / epochs) } else { UNKNOWN.into() }),
        ("images a second in training", known(run.images_per_second.map(|speed| format!("{speed:.1}")))),
    ]
}

fn marks(marks: &[Mark]) -> Table {
    let row = |mark: &Mark| vec![count(mark.step), done(mark), card::moment(&mark.at)];
    Table {
        caption: "What was done to the run".into(),
        columns: vec![number("after step"), words("what"), words("when")],
        rows: marks.iter().map(row).collect(),
    }
}

fn done(mark: &Mark) -> String {
    match (mark.kind, mark.value) {
        (MarkKind::Pause, _) => "paused".into(),
        (MarkKind::Continue, _) => "went on after a pause".into(),
        (MarkKind::Stop, _) => "stopped".into(),
        (MarkKind::Finish, epoch) => format!("asked to stop after epoch {}", known(epoch)),
        (MarkKind::Resume, _) => "resumed from its checkpoint".into(),
        (MarkKind::Rate, rate) => format!("learning rate set to {}", known(rate)),
        (MarkKind::Repeat, Some(same)) if same > 0.0 => "repeated: the same bits came".into(),
        (MarkKind::Repeat, _) => "repeated: other bits came".into(),
    }
}

fn epochs(epochs: &[EpochFigures], best: Option<usize>) -> Table {
    let row = |epoch: &EpochFigures| {
        vec![
            if best == Some(epoch.epoch) { format!("{} (best)", epoch.epoch) } else { epoch.epoch.to_string() },
            figure(epoch.train.loss),
            figure(epoch.train.confusion.accuracy()),
            figure(epoch.validation.loss),
            figure(epoch.validation.confusion.accuracy()),
            duration(epoch.seconds),
        ]
    };
    Table {
        caption: "Epoch by epoch; accuracies at 0.5".into(),
        columns: vec![
            number("epoch"),
            number("training loss"),
            number("accuracy"),
            number("validation loss"),
            number("accuracy"),
            number("time"),
        ],
        rows: epochs.iter().map(row).collect(),
    }
}
