//! The Inspect screen: the X-ray large, and beside it truth, prediction and how the run does over all.

mod facts;

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::filter;
use super::painter::{Painter, area_of};
use super::picture;
use crate::app::App;
use crate::app::inspect::InspectScreen;
use crate::app::inspect::order::Order;
use crate::app::message::Loadable;
use crate::dataset::Split;
use crate::picture::Picture;
use crate::units::count;

/// Cells of the text beside the picture.
const TEXT: u16 = 36;

pub fn draw(painter: &mut Painter, area: Rect, app: &App) {
    let screen = &app.inspect;
    match (&screen.run, &screen.cases) {
        (None, _) => match &app.runs.runs {
            Loadable::Failed(problem) => note(painter, area, &format!("✗ {problem}")),
            _ => note(painter, area, "No run can predict yet: train one on 2, an epoch is enough"),
        },
        (Some(_), Loadable::Failed(problem)) => note(painter, area, &format!("✗ {problem}")),
        (Some(_), Loadable::Idle | Loadable::Loading) => note(painter, area, "reading…"),
        (Some(_), Loadable::Ready(cases)) if cases.is_empty() => {
            note(painter, area, "This data set has no test images");
        }
        (Some(_), Loadable::Ready(_)) => case(painter, area, screen, app.popup.is_some()),
    }
}

fn note(painter: &mut Painter, area: Rect, text: &str) {
    let inner = painter.panel(area, "Inspect");
    painter.message(inner, vec![Line::from(text.to_owned())]);
}

fn case(painter: &mut Painter, area: Rect, screen: &InspectScreen, covered: bool) {
    let (Some(case), Some(run)) = (screen.case(), &screen.run) else { return };
    let left = Rect { width: area.width - TEXT.min(area.width), ..area };
    let right = Rect { x: left.right(), width: area.width - left.width, ..area };
    let inner = painter.panel(left, &title(screen));
    let hint = "words that must all hold: wrong fp fn kind:viral conf>0.9 loss>1 patient:person80 marked !favourite";
    let inner = filter::draw(painter, inner, screen.list.filtering.as_ref(), hint);
    match &screen.picture {
        Loadable::Ready(picture) => show(painter, inner, picture, covered),
        Loadable::Failed(problem) => {
            painter.message(inner, vec![Line::styled(format!("✗ {problem}"), painter.theme.bad())]);
        }
        Loadable::Idle | Loadable::Loading => {}
    }
    let inner = painter.panel(right, &run.name);
    let text = Rect { height: inner.height.saturating_sub(1), ..inner };
    let lines = facts::lines(painter.theme, screen, case, (text.width.into(), text.height.into()));
    painter.lines(text, lines, 0);
    let last = Rect { y: text.bottom(), height: inner.height - text.height, ..inner };
    painter.line(last, Line::styled("research use only", painter.theme.dim()));
}

/// Where the image stands among those that are stepped through, which these are, and in which order.
fn title(screen: &InspectScreen) -> String {
    let (list, all) = (&screen.list, screen.all().len());
    let place = list.position(screen.index).map_or_else(|| "–".to_owned(), |place| count(place + 1));
    let of_all = if list.places().len() == all { String::new() } else { format!(" ({} in all)", count(all)) };
    let split = if screen.split == Split::Test { "" } else { ", validation images" };
    let order = match (list.view.order, list.view.turned) {
        (Order::Listed, false) => String::new(),
        (order, turned) => format!(", {}{}", order.name(), if turned { ", turned" } else { "" }),
    };
    let filter = if list.view.filter.is_empty() { String::new() } else { format!(": {}", list.view.filter) };
    format!("{place} of {}{of_all}{split}{order}{filter}", count(list.places().len()))
}

/// In cells; where nothing lies over them, the terminal program may print real pixels there.
fn show(painter: &mut Painter, area: Rect, image: &Picture, covered: bool) {
    let place = area_of(picture::draw(painter, area, image));
    painter.scene.picture_place = Some(place);
    painter.scene.picture = (!covered).then_some(place);
}
