//! The tracked version of its data that a run saw.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a `.dvc` file said when a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataVersion {
    /// From the DVC repository's root on.
    pub dvc_file: String,
    /// The id that it told.
    pub md5: String,
    /// Whether the data were so.
    pub same: bool,
    /// The newest git commit that the file came with, in full; `None` outside git or before one.
    pub commit: Option<String>,
    /// Whether the file was as in that commit.
    pub committed: bool,
}

/// Its key in a run's provenance.
pub const KEY: &str = "data_version";

impl DataVersion {
    /// That of a run with this provenance; `None` where its data were not tracked, or where an older program ran it.
    #[must_use]
    pub fn of(provenance: Option<&Value>) -> Option<Self> {
        provenance?.get(KEY).and_then(|value| serde_json::from_value(value.clone()).ok())
    }

    /// In a few words: `data.dvc 1a2b3c4d (same), commit 5e6f7a8b`.
    #[must_use]
    pub fn text(&self) -> String {
        let short = |id: &str| id.chars().take(8).collect::<String>();
        let state = if self.same { "same" } else { "changed since" };
        let commit = match (&self.commit, self.committed) {
            (None, _) => "not committed".to_owned(),
            (Some(commit), true) => format!("commit {}", short(commit)),
            (Some(commit), false) => format!("changed after commit {}", short(commit)),
        };
        format!("{} {} ({state}), {commit}", self.dvc_file, short(&self.md5))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_is_told_in_a_few_words_and_comes_back_from_a_provenance() {
        let version = DataVersion {
            dvc_file: "data.dvc".into(),
            md5: "0123456789abcdef.dir".into(),
            same: true,
            commit: Some("fedcba9876543210".into()),
            committed: true,
        };
        assert_eq!(version.text(), "data.dvc 01234567 (same), commit fedcba98");
        let changed = DataVersion { same: false, committed: false, ..version.clone() };
        assert_eq!(changed.text(), "data.dvc 01234567 (changed since), changed after commit fedcba98");
        let new = DataVersion { commit: None, committed: false, ..version.clone() };
        assert_eq!(new.text(), "data.dvc 01234567 (same), not committed");
        assert_eq!(DataVersion::of(Some(&json!({KEY: version}))), Some(version));
        assert_eq!(DataVersion::of(Some(&json!({"git": null}))), None);
        assert_eq!(DataVersion::of(None), None);
    }
}
