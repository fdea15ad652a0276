//! The Inspect screen: the X-ray large, and beside it truth, prediction and how the run does over all.

mod curves;
mod facts;
mod grid;
mod similar;

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::filter;
use super::painter::{Painter, area_of, fit};
use super::picture;
use crate::app::App;
use crate::app::inspect::order::Order;
use crate::app::inspect::pane::Pane;
use crate::app::inspect::{Images, InspectScreen};
use crate::app::message::{Beside, Loadable};
use crate::dataset::Split;
use crate::picture::Picture;
use crate::units::count;

/// Cells of the text beside the picture.
const TEXT: u16 = 36;

/// So many cells leave room for text beside a grid.
const GRID_BESIDE_TEXT: u16 = 110;

pub fn draw(painter: &mut Painter, area: Rect, app: &App) {
    let screen = &app.inspect;
    match (&screen.cases, &app.runs.runs) {
        (Loadable::Failed(problem), _) | (Loadable::Idle, Loadable::Failed(problem)) => {
            note(painter, area, &format!("✗ {problem}"));
        }
        (Loadable::Idle, _) => note(painter, area, "No image yet: a data set on 1, or o opens a picture from anywhere"),
        (Loadable::Loading, _) => note(painter, area, "reading…"),
        (Loadable::Ready(cases), _) if cases.is_empty() => note(painter, area, "There are no such images"),
        (Loadable::Ready(_), _) => case(painter, area, app),
    }
}

fn note(painter: &mut Painter, area: Rect, text: &str) {
    let inner = painter.panel(area, "Inspect");
    painter.message(inner, vec![Line::from(text.to_owned())]);
}

/// The run that answers, and whether it does so as the champion.
fn whose(app: &App) -> String {
    let Some(run) = &app.inspect.run else { return "no run".into() };
    let is_champion = app.runs.facts.champion.as_ref().is_some_and(|(id, _)| *id == run.id);
    if is_champion { format!("{}, champion", run.name) } else { run.name.clone() }
}

fn case(painter: &mut Painter, area: Rect, app: &App) {
    let screen = &app.inspect;
    let Some(case) = screen.case() else { return };
    let many = matches!(screen.panes.shown, Pane::Grid | Pane::Similar);
    let crowded = many && area.width < GRID_BESIDE_TEXT;
    let text = if app.zoomed || crowded { 0 } else { TEXT.min(area.width) };
    let left = Rect { width: area.width - text, ..area };
    let right = Rect { x: left.right(), width: text, ..area };
    let inner = painter.panel(left, &title(screen));
    if text == 0 {
        reserved(painter, left, screen);
    }
    let hint = "words that must all hold: wrong fp fn kind:viral conf>0.9 loss>1 patient:person80 marked !favourite";
    let inner = filter::draw(painter, inner, screen.list.filtering.as_ref(), hint);
    match screen.panes.shown {
        _ if screen.list.places().is_empty() => {
            painter.message(
                inner,
                vec![Line::raw("no image matches"), Line::styled("esc shows all", painter.theme.dim())],
            );
        }
        Pane::Picture => shown(painter, inner, (screen, app.popup.is_some())),
        Pane::Grid => grid::draw(painter, inner, screen),
        Pane::Curves => curves::draw(painter, inner, screen),
        Pane::Similar => similar::draw(painter, inner, screen),
    }
    if right.width == 0 {
        return;
    }
    let inner = painter.panel(right, &whose(app));
    let text = Rect { height: inner.height.saturating_sub(1), ..inner };
    let lines = facts::lines(painter.theme, screen, case, (text.width.into(), text.height.into()));
    painter.lines(text, lines, 0);
    let last = Rect { y: text.bottom(), height: inner.height - text.height, ..inner };
    painter.line(last, Line::styled("research use only", painter.theme.dim()));
}

/// What must be said where no text stands beside: in the frame below, so that no title pushes it out; at its left what has
/// become of a key.
fn reserved(painter: &mut Painter, area: Rect, screen: &InspectScreen) {
    let explores = screen.tried.is_some() && screen.images == Images::Split(Split::Test);
    let tried = format!("! exploratory threshold {:.3}, ", screen.threshold().probability());
    let said = format!(" {}research use only ", if explores { tried.as_str() } else { "" });
    let style = if explores { painter.theme.warning() } else { painter.theme.dim() };
    let width = u16::try_from(said.chars().count()).unwrap_or(area.width).min(area.width.saturating_sub(4));
    let place = Rect { x: area.right() - 2 - width, y: area.bottom() - 1, width, height: 1 };
    painter.line(place, Line::styled(said, style));
    let notice = screen.notice.as_ref().map(|text| (text, painter.theme.good()));
    let problem = screen.problem.as_ref().map(|text| (text, painter.theme.bad()));
    if let Some((text, style)) = problem.or(notice) {
        let room = Rect { x: area.x + 2, width: place.x.saturating_sub(area.x + 3), ..place };
        painter.line(room, Line::styled(fit(&format!(" {text} "), usize::from(room.width)), style));
    }
}

/// The picture, or why there is none; where something stands beside it, each with its name.
fn shown(painter: &mut Painter, area: Rect, (screen, covered): (&InspectScreen, bool)) {
    let names = beside(screen);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    match &screen.picture {
        Loadable::Ready(picture) => {
            let area = if names.is_some() { below } else { area };
            let place = show(painter, area, picture, covered);
            if let Some([left, right]) = names {
                // Each above its half: both are of about one width.
                let half = place.width / 2;
                let above = Rect { y: place.y - 1, height: 1, width: half.saturating_sub(1), ..place };
                for (x, name) in [(place.x, left), (place.x + half + 1, right)] {
                    let name = fit(&name, usize::from(above.width));
                    painter.line(Rect { x, ..above }, Line::styled(name, painter.theme.dim()));
                }
            }
        }
        Loadable::Failed(problem) => {
            painter.message(area, vec![Line::styled(format!("✗ {problem}"), painter.theme.bad())]);
        }
        Loadable::Idle | Loadable::Loading => {}
    }
}

/// What the picture is called, and what stands beside it.
fn beside(screen: &InspectScreen) -> Option<[String; 2]> {
    match screen.beside()? {
        Beside::Input(side) => Some(["original".to_owned(), format!("the network gets {side} × {side}")]),
        Beside::Other(_) => Some([screen.run.as_ref()?.name.clone(), screen.other.as_ref()?.name.clone()]),
    }
}

/// Where the image stands among those that are stepped through, which these are, and in which order.
fn title(screen: &InspectScreen) -> String {
    let (list, all) = (&screen.list, screen.all().len());
    let place = list.position(screen.index).map_or_else(|| "–".to_owned(), |place| count(place + 1));
    let of_all = if list.places().len() == all { String::new() } else { format!(" ({} in all)", count(all)) };
    let filter = if list.view.filter.is_empty() { String::new() } else { format!(": {}", list.view.filter) };
    let split = match screen.images {
        Images::Split(Split::Test) => "",
        Images::Split(Split::Validation) => ", validation images",
        Images::Split(Split::Train) => ", training images",
        Images::DataSet => ", data set",
        Images::Files => ", files",
    };
    // Filters, orders and figures know the answered ones alone.
    let answered = screen.all().iter().filter(|case| case.logits.is_some()).count();
    let answered = match screen.run {
        Some(_) if answered < all => format!(", {} answered", count(answered)),
        _ => String::new(),
    };
    let order = match (list.view.order, list.view.turned) {
        (Order::Listed, false) => String::new(),
        (order, turned) => format!(", {}{}", order.name(), if turned { ", turned" } else { "" }),
    };
    format!("{place} of {}{of_all}{filter}{split}{answered}{order}", count(list.places().len()))
}

/// In cells; where nothing lies over them, the terminal program may print real pixels there.
fn show(painter: &mut Painter, area: Rect, image: &Picture, covered: bool) -> Rect {
    let place = picture::draw(painter, area, image);
    painter.scene.picture_place = Some(area_of(place));
    painter.scene.picture = (!covered).then_some(area_of(place));
    place
}
