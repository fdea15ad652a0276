//! Settings: what is in force, merged from the command line, the environment and the configuration file, in this order.

mod file;
pub mod place;
mod recipe;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};

use crate::dataset::cache;
use crate::error::{Error, Result};
use crate::train::TrainConfig;
use crate::train::setting::{self, Setting};
use crate::units::split_login;
pub use file::{Contents, File};
use place::{Place, Variables};
pub use recipe::Recipe;
pub use words::{Ascii, Cells, Colours, Graphics, Isa, Notify, Theme};

/// Compute threads at most.
pub const MOST_THREADS: u16 = 1024;

/// The file that `config init` writes: every key at its default, behind a `#`.
pub const TEMPLATE: &str = include_str!("../assets/config.toml");

/// Remapped keys: by place (`everywhere`, `runs`, …), then by action, as the file names them. Nothing of it is checked
/// yet but its form.
pub type Keys = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What the command line says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The configuration file.
    pub config: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub db: Option<PathBuf>,
    pub threads: Option<u16>,
    pub isa: Option<Isa>,
    pub theme: Option<Theme>,
    pub colours: Option<Colours>,
    pub ascii: Option<Ascii>,
    pub mouse: Option<bool>,
}

/// Who has said a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Flag,
    Environment,
    File,
    Default,
}

impl Source {
    /// For reading.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

/// How the terminal program shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenSettings {
    pub theme: Theme,
    pub colours: Colours,
    pub ascii: Ascii,
    /// Whether it listens to the mouse.
    pub mouse: bool,
    pub notify: Notify,
    pub graphics: Graphics,
    pub cells: Cells,
}

/// What is told to MLflow, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlflowSettings {
    /// The tracking server's address; it may hold a login, and is not to be shown.
    pub uri: Option<String>,
    /// The experiment that runs belong to.
    pub experiment: String,
    /// Whether runs are followed while they train.
    pub mirror: bool,
    /// The registered model whose champion is the one here.
    pub model: String,
}

/// The settings in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the file is looked for.
    pub place: Place,
    /// The file, where there is one.
    pub file: Option<File>,
    /// Why the file counts as not there, where it was passed over.
    pub problem: Option<String>,
    pub data: PathBuf,
    pub db: PathBuf,
    /// 0 is one a core.
    pub threads: u16,
    pub isa: Isa,
    /// The folder of decoded pictures.
    pub cache: PathBuf,
    pub screen: ScreenSettings,
    /// What a new run has where nothing else is said.
    pub train: TrainConfig,
    pub mlflow: MlflowSettings,
    pub keys: Keys,
    sources: BTreeMap<&'static str, Source>,
}

/// One setting in force, for reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name with its table's: `train.epochs`.
    pub key: String,
    pub value: Value,
    pub from: Source,
}

/// Chooses between those that speak, and keeps who it was.
struct Merge<'a> {
    variable: Variables<'a>,
    sources: BTreeMap<&'static str, Source>,
}

impl Merge<'_> {
    /// The first that is said of flag, variable and file, else the default.
    fn pick<T>(&mut self, key: &'static str, said: [Option<T>; 3], default: T) -> T {
        let by = [Source::Flag, Source::Environment, Source::File];
        let found = said.into_iter().zip(by).find_map(|(value, source)| Some((value?, source)));
        let (value, source) = found.unwrap_or((default, Source::Default));
        self.sources.insert(key, source);
        value
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        (self.variable)(name).map(PathBuf::from)
    }

    fn parsed<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>> {
        let Some(value) = (self.variable)(name) else { return Ok(None) };
        let wrong = |problem| Error::Config { place: name.to_owned(), problem };
        parse(&value.to_string_lossy()).map(Some).map_err(wrong)
    }
}

/// Compute threads as text; 0 is one a core.
///
/// # Errors
/// What is allowed.
pub fn threads(text: &str) -> Result<u16, String> {
    let found = text.parse().ok().filter(|threads| *threads <= MOST_THREADS);
    found.ok_or_else(|| format!("`{text}` must be 0 (one a core) to {MOST_THREADS}"))
}

impl Settings {
    /// What is in force.
    ///
    /// # Errors
    /// `Config` where the file that was named is not there, or where a file or variable says something wrong; `Io`
    /// where the file cannot be read.
    pub fn read(said: &Said, variable: Variables) -> Result<Self> {
        let place = Place::find(said.config.as_deref(), variable);
        let file = place.path.as_deref().map_or(Ok(None), File::read)?;
        if let (None, Some(path), Source::Flag | Source::Environment) = (&file, &place.path, place.by) {
            let problem = "there is no such configuration file: check --config and XRAY_TUI_CONFIG, or write one with \
                           `xray-tui config init`";
            return Err(Error::Config { place: path.display().to_string(), problem: problem.into() });
        }
        Self::merge((said, variable), place, file)
    }

    /// What is in force without the file, for what must work where something is wrong with it: with what that is.
    ///
    /// # Errors
    /// `Config` where a variable says something wrong.
    pub fn read_anyway(said: &Said, variable: Variables) -> Result<Self> {
        Self::read(said, variable).or_else(|problem| {
            let place = Place::find(said.config.as_deref(), variable);
            Ok(Self { problem: Some(problem.to_string()), ..Self::merge((said, variable), place, None)? })
        })
    }

    fn merge((said, variable): (&Said, Variables), place: Place, file: Option<File>) -> Result<Self> {
        let mut merge = Merge { variable, sources: BTreeMap::new() };
        let Contents { data, db, threads, isa, cache, screen, train, mlflow, .. } =
            file.as_ref().map(|file| file.contents.clone()).unwrap_or_default();
        let [data, db, cache] = [data, db, cache].map(|path| path.and_then(place::said));
        let flags = said.clone();
        let variables = [merge.path("XRAY_TUI_DATA"), merge.path("XRAY_TUI_DB"), merge.path("XRAY_TUI_CACHE")];
        let [data_variable, db_variable, cache_variable] = variables;
        let threads_variable = merge.parsed("XRAY_TUI_THREADS", self::threads)?;
        let isa_variable = merge.parsed("XRAY_TUI_ISA", Isa::from_str)?;
        Ok(Self {
            problem: None,
            data: merge.pick("data", [flags.data, data_variable, data], "data".into()),
            db: merge.pick("db", [flags.db, db_variable, db], "runs.db".into()),
            threads: merge.pick("threads", [flags.threads, threads_variable, threads], 0),
            isa: merge.pick("isa", [flags.isa, isa_variable, isa], Isa::default()),
            cache: merge.pick("cache", [None, cache_variable, cache], cache::default_folder()),
            screen: merge.screen(said, &screen)?,
            train: train.over(&TrainConfig::default()),
            mlflow: merge.mlflow(mlflow),
            keys: file.as_ref().map(|file| file.contents.keys()).unwrap_or_default(),
            place,
            file,
            sources: merge.sources,
        })
    }

    /// The data set's folder where somebody has named it for this very command, by flag or variable.
    #[must_use]
    pub fn named_data(&self) -> Option<&std::path::Path> {
        let named = matches!(self.sources.get("data"), Some(Source::Flag | Source::Environment));
        named.then_some(self.data.as_path())
    }

    /// Every setting with its value and who has said it.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let screen = self.screen;
        let values = [
            ("data", json!(self.data.to_string_lossy())),
            ("db", json!(self.db.to_string_lossy())),
            ("cache", json!(self.cache.to_string_lossy())),
            ("threads", json!(self.threads)),
            ("isa", json!(self.isa.name())),
            ("screen.theme", json!(screen.theme.name())),
            ("screen.colours", json!(screen.colours.name())),
            ("screen.ascii", json!(screen.ascii.name())),
            ("screen.mouse", json!(screen.mouse)),
            ("screen.notify", json!(screen.notify.name())),
            ("screen.graphics", json!(screen.graphics.name())),
            ("screen.cells", json!(screen.cells.name())),
            ("mlflow.uri", json!(self.mlflow.uri.as_deref().map(|uri| split_login(uri).0))),
            ("mlflow.experiment", json!(self.mlflow.experiment)),
            ("mlflow.mirror", json!(self.mlflow.mirror)),
            ("mlflow.model", json!(self.mlflow.model)),
        ];
        let from = |key: &str| self.sources.get(key).copied().unwrap_or(Source::Default);
        let rows = values.into_iter().map(|(key, value)| Row { key: key.to_owned(), value, from: from(key) });
        rows.chain(self.recipe_rows()).chain(self.key_rows()).collect()
    }

    fn recipe_rows(&self) -> Vec<Row> {
        let said = self.file.as_ref().map(|file| &file.contents.train);
        let is_said = |setting: &Setting| said.is_some_and(|said| said.says(setting.name));
        let row = |setting: &Setting| Row {
            key: format!("train.{}", setting.name),
            value: setting.value(&self.train),
            from: if is_said(setting) { Source::File } else { Source::Default },
        };
        setting::ALL.iter().map(row).collect()
    }

    fn key_rows(&self) -> Vec<Row> {
        let keys = self.keys.iter().flat_map(|(place, actions)| actions.iter().map(move |(act, on)| (place, act, on)));
        let row = |(place, act, on)| Row { key: format!("keys.{place}.{act}"), value: json!(on), from: Source::File };
        keys.map(row).collect()
    }
}

impl Merge<'_> {
    /// Under the variables' names that MLflow's own client has.
    fn mlflow(&mut self, file: file::Mlflow) -> MlflowSettings {
        let variable = |name: &str| (self.variable)(name).map(|value| value.to_string_lossy().into_owned());
        let [uri, experiment] = ["MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"].map(variable);
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        MlflowSettings {
            uri: self.pick("mlflow.uri", [None, said(uri).map(Some), file.uri.map(|uri| said(Some(uri)))], None),
            experiment: self.pick(
                "mlflow.experiment",
                [None, said(experiment), said(file.experiment)],
                "xray-tui".into(),
            ),
            mirror: self.pick("mlflow.mirror", [None, None, file.mirror], false),
            model: self.pick("mlflow.model", [None, None, said(file.model)], "xray-tui-pneumonia".into()),
        }
    }

    fn screen(&mut self, said: &Said, file: &file::Screen) -> Result<ScreenSettings> {
        let theme = self.parsed("XRAY_TUI_THEME", Theme::from_str)?;
        Ok(ScreenSettings {
            theme: self.pick("screen.theme", [said.theme, theme, file.theme], Theme::default()),
            colours: self.pick("screen.colours", [said.colours, None, file.colours], Colours::default()),
            ascii: self.pick("screen.ascii", [said.ascii, None, file.ascii], Ascii::default()),
            mouse: self.pick("screen.mouse", [said.mouse, None, file.mouse], true),
            notify: self.pick("screen.notify", [None, None, file.notify], Notify::default()),
            graphics: self.pick("screen.graphics", [None, None, file.graphics], Graphics::default()),
            cells: self.pick("screen.cells", [None, None, file.cells], Cells::default()),
        })
    }
}

impl Default for ScreenSettings {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            colours: Colours::default(),
            ascii: Ascii::default(),
            mouse: true,
            notify: Notify::default(),
            graphics: Graphics::default(),
            cells: Cells::default(),
        }
    }
}

#[cfg(test)]
mod tests;
