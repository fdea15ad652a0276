//! `xray-tui runs list`: past runs as a table to read, as JSON, or as a file for other programs.

use serde_json::{Value, json};

use crate::app::runs::column::{Column, Facts};
use crate::app::runs::export;
use crate::app::runs::shown;
use crate::app::runs::view::RunsView;
use crate::cli::{ListArgs, TableFormat};
use crate::cmd::{Output, put_out, run_json};
use crate::session::{Workplace, disk};
use crate::store::{Run, Store};
use crate::units::{duration, share};

pub fn run(store: &Store, args: &ListArgs, out: Output) -> anyhow::Result<()> {
    let runs = if args.trash { store.trashed()? } else { store.runs()? };
    let facts = Facts { sizes: sizes(store, &runs, args), ..Facts::default() };
    let mut order = shown::matching(&runs, &args.filter.clone().unwrap_or_default(), &facts);
    if let Some(column) = args.sort {
        shown::sort(&runs, &mut order, (column, column.starts_descending() != args.reverse), &facts);
    } else if args.reverse {
        order.reverse();
    }
    let listed: Vec<&Run> = order.into_iter().map(|at| &runs[at]).collect();
    let champion = store.champion()?.map(|champion| champion.new.run_id);
    answer((&listed, champion.as_deref()), (args, &facts), out)
}

/// Where there is no database yet, there are no runs.
pub fn none(place: &Workplace, args: &ListArgs, out: Output) -> anyhow::Result<bool> {
    if place.db.exists() {
        return Ok(false);
    }
    answer((&[], None), (args, &Facts::default()), out)?;
    Ok(true)
}

/// `champion` is the id of its run.
fn answer(
    (runs, champion): (&[&Run], Option<&str>),
    (args, facts): (&ListArgs, &Facts),
    out: Output,
) -> anyhow::Result<()> {
    match args.format.filter(|_| !out.json) {
        None => {
            let row = |run: &&Run| {
                let mut row = run_json(run);
                row["champion"] = json!(champion == Some(run.started.id.as_str()));
                row
            };
            let rows: Vec<Value> = runs.iter().map(row).collect();
            out.answer(&json!({"runs": rows}), || table((runs, champion), args))?;
        }
        Some(format) => {
            let text = export::write(format.into(), &columns(format), runs.iter().copied(), facts);
            put_out(&text)?;
        }
    }
    Ok(())
}

/// All there are; for reading those that the screen shows at first.
fn columns(format: TableFormat) -> Vec<Column> {
    let columns = match format {
        TableFormat::Markdown => RunsView::default().columns,
        TableFormat::Csv | TableFormat::Json => Column::all().filter(|column| *column != Column::Id).collect(),
    };
    let others = columns.into_iter().filter(|column| *column != Column::Mark);
    std::iter::once(Column::Id).chain(others).collect()
}

/// Bytes on disk, where anything depends on them.
fn sizes(store: &Store, runs: &[Run], args: &ListArgs) -> std::collections::HashMap<String, u64> {
    let written = matches!(args.format, Some(TableFormat::Csv | TableFormat::Json));
    let asked = args.filter.as_ref().is_some_and(|filter| filter.asks_for(Column::Size));
    if !(written || asked || args.sort == Some(Column::Size)) {
        return std::collections::HashMap::new();
    }
    runs.iter().map(|run| (run.started.id.clone(), disk::size_of(store, &run.started.id))).collect()
}

fn table((runs, champion): (&[&Run], Option<&str>), args: &ListArgs) -> String {
    if runs.is_empty() {
        return match (args.filter.is_some(), args.trash) {
            (true, _) => "no run matches the filter",
            (false, true) => "the trash is empty",
            (false, false) => "no runs yet; start one with `xray-tui train`",
        }
        .into();
    }
    let wide = runs.iter().map(|run| run.started.name.chars().count()).max().unwrap_or(0).clamp(14, 40);
    let head = format!(
        "{:<14}  {:<wide$}  {:<10}{:>9}{:>8}{:>12}{:>10}  tags",
        "id", "name", "state", "time", "epochs", "validation", "test"
    );
    let rows = runs.iter().map(|run| {
        let line = format!(
            "{:<14}{:<2}{:<wide$}  {:<10}{:>9}{:>8}{:>12}{:>10}  {}",
            run.started.id,
            match (champion == Some(run.started.id.as_str()), run.starred) {
                (true, true) => "♛★",
                (true, false) => "♛",
                (false, true) => "★",
                (false, false) => "",
            },
            run.started.name,
            run.state.name(),
            duration(run.seconds),
            run.epochs_done,
            share(run.best_val_accuracy),
            share(run.test.and_then(|test| test.confusion.accuracy())),
            run.tags.join(" "),
        );
        line.trim_end().to_owned()
    });
    let said = runs.iter().any(|run| champion == Some(run.started.id.as_str()));
    let meaning = said.then(|| "♛ the champion".to_owned());
    std::iter::once(head).chain(rows).chain(meaning).collect::<Vec<_>>().join("\n")
}
