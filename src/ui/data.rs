//! The Data screen: counts, bars and checks on the left or above, sample pictures beside or below.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::painter::{Painter, bar, broken, fit, fit_end, paragraph};
use super::picture;
use super::theme::Theme;
use crate::app::data::{DataScreen, DataState};
use crate::app::message::DataSummary;
use crate::dataset::statistics::{Range, Statistics, UnreadableFile};
use crate::dataset::{Class, Split};
use crate::units::{bytes, count, percent};

pub fn draw(painter: &mut Painter, area: Rect, screen: &DataScreen) {
    match &screen.state {
        DataState::Idle => {}
        DataState::Working { what, done, total } => working(painter, area, (what, *done, *total)),
        DataState::Missing { dir } => missing(painter, area, &dir.display().to_string()),
        DataState::Failed(problem) => failed(painter, area, problem),
        DataState::Ready(summary) => ready(painter, area, summary, screen.scroll),
    }
}

fn working(painter: &mut Painter, area: Rect, (what, done, total): (&str, usize, usize)) {
    let counts = if total == 0 { "…".into() } else { format!(" {} of {}", count(done), count(total)) };
    let inner = painter.panel(area, "Data set");
    painter.message(inner, vec![Line::from(format!("{what}{counts}"))]);
    if total > 0 {
        let width = inner.width.min(50);
        let row = inner.y + inner.height / 3 + 2;
        let place = Rect { x: inner.x + (inner.width - width) / 2, y: row.min(inner.bottom() - 1), width, height: 1 };
        #[expect(clippy::cast_precision_loss, reason = "counts of images")]
        painter.bar(place, done as f64 / total as f64, painter.theme.training());
    }
}

fn missing(painter: &mut Painter, area: Rect, dir: &str) {
    let theme = painter.theme;
    let inner = painter.panel(area, "Data set");
    let key = |key: &'static str, text: &'static str| {
        Line::from(vec![Span::styled(key, theme.accent()), Span::raw(format!("  {text}"))])
    };
    let lines = vec![
        Line::styled(format!("No chest X-rays found in {dir}"), theme.title()),
        Line::default(),
        key("d", "make a synthetic demo set in seconds and look around with it"),
        key("r", "look again, once your images are there"),
        Line::default(),
        Line::styled("train/NORMAL  train/PNEUMONIA  test/NORMAL  test/PNEUMONIA", theme.dim()),
        Line::styled("with .jpeg, .jpg or .png files; or start with --data DIR", theme.dim()),
    ];
    painter.message(inner, lines);
}

fn failed(painter: &mut Painter, area: Rect, problem: &str) {
    let theme = painter.theme;
    let inner = painter.panel(area, "Data set");
    let lines = vec![Line::styled("✗ The data set can't be used", theme.bad()), Line::default()];
    let retry = Line::styled("r looks again", theme.dim());
    painter.message(inner, lines.into_iter().chain([problem.to_owned().into(), Line::default(), retry]).collect());
}

fn ready(painter: &mut Painter, area: Rect, summary: &DataSummary, scroll: usize) {
    let beside = area.width >= 76;
    let (text, pictures) = if beside {
        let width = (area.width * 11 / 20).clamp(48, 76);
        (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
    } else {
        let height = area.height * 6 / 10;
        (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
    };
    let inner = painter.panel(text, "Data set");
    let lines = lines(painter.theme, &summary.statistics, usize::from(inner.width));
    painter.scene.scroll_limit = painter.lines(inner, lines, scroll);
    let inner = painter.panel(pictures, "Samples");
    samples(painter, inner, summary, beside);
}

fn lines(theme: Theme, data: &Statistics, width: usize) -> Vec<Line<'static>> {
    let images: usize = Split::ALL.iter().map(|split| total(data, *split)).sum();
    let mut lines = vec![
        Line::styled(fit_end(&data.data, width), theme.title()),
        Line::from(vec![
            Span::styled(format!("{} images, {}", count(images), bytes(data.bytes)), theme.dim()),
            Span::styled(if is_clean(data) { "" } else { "  ! remarks below" }, theme.warning()),
        ]),
        Line::default(),
        Line::styled(
            format!("{:<10}{:>7}{:>11}{:>7}{:>9}", "", "NORMAL", "PNEUMONIA", "images", "patients"),
            theme.dim(),
        ),
    ];
    lines.extend(Split::ALL.map(|split| split_line(data, split)));
    lines.push(Line::default());
    lines.extend(Split::ALL.map(|split| balance(theme, data, split, width)));
    lines.push(Line::default());
    lines.extend(kinds(theme, data, images, width));
    lines.push(Line::default());
    lines.extend([size_line(theme, "width", data.widths), size_line(theme, "height", data.heights)]);
    let channels: Vec<String> = data.channels.iter().map(|(name, n)| format!("{name} {}", count(*n))).collect();
    lines.push(labelled(theme, "pixels", channels.join(", ")));
    lines.push(Line::default());
    lines.extend(histogram(theme, &data.brightness, width));
    lines.push(Line::default());
    lines.extend(checks(theme, data, width));
    lines.push(Line::default());
    lines.push(Line::styled("data hash, as DVC gives it", theme.dim()));
    lines.push(data.data_hash.clone().into());
    lines
}

/// Whether no check has anything to say.
fn is_clean(data: &Statistics) -> bool {
    let empty = data.unreadable.is_empty() && data.flagged.is_empty() && data.duplicates.is_empty();
    empty && data.patients_in_two_splits.is_empty() && data.unknown_patients == 0
}

fn total(data: &Statistics, split: Split) -> usize {
    Class::ALL.iter().map(|class| data.count(split, *class)).sum()
}

fn split_line(data: &Statistics, split: Split) -> Line<'static> {
    let [normal, pneumonia] = Class::ALL.map(|class| count(data.count(split, class)));
    let patients = count(data.patients.get(split.name()).copied().unwrap_or(0));
    format!("{:<10}{normal:>7}{pneumonia:>11}{:>7}{patients:>9}", split.name(), count(total(data, split))).into()
}

/// The share of PNEUMONIA in a split.
fn balance(theme: Theme, data: &Statistics, split: Split, width: usize) -> Line<'static> {
    let all = total(data, split);
    #[expect(clippy::cast_precision_loss, reason = "counts of images")]
    let share = if all == 0 { 0.0 } else { data.count(split, Class::Pneumonia) as f64 / all as f64 };
    let text = if all == 0 { "–".into() } else { percent(share) };
    let mut line = Line::from(format!("{:<10} ", split.name()));
    line.spans.extend(bar(width.saturating_sub(31), share, theme.class(Class::Pneumonia), theme.frame()).spans);
    line.spans.push(Span::raw(format!(" {text:>5} ")));
    line.spans.push(Span::styled("PNEUMONIA", theme.dim()));
    line
}

fn kinds(theme: Theme, data: &Statistics, images: usize, width: usize) -> Vec<Line<'static>> {
    let line = |(kind, number): (&&str, &usize)| {
        #[expect(clippy::cast_precision_loss, reason = "counts of images")]
        let share = *number as f64 / images.max(1) as f64;
        let mut line = Line::from(format!("{kind:<10} "));
        line.spans.extend(bar(width.saturating_sub(31), share, theme.training(), theme.frame()).spans);
        line.spans.push(Span::raw(format!(" {:>6}", count(*number))));
        line
    };
    data.kinds.iter().filter(|(_, number)| **number > 0).map(line).collect()
}

fn labelled(theme: Theme, label: &str, text: String) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{label:<10} "), theme.dim()), Span::raw(text)])
}

fn size_line(theme: Theme, label: &str, range: Option<Range>) -> Line<'static> {
    let number = |value: u32| count(usize::try_from(value).unwrap_or(usize::MAX));
    let text = range.map_or_else(
        || "–".into(),
        |r| format!("{} to {} px, median {}", number(r.min), number(r.max), number(r.median)),
    );
    labelled(theme, label, text)
}

/// Three rows of bars, the darkest pixels left.
fn histogram(theme: Theme, shares: &[f64; 16], width: usize) -> Vec<Line<'static>> {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ROWS: u8 = 3;
    let highest = shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let wide = (width.saturating_sub(12) / shares.len()).clamp(1, 3);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 24")]
    let level = |share: f64| (share / highest * 8.0 * f64::from(ROWS)).round() as usize;
    let row = |row: u8| {
        let label = if row == 0 { "brightness" } else { "" };
        let bars: String = shares
            .iter()
            .flat_map(|share| {
                std::iter::repeat_n(EIGHTHS[level(*share).saturating_sub(8 * usize::from(ROWS - 1 - row)).min(8)], wide)
            })
            .collect();
        Line::from(vec![Span::styled(format!("{label:<10} "), theme.dim()), Span::styled(bars, theme.training())])
    };
    let scale = format!("{:<11}0{:>w$}", "", 255, w = wide * 16 - 1);
    (0..ROWS).map(row).chain([Line::styled(scale, theme.dim())]).collect()
}

fn checks(theme: Theme, data: &Statistics, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled("Checks", theme.title())];
    let listed =
        |files: &[UnreadableFile]| files.iter().map(|f| format!("{}: {}", f.file, f.reason)).collect::<Vec<_>>();
    let check = |names, found: &[String]| check(theme, names, found, width);
    lines.extend(check(("unreadable file", "unreadable files"), &listed(&data.unreadable)));
    lines.extend(check(("suspect file", "suspect files"), &listed(&data.flagged)));
    let groups: Vec<String> = data.duplicates.iter().map(|files| files.join(" = ")).collect();
    lines.extend(check(("group of identical files", "groups of identical files"), &groups));
    lines.extend(check(("patient in two splits", "patients in two splits"), &data.patients_in_two_splits));
    if data.unknown_patients > 0 {
        let text = format!("! {} images name no patient: each counts as its own", count(data.unknown_patients));
        lines.extend(paragraph(&text, width, theme.warning()));
    }
    lines
}

/// `✓ no …`, or the number and then each of them.
fn check(theme: Theme, (one, many): (&str, &str), found: &[String], width: usize) -> Vec<Line<'static>> {
    let number = found.len();
    if number == 0 {
        return vec![Line::styled(format!("✓ no {one}"), theme.good())];
    }
    let head = format!("! {} {}", count(number), if number == 1 { one } else { many });
    let each = found.iter().flat_map(|text| broken(text, width.saturating_sub(2)));
    let each = each.map(|line| Line::styled(format!("  {line}"), theme.dim()));
    std::iter::once(Line::styled(head, theme.warning())).chain(each).collect()
}

/// A row a class where pictures stand beside the text; else all in one row.
fn samples(painter: &mut Painter, area: Rect, summary: &DataSummary, beside: bool) {
    let rows: Vec<Vec<_>> = if beside {
        Class::ALL.map(|class| summary.samples.iter().filter(|sample| sample.0 == class).collect()).to_vec()
    } else {
        vec![interleaved(summary)]
    };
    let height = area.height / u16::try_from(rows.len()).unwrap_or(1).max(1);
    if height < 3 {
        return;
    }
    // As wide as a picture of that height is, and no narrower than its name can be read.
    let across = (area.width / (height * 2).max(18)).max(1);
    for (row, samples) in (0..).zip(rows) {
        let number = across.min(u16::try_from(samples.len()).unwrap_or(across)).max(1);
        let width = area.width / number;
        for (column, sample) in (0..number).zip(samples) {
            let cell = Rect { x: area.x + column * width, y: area.y + row * height, width: width - 1, height };
            let name = sample.1.rsplit('/').next().unwrap_or_default();
            let label = format!("{} {name}", sample.0.name());
            let style = painter.theme.class(sample.0);
            painter.line(cell, Line::styled(fit(&label, usize::from(cell.width)), style));
            let place = Rect { y: cell.y + 1, height: cell.height - 1, ..cell };
            picture::draw(painter, place, &sample.2);
        }
    }
}

type Sample = (Class, String, std::sync::Arc<crate::picture::Picture>);

/// NORMAL, PNEUMONIA, NORMAL, …
fn interleaved(summary: &DataSummary) -> Vec<&Sample> {
    let of = |class| summary.samples.iter().filter(move |sample| sample.0 == class);
    of(Class::Normal).zip(of(Class::Pneumonia)).flat_map(|(normal, pneumonia)| [normal, pneumonia]).collect()
}
