//! Reads and changes the store for the screens, on a thread and a connection of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::{images, runs};
use crate::app::history::History;
use crate::app::inspect::OtherRun;
use crate::app::log::LINES;
use crate::app::message::{Assessed, Earlier, Effect, InspectMessage, Message, RunDetail, RunsMessage, TrainMessage};
use crate::app::runs::work::{RunsNews, RunsWork};
use crate::dataset::Split;
use crate::dataset::hash::md5_hex;
use crate::error::{Error, Result};
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, Spread, alarm};
use crate::report;
use crate::session::verify::{self, Verification};
use crate::session::{Workplace, journal, seeds, study};
use crate::store::{Run, Store, cases as cases_of};
use crate::tui::wake::Outbox;

/// Runs of a list that are shown before all of it has come.
const PAGE: usize = 100;

pub struct StoreWorker(Sender<Effect>);

impl StoreWorker {
    pub fn start(place: Workplace, outbox: Outbox) -> Self {
        let (sender, effects) = channel();
        let failed = outbox.clone();
        let work = move || answer_all(&place, &effects, &outbox);
        if let Err(error) = std::thread::Builder::new().name("store".into()).spawn(work) {
            failed.send(Message::Runs(RunsMessage::Loaded(Err(format!("cannot start a thread: {error}")))));
        }
        Self(sender)
    }

    pub fn ask(&self, effect: Effect) {
        let _ = self.0.send(effect);
    }
}

fn answer_all(place: &Workplace, effects: &Receiver<Effect>, outbox: &Outbox) {
    let (mut store, mut paged) = (None, false);
    for effect in effects {
        if store.is_none() {
            store = Store::open(&place.db).map_err(|error| outbox.send(failed(&effect, error.to_string()))).ok();
        }
        if let Some(store) = &store {
            if effect == Effect::LoadRuns {
                tell_champion(store, outbox);
                if !std::mem::replace(&mut paged, true) {
                    first_page(store, outbox, PAGE);
                }
                count_trash(store, outbox);
            }
            outbox.send(answer(store, (place, &effect)).unwrap_or_else(|error| failed(&effect, error.to_string())));
        }
    }
}

/// The `page` newest runs, at once: all of a long list take a while.
fn first_page(store: &Store, outbox: &Outbox, page: usize) {
    // A dead run must not be taken for one under way.
    if store.mark_crashed().is_ok()
        && let Ok(mut runs) = store.newest(page)
        && runs.len() == page
    {
        // However old it is, it answers where none is chosen.
        let champion = store.champion_run().ok().flatten();
        runs.extend(champion.filter(|champion| runs.iter().all(|run| run.started.id != champion.started.id)));
        outbox.send(Message::Runs(RunsMessage::Loaded(Ok(runs))));
    }
}

/// Before the runs, as it says which of them answers where none is chosen.
fn tell_champion(store: &Store, outbox: &Outbox) {
    if let Ok(champion) = store.champion() {
        let champion = champion.map(|champion| (champion.new.run_id, champion.version));
        outbox.send(Message::Runs(RunsMessage::News(RunsNews::Champion(champion))));
    }
}

/// Where it cannot be counted, emptying it is asked about in any case.
fn count_trash(store: &Store, outbox: &Outbox) {
    if let Ok(runs) = store.count_trashed() {
        outbox.send(Message::Runs(RunsMessage::News(RunsNews::InTrash(runs))));
    }
}

fn answer(store: &Store, (place, effect): (&Workplace, &Effect)) -> Result<Message> {
    Ok(match effect {
        Effect::LoadRun { run_id } => {
            let detail = Ok(Box::new(detail(store, run_id)?));
            Message::Runs(RunsMessage::Detail { run_id: run_id.clone(), detail })
        }
        Effect::Enqueue(config) => {
            let name = study::add_one(store, place, config)?;
            Message::Train(TrainMessage::Queued(Ok(format!("{name} waits for its turn"))))
        }
        Effect::EnqueueSearch(search) => {
            let name = study::add(store, place, (None, search))?;
            Message::Train(TrainMessage::Queued(Ok(format!("{name} waits for its turn"))))
        }
        Effect::LoadQueue => Message::Train(TrainMessage::Queue(Ok(store.queue()?))),
        Effect::LoadPipeline => Message::Train(TrainMessage::Pipeline(Ok(store.newest_pipeline()?.map(Box::new)))),
        Effect::RemoveEntries(ids) => {
            store.remove_entries(ids)?;
            Message::Train(TrainMessage::Queue(Ok(store.queue()?)))
        }
        Effect::RetryEntries(ids) => {
            store.retry_entries(ids)?;
            Message::Train(TrainMessage::Queue(Ok(store.queue()?)))
        }
        Effect::Runs(work) => Message::Runs(RunsMessage::News(runs::answer(store, work)?)),
        Effect::LoadEarlier { behind, run_ids } => {
            let earlier = earlier(store, run_ids)?;
            Message::Runs(RunsMessage::Earlier { behind: behind.clone(), earlier })
        }
        Effect::LoadLog { run_id } => {
            let lines = Ok(journal::last_lines(&store.run_folder(run_id), LINES)?);
            Message::Runs(RunsMessage::Log { run_id: run_id.clone(), lines })
        }
        Effect::Ask { run_id, kind, value } => {
            store.add_command(run_id, *kind, *value)?;
            Message::Runs(RunsMessage::Said(format!("asked to {}", kind.name())))
        }
        Effect::WriteReport { run_id } => {
            let written = report::write(store, store.run(run_id)?, Path::new("."))?;
            let [html, markdown] = [&written.html, &written.markdown].map(|path| path.display().to_string());
            Message::Runs(RunsMessage::Said(format!("wrote {html} and {markdown}")))
        }
        Effect::VerifyRun { run_id } => {
            let found = verify::verify(store, &store.run(run_id)?)?;
            Message::Runs(RunsMessage::Said(verdict(&found)))
        }
        _ => {
            if let Some(message) = answer_inspect(store, (place, effect))? {
                return Ok(Message::Inspect(message));
            }
            store.mark_crashed()?;
            Message::Runs(RunsMessage::Loaded(Ok(store.runs()?)))
        }
    })
}

/// For Inspect: the images of a run, another run's answers for them, and what is said of one;
/// nothing, where the effect is another screen's.
fn answer_inspect(store: &Store, (place, effect): (&Workplace, &Effect)) -> Result<Option<InspectMessage>> {
    Ok(Some(match effect {
        Effect::LoadOther { run_id, other, split } => {
            let other = Ok(other_answers(store, (other, *split))?);
            InspectMessage::Other { run_id: run_id.clone(), other }
        }
        Effect::MarkImage { data, file, mark } => {
            let path = data.join(file);
            let bytes = std::fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
            store.mark_image((file, &md5_hex(&bytes)), mark)?;
            InspectMessage::Marked(Ok(()))
        }
        Effect::LoadCases { request, wanted } => {
            let found = Ok(images::find(store, place, wanted)?);
            InspectMessage::Cases { request: *request, found }
        }
        _ => return Ok(None),
    }))
}

fn verdict(found: &Verification) -> String {
    let names: Vec<&str> = found.differences.iter().map(|difference| difference.what.as_str()).collect();
    match names.len() {
        0 => format!("{} kept figures, weights and lists are as they were", found.checked),
        n => format!("{n} of {} are not as they were: {}", found.checked, names.join("; ")),
    }
}

fn failed(effect: &Effect, problem: String) -> Message {
    match effect {
        Effect::LoadRun { run_id } => {
            Message::Runs(RunsMessage::Detail { run_id: run_id.clone(), detail: Err(problem) })
        }
        Effect::Runs(RunsWork::Write { .. }) => Message::Runs(RunsMessage::News(RunsNews::NotWritten(problem))),
        Effect::Runs(_) => Message::Runs(RunsMessage::News(RunsNews::Failed(problem))),
        Effect::LoadLog { run_id } => Message::Runs(RunsMessage::Log { run_id: run_id.clone(), lines: Err(problem) }),
        Effect::Enqueue(_) | Effect::EnqueueSearch(_) => Message::Train(TrainMessage::Queued(Err(problem))),
        Effect::LoadQueue | Effect::RemoveEntries(_) | Effect::RetryEntries(_) => {
            Message::Train(TrainMessage::Queue(Err(problem)))
        }
        Effect::LoadPipeline => Message::Train(TrainMessage::Pipeline(Err(problem))),
        // A run that is gone is laid behind nothing.
        Effect::LoadEarlier { behind, .. } => {
            Message::Runs(RunsMessage::Earlier { behind: behind.clone(), earlier: Vec::new() })
        }
        Effect::Ask { .. } | Effect::WriteReport { .. } | Effect::VerifyRun { .. } => {
            Message::Runs(RunsMessage::Said(problem))
        }
        Effect::LoadCases { request, .. } => {
            Message::Inspect(InspectMessage::Cases { request: *request, found: Err(problem) })
        }
        Effect::LoadOther { run_id, .. } => {
            Message::Inspect(InspectMessage::Other { run_id: run_id.clone(), other: Err(problem) })
        }
        Effect::MarkImage { .. } => Message::Inspect(InspectMessage::Marked(Err(problem))),
        _ => Message::Runs(RunsMessage::Loaded(Err(problem))),
    }
}

fn detail(store: &Store, run_id: &str) -> Result<RunDetail> {
    let run = store.run(run_id)?;
    let folds = store.folds(run_id)?;
    let accuracy = |run: &Run| run.test.and_then(|test| test.confusion.accuracy());
    let seeds = seeds::group_of(store, &run)?.and_then(|group| Spread::of(group.iter().map(accuracy)));
    Ok(RunDetail { assessed: assess(store, &run)?.map(Box::new), history: history(store, &run)?, run, folds, seeds })
}

fn earlier(store: &Store, run_ids: &[String]) -> Result<Vec<Earlier>> {
    let one = |run_id: &String| {
        let run = store.run(run_id)?;
        Ok(Earlier { name: run.started.name.clone(), history: history(store, &run)? })
    };
    run_ids.iter().map(one).collect()
}

/// What the run went through.
fn history(store: &Store, run: &Run) -> Result<History> {
    let id = &run.started.id;
    let planned = run.started.config["epochs"].as_u64().and_then(|epochs| usize::try_from(epochs).ok()).unwrap_or(1);
    let history = History::of(planned, &store.steps(id)?, &store.epochs(id)?);
    Ok(History { marks: store.marks(id)?, best_epoch: run.best_epoch, ..history })
}

/// The figures that the run's answers give; `None` until its test images are answered.
fn assess(store: &Store, run: &Run) -> Result<Option<Assessed>> {
    let answers = |split| Ok::<_, Error>(cases_of(&store.answers(&run.started.id, split)?));
    let (test, validation) = (answers(Split::Test)?, answers(Split::Validation)?);
    if test.is_empty() {
        return Ok(None);
    }
    let temperature = run.operating.and_then(|point| point.temperature);
    let terms = Terms { threshold: run.threshold(), temperature, prevalence: None };
    let (test, validation) = (Assessment::of(&test, terms), Assessment::of(&validation, terms));
    let alarms = alarm::all(&test, &validation, run.checks.as_ref());
    let source = run.operating.map_or_else(|| "fixed".to_owned(), |point| point.source());
    Ok(Some(Assessed { test, validation, source, looks: store.looks(&run.started.id)?, alarms }))
}

/// What a run has answered for a split, by file.
fn other_answers(store: &Store, (run_id, split): (&str, Split)) -> Result<(OtherRun, BTreeMap<String, [f32; 2]>)> {
    let run = store.run(run_id)?;
    let answers = store.given(&run, split)?;
    let other = OtherRun { id: run_id.to_owned(), threshold: run.threshold(), name: run.started.name };
    Ok((other, answers.into_iter().map(|answer| (answer.file, answer.logits)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use crate::store::lock::RunLock;
    use crate::store::{EntryState, NewEntry, RunEnd, RunState};
    use crate::tui::wake::Wake;

    #[test]
    fn an_entry_that_failed_waits_again_and_the_queue_is_told_anew() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("runs.db");
        let (store, data) = (Store::open(&db).unwrap(), folder.path().to_owned());
        let (config, settings) = (serde_json::json!({}), Vec::new());
        let new = NewEntry { name: "a".into(), data: data.clone(), config, candidate: 0, settings, until_epoch: None };
        let ids = store.enqueue(&[new]).unwrap();
        store.end_entry(ids[0], EntryState::Failed, Some("no room")).unwrap();
        let place = Workplace { data: data.clone(), db, cache: data };
        let told = answer(&store, (&place, &Effect::RetryEntries(ids))).unwrap();
        let Message::Train(TrainMessage::Queue(Ok(queue))) = told else { panic!("{told:?}") };
        assert_eq!(queue[0].state, EntryState::Waiting);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_not_taken_for_other_work_that_failed() {
        let write = RunsWork::Write { path: "runs.csv".into(), text: String::new(), over: false };
        for (work, of_file) in [(write, true), (RunsWork::EmptyTrash, false)] {
            let Message::Runs(RunsMessage::News(news)) = failed(&Effect::Runs(work), "why".into()) else { panic!() };
            assert_eq!(matches!(news, RunsNews::NotWritten(_)), of_file, "{news:?}");
        }
    }

    #[test]
    fn the_table_comes_with_how_many_runs_are_in_the_trash() {
        let folder = tempfile::tempdir().unwrap();
        let (db, data) = (folder.path().join("runs.db"), folder.path().to_owned());
        let (store, run) = (Store::open(&db).unwrap(), sample::run(1, RunState::Stopped).started);
        store.create_run(&run).unwrap();
        store.trash_run(&run.id).unwrap();
        let (wake, (sender, inbox), (asker, effects)) = (Wake::new().unwrap(), channel(), channel());
        asker.send(Effect::LoadRuns).unwrap();
        drop(asker);
        answer_all(&Workplace { data: data.clone(), db, cache: data }, &effects, &wake.outbox(sender));
        let told: Vec<Message> = inbox.try_iter().collect();
        let [_, Message::Runs(RunsMessage::News(news)), Message::Runs(RunsMessage::Loaded(_))] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(matches!(news, RunsNews::InTrash(1)), "{news:?}");
    }

    #[test]
    fn the_first_page_shows_a_run_whose_process_is_dead_as_crashed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        for (number, state) in [(1, RunState::Finished), (2, RunState::Running)] {
            let run = sample::run(number, state).started;
            // The system frees the lock of a process that dies, and nobody tells the database.
            drop(RunLock::acquire(&store.run_folder(&run.id)).unwrap());
            store.create_run(&run).unwrap();
        }
        let end = RunEnd { state: RunState::Finished, problem: None, test: None, operating: None, weights: None };
        store.end_run(&sample::run_id(1), &end).unwrap();
        let wake = Wake::new().unwrap();
        let (sender, inbox) = channel();
        first_page(&store, &wake.outbox(sender), 2);
        let Ok(Message::Runs(RunsMessage::Loaded(Ok(runs)))) = inbox.try_recv() else { panic!("no page") };
        let states: Vec<RunState> = runs.iter().map(|run| run.state).collect();
        assert_eq!(states, [RunState::Crashed, RunState::Finished]);
    }
}
