//! The run's curves: how training went, and how its answers part the classes.

use super::card::{Block, SEE_PARTS, Section, figure};
use super::chart::{Axis, Bar, Chart, Layer, Look, Shape};
use super::material::{Material, Scored};
use crate::metrics::calibration::{BINS, Bin, reliability};
use crate::metrics::ranking::Ranking;
use crate::metrics::{Assessment, EpochFigures, Figures};

pub fn section(material: &Material) -> Section {
    if material.run.folds().is_some() {
        return Section { title: "Curves", blocks: vec![Block::Text(SEE_PARTS.into())] };
    }
    let all = [
        loss(material),
        accuracy(material),
        roc(material),
        precision_recall(material),
        calibration(material),
        histogram(material),
        by_epoch(material),
    ];
    let drawn: Vec<Chart> = all.into_iter().flatten().collect();
    let mut blocks = Vec::new();
    if material.epochs.is_empty() {
        blocks.push(Block::Text("No epoch was finished, so there is no training curve.".into()));
    }
    if material.test.is_empty() {
        let shown = if material.validation.is_empty() { "" } else { "; the curves are of validation images" };
        blocks.push(Block::Text(format!("There are no answers for test images{shown}.")));
    }
    if !drawn.is_empty() {
        blocks.push(Block::Charts(drawn));
    }
    Section { title: "Curves", blocks }
}

type Pick = fn(&Figures) -> Option<f64>;

fn layer(name: impl Into<String>, look: Look, shape: Shape) -> Layer {
    Layer { name: name.into(), look, shape }
}

#[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
fn place(epoch: usize) -> f64 {
    epoch as f64
}

fn last(epochs: &[EpochFigures]) -> usize {
    epochs.last().map_or(1, |epoch| epoch.epoch)
}

fn best_epoch(material: &Material) -> Option<Layer> {
    let best = material.run.best_epoch?;
    Some(layer(format!("best epoch, {best}"), Look::Reference, Shape::Upright(place(best))))
}

/// Training and validation by epoch.
fn course(material: &Material, pick: Pick) -> Option<(Vec<Layer>, Vec<f64>)> {
    let of = |figures: fn(&EpochFigures) -> &Figures| -> Vec<(f64, f64)> {
        material.epochs.iter().map(|e| (place(e.epoch), pick(figures(e)).unwrap_or(f64::NAN))).collect()
    };
    let (train, validation) = (of(|epoch| &epoch.train), of(|epoch| &epoch.validation));
    let values = train.iter().chain(&validation).map(|(_, value)| *value).collect();
    let mut layers = vec![
        layer("training", Look::First, Shape::Line(train)),
        layer("validation", Look::Second, Shape::Line(validation)),
    ];
    layers.extend(best_epoch(material));
    (!material.epochs.is_empty()).then_some((layers, values))
}

fn loss(material: &Material) -> Option<Chart> {
    let (layers, values) = course(material, |figures| figures.loss)?;
    let newest = material.epochs.last()?;
    Some(Chart {
        title: "Loss by epoch",
        words: format!(
            "Mean cross entropy by epoch; after the last one {} in training and {} in validation.",
            figure(newest.train.loss),
            figure(newest.validation.loss)
        ),
        square: false,
        x: Axis::epochs(last(&material.epochs)),
        y: Axis::from_zero("cross entropy (nats)", values),
        layers,
    })
}

fn accuracy(material: &Material) -> Option<Chart> {
    let (layers, values) = course(material, |figures| figures.confusion.accuracy())?;
    Some(Chart {
        title: "Accuracy by epoch",
        words: format!(
            "Share of images called right at 0.5; in validation {} in the best epoch.",
            figure(material.run.best_val_accuracy)
        ),
        square: false,
        x: Axis::epochs(last(&material.epochs)),
        y: Axis::upper_share("accuracy", values),
        layers,
    })
}

/// The splits that have answers: name, answers, look.
fn scored(material: &Material) -> impl Iterator<Item = (&'static str, &Scored, Look)> {
    let both = [("test", &material.test, Look::First), ("validation", &material.validation, Look::Second)];
    both.into_iter().filter(|(_, scored, _)| !scored.is_empty())
}

fn auc(scored: &Scored) -> Option<f64> {
    Some(scored.figures.as_ref()?.auc?.value)
}

fn roc(material: &Material) -> Option<Chart> {
    let mut layers = Vec::new();
    let mut said = Vec::new();
    for (name, scored, look) in scored(material) {
        if let Some((auc, ranking)) = auc(scored).zip(Ranking::of(&scored.cases)) {
            said.push(format!("{name} AUC {auc:.3}"));
            layers.push(layer(format!("{name}, AUC {auc:.3}"), look, Shape::Line(ranking.roc())));
        }
    }
    if layers.is_empty() {
        return None;
    }
    let at = scored(material).find_map(|(name, scored, _)| Some((name, place_of_threshold(scored.figures.as_ref()?)?)));
    if let Some((name, (x, y))) = at {
        let threshold = material.point.threshold.probability();
        let text = format!("{name} at threshold {threshold:.3}");
        said.push(format!("{text} sensitivity {y:.3} and specificity {:.3}", 1.0 - x));
        layers.push(layer(text, Look::First, Shape::Ring(x, y)));
    }
    layers.push(layer("chance", Look::Reference, Shape::Line(vec![(0.0, 0.0), (1.0, 1.0)])));
    Some(Chart {
        title: "ROC curve",
        words: format!("Sensitivity against 1 − specificity over all thresholds: {}.", said.join("; ")),
        square: true,
        x: Axis::share("1 − specificity"),
        y: Axis::share("sensitivity"),
        layers,
    })
}

fn place_of_threshold(figures: &Assessment) -> Option<(f64, f64)> {
    Some((1.0 - figures.confusion.specificity()?, figures.confusion.recall()?))
}

fn precision_recall(material: &Material) -> Option<Chart> {
    let curve = |(name, scored, look): (&str, &Scored, Look)| {
        let average = scored.figures.as_ref()?.average_precision?;
        let points = steps(&Ranking::of(&scored.cases)?.precision_recall());
        Some(layer(format!("{name}, average precision {average:.3}"), look, Shape::Line(points)))
    };
    let layers: Vec<Layer> = scored(material).filter_map(curve).collect();
    let names = layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>().join("; ");
    (!layers.is_empty()).then(|| Chart {
        title: "Precision-recall curve",
        words: format!("Precision (PPV) against recall (sensitivity) over all thresholds: {names}."),
        square: true,
        x: Axis::share("recall"),
        y: Axis::share("precision"),
        layers,
    })
}

/// As the average precision adds it up: each stretch of recall at the precision of its end.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut from = 0.0;
    let mut stairs = Vec::new();
    for &(recall, precision) in points {
        stairs.extend([(from, precision), (recall, precision)]);
        from = recall;
    }
    stairs
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
fn calibration(material: &Material) -> Option<Chart> {
    let (name, scored, look) = scored(material).next()?;
    let bins = reliability(&scored.cases, 1.0);
    let most = bins.iter().map(|bin| bin.images).max().filter(|most| *most > 0)? as f64;
    let bubble = |bin: &Bin| {
        let images = bin.images as f64;
        (bin.probability / images, bin.positives as f64 / images, images / most)
    };
    let filled = bins.iter().filter(|bin| bin.images > 0 && bin.probability.is_finite());
    let text = format!("{name} images in {BINS} bins, area by their number");
    let ece = figure(scored.figures.as_ref().and_then(|figures| figures.calibration.ece));
    Some(Chart {
        title: "Reliability",
        words: format!("Share of PNEUMONIA against mean probability, {text}; expected calibration error {ece}."),
        square: true,
        x: Axis::share("mean probability of PNEUMONIA").widened(),
        y: Axis::share("share that is PNEUMONIA").widened(),
        layers: vec![
            layer("as it should be", Look::Reference, Shape::Line(vec![(0.0, 0.0), (1.0, 1.0)])),
            layer(text, look, Shape::Bubbles(filled.map(bubble).collect())),
        ],
    })
}

fn histogram(material: &Material) -> Option<Chart> {
    let (name, scored, _) = scored(material).next()?;
    let of = |truth: bool| {
        let cases: Vec<_> = scored.cases.iter().filter(|case| case.truth == truth).copied().collect();
        reliability(&cases, 1.0).map(|bin| bin.images)
    };
    let (normal, ill) = (bars(of(false), 0.08), bars(of(true), 0.5));
    let heights: Vec<f64> = normal.iter().chain(&ill).map(|bar| bar.height).collect();
    let threshold = material.point.threshold.probability();
    Some(Chart {
        title: "Probabilities by class",
        words: format!("How many {name} images of each class have which probability of PNEUMONIA, in {BINS} bins."),
        square: false,
        x: Axis::share("probability of PNEUMONIA"),
        y: Axis { whole: true, ..Axis::from_zero("images", heights) },
        layers: vec![
            layer("PNEUMONIA", Look::First, Shape::Bars(ill)),
            layer("NORMAL", Look::Second, Shape::Bars(normal)),
            layer(format!("threshold {threshold:.3}"), Look::Reference, Shape::Upright(threshold)),
        ],
    })
}

/// Bars of 0.42 of a bin's width each, beginning at `offset` of it.
#[expect(clippy::cast_precision_loss, reason = "15 bins, and counts of images far below 2^53")]
fn bars(images: [u64; BINS], offset: f64) -> Vec<Bar> {
    let bar = |(bin, images): (usize, u64)| {
        let from = (bin as f64 + offset) / BINS as f64;
        Bar { from, to: from + 0.42 / BINS as f64, height: images as f64 }
    };
    images.into_iter().enumerate().map(bar).collect()
}

fn by_epoch(material: &Material) -> Option<Chart> {
    let scores = &material.epoch_scores;
    let auc = |score: &crate::store::EpochScore| score.auc.map_or(f64::NAN, |auc| auc.value);
    let points: Vec<(f64, f64)> = scores.iter().map(|score| (place(score.epoch), auc(score))).collect();
    let mut layers = vec![layer("AUC on test images", Look::First, Shape::Line(points.clone()))];
    layers.extend(best_epoch(material));
    Some(Chart {
        title: "AUC on test images by epoch",
        words: "Computed afterwards from the kept weights of each epoch; selected nothing.".into(),
        square: false,
        x: Axis::epochs(scores.last()?.epoch),
        y: Axis::upper_share("AUC", points.iter().map(|(_, auc)| *auc)),
        layers,
    })
}
