//! Where the configuration file lies, and what a path in it means.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Source;

/// The environment, or what a test puts in its place.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The variables of this process; an empty one counts as none.
#[must_use]
pub fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Where the file is looked for, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `None` where nothing is said and there is no home folder.
    pub path: Option<PathBuf>,
    /// By `--config`, by `XRAY_TUI_CONFIG`, or by default the system's usual place.
    pub by: Source,
}

impl Place {
    /// Where the file must be: at the place that was named, else at the system's usual one.
    #[must_use]
    pub fn find(named: Option<&Path>, variable: Variables) -> Self {
        if let Some(path) = named {
            return Self { path: Some(path.to_owned()), by: Source::Flag };
        }
        match variable("XRAY_TUI_CONFIG") {
            Some(path) => Self { path: Some(path.into()), by: Source::Environment },
            None => Self { path: usual(variable), by: Source::Default },
        }
    }
}

/// `XDG_CONFIG_HOME`, else the system's folder for settings, then `xray-tui/config.toml`.
fn usual(variable: Variables) -> Option<PathBuf> {
    // A relative path there is to be ignored, says the XDG specification.
    let xdg = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = xdg.or_else(|| {
        if cfg!(windows) {
            return variable("APPDATA").map(PathBuf::from);
        }
        let below_home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
        Some(Path::new(&variable("HOME")?).join(below_home))
    });
    Some(folder?.join("xray-tui").join("config.toml"))
}

/// A path as the file gives it: the empty one says nothing, and `~/` is the home folder.
#[must_use]
pub fn said(path: PathBuf) -> Option<PathBuf> {
    if path.as_os_str().is_empty() {
        return None;
    }
    let home = path.strip_prefix("~").ok().and_then(|rest| Some(Path::new(&environment("HOME")?).join(rest)));
    Some(home.unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(named: Option<&str>, set: &[(&str, &str)]) -> (PathBuf, Source) {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let place = Place::find(named.map(Path::new), &variable);
        (place.path.unwrap(), place.by)
    }

    #[test]
    fn the_file_is_named_by_flag_then_variable_then_the_system() {
        let all = [("XRAY_TUI_CONFIG", "/b.toml"), ("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(by(Some("/a.toml"), &all), ("/a.toml".into(), Source::Flag));
        assert_eq!(by(None, &all), ("/b.toml".into(), Source::Environment));
        assert_eq!(by(None, &all[1..]), ("/x/xray-tui/config.toml".into(), Source::Default));
        if cfg!(target_os = "linux") {
            assert_eq!(by(None, &all[2..]).0, Path::new("/h/.config/xray-tui/config.toml"));
            let relative = by(None, &[("XDG_CONFIG_HOME", "x"), ("HOME", "/h")]).0;
            assert_eq!(relative, Path::new("/h/.config/xray-tui/config.toml"));
        }
    }

    #[test]
    fn a_tilde_is_the_home_folder_and_nothing_is_nothing() {
        assert_eq!(said("".into()), None);
        assert_eq!(said("a/~/b".into()), Some("a/~/b".into()));
        let home = PathBuf::from(environment("HOME").unwrap());
        assert_eq!(said("~/xrays".into()), Some(home.join("xrays")));
    }
}
