//! Follows runs while they train: one thread of lower priority that reads the store and sends what has come.
//!
//! It never touches a run: a server that is away costs the run nothing but what is sent later, by this process or by the
//! next one that follows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::push::{Pusher, Sent};
use super::registry::{Registered, register};
use crate::error::{Error, Result};
use crate::session::journal;
use crate::store::models::Change;
use crate::store::{Mirror, Store};
use crate::train::priority;

/// Between two looks at the store.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// A server that is away is asked again after this long at first, twice as long each time, and at most after the other.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the thread says, for people.
pub type Tell = Box<dyn Fn(&str) + Send>;

/// Runs are followed as long as this lives.
#[derive(Debug)]
pub struct Following {
    leaving: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    /// What is left when the thread ends, in words, where something is.
    left: Receiver<Option<String>>,
}

impl Following {
    /// Begins to follow the runs of the database `db`, which need not be there yet, and has `pusher` send them; the champion is
    /// a version of `model` there. `tell` hears when the server goes away and when it is back.
    ///
    /// # Errors
    /// `Io` where the thread cannot be started.
    pub fn start((db, model): (PathBuf, String), pusher: Pusher, tell: Tell) -> Result<Self> {
        let (leaving, (sender, left)) = (Arc::<AtomicBool>::default(), channel());
        let told_to_leave = Arc::clone(&leaving);
        let since = format!("{:.3}", jiff::Timestamp::now());
        let work = move || {
            priority::lower();
            let mut follower = Follower::new((db, since, model), pusher, tell);
            // A panic here is no reason for the run to end.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                follower.until(&told_to_leave);
                let _ = sender.send(follower.leave());
            }));
        };
        let thread = std::thread::Builder::new().name("mlflow".into()).spawn(work);
        let thread = thread.map_err(|error| Error::io("start a thread for", "MLflow", error))?;
        Ok(Self { leaving, thread, left })
    }

    /// Sends the rest, and waits for that so long at most; what is left after that, in words, where something is. `waiting`
    /// is called where it takes more than a moment.
    pub fn finish(self, patience: Duration, waiting: impl FnOnce()) -> Option<String> {
        const A_MOMENT: Duration = Duration::from_millis(300);
        self.leaving.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        if let Ok(left) = self.left.recv_timeout(A_MOMENT.min(patience)) {
            return left;
        }
        waiting();
        let late = "not all of it is at MLflow yet; the next process that follows runs sends the rest, or \
                    `xray-tui mlflow push RUN`";
        self.left.recv_timeout(patience.saturating_sub(A_MOMENT)).unwrap_or_else(|_| Some(late.into()))
    }
}

struct Follower {
    db: PathBuf,
    /// Runs that began since then are followed, RFC 3339.
    since: String,
    store: Option<Store>,
    /// The registered model.
    model: String,
    /// What the store's version was when all was sent.
    seen: Option<i64>,
    pusher: Pusher,
    tell: Tell,
    away: Option<Away>,
}

/// The server is out of reach, or refuses.
struct Away {
    pause: Duration,
    until: Instant,
}

impl Follower {
    fn new((db, since, model): (PathBuf, String, String), pusher: Pusher, tell: Tell) -> Self {
        Self { db, since, store: None, model, seen: None, pusher, tell, away: None }
    }

    fn until(&mut self, leaving: &AtomicBool) {
        while !leaving.load(Ordering::Relaxed) {
            self.look();
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
    }

    /// Sends what has come since the last look. A store that cannot be read just now is looked at again later: the run itself
    /// says what is wrong with it.
    fn look(&mut self) {
        if self.away.as_ref().is_some_and(|away| Instant::now() < away.until) {
            return;
        }
        if self.store.is_none() && self.db.exists() {
            self.store = self.open();
        }
        let Some(store) = self.store.take() else { return };
        let version = store.data_version().ok();
        if version.is_none() || version != self.seen {
            let done = self.sweep(&store);
            self.seen = if matches!(done, Ok(true)) { version } else { None };
            self.hear(&store, done.map(|_| ()));
        }
        self.store = Some(store);
    }

    /// What died before is not under way any more, and is not followed from now on.
    fn open(&self) -> Option<Store> {
        let store = Store::open(&self.db).ok()?;
        store.mark_crashed().ok()?;
        Some(store)
    }

    /// Sends what is due of every run that is followed; whether it could, as nobody else was at it.
    fn sweep(&mut self, store: &Store) -> Result<bool> {
        let Some(_lock) = store.mirror_lock()? else { return Ok(false) };
        let (uri, experiment) = self.pusher.target().key();
        store.follow_runs((uri, experiment), &self.since)?;
        let due = store.due_mirrors((uri, experiment))?;
        let mut problem = None;
        for mirror in due {
            let had = mirror.remote_id.is_some();
            match self.pusher.push(store, &mirror.run_id) {
                Ok(sent) => self.note(store, &sent, had),
                Err(away @ Error::Unreachable { .. }) => return Err(away),
                // One run that the server refuses holds no other back.
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        self.crown(store)?;
        problem.map_or(Ok(true), Err)
    }

    /// Has the server know who the champion is, once a change: whoever gives the alias away there has a reason.
    fn crown(&mut self, store: &Store) -> Result<()> {
        let Some(change) = self.untold(store)? else { return Ok(()) };
        self.register(store, &change)?;
        store.set_crowned(self.model(), change.id)
    }

    /// The champion's last change, where the server is still to hear of it.
    fn untold(&self, store: &Store) -> Result<Option<Change>> {
        let Some(change) = store.champion_changes()?.pop() else { return Ok(None) };
        Ok((self.told(store, &change)? < change.id).then_some(change))
    }

    /// The registered model there.
    fn model(&self) -> (&str, &str) {
        (self.pusher.target().server.base(), &self.model)
    }

    /// The last change of the champion that the server knows of. It is told of those from now on, and of the champion of
    /// before where its run is there.
    fn told(&self, store: &Store, change: &Change) -> Result<i64> {
        if let Some(told) = store.crowned(self.model())? {
            return Ok(told);
        }
        let run_id = store.model_version(change.version)?.new.run_id;
        let there = store.mirror(&run_id, self.pusher.target().key())?;
        let is_due = change.at >= self.since || there.is_some_and(|there| there.closed.is_some());
        let told = change.id - i64::from(is_due);
        store.set_crowned(self.model(), told)?;
        Ok(told)
    }

    fn register(&mut self, store: &Store, change: &Change) -> Result<()> {
        let version = store.model_version(change.version)?;
        let number = usize::try_from(version.version).ok();
        let sent = self.pusher.push(store, &version.new.run_id);
        let done = sent.and_then(|sent| register(store, self.pusher.target(), &sent, (&self.model, number)));
        let said = match done {
            Ok(Registered { model, version }) => format!("champion at MLflow: {model} version {version}"),
            // It stays so, however often it is tried.
            Err(error @ Error::Run { .. }) => format!("MLflow: {error}"),
            Err(error) => return Err(error),
        };
        (self.tell)(&said);
        Ok(())
    }

    /// Writes into the run's log that it is followed, and what could not be sent.
    fn note(&self, store: &Store, sent: &Sent, had: bool) {
        let folder = store.run_folder(&sent.run_id);
        if !had {
            let page = self.pusher.target().server.page(&sent.experiment_id, &sent.remote_id);
            journal::add(&folder, &format!("note: followed at MLflow, {page}"));
        }
        if let Some(problem) = &sent.left {
            journal::add(&folder, &format!("note: MLflow: {problem}"));
            (self.tell)(&format!("MLflow: {problem}"));
        }
    }

    /// Says once that the server is away, and once that it is back.
    fn hear(&mut self, store: &Store, done: Result<()>) {
        match (done, self.away.take()) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => self.say(store, "MLflow is back, and has what it missed"),
            (Err(error), was) => {
                let pause = was.as_ref().map_or(FIRST_PAUSE, |away| (away.pause * 2).min(LONGEST_PAUSE));
                self.away = Some(Away { pause, until: Instant::now() + pause });
                if was.is_none() {
                    self.say(store, &format!("MLflow: {error}; what is due is sent later"));
                }
            }
        }
    }

    /// To whoever listens, and into the logs of the runs that are followed.
    fn say(&self, store: &Store, text: &str) {
        (self.tell)(text);
        for mirror in store.due_mirrors(self.pusher.target().key()).unwrap_or_default() {
            journal::add(&store.run_folder(&mirror.run_id), &format!("note: {text}"));
        }
    }

    /// Sends the rest, once; what is left then, in words.
    fn leave(&mut self) -> Option<String> {
        self.away = None;
        if self.store.is_none() && !self.db.exists() {
            return None;
        }
        let store = self.store.take().or_else(|| self.open())?;
        let problem = loop {
            match self.sweep(&store) {
                Ok(true) => break None,
                // Somebody else sends just now.
                Ok(false) => std::thread::sleep(BETWEEN_LOOKS / 10),
                Err(error) => break Some(error.to_string()),
            }
        };
        let problem = problem?;
        let due = store.due_mirrors(self.pusher.target().key()).unwrap_or_default();
        // A server that is away is asked for no champion, so that it is not noted yet that one is due.
        let crown = self.untold(&store).unwrap_or_default();
        Some(left_over(&due, crown.is_some(), &problem))
    }
}

/// What is not at the server yet, and how it gets there.
fn left_over(due: &[Mirror], crown: bool, problem: &str) -> String {
    let runs = match due.len() {
        0 => None,
        1 => Some("1 run not wholly at MLflow yet".to_owned()),
        many => Some(format!("{many} runs not wholly at MLflow yet")),
    };
    let crown = crown.then(|| "the champion is not registered there yet".to_owned());
    let left: Vec<String> = runs.into_iter().chain(crown).collect();
    let push = due.first().map_or_else(String::new, |run| format!(", or `xray-tui mlflow push {}`", run.run_id));
    if left.is_empty() {
        return problem.to_owned();
    }
    format!("{} ({problem}); the next process that follows runs sends the rest{push}", left.join(", "))
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("db", &self.db).finish_non_exhaustive()
    }
}
