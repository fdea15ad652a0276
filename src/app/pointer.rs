//! What the mouse does: rows, tabs and keys by clicks, charts by dragging and the wheel.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::action::Action;
use super::inspect::looking::ZOOM;
use super::inspect::pane::Pane;
use super::message::Effect;
use super::popup::Popup;
use super::scene::{Scene, Target};
use super::{App, Screen};

impl App {
    pub(super) fn mouse(&mut self, mouse: MouseEvent, scene: &Scene) -> Vec<Effect> {
        let at = (mouse.column, mouse.row);
        if self.popup.is_none() && self.mouse_on_chart(mouse.kind, at, scene) {
            return Vec::new();
        }
        if self.popup.is_none()
            && let Some(effects) = self.mouse_on_picture(mouse.kind, at, scene)
        {
            return effects;
        }
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => match scene.target_at(at.0, at.1) {
                Some(target) => self.click(target, scene),
                None => Vec::new(),
            },
            MouseEventKind::ScrollUp => self.act(Action::Up, scene),
            MouseEventKind::ScrollDown => self.act(Action::Down, scene),
            _ => Vec::new(),
        }
    }

    /// Dragging marks a stretch to zoom to, a click sets the cursor, the wheel zooms.
    pub(super) fn mouse_on_chart(&mut self, kind: MouseEventKind, (x, y): (u16, u16), scene: &Scene) -> bool {
        let Some((view, history)) = self.charts(scene) else { return false };
        // What began in a chart goes on beside it.
        let held = scene.charts.first().filter(|_| view.dragged.is_some());
        let Some(place) = scene.chart_at(x, y).or(held).map(|chart| chart.place_of(x)) else { return false };
        match (kind, view.dragged) {
            (MouseEventKind::Down(MouseButton::Left), _) => view.dragged = Some((place, place)),
            (MouseEventKind::Drag(MouseButton::Left), Some((from, _))) => view.dragged = Some((from, place)),
            (MouseEventKind::Up(MouseButton::Left), Some((from, to))) => {
                view.dragged = None;
                if from.to_bits() == to.to_bits() {
                    view.cursor = Some(to);
                } else {
                    view.show(from.min(to), from.max(to), history);
                }
            }
            (MouseEventKind::ScrollUp, _) => view.zoom(0.8, Some(place), history),
            (MouseEventKind::ScrollDown, _) => view.zoom(1.25, Some(place), history),
            _ => return false,
        }
        true
    }

    /// Dragging moves a zoomed picture, with the right button it changes window (across) and level (down), as viewers of
    /// X-rays do; the wheel zooms where it points.
    fn mouse_on_picture(&mut self, kind: MouseEventKind, at: (u16, u16), scene: &Scene) -> Option<Vec<Effect>> {
        let area = scene.picture_place.filter(|_| self.screen == Screen::Inspect)?;
        let (inspect, is_inside, share) = (&mut self.inspect, area.contains(at.0, at.1), area.share(at));
        let (look, part) = (inspect.look, inspect.part);
        // Of two pictures side by side, the place in the one that is pointed at; they are of about one width.
        let is_pair = inspect.beside().is_some();
        let to = if is_pair { ((share.0 * 2.0).rem_euclid(1.0), share.1) } else { share };
        Some(match (kind, inspect.held) {
            (MouseEventKind::ScrollUp, _) if is_inside => inspect.show_as(look, part.zoomed(ZOOM, to)),
            (MouseEventKind::ScrollDown, _) if is_inside => inspect.show_as(look, part.zoomed(1.0 / ZOOM, to)),
            (MouseEventKind::Down(_), _) if is_inside => {
                inspect.held = Some(to);
                Vec::new()
            }
            (MouseEventKind::Drag(button), Some(from)) => {
                inspect.held = Some(to);
                let across = to.0 - from.0;
                // Over the middle of a pair it goes on at the other side.
                let (across, down) = (if is_pair { across - across.round() } else { across }, to.1 - from.1);
                match button {
                    MouseButton::Left => inspect.show_as(look, part.panned(-across, -down)),
                    _ => inspect.show_as(look.moved(across, down), part),
                }
            }
            (MouseEventKind::Up(_), Some(_)) => {
                inspect.held = None;
                Vec::new()
            }
            _ => return None,
        })
    }

    pub(super) fn click(&mut self, target: Target, scene: &Scene) -> Vec<Effect> {
        match target {
            Target::Action(action) => return self.act(action, scene),
            Target::Row(row) if matches!(self.popup, Some(Popup::Commands(_))) => {
                return self.click_command(row, scene);
            }
            Target::Row(row) if self.popup.is_some() => return self.click_list(row, scene),
            _ if self.popup.is_some() => {}
            Target::Images(behind) => return self.inspect.open_behind(behind),
            Target::Row(row) if self.screen == Screen::Inspect => return self.click_tile(row),
            Target::Row(_) | Target::Column(_) => return self.click_runs(target, scene),
            Target::Field(field) => self.train.choose(field),
        }
        Vec::new()
    }

    /// A click chooses an image; one on the chosen one shows it alone.
    fn click_tile(&mut self, place: usize) -> Vec<Effect> {
        if self.inspect.panes.shown == Pane::Similar {
            return self.inspect.click_neighbour(place);
        }
        if self.inspect.list.position(self.inspect.index) == Some(place) {
            self.inspect.panes.show(Pane::Picture);
        }
        self.inspect.show_place(place)
    }

    /// A click chooses a command; one on the chosen one does it.
    pub(super) fn click_command(&mut self, row: usize, scene: &Scene) -> Vec<Effect> {
        let Some(Popup::Commands(commands)) = &mut self.popup else { return Vec::new() };
        if commands.row == row {
            return self.act_on_commands(Action::Open, scene);
        }
        commands.row = row;
        Vec::new()
    }
}
