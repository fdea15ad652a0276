//! DAGs for Apache Airflow that call this program.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::{Error, Result};

/// The files and what they hold: `@PROGRAM@`, `@DATA@` and `@DB@` stand for paths.
const TEMPLATES: [(&str, &str); 2] = [
    ("xray_tui_pipeline.py", include_str!("../../assets/airflow/xray_tui_pipeline.py")),
    ("xray_tui_sweep.py", include_str!("../../assets/airflow/xray_tui_sweep.py")),
];

/// What the DAGs call and with what, unless a DAG run says otherwise; absolute paths, as a worker has a folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    pub program: PathBuf,
    pub data: PathBuf,
    pub db: PathBuf,
}

/// Writes the DAGs into `folder`, which is made where it is missing; answers the files. Where one of them is there already,
/// none is written, unless they may be overwritten.
///
/// # Errors
/// `Io` where one is there or cannot be written.
pub fn write(folder: &Path, defaults: &Defaults, overwrite: bool) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    let files = TEMPLATES.map(|(name, text)| (folder.join(name), filled(text, defaults)));
    if let Some((there, _)) = files.iter().find(|(file, _)| !overwrite && file.exists()) {
        let problem = std::io::Error::other("it is there already: name another folder, or overwrite it with --force");
        return Err(Error::io("write", there, problem));
    }
    for (file, text) in &files {
        std::fs::write(file, text).map_err(|error| Error::io("write", file, error))?;
    }
    Ok(files.into_iter().map(|(file, _)| file).collect())
}

/// A template with its paths, as Python writes texts: JSON's are the same.
fn filled(text: &str, defaults: &Defaults) -> String {
    let literal = |path: &Path| json!(path.to_string_lossy()).to_string();
    text.replace("@PROGRAM@", &literal(&defaults.program))
        .replace("@DATA@", &literal(&defaults.data))
        .replace("@DB@", &literal(&defaults.db))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Defaults {
        let path = |name: &str| PathBuf::from(format!("/x/{name}"));
        Defaults { program: path("a \"b\"\\c"), data: path("data"), db: path("runs.db") }
    }

    #[test]
    fn paths_stand_in_the_files_as_python_writes_texts() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(&folder.path().join("dags"), &defaults(), false).unwrap();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains(r#""/x/a \"b\"\\c""#) && text.contains(r#""/x/runs.db""#), "{text}");
            assert!(!text.contains("@PROGRAM@") && !text.contains("@DATA@") && !text.contains("@DB@"));
        }
    }

    #[test]
    fn a_file_that_is_there_stays_unless_it_may_be_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("xray_tui_sweep.py");
        std::fs::write(&own, "mine").unwrap();
        let said = write(folder.path(), &defaults(), false).unwrap_err().to_string();
        assert!(said.contains("xray_tui_sweep.py") && said.contains("--force"), "{said}");
        assert!(!folder.path().join("xray_tui_pipeline.py").exists(), "all or none");
        assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
        write(folder.path(), &defaults(), true).unwrap();
        assert!(std::fs::read_to_string(&own).unwrap().contains("xray_tui_sweep"));
    }
}
