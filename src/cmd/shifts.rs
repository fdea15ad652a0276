//! `xray-tui eval --shifts`: what a run's best weights score on images made harder, way by way.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Output;
use super::eval::{open, refuse_early};
use crate::dataset::Split;
use crate::dataset::shift::Shift;
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, Case, Measure};
use crate::predict::Predictor;
use crate::session::{Workplace, answers_of, digest};
use crate::store::{Run, Store, cases};
use crate::train::evaluate::{self, answer_shifted};
use crate::units::share;

/// What the images score in one way.
struct Scored {
    shift: Shift,
    loss: Option<f64>,
    cases: Vec<Case>,
    assessed: Assessment,
}

/// `curves`: with the log odds of every image in every way.
pub fn run(
    (store, run): (&Store, &Run),
    (split, curves): (Split, bool),
    named: Option<&Path>,
    (place, out): (&Workplace, Output),
) -> anyhow::Result<ExitCode> {
    refuse_early(run, split)?;
    let predictor = Predictor::load(&store.run_folder(&run.started.id))?;
    let (data, images, differs) = open(run, (split, named), (place, out))?;
    let seeing = (predictor.network(), predictor.look());
    let terms = Terms { threshold: run.threshold(), temperature: None, prevalence: None };
    let harder = |shift: Shift| {
        out.detail(shift.name());
        let (sets, watch) = ((&data.dataset, &data.cache), &mut |_| ControlFlow::Continue(()));
        let answered = answer_shifted(seeing, sets, (&images, &|_| shift), watch)?;
        let loss = evaluate::figures(&data.dataset, &answered).loss;
        let cases = cases(&answers_of(&data.dataset, split, &answered));
        let assessed = Assessment::quick(&cases, terms);
        Ok::<_, crate::error::Error>(Scored { shift, loss, cases, assessed })
    };
    let scored: Vec<Scored> = [Shift::None].into_iter().chain(Shift::ALL).map(harder).collect::<Result<_, _>>()?;
    if split == Split::Test {
        store.add_look(&run.started.id, &digest(&data.dataset, &data.cache, &images))?;
    }
    let value = json!({
        "run_id": run.started.id,
        "split": split.name(),
        "n": images.len(),
        "threshold": run.threshold().probability(),
        "data_differs": differs,
        "shifts": scored.iter().map(|scored| json_of(scored, curves)).collect::<Vec<_>>(),
    });
    out.answer(&value, || table(run, (split, images.len()), &scored))?;
    Ok(ExitCode::SUCCESS)
}

const SHOWN: [Measure; 3] = [Measure::Accuracy, Measure::Sensitivity, Measure::Specificity];

fn json_of(scored: &Scored, curves: bool) -> Value {
    let [accuracy, sensitivity, specificity] =
        SHOWN.map(|measure| scored.assessed.measure(measure).map(|estimate| estimate.value));
    let margins = |ill: bool| -> Vec<f64> {
        scored.cases.iter().filter(|case| case.truth == ill).map(|case| case.margin).collect()
    };
    let mut value = json!({
        "shift": scored.shift.name(),
        "accuracy": accuracy,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "auc": scored.assessed.auc.as_ref().map(|auc| auc.value),
        "loss": scored.loss,
    });
    if curves {
        value["margins"] = json!({"NORMAL": margins(false), "PNEUMONIA": margins(true)});
    }
    value
}

fn table(run: &Run, (split, count): (Split, usize), scored: &[Scored]) -> String {
    let threshold = run.threshold().probability();
    let mut lines = vec![
        format!(
            "{} on {}: {count} images, each as it is and made harder; threshold {threshold:.3}",
            run.started.name,
            split.name()
        ),
        format!(
            "{:<12}{:>10}{:>13}{:>13}{:>8}{:>8}",
            "pictures", "accuracy", "sensitivity", "specificity", "AUC", "loss"
        ),
    ];
    lines.extend(scored.iter().map(|scored| {
        let [accuracy, sensitivity, specificity] =
            SHOWN.map(|measure| share(scored.assessed.measure(measure).map(|estimate| estimate.value)));
        let auc = share(scored.assessed.auc.as_ref().map(|auc| auc.value));
        let name = if scored.shift == Shift::None { "as they are" } else { scored.shift.name() };
        format!("{name:<12}{accuracy:>10}{sensitivity:>13}{specificity:>13}{auc:>8}{:>8}", share(scored.loss))
    }));
    lines.join("\n")
}
