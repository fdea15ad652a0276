//! Everything a key or a click can do, in one table that gives keys, help and footer.

/// A thing the user can do. The table of keys in this file is the only place that binds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Quit,
}
