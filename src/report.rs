//! A run's model card: gathered once, written as one HTML file and one Markdown file.

#![allow(clippy::format_collect, reason = "a card is a few hundred lines")]

pub mod card;
pub mod chart;
mod checklist;
mod curves;
mod data;
pub mod html;
mod limits;
pub mod markdown;
pub mod material;
mod mistakes;
mod origin;
mod private;
mod recipe;
mod summary;
mod svg;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::{Run, Store};
use card::Card;
use material::Material;

/// Letters of a file's name without its ending; the most that every file system takes.
const LONGEST_NAME: usize = 60;

/// The two files of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub html: PathBuf,
    pub markdown: PathBuf,
}

/// Writes the card of a run into `folder`, made where it is missing. The same run gives the same bytes.
///
/// # Errors
/// `Store` where the database cannot be read; `Io` where a file cannot be written; `BadSetting` where a file of that name
/// is there already that is no report of this run.
pub fn write(store: &Store, run: Run, folder: &Path) -> Result<Written> {
    let stem = file_stem(&run.started.name, &run.started.id);
    let [html, markdown] = ["html", "md"].map(|ending| folder.join(format!("{stem}.{ending}")));
    for (path, mark) in [(&html, html::MARK), (&markdown, markdown::MARK)] {
        check_may_replace(path, &format!("{mark}{} -->", run.started.id))?;
    }
    let texts = texts(store, run)?;
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    for (path, text) in [&html, &markdown].into_iter().zip(texts) {
        fs::write(path, text).map_err(|error| Error::io("write", path, error))?;
    }
    Ok(Written { html, markdown })
}

/// The card of a run as HTML and as Markdown.
///
/// # Errors
/// `Store` where the database cannot be read.
pub fn texts(store: &Store, run: Run) -> Result<[String; 2]> {
    let card = Card::of(&Material::gather(store, run)?);
    Ok([html::page(&card), markdown::text(&card)])
}

/// A run may be called `README`: nothing is replaced but an earlier report of the same run.
fn check_may_replace(path: &Path, mark: &str) -> Result<()> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", path, error)),
        Ok(bytes) if bytes.starts_with(mark.as_bytes()) => Ok(()),
        Ok(_) => {
            let problem =
                format!("{} is there already and is no report of this run: name another folder", path.display());
            Err(Error::BadSetting { setting: "out", problem })
        }
    }
}

/// The run's name where it is safe as a file's name, its other letters replaced; the id where nothing is left.
fn file_stem(name: &str, id: &str) -> String {
    let safe = |letter: char| if letter.is_alphanumeric() || "-_. ".contains(letter) { letter } else { '-' };
    let stem: String = name.chars().map(safe).take(LONGEST_NAME).collect();
    let stem = stem.trim_matches(|letter: char| ". ".contains(letter));
    if stem.is_empty() { id.to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests;
