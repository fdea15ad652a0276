//! The few colours of the screens and what they mean; the only file that names colours.

mod palette;

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

pub use palette::Rgb;

use crate::app::scene::{Colours, ThemeName};
use crate::dataset::Class;

/// A colour of the 256, and the nearest in meaning of the terminal's own sixteen.
type Ink = (u8, Color);

/// The colours of a theme, by meaning.
#[derive(Debug)]
struct Inks {
    dim: Ink,
    frame: Ink,
    accent: Ink,
    /// Text and background.
    selected: (Ink, Ink),
    synthetic: (Ink, Ink),
    good: Ink,
    warning: Ink,
    bad: Ink,
    training: Ink,
    validation: Ink,
    normal: Ink,
    pneumonia: Ink,
    /// Runs that are laid over each other.
    series: [Ink; 8],
}

const WHITE: Ink = (231, Color::White);
const BLACK: Ink = (16, Color::Black);

const DARK: Inks = Inks {
    dim: (245, Color::Gray),
    frame: (240, Color::DarkGray),
    accent: (80, Color::LightCyan),
    selected: (WHITE, (24, Color::Blue)),
    synthetic: (BLACK, (221, Color::Yellow)),
    good: (114, Color::LightGreen),
    warning: (221, Color::LightYellow),
    bad: (210, Color::LightRed),
    training: (80, Color::LightCyan),
    validation: (215, Color::Yellow),
    normal: (117, Color::LightBlue),
    pneumonia: (215, Color::Yellow),
    series: [
        (117, Color::LightBlue),
        (215, Color::Yellow),
        (114, Color::LightGreen),
        (210, Color::LightRed),
        (177, Color::LightMagenta),
        (221, Color::LightYellow),
        (80, Color::LightCyan),
        (250, Color::White),
    ],
};

const LIGHT: Inks = Inks {
    dim: (241, Color::DarkGray),
    frame: (248, Color::Gray),
    accent: (25, Color::Blue),
    selected: (WHITE, (25, Color::Blue)),
    synthetic: (BLACK, (221, Color::Yellow)),
    good: (28, Color::Green),
    warning: (130, Color::Magenta),
    bad: (160, Color::Red),
    training: (25, Color::Blue),
    validation: (166, Color::Red),
    normal: (25, Color::Blue),
    pneumonia: (166, Color::Red),
    series: [
        (25, Color::Blue),
        (166, Color::Red),
        (28, Color::Green),
        (125, Color::Magenta),
        (91, Color::DarkGray),
        (94, Color::Yellow),
        (30, Color::Cyan),
        (238, Color::Black),
    ],
};

/// After Okabe and Ito's colours, which are told apart with any kind of colour vision.
const COLOUR_BLIND: Inks = Inks {
    good: (117, Color::LightBlue),
    warning: (227, Color::LightYellow),
    bad: (208, Color::LightRed),
    training: (74, Color::LightBlue),
    validation: (214, Color::Yellow),
    normal: (74, Color::LightBlue),
    pneumonia: (214, Color::Yellow),
    series: [
        (74, Color::LightBlue),
        (214, Color::Yellow),
        (36, Color::Green),
        (227, Color::LightYellow),
        (166, Color::Red),
        (175, Color::Magenta),
        (32, Color::Blue),
        (250, Color::White),
    ],
    ..DARK
};

const COLOUR_BLIND_LIGHT: Inks = Inks {
    good: (25, Color::Blue),
    warning: (94, Color::Yellow),
    bad: (166, Color::Red),
    training: (25, Color::Blue),
    validation: (166, Color::Red),
    normal: (25, Color::Blue),
    pneumonia: (166, Color::Red),
    series: [
        (25, Color::Blue),
        (166, Color::Red),
        (29, Color::Green),
        (94, Color::Yellow),
        (132, Color::Magenta),
        (32, Color::Cyan),
        (240, Color::DarkGray),
        (16, Color::Black),
    ],
    ..LIGHT
};

/// Styles by meaning. What a colour says is always said by a word or a sign too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub colours: Colours,
    pub name: ThemeName,
}

impl Theme {
    const fn inks(self) -> &'static Inks {
        match self.name {
            ThemeName::Dark => &DARK,
            ThemeName::Light => &LIGHT,
            ThemeName::ColourBlind => &COLOUR_BLIND,
            ThemeName::ColourBlindLight => &COLOUR_BLIND_LIGHT,
        }
    }

    const fn colour(self, (index, own): Ink) -> Option<Color> {
        match self.colours {
            Colours::None => None,
            Colours::Sixteen => Some(own),
            Colours::Indexed | Colours::True => Some(Color::Indexed(index)),
        }
    }

    fn inked(self, ink: Ink) -> Style {
        self.colour(ink).map_or_else(Style::new, |colour| Style::new().fg(colour))
    }

    /// Text on a background; turned round where there are no colours.
    fn on(self, (text, ground): (Ink, Ink)) -> Style {
        match (self.colour(text), self.colour(ground)) {
            (Some(text), Some(ground)) => Style::new().fg(text).bg(ground).add_modifier(Modifier::BOLD),
            _ => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// What matters least: labels, frames, axes.
    pub fn dim(self) -> Style {
        self.inked(self.inks().dim)
    }

    pub fn frame(self) -> Style {
        self.inked(self.inks().frame)
    }

    /// The terminal's own colour, also where a dim frame is around it.
    #[expect(clippy::unused_self, reason = "asked for as the others are")]
    pub fn title(self) -> Style {
        Style::new().fg(Color::Reset).add_modifier(Modifier::BOLD)
    }

    /// Keys, and what the user is at.
    pub fn accent(self) -> Style {
        self.inked(self.inks().accent).add_modifier(Modifier::BOLD)
    }

    /// The row, tab or field that keys act on.
    pub fn selected(self) -> Style {
        self.on(self.inks().selected)
    }

    /// A line that is chosen: all of it in the colours that its ground is readable under.
    pub fn select(self, mut line: Line<'static>) -> Line<'static> {
        for span in &mut line.spans {
            span.style = span.style.patch(self.selected());
        }
        line.patch_style(self.selected())
    }

    pub fn good(self) -> Style {
        self.inked(self.inks().good)
    }

    pub fn warning(self) -> Style {
        self.inked(self.inks().warning)
    }

    pub fn bad(self) -> Style {
        self.inked(self.inks().bad)
    }

    /// SYNTHETIC, wherever such data shows.
    pub fn synthetic(self) -> Style {
        self.on(self.inks().synthetic)
    }

    /// The training line of a chart.
    pub fn training(self) -> Style {
        self.inked(self.inks().training)
    }

    /// The validation line of a chart.
    pub fn validation(self) -> Style {
        self.inked(self.inks().validation)
    }

    /// The line of the run with this place among those laid over each other; the eight colours come again.
    pub fn series(self, place: usize) -> Style {
        let series = &self.inks().series;
        self.inked(series[place % series.len()])
    }

    pub fn class(self, class: Class) -> Style {
        match class {
            Class::Normal => self.inked(self.inks().normal),
            Class::Pneumonia => self.inked(self.inks().pneumonia),
        }
    }

    /// As near to a colour as the terminal can, and what that looks like; `None` where it shows no colour.
    pub fn shade(self, rgb: Rgb) -> Option<(Color, Rgb)> {
        match self.colours {
            Colours::None => None,
            Colours::Sixteen => Some(palette::of_16(rgb)),
            Colours::Indexed => Some(palette::of_256(rgb)),
            Colours::True => Some((Color::Rgb(rgb[0], rgb[1], rgb[2]), rgb)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_styles(theme: Theme) -> Vec<Style> {
        let named = [theme.dim(), theme.frame(), theme.accent(), theme.selected(), theme.good(), theme.warning()];
        let more = [theme.bad(), theme.synthetic(), theme.training(), theme.validation()];
        let classes = Class::ALL.map(|class| theme.class(class));
        [&named[..], &more, &classes, &(0..8).map(|place| theme.series(place)).collect::<Vec<_>>()].concat()
    }

    #[test]
    fn without_colours_no_style_names_one() {
        for name in ThemeName::ALL {
            let styles = all_styles(Theme { colours: Colours::None, name });
            assert!(styles.iter().all(|style| style.fg.is_none() && style.bg.is_none()));
        }
    }

    #[test]
    fn with_sixteen_colours_none_is_of_the_others() {
        for name in ThemeName::ALL {
            for style in all_styles(Theme { colours: Colours::Sixteen, name }) {
                let others = [style.fg, style.bg].into_iter().flatten().filter(|c| matches!(c, Color::Indexed(_)));
                assert_eq!(others.count(), 0, "{style:?}");
            }
        }
    }

    /// Relative luminance of a colour of the 256, as WCAG 2 defines it.
    fn luminance(index: u8) -> f64 {
        let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
        let rgb = match index {
            16..=231 => [(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6].map(level),
            232.. => [8 + 10 * (index - 232); 3],
            _ => panic!("the first sixteen are the terminal's own"),
        };
        let linear = rgb
            .map(f64::from)
            .map(|v| v / 255.0)
            .map(|v| if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn text_stands_out_from_its_background() {
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        for name in ThemeName::ALL {
            let inks = Theme { colours: Colours::True, name }.inks();
            let ground = if name.is_light() { 1.0 } else { 0.0 };
            let texts = [inks.dim, inks.accent, inks.good, inks.warning, inks.bad, inks.training, inks.validation];
            for (index, _) in texts.into_iter().chain([inks.normal, inks.pneumonia]).chain(inks.series) {
                let found = contrast(luminance(index), ground);
                assert!(found >= 3.5, "{name:?}: {index} has a contrast of {found:.1}");
            }
            for (text, ground) in [inks.selected, inks.synthetic] {
                let found = contrast(luminance(text.0), luminance(ground.0));
                assert!(found >= 4.5, "{name:?}: {text:?} on {ground:?} has a contrast of {found:.1}");
            }
        }
    }
}
