//! What can be asked of past runs and of those under way.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::app::runs::column::Column;
use crate::app::runs::export::Format;
use crate::app::runs::filter::Filter;

/// `xray-tui runs …`
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List all runs, newest first
    List(ListArgs),
    /// Show one run with its epochs
    Show {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// With --json, list its images too: file, md5, patient and split of each
        #[arg(long)]
        images: bool,
    },
    /// Print what happened to a run, one line a thing
    Log {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// Go on printing until the run has ended
        #[arg(long)]
        follow: bool,
        /// The last N lines alone
        #[arg(long, value_name = "N")]
        lines: Option<usize>,
    },
    /// Stop a run under way in another process; it can be resumed
    Stop {
        /// Id, unique beginning of an id, name or `last`
        run: String,
        /// Once the epoch that is under way is trained, validated and saved
        #[arg(long)]
        after_epoch: bool,
    },
    /// Let a run under way in another process wait
    Pause {
        /// Id, unique beginning of an id, name or `last`
        run: String,
    },
    /// Let a waiting run go on
    Continue {
        /// Id, unique beginning of an id, name or `last`
        run: String,
    },
    /// Give a run under way in another process another learning rate
    Rate {
        /// Id, unique beginning of an id, name or `last`
        run: String,
        /// Above 0, at most 10
        #[arg(value_parser = rate)]
        learning_rate: f64,
    },
    /// Group finished runs that differ only in their seed: mean and standard deviation
    Groups,
    /// Make every stored figure again from the stored answers, and compare
    Verify {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion` [default: all runs]
        run: Option<String>,
    },
    /// Say what runs take on disk and what can go: what is in the trash, and files that nobody needs
    Gc {
        /// Delete what can go
        #[arg(long)]
        delete: bool,
    },
    /// Write a finished run to one file, for `reproduce` on another machine
    Export {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        bundle: PathBuf,
    },
    /// Give a run another name
    Rename {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// 1 to 100 letters, in one line
        name: String,
    },
    /// Keep a note with a run, in place of the one it had
    Note {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// At most 2,000 letters; without one, or empty, the note goes
        #[arg(default_value = "", hide_default_value = true)]
        text: String,
    },
    /// Give a run tags: words to find it by
    Tag {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// 1 to 40 letters without spaces, commas and quotes
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
        /// Take them away instead
        #[arg(long)]
        remove: bool,
    },
    /// Give a run a star
    Star {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// Take it away instead
        #[arg(long)]
        off: bool,
    },
    /// Make a finished run the champion, which answers where no run is named, without asking a gate
    Promote {
        /// Id, unique beginning of an id, name, `last` or `best`
        run: String,
        /// Why, to be kept with this change of the champion
        #[arg(long, value_name = "S")]
        reason: Option<String>,
        /// Only while the champion is this version of the model, or `none`: the one that the run was compared with
        #[arg(long, value_name = "VERSION", value_parser = expected)]
        expected: Option<Expected>,
    },
    /// Move a run to the trash, with its figures and its checkpoints; `restore` brings it back, `gc --delete` ends it; not the
    /// champion's
    Delete {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// Delete it at once and for good, in the trash or not
        #[arg(long)]
        forever: bool,
    },
    /// Bring a run back from the trash
    Restore {
        /// Of a run in the trash: id, unique beginning of an id, name, or `last` for the last thrown away
        run: String,
    },
}

/// The champion's version as it was when somebody decided; `None` where there was no champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected(pub Option<i64>);

/// `xray-tui runs list …`
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Those in the trash instead, the last thrown away first
    #[arg(long)]
    pub trash: bool,
    /// Only runs of which all these words hold, as in `acc>0.9 lr:1e-4 !crashed tag:baseline`
    #[arg(long, value_name = "TEXT", value_parser = filter)]
    pub filter: Option<Filter>,
    /// In the order of a column, figures from the largest down [default: newest first]
    #[arg(long, value_name = "COLUMN", value_parser = column)]
    pub sort: Option<Column>,
    /// The other way round
    #[arg(long)]
    pub reverse: bool,
    /// A table for other programs, with all columns, instead of the one to read; --json has a form of its own
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<TableFormat>,
}

/// How `runs list` writes its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    Csv,
    Json,
    Markdown,
}

impl From<TableFormat> for Format {
    fn from(format: TableFormat) -> Self {
        match format {
            TableFormat::Csv => Self::Csv,
            TableFormat::Json => Self::Json,
            TableFormat::Markdown => Self::Markdown,
        }
    }
}

/// A filter, or where it is none.
fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text).map_err(|problem| {
        let before = text.get(..problem.at).unwrap_or_default().chars().count();
        format!("\n  {text}\n  {:before$}^ {}", "", problem.text)
    })
}

fn column(name: &str) -> Result<Column, String> {
    Column::named(name).ok_or_else(|| {
        let keys: Vec<&str> = Column::all().map(Column::key).collect();
        format!("there is no such column; there are {}", keys.join(" "))
    })
}

/// The number of a version of the model, or `none`.
fn expected(text: &str) -> Result<Expected, String> {
    if text == "none" {
        return Ok(Expected(None));
    }
    let version = text.parse::<i64>().ok().filter(|version| *version > 0);
    version.map(|version| Expected(Some(version))).ok_or_else(|| "must be the number of a version, or none".to_owned())
}

/// A learning rate as a run may have it.
fn rate(text: &str) -> Result<f64, String> {
    let inside = text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= 10.0);
    inside.ok_or_else(|| "must lie above 0 and be at most 10".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_champion_that_is_expected_is_a_version_or_none() {
        assert_eq!(expected("3"), Ok(Expected(Some(3))));
        assert_eq!(expected("none"), Ok(Expected(None)));
        for wrong in ["", "0", "-1", "None", "three"] {
            assert!(expected(wrong).is_err(), "{wrong}");
        }
    }
}
