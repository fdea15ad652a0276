//! What a run may be called, and what may be noted of it.

use crate::error::{Error, Result};
use crate::store::Store;

const LONGEST_NAME: usize = 100;
const LONGEST_TAG: usize = 40;
const LONGEST_NOTE: usize = 2000;

/// What its user says of a run that starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    pub note: Option<String>,
    /// Each once.
    pub tags: Vec<String>,
}

impl Labels {
    /// # Errors
    /// `BadSetting` where the note or a tag cannot be used.
    pub fn check(&self) -> Result<()> {
        self.note.as_deref().map_or(Ok(()), check_note)?;
        self.tags.iter().try_for_each(|tag| check_tag(tag))
    }

    /// Writes them to a run that has none.
    ///
    /// # Errors
    /// As [`note`] and [`tag`].
    pub fn write(&self, store: &Store, run_id: &str) -> Result<()> {
        if let Some(text) = &self.note {
            note(store, run_id, text)?;
        }
        if !self.tags.is_empty() {
            tag(store, run_id, &self.tags)?;
        }
        Ok(())
    }
}

/// Gives a run another name.
///
/// # Errors
/// `BadSetting` where no run may be called so, `Run` where it is gone, `Store` where the file cannot be written.
pub fn rename(store: &Store, run_id: &str, name: &str) -> Result<()> {
    check_name(Some(name))?;
    store.rename_run(run_id, name)
}

/// Keeps a note with a run, in place of the one it had; an empty one is none.
///
/// # Errors
/// `BadSetting` where it is too long, `Store` where the file cannot be written.
pub fn note(store: &Store, run_id: &str, text: &str) -> Result<()> {
    check_note(text)?;
    store.set_note(run_id, Some(text.trim()).filter(|text| !text.is_empty()))
}

/// Adds tags to a run's, and answers all that it has then.
///
/// # Errors
/// `BadSetting` where one cannot be used, `Run` where the run is gone, `Store` where the file cannot be written.
pub fn tag(store: &Store, run_id: &str, tags: &[String]) -> Result<Vec<String>> {
    tags.iter().try_for_each(|tag| check_tag(tag))?;
    let mut all = store.run(run_id)?.tags;
    for tag in tags {
        if !all.contains(tag) {
            all.push(tag.clone());
        }
    }
    store.set_tags(run_id, &all)?;
    Ok(all)
}

/// Takes tags from a run, and answers those that it has then. One that it does not have is no error.
///
/// # Errors
/// `Run` where the run is gone, `Store` where the file cannot be written.
pub fn untag(store: &Store, run_id: &str, tags: &[String]) -> Result<Vec<String>> {
    let mut left = store.run(run_id)?.tags;
    left.retain(|tag| !tags.contains(tag));
    store.set_tags(run_id, &left)?;
    Ok(left)
}

/// Refuses names that mean something else.
///
/// # Errors
/// `BadSetting` says why.
pub fn check_name(name: Option<&str>) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    let bad = |problem: String| Err(Error::BadSetting { setting: "name", problem });
    if ["best", "last", "champion"].contains(&name) {
        return bad(format!("{name} already means a run to every command: choose another"));
    }
    if name.trim().is_empty() || name.chars().any(char::is_control) || name.chars().count() > LONGEST_NAME {
        return bad(format!("must be 1 to {LONGEST_NAME} letters, in one line"));
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<()> {
    let is_odd = |letter: char| letter.is_whitespace() || letter.is_control() || ",\"'`".contains(letter);
    if (1..=LONGEST_TAG).contains(&tag.chars().count()) && !tag.chars().any(is_odd) {
        return Ok(());
    }
    let problem = format!("{tag:?} must be 1 to {LONGEST_TAG} letters without spaces, commas and quotes");
    Err(Error::BadSetting { setting: "tag", problem })
}

fn check_note(note: &str) -> Result<()> {
    let is_odd = |letter: char| letter.is_control() && letter != '\n';
    if note.chars().count() <= LONGEST_NOTE && !note.chars().any(is_odd) {
        return Ok(());
    }
    let problem = format!("must be at most {LONGEST_NOTE} letters, without control characters");
    Err(Error::BadSetting { setting: "note", problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_word() {
        for tag in ["lr", "seed-42", "größe", &"x".repeat(40)] {
            assert!(check_tag(tag).is_ok(), "{tag}");
        }
        for tag in ["", "two words", "a,b", "\"quoted\"", "it's", "a\nb", &"x".repeat(41)] {
            assert!(check_tag(tag).unwrap_err().to_string().starts_with("tag: "), "{tag}");
        }
    }

    #[test]
    fn a_note_may_have_lines_and_an_end() {
        assert!(check_note("first\nsecond").is_ok() && check_note("").is_ok());
        assert!(check_note("bell \u{7}").is_err() && check_note(&"x".repeat(2001)).is_err());
    }
}
