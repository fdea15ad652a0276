//! Carries out what the Runs screen asks for: names, notes, tags, the trash, sizes, curves, comparisons, files.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::app::history::History;
use crate::app::runs::compare::Compared;
use crate::app::runs::work::{RunsNews, RunsWork};
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::metrics::assessment::Terms;
use crate::metrics::comparison::Comparison;
use crate::metrics::{Assessment, Measure};
use crate::session::disk::{self, Freed};
use crate::session::labels::{self, Labels};
use crate::session::manifest::Manifest;
use crate::session::models::{self, Grounds};
use crate::store::{Run, Store, cases};

/// Does it, and says what has become of it.
pub fn answer(store: &Store, work: &RunsWork) -> Result<RunsNews> {
    Ok(match work {
        RunsWork::Star { run_id, starred } => {
            store.star_run(run_id, *starred)?;
            let star = if *starred { "a" } else { "no" };
            RunsNews::Labelled(format!("{} has {star} star", name(store, run_id)?))
        }
        RunsWork::Rename { run_id, name: new } => {
            let old = name(store, run_id)?;
            labels::rename(store, run_id, new)?;
            RunsNews::Labelled(format!("{old} is called {new} now"))
        }
        RunsWork::Note { run_id, text } => {
            labels::note(store, run_id, text)?;
            let note = if text.is_empty() { "no" } else { "this" };
            RunsNews::Labelled(format!("{} has {note} note", name(store, run_id)?))
        }
        RunsWork::Tags { run_ids, tags } => tag(store, run_ids, tags)?,
        RunsWork::Restore(run_ids) => restore(store, run_ids),
        RunsWork::EmptyTrash => {
            let Freed { runs, bytes, left } = disk::empty_trash(store)?;
            RunsNews::Emptied { runs, bytes, left }
        }
        RunsWork::Measure(run_ids) => {
            RunsNews::Sizes(run_ids.iter().map(|id| (id.clone(), disk::size_of(store, id))).collect())
        }
        RunsWork::Compare(run_ids) => {
            RunsNews::Compared(run_ids.iter().map(|id| compared(store, (id, &run_ids[0]))).collect::<Result<_>>()?)
        }
        RunsWork::Write { path, text, over } => write(path, text, *over)?,
        RunsWork::Pair(pair) => {
            let found = pair_up(store, pair).map(Box::new).map_err(|error| error.to_string());
            RunsNews::Paired(pair.clone(), found)
        }
        RunsWork::Trash(run_ids) => trash(store, run_ids),
        RunsWork::Promote(run_id) => {
            let before = store.champion()?.map(|champion| champion.version);
            let version = models::promote(store, run_id, (&Grounds::default(), before))?;
            RunsNews::Labelled(format!("{} is the champion now, version {}", version.new.run_name, version.version))
        }
        RunsWork::RollBack => {
            let to = models::roll_back(store, None)?.to;
            RunsNews::Labelled(format!("{} is the champion again, version {}", to.new.run_name, to.version))
        }
    })
}

fn name(store: &Store, run_id: &str) -> Result<String> {
    store.run(run_id).map(|run| run.started.name)
}

/// One run gets these tags and no others, several get them too.
fn tag(store: &Store, run_ids: &[String], tags: &[String]) -> Result<RunsNews> {
    if let [run_id] = run_ids {
        Labels { note: None, tags: tags.to_vec() }.check()?;
        store.set_tags(run_id, tags)?;
        let words = if tags.is_empty() { "no tags".to_owned() } else { format!("the tags {}", tags.join(", ")) };
        return Ok(RunsNews::Labelled(format!("{} has {words}", name(store, run_id)?)));
    }
    for run_id in run_ids {
        labels::tag(store, run_id, tags)?;
    }
    Ok(RunsNews::Labelled(format!("{} runs have the tags {} too", run_ids.len(), tags.join(", "))))
}

/// As many as can come back, the last thrown away first: a part comes back with its whole.
fn restore(store: &Store, run_ids: &[String]) -> RunsNews {
    let (mut names, mut left, mut problem) = (Vec::new(), Vec::new(), None);
    for run_id in run_ids.iter().rev() {
        let back = || match store.run(run_id) {
            Ok(run) if run.trashed_at.is_none() => Ok(run.started.name),
            _ => store.restore_run(run_id).and_then(|()| name(store, run_id)),
        };
        match back() {
            Ok(name) => names.push(name),
            Err(error) => {
                left.push(run_id.clone());
                problem = Some(error.to_string());
            }
        }
    }
    RunsNews::Restored { names, left, problem }
}

/// As many as can go; one that is under way stays.
fn trash(store: &Store, run_ids: &[String]) -> RunsNews {
    let (mut runs, mut problem) = (Vec::new(), None);
    for run_id in run_ids {
        match name(store, run_id).and_then(|name| store.trash_run(run_id).map(|()| name)) {
            Ok(name) => runs.push((run_id.clone(), name)),
            Err(error) => problem = Some(error.to_string()),
        }
    }
    RunsNews::Trashed { runs, problem }
}

/// Its epochs, those that are done, and the figures of its answers: its steps would be many. And what it saw beside the
/// first of those that are compared.
fn compared(store: &Store, (run_id, first): (&str, &str)) -> Result<Compared> {
    let (run, epochs) = (store.run(run_id)?, store.epochs(run_id)?);
    let best = epochs.iter().find(|figures| Some(figures.epoch) == run.best_epoch);
    let terms = Terms { threshold: run.threshold(), temperature: None, prevalence: None };
    let auc = |split| Ok::<_, Error>(Assessment::quick(&cases(&store.answers(run_id, split)?), terms).auc);
    let differ = || Manifest::difference(store, [&store.run(first)?.started, &run.started]);
    let images = (run_id != first).then(differ).transpose()?;
    Ok(Compared {
        images,
        run_id: run_id.to_owned(),
        validation: best.and_then(|best| best.validation.confusion.estimate(Measure::Accuracy)),
        validation_auc: auc(Split::Validation)?,
        test_auc: auc(Split::Test)?,
        history: History { best_epoch: run.best_epoch, ..History::of(0, &[], &epochs) },
    })
}

fn pair_up(store: &Store, [a, b]: &[String; 2]) -> Result<Comparison> {
    let [a, b]: [Run; 2] = [store.run(a)?, store.run(b)?];
    store.compare([&a, &b], Split::Test)
}

/// Writes a file; one that is there only where that was asked for.
fn write(path: &Path, text: &str, over: bool) -> Result<RunsNews> {
    let mut options = OpenOptions::new();
    options.write(true);
    if over {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    match options.open(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(RunsNews::Written(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_file() => {
            Ok(RunsNews::Exists(path.to_owned()))
        }
        Err(error) => Err(Error::io("write", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use crate::dataset::Class;
    use crate::store::{Answer, RunState};

    /// Twelve images, of which the network takes one of each class for the other.
    fn answers(split: Split) -> Vec<Answer> {
        let answer = |number: u8| {
            let (truth, folder) = if number < 6 { (Class::Normal, "NORMAL") } else { (Class::Pneumonia, "PNEUMONIA") };
            let margin = if number.is_multiple_of(6) { -1.0 } else { 2.0 + f32::from(number) };
            let margin = if truth == Class::Normal { -margin } else { margin };
            Answer {
                split,
                harder: false,
                file: format!("{folder}/{number}.jpeg"),
                truth,
                logits: [0.0, margin],
                disagreement: None,
            }
        };
        (0..12).map(answer).collect()
    }

    #[test]
    fn a_comparison_is_read_with_intervals_where_answers_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        for number in [1, 2] {
            store.create_run(&sample::run(number, RunState::Finished).started).unwrap();
            store.add_epoch(&sample::run_id(number), &sample::epoch(1), true).unwrap();
        }
        store.replace_answers(&sample::run_id(1), Split::Test, &answers(Split::Test)).unwrap();
        let ids = [1, 2, 1].map(sample::run_id);
        let Ok(RunsNews::Compared(found)) = answer(&store, &RunsWork::Compare(ids.clone().into())) else { panic!() };
        assert_eq!([&found[0].run_id, &found[1].run_id, &found[2].run_id], [&ids[0], &ids[1], &ids[2]]);
        let auc = found[0].test_auc.unwrap();
        let interval = auc.interval.unwrap();
        assert!((auc.value - 35.0 / 36.0).abs() < 1e-12, "{auc:?}");
        assert!(interval.low < auc.value && auc.value < interval.high, "{auc:?}");
        assert_eq!((found[0].validation_auc, found[1].test_auc), (None, None), "they have no answers");
        let best = sample::epoch(1).validation.confusion;
        assert_eq!(found[1].validation, best.estimate(Measure::Accuracy));
        assert_eq!(found[1].history.epochs.len(), 1);
    }

    #[test]
    fn a_file_is_written_over_only_where_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.csv");
        assert!(matches!(write(&path, "one and more", false).unwrap(), RunsNews::Written(_)));
        assert!(matches!(write(&path, "two", false).unwrap(), RunsNews::Exists(_)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one and more");
        write(&path, "two", true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert!(write(&folder.path().join("no/runs.csv"), "", false).is_err());
    }
}
