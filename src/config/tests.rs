//! Who is heard first, and that the template says what the program does.

use std::ffi::OsString;

use super::*;

fn settle(said: &Said, set: &[(&str, &str)], text: &str) -> Result<Settings> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let variable = |name: &str| -> Option<OsString> {
        let set = set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        set.or_else(|| (name == "XRAY_TUI_CONFIG").then(|| path.clone().into()))
    };
    Settings::read(said, &variable)
}

fn from(settings: &Settings, key: &str) -> Source {
    settings.rows().into_iter().find(|row| row.key == key).unwrap().from
}

#[test]
fn a_flag_goes_before_a_variable_before_the_file_before_the_default() {
    let text = "db = \"file.db\"\nthreads = 3\n[screen]\ntheme = \"light\"";
    let set = [("XRAY_TUI_DB", "variable.db"), ("XRAY_TUI_THEME", "dark"), ("XRAY_TUI_ISA", "portable")];
    let said = Said { db: Some("flag.db".into()), ..Said::default() };
    let settings = settle(&said, &set, text).unwrap();
    assert_eq!((settings.db.to_str(), from(&settings, "db")), (Some("flag.db"), Source::Flag));
    assert_eq!((settings.screen.theme, from(&settings, "screen.theme")), (Theme::Dark, Source::Environment));
    assert_eq!((settings.threads, from(&settings, "threads")), (3, Source::File));
    assert_eq!((settings.data.to_str(), from(&settings, "data")), (Some("data"), Source::Default));
    assert_eq!((settings.isa, from(&settings, "isa")), (Isa::Portable, Source::Environment));
}

#[test]
fn only_a_folder_named_for_this_command_goes_before_a_runs_own() {
    let named = |said: &Said, set: &[(&str, &str)]| {
        settle(said, set, "data = \"xrays\"").unwrap().named_data().map(std::path::Path::to_owned)
    };
    assert_eq!(named(&Said::default(), &[]), None);
    assert_eq!(named(&Said::default(), &[("XRAY_TUI_DATA", "here")]), Some("here".into()));
    assert_eq!(named(&Said { data: Some("there".into()), ..Said::default() }, &[]), Some("there".into()));
}

#[test]
fn a_wrong_variable_is_named() {
    let said = |set: &[(&str, &str)]| settle(&Said::default(), set, "").unwrap_err().to_string();
    assert_eq!(said(&[("XRAY_TUI_THREADS", "all")]), "XRAY_TUI_THREADS: `all` must be 0 (one a core) to 1024");
    assert_eq!(said(&[("XRAY_TUI_ISA", "sse")]), "XRAY_TUI_ISA: `sse` is none of auto, avx512, avx2, portable");
}

#[test]
fn a_file_that_was_named_must_be_there_and_one_at_the_usual_place_need_not() {
    let said = Said { config: Some("/nowhere/at.toml".into()), ..Said::default() };
    let problem = Settings::read(&said, &|_| None).unwrap_err().to_string();
    assert!(problem.starts_with("/nowhere/at.toml: there is no such configuration file"), "{problem}");
    let variable = |name: &str| (name == "XDG_CONFIG_HOME").then(|| OsString::from("/nowhere"));
    assert_eq!(Settings::read(&Said::default(), &variable).unwrap().file, None);
    let anyway = Settings::read_anyway(&said, &|_| None).unwrap();
    assert_eq!(anyway.problem, Some(problem));
}

#[test]
fn the_template_says_nothing() {
    let plain = settle(&Said::default(), &[], "").unwrap();
    let settings = settle(&Said::default(), &[], TEMPLATE).unwrap();
    assert_eq!(settings.rows(), plain.rows());
}

/// The template with every setting said.
fn uncommented() -> String {
    let is_setting = |line: &str| {
        let name = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let line = |line: &'static str| line.strip_prefix('#').filter(|rest| is_setting(rest)).unwrap_or(line);
    TEMPLATE.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_line_of_the_template_says_the_default() {
    let plain = settle(&Said::default(), &[], "").unwrap();
    let settings = settle(&Said::default(), &[], &uncommented()).unwrap();
    assert_eq!(settings.train, plain.train);
    for (plain, said) in plain.rows().into_iter().zip(settings.rows()) {
        assert_eq!((&plain.key, &plain.value), (&said.key, &said.value));
        // Empty there, as it depends on the system.
        let from = if plain.key == "cache" { Source::Default } else { Source::File };
        assert_eq!(said.from, from, "{} is not in the template", plain.key);
    }
}
