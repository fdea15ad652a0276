//! What `doctor` found, how bad that is, and what to do.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// Works, but less well than it could.
    Warning,
    /// Something will not work.
    Problem,
}

impl Status {
    pub const fn mark(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Warning => '!',
            Self::Problem => '✗',
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub section: &'static str,
    pub status: Status,
    pub what: String,
    /// What to do, where there is something.
    #[serde(rename = "do")]
    pub next: Option<String>,
}

/// A finding that no section has yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub status: Status,
    pub what: String,
    pub next: Option<String>,
}

impl Said {
    pub fn of(self, section: &'static str) -> Finding {
        Finding { section, status: self.status, what: self.what, next: self.next }
    }
}

pub const fn ok(what: String) -> Said {
    Said { status: Status::Ok, what, next: None }
}

pub fn warning(what: String, next: &str) -> Said {
    Said { status: Status::Warning, what, next: Some(next.to_owned()) }
}

pub fn problem(what: String, next: &str) -> Said {
    Said { status: Status::Problem, what, next: Some(next.to_owned()) }
}
