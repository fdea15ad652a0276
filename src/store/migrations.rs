//! The database's schema, one step a version.

use std::path::Path;

use rusqlite::{Connection, Row, TransactionBehavior};

use super::{lock, problem, run_folder};
use crate::error::{Error, Result};

/// Marks the file as ours: "XRAY" in ASCII.
pub const APPLICATION_ID: i32 = 0x5852_4159;

/// Step `n` brings schema `n` to `n + 1`. Never change one that was released; add the next.
const STEPS: [&str; 10] = [
    "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        data TEXT NOT NULL,
        synthetic INTEGER NOT NULL,
        config TEXT NOT NULL,
        seed TEXT NOT NULL,
        git_commit TEXT,
        git_dirty INTEGER,
        data_hash TEXT NOT NULL,
        split_hash TEXT NOT NULL,
        device TEXT NOT NULL,
        versions TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        state TEXT NOT NULL,
        problem TEXT,
        seconds REAL NOT NULL DEFAULT 0,
        images_per_second REAL,
        epochs_done INTEGER NOT NULL DEFAULT 0,
        best_epoch INTEGER,
        best_val_accuracy REAL,
        test TEXT
    ) STRICT;
    CREATE INDEX runs_by_start ON runs (started_at);
    CREATE TABLE epochs (
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        epoch INTEGER NOT NULL,
        train TEXT NOT NULL,
        validation TEXT NOT NULL,
        seconds REAL NOT NULL,
        PRIMARY KEY (run_id, epoch)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE steps (
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        loss REAL NOT NULL,
        accuracy REAL NOT NULL,
        images_per_second REAL NOT NULL,
        PRIMARY KEY (run_id, step)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE answers (
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        split TEXT NOT NULL,
        place INTEGER NOT NULL,
        file TEXT NOT NULL,
        truth TEXT NOT NULL,
        logits BLOB NOT NULL,
        PRIMARY KEY (run_id, split, place)
    ) STRICT, WITHOUT ROWID;
",
    "ALTER TABLE steps ADD COLUMN batches INTEGER NOT NULL DEFAULT 0;",
    // A look at test images stays counted when its run is deleted.
    "
    ALTER TABLE runs ADD COLUMN operating TEXT;
    CREATE TABLE looks (
        id INTEGER PRIMARY KEY,
        test_digest TEXT NOT NULL,
        run_id TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX looks_by_digest ON looks (test_digest);
",
    // What a run can be repeated and checked by. Lists of images are shared by the runs that have the same.
    "
    ALTER TABLE runs ADD COLUMN parent TEXT REFERENCES runs (id) ON DELETE CASCADE;
    ALTER TABLE runs ADD COLUMN provenance TEXT;
    ALTER TABLE runs ADD COLUMN manifest TEXT;
    ALTER TABLE runs ADD COLUMN checks TEXT;
    ALTER TABLE runs ADD COLUMN weights TEXT;
    ALTER TABLE runs ADD COLUMN closing TEXT;
    ALTER TABLE epochs ADD COLUMN weights TEXT;
    CREATE TABLE manifests (
        digest TEXT PRIMARY KEY,
        list TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE marks (
        id INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        kind TEXT NOT NULL,
        value REAL,
        note TEXT,
        at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX marks_by_run ON marks (run_id);
    CREATE TABLE commands (
        id INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        value REAL,
        at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE epoch_scores (
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        split TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        score TEXT NOT NULL,
        PRIMARY KEY (run_id, split, epoch)
    ) STRICT, WITHOUT ROWID;
",
    // What a step cost, and what its user says of a run; what is long leaves the rows that tables are made of. Runs that wait
    // for their turn: an entry outlives its run, and its number is never given again.
    "
    CREATE TABLE papers (
        run_id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
        provenance TEXT,
        checks TEXT
    ) STRICT;
    INSERT INTO papers SELECT id, provenance, checks FROM runs WHERE provenance IS NOT NULL OR checks IS NOT NULL;
    ALTER TABLE runs DROP COLUMN provenance;
    ALTER TABLE runs DROP COLUMN checks;
    CREATE INDEX runs_under_way ON runs (id) WHERE state = 'running';
    CREATE INDEX runs_by_parent ON runs (parent) WHERE parent IS NOT NULL;
    ALTER TABLE steps ADD COLUMN seconds REAL;
    ALTER TABLE steps ADD COLUMN learning_rate REAL;
    ALTER TABLE steps ADD COLUMN processor REAL;
    ALTER TABLE steps ADD COLUMN memory INTEGER;
    ALTER TABLE runs ADD COLUMN note TEXT;
    ALTER TABLE runs ADD COLUMN tags TEXT;
    ALTER TABLE runs ADD COLUMN star INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN trashed_at TEXT;
    CREATE TABLE studies (
        name TEXT PRIMARY KEY,
        plan TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE queue (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        study TEXT REFERENCES studies (name) ON DELETE CASCADE,
        candidate INTEGER NOT NULL,
        settings TEXT NOT NULL,
        name TEXT NOT NULL,
        data TEXT NOT NULL,
        config TEXT NOT NULL,
        rung INTEGER NOT NULL DEFAULT 0,
        until_epoch INTEGER,
        state TEXT NOT NULL,
        run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
        problem TEXT,
        added_at TEXT NOT NULL,
        started_at TEXT,
        ended_at TEXT
    ) STRICT;
    CREATE INDEX queue_by_study ON queue (study);
    CREATE INDEX queue_by_run ON queue (run_id);
",
    // What users say of images; of no run, as it stays true when the run is gone.
    "
    CREATE TABLE image_marks (
        file TEXT NOT NULL,
        md5 TEXT NOT NULL,
        wrong_label INTEGER NOT NULL,
        poor_quality INTEGER NOT NULL,
        favourite INTEGER NOT NULL,
        note TEXT,
        at TEXT NOT NULL,
        PRIMARY KEY (file, md5)
    ) STRICT, WITHOUT ROWID;
",
    // Models and who the champion was when: numbers are never given again, and a version is told of when its run is gone.
    // Pipelines and how far they are. Runs as MLflow has them: those that were sent to a server, and those that came from one.
    "
    CREATE TABLE model_versions (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL UNIQUE,
        run_name TEXT NOT NULL,
        weights TEXT NOT NULL,
        promoted_at TEXT NOT NULL,
        figures TEXT NOT NULL
    ) STRICT;
    CREATE TABLE champions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL REFERENCES model_versions (version),
        step TEXT NOT NULL,
        at TEXT NOT NULL,
        pipeline INTEGER,
        reason TEXT
    ) STRICT;
    CREATE TABLE pipelines (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        settings TEXT NOT NULL,
        data TEXT NOT NULL,
        data_hash TEXT,
        state TEXT NOT NULL,
        run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT
    ) STRICT;
    CREATE INDEX pipelines_by_run ON pipelines (run_id);
    CREATE TABLE pipeline_tasks (
        pipeline INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0,
        started_at TEXT,
        ended_at TEXT,
        record TEXT,
        problem TEXT,
        PRIMARY KEY (pipeline, place),
        UNIQUE (pipeline, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE mirrors (
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        uri TEXT NOT NULL,
        experiment TEXT NOT NULL,
        live INTEGER NOT NULL,
        remote_id TEXT,
        sender TEXT,
        closed TEXT,
        PRIMARY KEY (run_id, uri, experiment)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE crowned (
        uri TEXT NOT NULL,
        model TEXT NOT NULL,
        change INTEGER NOT NULL,
        PRIMARY KEY (uri, model)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pulled (
        run_id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
        uri TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        at TEXT NOT NULL,
        UNIQUE (uri, remote_id)
    ) STRICT, WITHOUT ROWID;
",
    // What a run's epochs may be judged by.
    "
    ALTER TABLE epochs ADD COLUMN shifted TEXT;
",
    // How far the members of an ensemble disagree.
    "
    ALTER TABLE answers ADD COLUMN disagreement REAL;
",
    // Answers for images made harder are filed as of the split `harder`, which an older program would stumble over.
    "",
];

/// The schema this program writes.
pub const NEWEST: usize = STEPS.len();

/// The step that takes columns away which an older program writes at the end of a run.
const MOVES_PAPERS: usize = 4;

/// Brings the file to the newest schema, a new one from nothing. Several processes may do so at once.
///
/// # Errors
/// `Store` where the file is another program's, of a newer version, or cannot be written; where it is of an older one
/// that trains still.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    if version(connection, path)? == NEWEST {
        return Ok(());
    }
    let failed = |error| problem(path, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found = version(&transaction, path)?;
    if found == MOVES_PAPERS {
        refuse_under_way(&transaction, path)?;
    }
    for step in STEPS.iter().skip(found) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", NEWEST).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// An older program's run would be trained to its end and then fail, as what it writes there is gone.
fn refuse_under_way(connection: &Connection, path: &Path) -> Result<()> {
    let failed = |error| problem(path, &error);
    let mut running = connection.prepare("SELECT id, name FROM runs WHERE state = 'running'").map_err(failed)?;
    let runs = running.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).and_then(Iterator::collect);
    let runs: Vec<(String, String)> = runs.map_err(failed)?;
    for (id, name) in runs {
        if lock::is_held(&run_folder(path, &id))? {
            let problem = format!(
                "is of an older xray-tui, whose run {name} ({id}) is under way: wait for it, or stop it there, then try again"
            );
            return Err(Error::Store { path: path.to_owned(), problem });
        }
    }
    Ok(())
}

/// The file's schema; 0 for an empty file.
///
/// # Errors
/// `Store` where it is no database, another program's, or from a newer version.
pub fn version(connection: &Connection, path: &Path) -> Result<usize> {
    // In one statement, so that a process that writes the schema just now is not seen half way.
    let sql = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) = 0
        FROM pragma_application_id, pragma_user_version";
    let facts = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?));
    let (application, version, empty) = connection.query_row(sql, [], facts).map_err(|error| problem(path, &error))?;
    let bad = |problem: String| Error::Store { path: path.to_owned(), problem };
    if empty && application == 0 && version == 0 {
        return Ok(0);
    }
    if application != i64::from(APPLICATION_ID) {
        return Err(bad("belongs to another program; name another file with --db".into()));
    }
    match usize::try_from(version) {
        Ok(version) if version <= NEWEST => Ok(version),
        _ => Err(bad(format!(
            "was written by a newer xray-tui (schema {version}, this one knows {NEWEST}); use that one, or name another file with --db"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EntryState;
    use crate::store::Store;
    use crate::store::lock::RunLock;

    #[test]
    fn an_older_program_that_trains_keeps_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(include_str!("../../tests/fixtures/store/v4.sql")).unwrap();
        old.execute("UPDATE runs SET state = 'running'", []).unwrap();
        let id: String = old.query_row("SELECT id FROM runs", [], |row| row.get(0)).unwrap();
        let lock = RunLock::acquire(&run_folder(&path, &id)).unwrap().unwrap();
        let said = Store::open(&path).unwrap_err().to_string();
        assert!(said.contains("run-1") && said.contains("wait for it"), "{said}");
        old.execute("UPDATE runs SET provenance = provenance", []).unwrap();
        drop(lock);
        assert!(Store::open(&path).is_ok());
    }

    #[test]
    fn a_database_of_schema_5_keeps_labels_costs_and_queue_and_has_no_marked_images_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        Connection::open(&path).unwrap().execute_batch(include_str!("../../tests/fixtures/store/v5.sql")).unwrap();
        let store = Store::open(&path).unwrap();
        let run = store.resolve("last").unwrap();
        assert_eq!(
            (run.tags.as_slice(), run.note.as_deref(), run.starred),
            (&["old".to_owned()][..], Some("kept"), true)
        );
        assert!(store.steps(&run.started.id).unwrap()[0].memory.is_some() && run.started.provenance.is_some());
        assert_eq!(store.queue().unwrap().iter().filter(|entry| entry.state == EntryState::Waiting).count(), 2);
        assert_eq!(store.marked_images().unwrap(), []);
    }

    #[test]
    fn a_database_of_schema_6_keeps_runs_and_marked_images_and_has_no_model_and_no_pipeline_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        Connection::open(&path).unwrap().execute_batch(include_str!("../../tests/fixtures/store/v6.sql")).unwrap();
        let store = Store::open(&path).unwrap();
        assert!(store.resolve("last").unwrap().starred);
        assert_eq!(store.marked_images().unwrap().len(), 1);
        assert!(store.resolve("champion").is_err());
        assert_eq!((store.model_versions().unwrap(), store.pipelines().unwrap()), (Vec::new(), Vec::new()));
    }
}
