//! What is known of the shown image, and how the run does over all of them.

use ratatui::text::{Line, Span};

use crate::app::inspect::case::Case;
use crate::app::inspect::{Images, InspectScreen};
use crate::app::message::{Checked, Loadable, Placed};
use crate::app::scene::Colours;
use crate::dataset::{Class, Split};
use crate::metrics::{self, Confusion, Estimate, Measure};
use crate::store::ImageMark;
use crate::ui::figures::with_interval;
use crate::ui::painter::{bar, fit, fit_end, paragraph};
use crate::ui::theme::Theme;
use crate::units::{count, percent, share};

/// Lines of a note.
const NOTE: usize = 3;

/// At most `height` lines.
pub fn lines(theme: Theme, screen: &InspectScreen, case: &Case, (width, height): (usize, usize)) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(fit_end(case.name(), width), theme.title())];
    lines.extend(origin(theme, case, width));
    if screen.run.is_some() {
        lines.push(labelled(theme, "prediction", prediction(theme, screen, case)));
        lines.extend(Class::ALL.map(|class| probability(theme, case, class, width)));
        lines.push(certainty(theme, screen, case));
        let apart = |by| labelled(theme, "members", Span::raw(format!("± {} (sd)", share(Some(by)))));
        lines.extend(case.disagreement.map(apart));
        lines.push(boundary(theme, screen));
    }
    lines.extend(other(theme, screen, case));
    lines.push(marks(theme, case));
    let note = case.mark.note.iter().flat_map(|note| paragraph(note, width, theme.accent()));
    lines.extend(note.take(NOTE));
    lines.extend(warnings(theme, case, width));
    lines.extend(look(theme, screen, width));
    lines.extend(heat(theme, screen, width));
    lines.extend(said(theme, screen, width));
    let (seen, all) = screen.confusions();
    if all.total() > 0 {
        lines.extend(figures(theme, screen, (seen, all), height.saturating_sub(lines.len())));
    }
    lines
}

/// How the run does over all images, and over those that were looked at where `room` lines are enough for it.
fn figures(
    theme: Theme,
    screen: &InspectScreen,
    (seen, all): (Confusion, Confusion),
    room: usize,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    lines.extend(matrix(theme, "all answered", all));
    lines.extend(intervals(theme, screen, all));
    let seen = matrix(theme, "seen so far", seen);
    // A table without its rows says nothing.
    if lines.len() + seen.len() <= room {
        lines.extend(seen);
    }
    lines
}

/// Whose the image is, and what it shows; of a file from anywhere where it lies.
fn origin(theme: Theme, case: &Case, width: usize) -> [Line<'static>; 2] {
    let dim = |text: &str| Line::styled(fit_end(text, width), theme.dim());
    let Some(truth) = case.truth else {
        return [dim(&case.file), labelled(theme, "truth", Span::raw("not known"))];
    };
    let whose = dim(&format!("{}, {}", case.patient, case.kind.name()));
    [whose, labelled(theme, "truth", Span::styled(truth.name(), theme.class(truth)))]
}

/// How sure the run is, and how wrong.
fn certainty(theme: Theme, screen: &InspectScreen, case: &Case) -> Line<'static> {
    let (confidence, loss) = (share(case.confidence(screen.threshold())), share(case.loss()));
    let label = |text: &'static str| Span::styled(text, theme.dim());
    let mut spans = vec![label("confidence "), Span::raw(confidence)];
    if case.truth.is_some() {
        spans.extend([label("  loss "), Span::raw(loss)]);
    }
    spans.into()
}

/// What the other run calls it.
fn other(theme: Theme, screen: &InspectScreen, case: &Case) -> Option<Line<'static>> {
    let run = screen.other.as_ref()?;
    let name = Span::styled(format!("{:<10} ", fit(&run.name, 10)), theme.dim());
    let Some(logits) = case.other else { return Some(Line::from(vec![name, Span::raw("no answer")])) };
    let probability = metrics::probability(logits);
    let (called, sign) = match case.differs(screen.thresholds()) {
        Some(true) => (case.predicted(screen.threshold()).map(Class::other), "≠"),
        _ => (case.predicted(screen.threshold()), "="),
    };
    let called = called.map_or_else(Span::default, |class| Span::styled(class.name(), theme.class(class)));
    Some(Line::from(vec![name, called, Span::raw(format!(" {probability:.2} {sign}"))]))
}

/// What has become of a key, and what went wrong where there is an answer all the same.
fn said(theme: Theme, screen: &InspectScreen, width: usize) -> Vec<Line<'static>> {
    let notice = screen.notice.iter().map(|text| (text, theme.good()));
    let problem = screen.problem.iter().map(|text| (text, theme.bad()));
    notice.chain(problem).flat_map(|(text, style)| paragraph(text, width, style)).collect()
}

/// How the picture is shown, where it is not as it is.
fn look(theme: Theme, screen: &InspectScreen, width: usize) -> Vec<Line<'static>> {
    let look = (!screen.look.is_plain()).then(|| screen.look.to_string());
    let zoom = (!screen.part.is_whole()).then(|| format!("zoom {:.1}", screen.part.zoom()));
    let text = look.into_iter().chain(zoom).collect::<Vec<_>>().join(" ");
    if text.is_empty() { Vec::new() } else { paragraph(&text, width, theme.accent()) }
}

/// For which class the heat map speaks, and how much of it lies where no lung is.
fn heat(theme: Theme, screen: &InspectScreen, width: usize) -> Vec<Line<'static>> {
    let Some(class) = screen.heat.class else { return Vec::new() };
    let title = Span::styled(format!("heat for {}", class.name()), theme.class(class));
    let Some(explained) = screen.heat.of(screen.index) else { return vec![Line::from(vec![title, Span::raw(" …")])] };
    let told = match explained.placed[class.index()] {
        None => "nothing speaks for it".to_owned(),
        Some(Placed { own, even }) => format!(
            "{} at the border, {} off the lungs; {} and {} if it were even",
            percent(own.border),
            percent(own.outside),
            percent(even.border),
            percent(even.outside)
        ),
    };
    let told =
        if theme.colours == Colours::None { format!("{told}; shown as brightness, without colours") } else { told };
    let placed = std::iter::once(Line::from(title)).chain(paragraph(&told, width, theme.dim()));
    placed.chain(checked(theme, screen, width)).collect()
}

/// What the deletion check of the heat map has given.
fn checked(theme: Theme, screen: &InspectScreen, width: usize) -> Vec<Line<'static>> {
    match screen.heat.checked(screen.index) {
        Some(Loadable::Ready(checked)) => {
            let Checked { by_heat, by_chance: [least, most], verdict, .. } = checked;
            let text = format!("check: {by_heat:.2} as heat goes first, {least:.2} to {most:.2} at random: {verdict}");
            paragraph(&text, width, theme.accent())
        }
        Some(Loadable::Failed(problem)) => paragraph(&format!("✗ {problem}"), width, theme.bad()),
        Some(_) => vec![Line::styled("checking the heat map…", theme.dim())],
        None => Vec::new(),
    }
}

/// Why the answer may mean little, and where the image is to be found again.
fn warnings(theme: Theme, case: &Case, width: usize) -> Vec<Line<'static>> {
    let twin = case.twin.as_ref().map(|twin| format!("nearly the same as {twin}, of another split"));
    let all = case.warnings.iter().cloned().chain(twin);
    all.flat_map(|text| paragraph(&format!("! {text}"), width, theme.warning())).collect()
}

/// What its user says of it, each with a sign.
const MARKS: [(&str, &str); 4] = [("★", "favourite"), ("≠", "label"), ("~", "quality"), ("✎", "note")];

const fn said_of(mark: &ImageMark) -> [bool; 4] {
    [mark.favourite, mark.wrong_label, mark.poor_quality, mark.note.is_some()]
}

/// The signs alone.
pub fn signs(mark: &ImageMark) -> impl Iterator<Item = &'static str> {
    MARKS.into_iter().zip(said_of(mark)).filter(|(_, on)| *on).map(|((sign, _), _)| sign)
}

fn marks(theme: Theme, case: &Case) -> Line<'static> {
    let styles = [theme.accent(), theme.warning(), theme.warning(), theme.accent()];
    let all = MARKS.into_iter().zip(said_of(&case.mark)).zip(styles).filter(|((_, on), _)| *on);
    all.map(|(((sign, word), _), style)| Span::styled(format!("{sign} {word}  "), style)).collect()
}

/// Where PNEUMONIA begins; what is tried on test images says nothing that could be reported.
fn boundary(theme: Theme, screen: &InspectScreen) -> Line<'static> {
    let at = format!("threshold {:.3}", screen.threshold().probability());
    match (screen.tried, screen.images) {
        (None, _) => Line::styled(at, theme.dim()),
        (Some(_), Images::Split(Split::Test)) => Line::styled(format!("! {at}, exploratory"), theme.warning()),
        (Some(_), _) => Line::styled(format!("{at}, tried"), theme.accent()),
    }
}

/// What all answered images give, with 95 % intervals.
fn intervals(theme: Theme, screen: &InspectScreen, all: Confusion) -> Vec<Line<'static>> {
    let measures = [Measure::Accuracy, Measure::Sensitivity, Measure::Specificity];
    let named = measures.map(|measure| (measure.name(), all.estimate(measure)));
    let line = |(name, estimate): (&str, Option<Estimate>)| {
        let figure = format!("{:>5}", with_interval(estimate));
        Line::from(vec![Span::styled(format!("{name:<12}"), theme.dim()), Span::raw(figure)])
    };
    named.into_iter().chain([("AUC", screen.auc)]).map(line).collect()
}

fn labelled(theme: Theme, label: &str, value: Span<'static>) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{label:<11}"), theme.dim()), value])
}

fn prediction(theme: Theme, screen: &InspectScreen, case: &Case) -> Span<'static> {
    let threshold = screen.threshold();
    match (case.predicted(threshold), case.is_right(threshold), &screen.problem) {
        (Some(class), Some(true), _) => Span::styled(format!("{} ✓ right", class.name()), theme.good()),
        (Some(class), None, _) => Span::styled(class.name(), theme.class(class)),
        (Some(class), Some(false), _) => Span::styled(format!("{} ✗ wrong", class.name()), theme.bad()),
        (None, _, Some(_)) => Span::styled("✗ none", theme.bad()),
        (None, _, None) => Span::styled("…", theme.dim()),
    }
}

fn probability(theme: Theme, case: &Case, class: Class, width: usize) -> Line<'static> {
    let value = case.logits.map(metrics::probability).map(|p| if class == Class::Pneumonia { p } else { 1.0 - p });
    let mut line = Line::from(Span::styled(format!("{:<10} ", class.name()), theme.dim()));
    line.spans.extend(bar(width.saturating_sub(17), value.unwrap_or(0.0), theme.class(class), theme.frame()).spans);
    line.spans.push(Span::raw(format!(" {:>5}", value.map_or_else(|| "–".into(), percent))));
    line
}

pub fn count_u64(images: u64) -> String {
    usize::try_from(images).map_or_else(|_| images.to_string(), count)
}

fn matrix(theme: Theme, title: &'static str, c: Confusion) -> Vec<Line<'static>> {
    let row = |name: &'static str, (right, wrong): (u64, u64), right_first: bool| {
        let (right, wrong) =
            (Span::styled(format!("{right:>7}"), theme.good()), Span::styled(format!("{wrong:>7}"), theme.bad()));
        let pair = if right_first { [right, wrong] } else { [wrong, right] };
        std::iter::once(Span::raw(format!("{name:<12}"))).chain(pair).collect::<Line>()
    };
    vec![
        Line::from(vec![
            Span::styled(title, theme.title()),
            Span::styled(format!("  {} of {} right", count_u64(c.tp + c.tn), count_u64(c.total())), theme.dim()),
        ]),
        Line::styled("truth  called  NORMAL  PNEUM.", theme.dim()),
        row("NORMAL", (c.tn, c.fp), true),
        row("PNEUMONIA", (c.tp, c.fn_), false),
    ]
}
