//! The few colours of the screens and what they mean; the only file that names colours.

use ratatui::style::{Color, Modifier, Style};

use crate::app::scene::Colours;
use crate::dataset::Class;

/// Styles by meaning. What a colour says is always said by a word or a sign too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme(pub Colours);

impl Theme {
    fn coloured(self, colour: Color) -> Style {
        if self.0 == Colours::None { Style::new() } else { Style::new().fg(colour) }
    }

    /// What matters least: labels, frames, axes.
    pub fn dim(self) -> Style {
        self.coloured(Color::Indexed(245))
    }

    pub fn frame(self) -> Style {
        self.coloured(Color::Indexed(240))
    }

    /// The terminal's own colour, also where a dim frame is around it.
    #[expect(clippy::unused_self, reason = "asked for as the others are")]
    pub fn title(self) -> Style {
        Style::new().fg(Color::Reset).add_modifier(Modifier::BOLD)
    }

    /// Keys, and what the user is at.
    pub fn accent(self) -> Style {
        self.coloured(Color::Indexed(80)).add_modifier(Modifier::BOLD)
    }

    /// The row, tab or field that keys act on.
    pub fn selected(self) -> Style {
        match self.0 {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED),
            Colours::Indexed | Colours::True => {
                Style::new().fg(Color::Indexed(231)).bg(Color::Indexed(24)).add_modifier(Modifier::BOLD)
            }
        }
    }

    pub fn good(self) -> Style {
        self.coloured(Color::Indexed(114))
    }

    pub fn warning(self) -> Style {
        self.coloured(Color::Indexed(221))
    }

    pub fn bad(self) -> Style {
        self.coloured(Color::Indexed(210))
    }

    /// SYNTHETIC, wherever such data shows.
    pub fn synthetic(self) -> Style {
        match self.0 {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED),
            Colours::Indexed | Colours::True => {
                Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(221)).add_modifier(Modifier::BOLD)
            }
        }
    }

    /// The training line of a chart.
    pub fn training(self) -> Style {
        self.coloured(Color::Indexed(80))
    }

    /// The validation line of a chart.
    pub fn validation(self) -> Style {
        self.coloured(Color::Indexed(215))
    }

    pub fn class(self, class: Class) -> Style {
        match class {
            Class::Normal => self.coloured(Color::Indexed(117)),
            Class::Pneumonia => self.coloured(Color::Indexed(215)),
        }
    }

    /// A grey level, 0 black to 255 white, as near as the terminal can; `None` where it shows no colour.
    pub fn grey(self, level: u8) -> Option<Color> {
        match self.0 {
            Colours::None => None,
            Colours::True => Some(Color::Rgb(level, level, level)),
            Colours::Indexed => Some(Color::Indexed(grey_index(level))),
        }
    }
}

/// The entry of the 256-colour palette nearest to a grey level: 16 is black, 232 to 255 are 8, 18, … 238, 231 is white.
fn grey_index(level: u8) -> u8 {
    match level {
        0..=3 => 16,
        247.. => 231,
        _ => 232 + (level.saturating_sub(3) / 10).min(23),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_level_is_within_five_of_its_palette_entry() {
        for level in 0..=255_u8 {
            let shown = match grey_index(level) {
                16 => 0,
                231 => 255,
                entry => 8 + (i32::from(entry) - 232) * 10,
            };
            assert!((shown - i32::from(level)).abs() <= 8, "{level} is shown as {shown}");
        }
    }

    #[test]
    fn without_colours_no_style_names_one() {
        let theme = Theme(Colours::None);
        let styles = [theme.dim(), theme.accent(), theme.selected(), theme.bad(), theme.synthetic(), theme.training()];
        assert!(styles.iter().all(|style| style.fg.is_none() && style.bg.is_none()));
    }
}
