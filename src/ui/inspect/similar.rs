//! The shown image and those of the run's data set that its network sees as most like it.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::grid::Layout;
use crate::app::inspect::InspectScreen;
use crate::app::inspect::similar::{Alike, Likeness};
use crate::app::message::Loadable;
use crate::app::scene::Target;
use crate::picture::Picture;
use crate::ui::painter::{Painter, fit};
use crate::ui::picture;
use crate::units::{count, percent};

/// Cells of the smallest tile.
const NARROWEST: u16 = 18;

pub fn draw(painter: &mut Painter, area: Rect, screen: &InspectScreen) {
    let dim = painter.theme.dim();
    let (head, below) =
        (Rect { height: 1, ..area }, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area });
    match (screen.similar.of(screen.index), screen.similar.made) {
        (Some(Loadable::Ready(likeness)), _) => {
            painter.line(head, Line::styled(said(likeness), dim));
            tiles(painter, below, (screen, likeness));
        }
        (Some(Loadable::Failed(problem)), _) => {
            painter.message(area, vec![Line::styled(format!("✗ {problem}"), painter.theme.bad())]);
        }
        (_, Some(made)) => {
            let text = format!("features of the run's images, once: {} of {}", count(made.done), count(made.total));
            painter.message(area, vec![Line::raw(text), Line::default(), Line::styled("esc stops", dim)]);
        }
        (..) => painter.message(area, vec![Line::raw("looking for similar images…")]),
    }
}

/// How near the image is to those that the network was trained on.
fn said(likeness: &Likeness) -> String {
    likeness.remoteness.map_or_else(String::new, |share| {
        format!("{} of the validation images are nearer to the training images", percent(share))
    })
}

/// The shown image first, then the others.
fn tiles(painter: &mut Painter, area: Rect, (screen, likeness): (&InspectScreen, &Likeness)) {
    // Room for distance and split below each.
    let Some(layout) = Layout::of(area, screen.grid.width().max(NARROWEST), 2) else { return };
    let page = (layout.tiles().columns * layout.tiles().rows - 1).max(1);
    let first = screen.similar.at / page * page;
    let mut places = layout.places();
    if let Some(place) = places.next() {
        own(painter, place, (screen, likeness));
    }
    for (place, (number, alike)) in places.zip(likeness.neighbours.iter().enumerate().skip(first)) {
        neighbour(painter, place, (alike, number == screen.similar.at));
        painter.target(place, Target::Row(number));
    }
}

fn own(painter: &mut Painter, area: Rect, (screen, likeness): (&InspectScreen, &Likeness)) {
    let (theme, truth) = (painter.theme, screen.case().and_then(|case| case.truth));
    let label = truth.map_or_else(|| Line::raw("not known"), |truth| Line::styled(truth.name(), theme.class(truth)));
    tile(painter, area, likeness.own.as_deref(), [label, Line::styled("this image", theme.accent())]);
}

/// With its truth, split and distance.
fn neighbour(painter: &mut Painter, area: Rect, (alike, is_chosen): (&Alike, bool)) {
    let (theme, width) = (painter.theme, usize::from(area.width));
    // As wide as the tile, so that a chosen one is seen.
    let label = Line::styled(format!("{:<width$}", fit(alike.truth.name(), width)), theme.class(alike.truth));
    let label = if is_chosen { theme.select(label) } else { label };
    let text = fit(&format!("{:.4} {}", alike.distance, alike.split.name()), width);
    tile(painter, area, alike.picture.as_deref(), [label, Line::styled(text, theme.dim())]);
}

fn tile(painter: &mut Painter, area: Rect, picture: Option<&Picture>, labels: [Line<'static>; 2]) {
    let above = Rect { height: area.height - 2, ..area };
    match picture {
        Some(picture) => drop(picture::draw(painter, above, picture)),
        None => painter.message(above, vec![Line::styled("✗ unreadable", painter.theme.bad())]),
    }
    for (row, label) in (above.bottom()..).zip(labels) {
        painter.line(Rect { y: row, height: 1, ..area }, label);
    }
}
