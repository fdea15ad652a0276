//! `xray-tui eval`: what a run's best weights score on a split, with intervals.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Output, assessment, figures_json, open_store};
use crate::cli::{EvalArgs, Wanted};
use crate::dataset::Split;
use crate::error::Error;
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, alarm};
use crate::predict::Predictor;
use crate::session::{LoadedData, Workplace, answers_of, config_of, digest};
use crate::store::{Answer, Run, RunState, Store, cases, decide, score};
use crate::train::evaluate::answer;

/// `named` is the data set that the user named; without one it is the run's own.
pub fn run(args: &EvalArgs, named: Option<&Path>, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let run = store.resolve(&args.run)?;
    let split = Split::from(args.split);
    run.started.refuse_foreign()?;
    if run.folds().is_some() {
        let problem = "is a cross-validation: name one of its folds, or see `xray-tui runs show`".into();
        return Err(Error::Run { run: run.started.name, problem }.into());
    }
    if args.every_epoch {
        return super::epochs::run(&store, &run, (split, named), (place, out));
    }
    if args.shifts {
        return super::shifts::run((&store, &run), (split, args.curves), named, (place, out));
    }
    let answers = answers(&store, &run, (split, named), (place, out))?;
    let validation = cases(&store.answers(&run.started.id, Split::Validation)?);
    let decision = Decision::of(args, &run, &store.answers(&run.started.id, config_of(&run)?.decides_on())?)?;
    let terms = Terms { prevalence: args.prevalence, ..decision.terms };
    let answered = cases(&answers.list);
    let assessed = Assessment::of(&answered, terms);
    let alarms = alarm::all(&assessed, &Assessment::quick(&validation, decision.terms), run.checks.as_ref());
    let mut value = figures_json(&score(&answers.list, terms.threshold));
    if let Value::Object(value) = &mut value {
        value.extend(assessment::json(&assessed));
        if args.curves {
            value.extend(assessment::curves(&answered, &assessed));
        }
    }
    let looks = if split == Split::Test { store.looks(&run.started.id)? } else { None };
    value["run_id"] = json!(run.started.id);
    value["split"] = json!(split.name());
    value["data_differs"] = json!(answers.differs);
    value["synthetic"] = json!(answers.synthetic);
    value["threshold_source"] = json!(decision.source);
    value["test_looks"] = json!(looks);
    value["alarms"] = alarms.iter().map(|alarm| json!({"kind": alarm.kind(), "text": alarm.to_string()})).collect();
    out.answer(&value, || {
        let looked = looks.map_or_else(String::new, |looks| {
            let times = if looks == 1 { "time" } else { "times" };
            format!(", looked at {looks} {times} in this database")
        });
        let mut lines = vec![
            format!("{} on {}: {} images{looked}", run.started.name, split.name(), answers.list.len()),
            format!("threshold {:.3}, {}", terms.threshold.probability(), decision.source),
            assessment::table(&assessed),
        ];
        lines.extend(alarms.iter().map(|alarm| format!("! {alarm}")));
        lines.join("\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What decides, and where that comes from.
struct Decision {
    terms: Terms,
    source: String,
}

impl Decision {
    /// What the run decides with, else what the flags ask for. Nothing of it is stored here.
    fn of(args: &EvalArgs, run: &Run, deciding: &[Answer]) -> anyhow::Result<Self> {
        let rule = match args.threshold {
            Some(Wanted::By(rule)) => rule,
            _ => config_of(run)?.threshold,
        };
        let chosen = || decide(rule, deciding);
        let own = run.operating.filter(|_| !matches!(args.threshold, Some(Wanted::By(_)))).unwrap_or_else(chosen);
        let terms = Terms { threshold: own.threshold, temperature: own.temperature, prevalence: None };
        Ok(match args.threshold {
            Some(Wanted::At(threshold)) => {
                Self { terms: Terms { threshold, ..terms }, source: "exploratory: given by hand, not stored".into() }
            }
            _ => Self { terms, source: own.source() },
        })
    }
}

/// A split's answers.
struct Answers {
    list: Vec<Answer>,
    /// They are of another data set than the run was trained on.
    differs: bool,
    synthetic: bool,
}

/// The answers that the run gave already, else new ones. A look at test images is counted where it shows something new.
fn answers(
    store: &Store,
    run: &Run,
    (split, named): (Split, Option<&Path>),
    (place, out): (&Workplace, Output),
) -> anyhow::Result<Answers> {
    let list = store.answers(&run.started.id, split)?;
    if named.is_none() && !list.is_empty() {
        return Ok(Answers { list, differs: false, synthetic: run.started.synthetic });
    }
    refuse_early(run, split)?;
    let predictor = Predictor::load(&store.run_folder(&run.started.id))?;
    let (data, images, differs) = open(run, (split, named), (place, out))?;
    if !differs && !list.is_empty() {
        return Ok(Answers { list, differs, synthetic: data.dataset.synthetic });
    }
    let watch = &mut |p: crate::dataset::cache::Progress| {
        out.detail(&format!("{} of {}", p.done, p.total));
        ControlFlow::Continue(())
    };
    let answered = answer((predictor.network(), predictor.look()), (&data.dataset, &data.cache), &images, watch)?;
    let list = answers_of(&data.dataset, split, &answered);
    if split == Split::Test {
        store.add_look(&run.started.id, &digest(&data.dataset, &data.cache, &images))?;
    }
    if !differs {
        store.replace_answers(&run.started.id, split, &list)?;
    }
    Ok(Answers { list, differs, synthetic: data.dataset.synthetic })
}

/// # Errors
/// `Run` where the answers would tell whether to go on.
pub(super) fn refuse_early(run: &Run, split: Split) -> Result<(), Error> {
    if split != Split::Test || run.state == RunState::Finished {
        return Ok(());
    }
    let problem = format!(
        "is {}, not finished: test images are not looked at before the end; `--split validation` shows how far it is",
        run.state.name()
    );
    Err(Error::Run { run: run.started.name.clone(), problem })
}

/// The data, the images of `split` in it, and whether they are of another data set than the run was trained on.
///
/// # Errors
/// Where they would give no figure or a false one.
pub(super) fn open(
    run: &Run,
    (split, named): (Split, Option<&Path>),
    (place, out): (&Workplace, Output),
) -> anyhow::Result<(LoadedData, Vec<usize>, bool)> {
    let config = config_of(run)?;
    let place = Workplace { data: named.unwrap_or(&run.started.data).to_owned(), ..place.clone() };
    let data = LoadedData::open(&place, config.image_size, &mut out.counting("decoding"))?;
    let images = data.splits(&config).of(split).to_vec();
    let differs = data.hash()?.id != run.started.data_hash;
    check(&data, (split, &images), (differs, config.fold.is_some()))?;
    if differs {
        out.progress("note: the data set differs from the one this run was trained on");
    }
    Ok((data, images, differs))
}

/// Refuses what would give no figure or a false one.
fn check(data: &LoadedData, (split, images): (Split, &[usize]), (differs, is_fold): (bool, bool)) -> Result<(), Error> {
    let refuse = |problem: String| Err(Error::BadDataSet { dir: data.dataset.root.clone(), problem });
    if images.is_empty() {
        return refuse(format!("has no readable {} images; check the folder", split.name()));
    }
    if differs && (split == Split::Validation || is_fold) {
        return refuse(
            "is not the data set that the run was trained on: another split could hold images that it has learned; \
             score the test split, or name the run's own with --data"
                .into(),
        );
    }
    Ok(())
}
