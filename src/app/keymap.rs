//! The table of what can be done where gives keys, footer, help, palette and documentation; and the keys as the user has them.

mod bindings;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use bindings::{BINDINGS, Binding};

use super::action::{Action as A, Place as P};
use super::key::Key;

/// Keys by place and action, by their names, as the configuration has them.
pub type KeyNames = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// A key that cannot be given, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongKey {
    place: String,
    /// `None` where the place itself is wrong.
    action: Option<String>,
    pub problem: String,
}

impl WrongKey {
    /// Where it stands in the configuration.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        ["keys", &self.place].into_iter().chain(self.action.as_deref()).collect()
    }
}

/// The keys of each line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap(Vec<Vec<Key>>);

impl Default for Keymap {
    fn default() -> Self {
        let usual = |binding: &Binding| binding.keys.split_whitespace().filter_map(|name| name.parse().ok()).collect();
        Self(BINDINGS.iter().map(usual).collect())
    }
}

impl Keymap {
    /// The usual keys, but for those that are named otherwise.
    ///
    /// # Errors
    /// A place, action or key that there is not, with what there is; a key that would mean two things in one place.
    pub fn with(names: &KeyNames) -> Result<Self, WrongKey> {
        let mut map = Self::default();
        for (place, actions) in names {
            for (action, keys) in actions {
                let wrong = |problem| WrongKey { place: place.clone(), action: Some(action.clone()), problem };
                let line = line_named(place, action)?;
                let parsed = keys.iter().map(|key| key.parse::<Key>());
                map.0[line] = parsed.collect::<Result<_, _>>().map_err(wrong)?;
            }
        }
        map.check().map(|()| map)
    }

    fn check(&self) -> Result<(), WrongKey> {
        for place in P::ALL {
            let lines: Vec<usize> = self.lines_at(*place).filter(|line| BINDINGS[*line].place != P::Always).collect();
            for (number, line) in lines.iter().enumerate() {
                let twice = lines[..number].iter().find_map(|other| {
                    let here = BINDINGS[*other].place == BINDINGS[*line].place;
                    let key = self.0[*line].iter().find(|key| here && self.0[*other].contains(key))?;
                    Some((key, other))
                });
                if let Some((key, other)) = twice {
                    let [one, other] = [line, other].map(|line| BINDINGS[*line].action.name());
                    let problem = format!("{} means both {other} and {one}", key.name());
                    return Err(WrongKey { place: BINDINGS[*line].place.name(), action: None, problem });
                }
            }
        }
        Ok(())
    }

    /// The lines of the table that work at `place`, its own first. What the grid does its own way hides what Inspect does.
    pub fn lines_at(&self, place: P) -> impl Iterator<Item = usize> + use<> {
        let of = |layer| (0..BINDINGS.len()).filter(move |at| BINDINGS[*at].place == layer);
        let is_own = move |action| of(place).any(|at| BINDINGS[at].action == action);
        let is_hidden =
            move |at: &usize| BINDINGS[*at].place == P::Inspect && place != P::Inspect && is_own(BINDINGS[*at].action);
        place.layers().into_iter().flat_map(of).filter(move |at| !is_hidden(at))
    }

    /// What `key` does at `place`. While something is typed, letters go into it.
    #[must_use]
    pub fn action_of(&self, key: Key, place: P) -> Option<A> {
        self.lines_at(place).find(|line| self.0[*line].contains(&key)).map(|line| BINDINGS[line].action)
    }

    /// The first key of a line, as the footer writes it.
    #[must_use]
    pub fn first(&self, line: usize) -> Option<Key> {
        self.0[line].first().copied()
    }

    /// All keys of a line, as the help writes them.
    #[must_use]
    pub fn written(&self, line: usize) -> String {
        self.0[line].iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The whole table as Markdown, with the names that the configuration knows.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("| where | keys | what it does | name |\n| --- | --- | --- | --- |\n");
        for (line, binding) in BINDINGS.iter().enumerate() {
            let (keys, place) = (self.marked(line), binding.place);
            let (title, name, help) = (place.title(), place.name(), binding.help);
            let _ = writeln!(text, "| {title} | {keys} | {help} | `{name}.{}` |", binding.action.name());
        }
        text
    }

    /// What the footers have, a line a place, as Markdown; of what works in many places all but the ways to move.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::from("| | |\n| --- | --- |\n");
        for place in P::ALL {
            let all = matches!(place, P::Everywhere | P::Charts | P::Live);
            let told = |binding: &Binding| !binding.short.is_empty() || (all && !binding.action.is_movement());
            let here = |line: &usize| BINDINGS[*line].place == *place && told(&BINDINGS[*line]);
            let words = |binding: &Binding| if binding.short.is_empty() { binding.help } else { binding.short };
            let key = |line: usize| self.first(line).map(|key| format!("{} {}", code(key), words(&BINDINGS[line])));
            let keys: Vec<String> = (0..BINDINGS.len()).filter(here).filter_map(key).collect();
            if !keys.is_empty() {
                let _ = writeln!(text, "| {} | {} |", place.title(), keys.join(" · "));
            }
        }
        text
    }

    fn marked(&self, line: usize) -> String {
        self.0[line].iter().map(|key| code(*key)).collect::<Vec<_>>().join(" ")
    }
}

/// A key in Markdown.
fn code(key: Key) -> String {
    format!("`{key}`").replace('|', "\\|")
}

fn line_named(place: &str, action: &str) -> Result<usize, WrongKey> {
    let wrong = |action: Option<&str>, problem| WrongKey {
        place: place.to_owned(),
        action: action.map(str::to_owned),
        problem,
    };
    let found = P::ALL.iter().find(|known| known.name() == place).ok_or_else(|| {
        let places = P::ALL.iter().map(|place| place.name()).collect::<Vec<_>>().join(", ");
        wrong(None, format!("there is no such place; there are {places}"))
    })?;
    let here = || BINDINGS.iter().enumerate().filter(|(_, binding)| binding.place == *found);
    let line = here().find(|(_, binding)| binding.action.name() == action).map(|(line, _)| line);
    line.ok_or_else(|| {
        let known = here().map(|(_, binding)| binding.action.name()).collect::<Vec<_>>().join(", ");
        wrong(Some(action), format!("there is no such action there; there are {known}"))
    })
}

#[cfg(test)]
mod tests;
