//! How records lie in their rows.

use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, Result, Row};
use serde::de::DeserializeOwned;

use super::{Answer, CommandKind, Mark, NewRun, Run};
use crate::dataset::{Class, Probe, Split};
use crate::metrics::EpochFigures;

/// The columns of a run in the order in which `run` reads them, which asks for its provenance and checks after them.
pub const RUN: &str = "id, name, data, synthetic, config, seed, git_commit, git_dirty, data_hash, split_hash, device, \
    versions, parent, manifest, started_at, ended_at, state, problem, seconds, images_per_second, epochs_done, \
    best_epoch, best_val_accuracy, test, operating, weights, closing, note, tags, star, trashed_at";

/// The fields of a row one after the other: to look each up by its name would take longer than to read it.
struct Fields<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl Fields<'_> {
    fn place(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn value<T: FromSql>(&mut self) -> Result<T> {
        let place = self.place();
        self.row.get(place)
    }

    fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let place = self.place();
        parse(self.row.get_ref(place)?.as_str()?)
    }

    fn optional<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let place = self.place();
        self.row.get_ref(place)?.as_str_or_null()?.map(parse).transpose()
    }
}

pub fn run(row: &Row) -> Result<Run> {
    whole_run(row).map_err(|error| {
        let id = row.get(0).unwrap_or_default();
        Error::FromSqlConversionFailure(0, Type::Text, Box::new(Damaged { id, error }))
    })
}

/// A row that holds what this program never wrote.
#[derive(Debug, thiserror::Error)]
#[error("the row of run {id} is damaged ({error}); restore a copy of the database, or delete that row with sqlite3")]
pub struct Damaged {
    id: String,
    error: Error,
}

fn whole_run(row: &Row) -> Result<Run> {
    let mut fields = Fields { row, next: 0 };
    let fields = &mut fields;
    let mut run = Run {
        started: new_run(fields)?,
        started_at: fields.value()?,
        ended_at: fields.value()?,
        state: parse(&format!("\"{}\"", fields.value::<String>()?))?,
        problem: fields.value()?,
        seconds: fields.value()?,
        images_per_second: fields.value()?,
        epochs_done: fields.value()?,
        best_epoch: fields.value()?,
        best_val_accuracy: fields.value()?,
        test: fields.optional()?,
        operating: fields.optional()?,
        checks: None,
        weights: fields.value()?,
        closing: fields.value()?,
        note: fields.value()?,
        tags: fields.optional()?.unwrap_or_default(),
        starred: fields.value()?,
        trashed_at: fields.value()?,
    };
    run.started.provenance = fields.optional()?;
    run.checks = fields.optional()?;
    Ok(run)
}

fn new_run(fields: &mut Fields) -> Result<NewRun> {
    Ok(NewRun {
        id: fields.value()?,
        name: fields.value()?,
        data: fields.value::<String>()?.into(),
        synthetic: fields.value()?,
        config: fields.json()?,
        seed: number(&fields.value::<String>()?)?,
        git_commit: fields.value()?,
        git_dirty: fields.value()?,
        data_hash: fields.value()?,
        split_hash: fields.value()?,
        device: fields.value()?,
        versions: fields.json()?,
        parent: fields.value()?,
        provenance: None,
        manifest: fields.value()?,
    })
}

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}

pub fn epoch(row: &Row) -> Result<EpochFigures> {
    Ok(EpochFigures {
        epoch: row.get("epoch")?,
        train: json(row, "train", |text| text)?,
        validation: json(row, "validation", |text| text)?,
        seconds: row.get("seconds")?,
        shifted: row.get::<_, Option<String>>("shifted")?.map(|text| parse(&text)).transpose()?,
        weights: row.get::<_, Option<String>>("weights")?.map(|text| parse(&format!("\"{text}\""))).transpose()?,
    })
}

pub fn answer(row: &Row) -> Result<Answer> {
    let harder = row.get_ref("split")?.as_str()? == Probe::Harder.name();
    Ok(Answer {
        split: if harder { Probe::Harder.split() } else { json::<Split>(row, "split", |text| format!("\"{text}\""))? },
        harder,
        file: row.get("file")?,
        truth: json::<Class>(row, "truth", |text| format!("\"{text}\""))?,
        logits: logits(row.get("logits")?),
        disagreement: row.get("disagreement")?,
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
