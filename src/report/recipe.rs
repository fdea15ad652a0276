//! How the run was trained: settings, what was done to it meanwhile, and how it went epoch by epoch.

use super::card::{Block, Facts, Section, Table, UNKNOWN, figure, known, number, words};
use super::material::Material;
use super::{card, private};
use crate::dataset::look::TestAugmentation;
use crate::metrics::{Criterion, EpochFigures};
use crate::store::{Mark, MarkKind};
use crate::train::TrainConfig;
use crate::train::config::{ClassBalance, Schedule};
use crate::train::setting::{self, Setting};
use crate::units::{count, duration};

pub fn section(material: &Material) -> Section {
    let mut blocks = Vec::new();
    if let Some(members) = material.run.members() {
        blocks.push(Block::Text(format!(
            "An ensemble: it answers with the mean of the logits of {} networks, those of the runs {}, all trained and \
             validated on the same images. What follows are the settings of the first one.",
            members.len(),
            members.join(", ")
        )));
    }
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
        "One ResNet-18 (torchvision's layers, two outputs: NORMAL and PNEUMONIA), trained {} {from} with {} on the {}, \
         in f32 on the CPU. {}Of its epochs, the one with the {} is kept.{}",
        trained(config),
        optimiser(config),
        loss(config),
        averaged(config),
        best(config.choose_by),
        looks(config.test_augmentation)
    )
}

/// How much of the network.
fn trained(config: &TrainConfig) -> String {
    match config.frozen_stages {
        0 => "whole".into(),
        1 => "but for its stem".into(),
        parts => format!("but for its stem and the first {} of its four stages", parts - 1),
    }
}

fn optimiser(config: &TrainConfig) -> String {
    let clipped = if config.clip_norm > 0.0 {
        format!(", gradients longer than {} shortened to that", config.clip_norm)
    } else {
        String::new()
    };
    if config.weight_decay > 0.0 {
        format!("AdamW (0.9, 0.999, weight decay {}){clipped}", config.weight_decay)
    } else {
        format!("Adam (0.9, 0.999, without weight decay){clipped}")
    }
}

fn loss(config: &TrainConfig) -> String {
    let balance = match config.class_balance {
        ClassBalance::None => "",
        ClassBalance::Weights => ", images of the rarer class weighing more",
        ClassBalance::Sampling => ", each epoch with only as many images of the commoner class as of the rarer one",
    };
    if config.label_smoothing > 0.0 {
        format!("cross entropy with labels smoothed by {}{balance}", config.label_smoothing)
    } else {
        format!("cross entropy{balance}")
    }
}

fn averaged(config: &TrainConfig) -> String {
    if config.averaging > 0.0 {
        format!("What is scored are averaged weights, which keep {} of themselves at every step. ", config.averaging)
    } else {
        String::new()
    }
}

const fn best(measure: Criterion) -> &'static str {
    match measure {
        Criterion::Accuracy => "highest validation accuracy, ties going to the lower validation loss,",
        Criterion::Loss => "lowest validation loss",
        Criterion::Shifted => "highest AUC on the validation images made harder",
    }
}

const fn looks(looks: TestAugmentation) -> &'static str {
    match looks {
        TestAugmentation::None => "",
        TestAugmentation::Flip => " Its answers are the mean of two looks: at the image and at its mirror image.",
        TestAugmentation::Views => {
            " Its answers are the mean of four looks: at the image, at its mirror image, and at both closer up."
        }
    }
}

fn settings(config: &TrainConfig, marks: &[Mark]) -> Facts {
    let set = marks.iter().any(|mark| mark.kind == MarkKind::Rate);
    let rate = if set { "at first, then set as listed below" } else { "throughout" };
    setting::ALL.iter().filter(|setting| setting.is_stored()).map(|setting| fact(setting, config, rate)).collect()
}

/// What is said of a setting; `rate` is when the learning rate was that.
fn fact(setting: &Setting, config: &TrainConfig, rate: &str) -> (&'static str, String) {
    let text = setting.shown(&setting.value(config));
    let up_to = |unit: &str| if text == "0" { "off".to_owned() } else { format!("by up to {text}{unit}") };
    match setting.name {
        "learning_rate" if config.schedule == Schedule::Constant && config.warmup_epochs == 0.0 => {
            (setting.label, format!("{text} {rate}"))
        }
        "learning_rate" => {
            (setting.label, format!("{text} at its highest{}", rate.strip_prefix("at first").unwrap_or_default()))
        }
        "epochs" => (setting.label, count(config.epochs)),
        "batch_size" => (setting.label, count(config.batch_size)),
        "image_size" => (setting.label, format!("{text} x {text} pixels")),
        "flip" => ("mirrored", if text == "on" { "half of the time".into() } else { "never".into() }),
        "rotation" => ("rotated", up_to(" degrees")),
        "translation" => ("moved", up_to(" of the side")),
        "brightness" => ("brightness changed", up_to("")),
        "contrast" => ("contrast changed", up_to("")),
        "pretrained" => {
            ("pretrained weights", config.pretrained.as_deref().map_or_else(|| "none".into(), private::name))
        }
        "threshold" => ("threshold by", text),
        "keep_epochs" => ("weights kept of every epoch", if text == "on" { "yes".into() } else { "no".into() }),
        "exclude_marked" => ("marked images of train and val, not trained on", left_out(config)),
        "crop_scale" if text == "1" => (setting.label, "off".into()),
        name if text == "0" && name != "seed" => (setting.label, "off".into()),
        _ => (setting.label, text),
    }
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
            figure(epoch.harder_auc()),
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
            number("AUC made harder"),
            number("time"),
        ],
        rows: epochs.iter().map(row).collect(),
    }
}
