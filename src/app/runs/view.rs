//! How the table of runs is looked at, as it is kept from one day to the next.

use serde::{Deserialize, Deserializer, Serialize};

use super::column::Column;
use super::figure::Figure;
use super::groups::Grouping;
use crate::app::form::Field;

/// Which columns, in which order the runs, which of them, grouped by what, against which one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunsView {
    #[serde(deserialize_with = "known")]
    pub columns: Vec<Column>,
    pub sorted_by: Column,
    pub descending: bool,
    /// As it was typed.
    pub filter: String,
    pub grouped_by: Option<Grouping>,
    /// Id of the run that the others are compared with.
    pub baseline: Option<String>,
}

impl Default for RunsView {
    fn default() -> Self {
        Self {
            columns: vec![
                Column::Mark,
                Column::Star,
                Column::Name,
                Column::State,
                Column::Figure(Figure::Validation),
                Column::Figure(Figure::Test),
                Column::Figure(Figure::F1),
                Column::Figure(Figure::Epochs),
                Column::Figure(Figure::Time),
                Column::Setting(Field::LEARNING_RATE),
                Column::Setting(Field::BATCH_SIZE),
                Column::Setting(Field::IMAGE_SIZE),
                Column::Setting(Field::SEED),
                Column::Data,
                Column::Started,
                Column::Tags,
            ],
            sorted_by: Column::Started,
            descending: true,
            filter: String::new(),
            grouped_by: None,
            baseline: None,
        }
    }
}

/// The columns that this program knows; those of another version are passed over.
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Column>, D::Error> {
    let keys = Vec::<String>::deserialize(deserializer)?;
    let mut columns: Vec<Column> = Vec::new();
    for column in keys.iter().filter_map(|key| Column::named(key)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Ok(if columns.is_empty() { RunsView::default().columns } else { columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_comes_back_as_it_was_kept() {
        let view = RunsView {
            columns: Column::all().collect(),
            sorted_by: Column::Setting(Field::LEARNING_RATE),
            filter: "acc>0.9 note:\"a b\"".into(),
            grouped_by: Some(Grouping::By(Field::BATCH_SIZE)),
            baseline: Some("0123456789ab".into()),
            ..RunsView::default()
        };
        let kept = serde_json::to_string(&view).unwrap();
        assert_eq!(serde_json::from_str::<RunsView>(&kept).unwrap(), view);
    }

    #[test]
    fn columns_of_another_version_are_passed_over() {
        let view: RunsView = serde_json::from_str(r#"{"columns": ["name", "aura", "lr", "name"]}"#).unwrap();
        assert_eq!(view.columns, [Column::Name, Column::Setting(Field::LEARNING_RATE)]);
        assert_eq!(view.sorted_by, Column::Started);
    }
}
