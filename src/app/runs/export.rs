//! The table as a text for other programs: CSV, JSON or Markdown, and one row for the clipboard.

use serde_json::{Map, Value as Json};

use super::column::{Column, Facts};
use super::value::Value;
use crate::store::Run;

/// Bytes that terminals take into the clipboard at most: 100,000 with their encoding and what stands around it.
pub const MOST_COPIED: usize = 74_994;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180.
    Csv,
    /// A list of objects by the columns' keys.
    Json,
    /// As it is read on screen.
    Markdown,
}

impl Format {
    /// By the end of a file's name.
    ///
    /// # Errors
    /// What the name must end in.
    pub fn of(name: &str) -> Result<Self, String> {
        let end = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty() && !stem.ends_with('/'));
        match end.map(|(_, end)| end.to_lowercase()).as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("md" | "markdown") => Ok(Self::Markdown),
            _ => Err("the name must end in .csv, .json or .md".into()),
        }
    }
}

/// The table of some runs, with a line of titles; ends in a line's end.
#[must_use]
pub fn write<'a>(format: Format, columns: &[Column], runs: impl IntoIterator<Item = &'a Run>, facts: &Facts) -> String {
    let runs = runs.into_iter();
    match format {
        Format::Csv => csv(columns, runs, facts),
        Format::Json => json(columns, runs, facts),
        Format::Markdown => markdown(columns, runs, facts),
    }
}

fn csv<'a>(columns: &[Column], runs: impl Iterator<Item = &'a Run>, facts: &Facts) -> String {
    let line = |fields: Vec<String>| fields.join(",") + "\r\n";
    let head = line(columns.iter().map(|column| column.key().to_owned()).collect());
    let row = |run: &Run| line(columns.iter().map(|column| quoted(&plain(&column.value(run, facts)))).collect());
    head + &runs.map(row).collect::<String>()
}

/// A value in full; nothing where it is undefined.
fn plain(value: &Value) -> String {
    match value {
        Value::None => String::new(),
        Value::Truth(on) => on.to_string(),
        value => value.to_string(),
    }
}

/// In quotes where it would be read as more than one field.
#[must_use]
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn json<'a>(columns: &[Column], runs: impl Iterator<Item = &'a Run>, facts: &Facts) -> String {
    let row = |run: &Run| Json::Object(object(columns, run, facts)).to_string();
    let rows: Vec<String> = runs.map(row).collect();
    if rows.is_empty() { "[]\n".into() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
}

/// A run by the columns' keys.
#[must_use]
pub fn object(columns: &[Column], run: &Run, facts: &Facts) -> Map<String, Json> {
    let field = |column: &Column| match column {
        Column::Tags => (column.key().to_owned(), serde_json::json!(run.tags)),
        column => (column.key().to_owned(), column.value(run, facts).json()),
    };
    columns.iter().map(field).collect()
}

fn markdown<'a>(columns: &[Column], runs: impl Iterator<Item = &'a Run>, facts: &Facts) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = line(columns.iter().map(|column| column.title().to_owned()).collect());
    let rule = line(columns.iter().map(|column| if column.is_number() { "---:" } else { "---" }.to_owned()).collect());
    let row = |run: &Run| line(columns.iter().map(|column| escaped(&column.text(run, facts))).collect());
    head + &rule + &runs.map(row).collect::<String>()
}

/// In one line, and without what would end a cell.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('|', "\\|");
    text.split(['\n', '\r']).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Titles and one run, with tabs between.
#[must_use]
pub fn row(columns: &[Column], run: &Run, facts: &Facts) -> String {
    let line = |fields: Vec<String>| {
        fields.iter().map(|field| field.replace(['\t', '\n', '\r'], " ")).collect::<Vec<_>>().join("\t")
    };
    let titles = line(columns.iter().map(|column| column.key().to_owned()).collect());
    let values = line(columns.iter().map(|column| plain(&column.value(run, facts))).collect());
    format!("{titles}\n{values}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::form::Field;
    use crate::app::runs::figure::Figure;
    use crate::app::sample;
    use crate::store::RunState;
    use proptest::prelude::*;

    const COLUMNS: [Column; 6] = [
        Column::Name,
        Column::Note,
        Column::Tags,
        Column::Setting(Field::LEARNING_RATE),
        Column::Figure(Figure::Test),
        Column::Star,
    ];

    fn run() -> Run {
        let mut run = sample::run(1, RunState::Stopped);
        run.started.name = "wide, \"first\" | run".into();
        run.note = Some("two\nlines".into());
        run.tags = vec!["a".into(), "b".into()];
        run
    }

    fn written(format: Format) -> String {
        write(format, &COLUMNS, [&run()], &Facts::default())
    }

    #[test]
    fn csv_is_quoted_as_rfc_4180_has_it() {
        let expected = "name,note,tags,lr,test_acc,star\r\n\
                        \"wide, \"\"first\"\" | run\",\"two\nlines\",a b,0.001,,false\r\n";
        assert_eq!(written(Format::Csv), expected);
    }

    #[test]
    fn markdown_cells_hold_no_bar_and_no_line_end() {
        let expected = "| name | note | tags | rate | test acc | ★ |\n\
                        | --- | --- | --- | ---: | ---: | --- |\n\
                        | wide, \"first\" \\| run | two lines | a b | 0.001 | – |  |\n";
        assert_eq!(written(Format::Markdown), expected);
    }

    #[test]
    fn json_keeps_numbers_as_numbers_and_what_is_undefined_as_null() {
        let rows: Json = serde_json::from_str(&written(Format::Json)).unwrap();
        let expected = serde_json::json!([{
            "name": "wide, \"first\" | run", "note": "two\nlines", "tags": ["a", "b"], "lr": 0.001, "test_acc": null,
            "star": false,
        }]);
        assert_eq!(rows, expected);
        assert_eq!(write(Format::Json, &COLUMNS, [], &Facts::default()), "[]\n");
    }

    #[test]
    fn a_row_for_the_clipboard_has_titles_and_no_tab_within() {
        let text = row(&COLUMNS, &run(), &Facts::default());
        assert!(text.lines().all(|line| line.matches('\t').count() == 5), "{text:?}");
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn the_name_says_the_format() {
        assert_eq!(Format::of("runs.CSV"), Ok(Format::Csv));
        assert_eq!(Format::of("a/b.c/runs.md"), Ok(Format::Markdown));
        for name in ["", "runs", ".csv", "out/.json", "runs.xlsx"] {
            assert!(Format::of(name).is_err(), "{name}");
        }
    }

    /// As RFC 4180 reads it.
    fn read_csv(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut field)),
                '\r' if !quoted => {
                    assert_eq!(letters.next(), Some('\n'));
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                letter => field.push(letter),
            }
        }
        assert!(field.is_empty() && row.is_empty());
        rows
    }

    proptest! {
        #[test]
        fn whatever_a_name_is_csv_gives_it_back(name in "[ -~\n\r肺]{0,20}") {
            let mut run = run();
            run.started.name.clone_from(&name);
            let rows = read_csv(&write(Format::Csv, &COLUMNS, [&run], &Facts::default()));
            prop_assert_eq!(&rows[1][0], &name);
            prop_assert!(rows.len() == 2 && rows[1].len() == COLUMNS.len());
        }
    }
}
