//! How records lie in their rows.

use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use serde::de::DeserializeOwned;

use super::{Answer, CommandKind, Mark, NewRun, Run};
use crate::dataset::{Class, Split};
use crate::metrics::EpochFigures;

/// The columns of a run but for its papers, which `run` asks for under their names too.
pub const RUN: &str = "id, name, data, synthetic, config, seed, git_commit, git_dirty, data_hash, split_hash, device, \
    versions, started_at, ended_at, state, problem, seconds, images_per_second, epochs_done, best_epoch, \
    best_val_accuracy, test, operating, parent, manifest, weights, closing, note, tags, star, trashed_at";

pub fn run(row: &Row) -> Result<Run> {
    let id: String = row.get("id")?;
    whole_run(row).map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, Box::new(Damaged { id, error })))
}

/// A row that holds what this program never wrote.
#[derive(Debug, thiserror::Error)]
#[error("the row of run {id} is damaged ({error}); restore a copy of the database, or delete that row with sqlite3")]
pub struct Damaged {
    id: String,
    error: Error,
}

fn whole_run(row: &Row) -> Result<Run> {
    Ok(Run {
        started: new_run(row)?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        state: json(row, "state", |text| format!("\"{text}\""))?,
        problem: row.get("problem")?,
        seconds: row.get("seconds")?,
        images_per_second: row.get("images_per_second")?,
        epochs_done: row.get("epochs_done")?,
        best_epoch: row.get("best_epoch")?,
        best_val_accuracy: row.get("best_val_accuracy")?,
        test: optional(row, "test")?,
        operating: optional(row, "operating")?,
        checks: optional(row, "checks")?,
        weights: row.get("weights")?,
        closing: row.get("closing")?,
        note: row.get("note")?,
        tags: optional(row, "tags")?.unwrap_or_default(),
        starred: row.get("star")?,
        trashed_at: row.get("trashed_at")?,
    })
}

fn new_run(row: &Row) -> Result<NewRun> {
    let seed: String = row.get("seed")?;
    Ok(NewRun {
        id: row.get("id")?,
        name: row.get("name")?,
        data: row.get::<_, String>("data")?.into(),
        synthetic: row.get("synthetic")?,
        config: json(row, "config", |text| text)?,
        seed: seed.parse().map_err(|e| Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))?,
        git_commit: row.get("git_commit")?,
        git_dirty: row.get("git_dirty")?,
        data_hash: row.get("data_hash")?,
        split_hash: row.get("split_hash")?,
        device: row.get("device")?,
        versions: json(row, "versions", |text| text)?,
        parent: row.get("parent")?,
        provenance: optional(row, "provenance")?,
        manifest: row.get("manifest")?,
    })
}

pub fn epoch(row: &Row) -> Result<EpochFigures> {
    Ok(EpochFigures {
        epoch: row.get("epoch")?,
        train: json(row, "train", |text| text)?,
        validation: json(row, "validation", |text| text)?,
        seconds: row.get("seconds")?,
        weights: row.get::<_, Option<String>>("weights")?.map(|text| parse(&format!("\"{text}\""))).transpose()?,
    })
}

pub fn answer(row: &Row) -> Result<Answer> {
    Ok(Answer {
        split: json::<Split>(row, "split", |text| format!("\"{text}\""))?,
        file: row.get("file")?,
        truth: json::<Class>(row, "truth", |text| format!("\"{text}\""))?,
        logits: logits(row.get("logits")?),
    })
}

/// Two f32, little endian: SQLite would turn a NaN into NULL.
pub fn logits_bytes([normal, pneumonia]: [f32; 2]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&normal.to_le_bytes());
    bytes[4..].copy_from_slice(&pneumonia.to_le_bytes());
    bytes
}

#[expect(clippy::cast_possible_truncation, reason = "32 bits are left")]
fn logits(bytes: [u8; 8]) -> [f32; 2] {
    let both = u64::from_le_bytes(bytes);
    [both, both >> 32].map(|bits| f32::from_bits((bits & u64::from(u32::MAX)) as u32))
}

fn json<T: DeserializeOwned>(row: &Row, column: &str, quote: impl Fn(String) -> String) -> Result<T> {
    parse(&quote(row.get(column)?))
}

fn optional<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| parse(&text)).transpose()
}

pub fn command(row: &Row) -> Result<(i64, CommandKind, Option<f64>)> {
    Ok((row.get("id")?, json(row, "kind", |text| format!("\"{text}\""))?, row.get("value")?))
}

pub fn mark(row: &Row) -> Result<Mark> {
    Ok(Mark {
        step: row.get("step")?,
        kind: json(row, "kind", |text| format!("\"{text}\""))?,
        value: row.get("value")?,
        note: row.get("note")?,
        at: row.get("at")?,
    })
}

pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}
