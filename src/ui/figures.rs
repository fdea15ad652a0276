//! What a run scored, with intervals: a table where there is room, else the most telling figures in a line or two.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::{fit, paragraph};
use super::theme::Theme;
use crate::app::message::Assessed;
use crate::metrics::rows::{Row, rows};
use crate::metrics::{Confusion, Estimate, Measure};
use crate::units::{self, count, share};

/// Cells of the table with the test figures alone, and with those on validation images beside them.
pub const NARROW: u16 = 50;
pub const WIDE: u16 = 76;

/// All figures of the test images; beside them, where `width` allows, those of the validation images.
pub fn table(theme: Theme, assessed: &Assessed, width: usize) -> Vec<Line<'static>> {
    let both = width >= usize::from(WIDE);
    let validation = rows(&assessed.validation);
    let head = if both {
        format!("{:<28}{:<24}{:<24}", "", "  test  95 %", "   val.  95 %")
    } else {
        format!("{:<28}  test  95 %", "")
    };
    let mut lines = vec![Line::styled(head, theme.dim())];
    lines.extend(rows(&assessed.test).iter().map(|row| {
        let beside = validation.iter().find(|other| other.name == row.name).filter(|_| both);
        let beside = beside.map_or_else(String::new, |other| format!("  {}", figure(other)));
        Line::from(vec![
            Span::styled(fit(&short(&row.name), 27), theme.dim()),
            Span::raw(format!(" {}{beside}", figure(row))),
        ])
    }));
    lines.push(Line::default());
    lines.extend(origin(theme, assessed, width));
    lines
}

/// Names as a table of this width has room for them.
fn short(name: &str) -> String {
    name.replace("specificity at sensitivity 0.97", "specif. at sens. 0.97, here")
        .replace("calibration error, calibrated", "calibr. error, calibrated")
}

fn figure(row: &Row) -> String {
    let interval = row.interval.map_or_else(String::new, |interval| units::interval(interval.low, interval.high));
    format!("{:>6}  {interval:<14}", share(row.value))
}

/// Where the threshold comes from, how often the images were looked at, and what must be known.
pub fn origin(theme: Theme, assessed: &Assessed, width: usize) -> Vec<Line<'static>> {
    let threshold = format!("threshold {:.3}, {}", assessed.test.terms.threshold.probability(), assessed.source);
    let mut lines = paragraph(&threshold, width, theme.dim());
    if let Some(looks) = assessed.looks {
        let times = if looks == 1 { "time" } else { "times" };
        let looked = usize::try_from(looks).map_or_else(|_| looks.to_string(), count);
        lines.extend(paragraph(
            &format!("test images looked at {looked} {times} in this database"),
            width,
            theme.dim(),
        ));
    }
    lines.extend(assessed.alarms.iter().flat_map(|alarm| paragraph(&format!("! {alarm}"), width, theme.warning())));
    lines
}

/// The most telling figures of the test split with their intervals, and the counts behind them.
pub fn test_lines(c: Confusion, auc: Option<Estimate>, width: usize) -> Vec<Line<'static>> {
    let measures = [Measure::Accuracy, Measure::Sensitivity, Measure::Specificity];
    let named = measures.map(|measure| (measure.name(), c.estimate(measure)));
    let mut words: Vec<String> = named.into_iter().chain(auc.map(|auc| ("AUC", Some(auc)))).map(word).collect();
    words[0].insert_str(0, "test: ");
    words.push(format!("{} of {} right", c.tp + c.tn, c.total()));
    words.push(format!("{} false alarms", c.fp));
    words.push(format!("{} missed", c.fn_));
    flow(&words, width).into_iter().flat_map(|text| paragraph(&text, width, Style::new())).collect()
}

/// `accuracy 0.735 (0.681 – 0.783)`
fn word((name, estimate): (&str, Option<Estimate>)) -> String {
    format!("{name} {}", with_interval(estimate))
}

/// `0.735 [0.681, 0.783]`; a dash where there is no figure.
pub fn with_interval(estimate: Option<Estimate>) -> String {
    let interval = estimate.and_then(|estimate| estimate.interval);
    let interval = interval.map_or_else(String::new, |i| format!(" {}", units::interval(i.low, i.high)));
    format!("{}{interval}", share(estimate.map(|estimate| estimate.value)))
}

/// Words with commas between them, none of them broken, as many a line as fit.
fn flow(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() + 3 <= width => {
                line.push_str(", ");
                line.push_str(word);
            }
            Some(line) => {
                line.push(',');
                lines.push(word.clone());
            }
            None => lines.push(word.clone()),
        }
    }
    lines
}
