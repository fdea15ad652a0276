//! Keeps imports going one way: which room may name which, and which crate belongs where.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn, UseTree};

/// A room of `src/` and the rooms it may name beside itself.
const ROOMS: [(&str, &[&str]); 21] = [
    ("error", &[]),
    ("units", &[]),
    ("words", &[]),
    ("metrics", &["words"]),
    ("dataset", &["error", "words"]),
    ("picture", &["dataset"]),
    ("train", &["dataset", "metrics", "error", "words"]),
    ("store", &["dataset", "metrics", "error"]),
    ("predict", &["dataset", "picture", "metrics", "error", "train"]),
    ("session", &["dataset", "metrics", "error", "train", "store"]),
    ("report", &["session", "train", "store", "dataset", "metrics", "units", "error"]),
    ("interop", &["report", "session", "train", "store", "dataset", "metrics", "units", "error"]),
    ("pipeline", &["session", "train", "store", "dataset", "metrics", "error"]),
    ("app", &["dataset", "picture", "metrics", "train", "store", "units"]),
    ("ui", &["app", "dataset", "picture", "metrics", "train", "store", "units"]),
    (
        "tui",
        &[
            "ui", "app", "config", "interop", "pipeline", "report", "session", "predict", "terminal", "train", "store",
            "dataset", "metrics", "error", "picture",
        ],
    ),
    ("config", &["dataset", "metrics", "train", "units", "error", "words"]),
    ("terminal", &["config"]),
    ("cli", &["app", "config", "dataset", "metrics", "train"]),
    (
        "cmd",
        &[
            "cli", "app", "config", "interop", "pipeline", "report", "session", "predict", "terminal", "train",
            "store", "dataset", "metrics", "error", "units",
        ],
    ),
    ("lib", &[]),
];

/// A crate and the only places that may name it, as beginnings of paths below `src/`.
const CRATES: [(&str, &[&str]); 11] = [
    ("rusqlite", &["store"]),
    ("candle_core", &["train", "predict"]),
    ("candle_nn", &["train", "predict"]),
    ("xray_nn", &["train", "predict", "error"]),
    ("ratatui", &["app", "ui", "tui"]),
    ("viuer", &["terminal/graphics", "tui/graphics", "cmd/predict"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("signal_hook", &["tui", "cmd"]),
    ("toml", &["config", "train"]),
    ("ureq", &["interop/http"]),
];

const LONGEST_FUNCTION: usize = 60;
const LONGEST_FILE: usize = 480;
const MOST_ARGUMENTS: usize = 4;

/// What a file names and defines, tests left out.
#[derive(Default)]
struct Names {
    /// Paths as their parts, with the line they stand in.
    paths: Vec<(Vec<String>, usize)>,
    complaints: Vec<String>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl Names {
    fn add_use(&mut self, tree: &UseTree, before: &[String]) {
        match tree {
            UseTree::Path(path) => {
                let here = [before, &[path.ident.to_string()]].concat();
                self.add_use(&path.tree, &here);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(tree, before)),
            UseTree::Name(name) => self.add(before, &name.ident),
            UseTree::Rename(name) => self.add(before, &name.ident),
            UseTree::Glob(glob) => self.paths.push((before.to_vec(), glob.star_token.spans[0].start().line)),
        }
    }

    fn add(&mut self, before: &[String], last: &syn::Ident) {
        self.paths.push(([before, &[last.to_string()]].concat(), last.span().start().line));
    }

    fn check_function(&mut self, signature: &syn::Signature, lines: usize) {
        let arguments = signature.inputs.iter().filter(|input| matches!(input, syn::FnArg::Typed(_))).count();
        let (name, line) = (&signature.ident, signature.ident.span().start().line);
        if lines > LONGEST_FUNCTION {
            self.complaints.push(format!("{line}: {name} has {lines} lines, at most {LONGEST_FUNCTION} are allowed"));
        }
        if arguments > MOST_ARGUMENTS {
            self.complaints.push(format!("{line}: {name} takes {arguments} arguments, at most {MOST_ARGUMENTS}"));
        }
    }
}

fn lines_of(block: &syn::Block) -> usize {
    let span = block.brace_token.span;
    span.close().end().line - span.open().start().line + 1
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.add_use(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.paths.push((parts, line));
        visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_test(&item.attrs) {
            self.check_function(&item.sig, lines_of(&item.block));
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check_function(&item.sig, lines_of(&item.block));
        visit::visit_impl_item_fn(self, item);
    }
}

/// The complaints about one file; `place` is its path below `src/` without the ending.
fn complaints(place: &str, text: &str) -> Vec<String> {
    let file = match syn::parse_file(text) {
        Ok(file) => file,
        Err(error) => return vec![format!("{place}: {error}")],
    };
    let mut names = Names::default();
    names.visit_file(&file);
    let mut found: Vec<String> = names.complaints.iter().map(|text| format!("{place}.rs:{text}")).collect();
    if !text.starts_with("//!") {
        found.push(format!("{place}.rs:1: opens without a //! sentence"));
    }
    let length = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text).lines().count();
    if length > LONGEST_FILE {
        found.push(format!("{place}.rs: {length} lines; it may hold more than one idea"));
    }
    found.extend(names.paths.iter().filter_map(|(parts, line)| {
        let why = forbidden(place, parts)?;
        Some(format!("{place}.rs:{line}: {why}"))
    }));
    found
}

/// Why a file at `place` may not name the path `parts`.
fn forbidden(place: &str, parts: &[String]) -> Option<String> {
    let first = parts.first()?.as_str();
    if let Some((name, owners)) = CRATES.iter().find(|(name, _)| *name == first) {
        let allowed = owners.iter().any(|owner| place == *owner || place.starts_with(&format!("{owner}/")));
        return (!allowed).then(|| format!("{name} belongs in {}", owners.join(", ")));
    }
    let depth = place.split('/').count();
    let room = place.split('/').next()?;
    let supers = parts.iter().take_while(|part| *part == "super").count();
    let target = match first {
        "crate" | "xray_tui" => parts.get(1)?,
        "super" if supers >= depth => parts.get(supers)?,
        _ => return None,
    };
    let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room)?;
    let known = ROOMS.iter().any(|(name, _)| name == target);
    let fine = !known || target == room || allowed.contains(&target.as_str());
    (!fine).then(|| format!("{room} may not name {target}"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_room_names_only_what_it_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found: Vec<String> = sources(&src)
        .iter()
        .flat_map(|path| {
            let place = path.strip_prefix(&src).unwrap().with_extension("");
            complaints(place.to_str().unwrap(), &fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_folder_of_src_is_a_known_room() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(name == "main" || ROOMS.iter().any(|(room, _)| *room == name), "{name} is no room of the architecture");
    }
}

#[test]
fn only_the_kernels_may_be_unsafe() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for name in ["lib.rs", "main.rs"] {
        assert!(fs::read_to_string(src.join(name)).unwrap().contains("#![forbid(unsafe_code)]"));
    }
}

#[test]
fn a_wrong_import_is_found_however_it_is_written() {
    let wrong = [
        ("metrics", "//! x\nuse crate::store::Run;"),
        ("train/loader", "//! x\nuse crate::{error::Error, store};"),
        ("train/loader", "//! x\nuse super::super::store::Run;"),
        ("dataset", "//! x\nfn f() -> crate::train::Step { g() }"),
        ("cmd/runs", "//! x\nuse rusqlite as sql;"),
        ("app/train", "//! x\nfn f() { let _ = candle_core::Device::Cpu; }"),
    ];
    for (place, text) in wrong {
        assert_eq!(complaints(place, text).len(), 1, "{place}: {text}: {:?}", complaints(place, text));
    }
}

#[test]
fn tests_may_name_what_they_need() {
    assert!(complaints("metrics", "//! x\n#[cfg(test)]\nmod tests { use crate::store::Run; }").is_empty());
}

#[test]
fn long_functions_and_long_argument_lists_are_found() {
    let long = format!("//! x\nfn f() {{{}}}", "\n".repeat(80));
    assert_eq!(complaints("metrics", &long).len(), 1);
    assert_eq!(complaints("metrics", "//! x\nfn f(a: u8, b: u8, c: u8, d: u8, e: u8) {}").len(), 1);
    assert_eq!(complaints("metrics", "fn f() {}").len(), 1);
}
