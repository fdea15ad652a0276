//! What the terminal program will find: the terminal, what lies between, colours, pictures, mouse.

use super::finding::{Said, ok, warning};
use crate::config::place::{Variables, environment};
use crate::config::{Cells, Colours, Graphics, ScreenSettings, Settings};
use crate::terminal::{self, Multiplexer, graphics};

pub fn look(settings: &Settings) -> Vec<Said> {
    let screen = settings.screen;
    let found = graphics::examine();
    let mut said = vec![place(&environment), letters(screen, &environment)];
    said.extend(between(&environment));
    said.push(colours(screen, &environment));
    said.extend([pictures(screen, &found), cells(screen, &environment)]);
    if terminal::is_there() {
        said.push(frames(&found));
        said.push(mouse(screen, &found));
    }
    said
}

fn place(variable: Variables) -> Said {
    let term = variable("TERM").unwrap_or_default().display().to_string();
    if !terminal::is_there() {
        let next = "the screen needs one: run `xray-tui doctor` in it, without a pipe, to have it looked at";
        return warning("input and output are not both a terminal".into(), next);
    }
    let Some((columns, rows)) = terminal::size() else {
        return warning(
            format!("{term}, which does not tell its size"),
            "use another terminal if the screen looks wrong",
        );
    };
    let what = format!("{term}, {columns} x {rows} cells");
    match (columns, rows) {
        (80.., 24..) => ok(what),
        _ => warning(what, "make the window larger, or its letters smaller: 80 x 24 cells show all panels"),
    }
}

fn letters(screen: ScreenSettings, variable: Variables) -> Said {
    let (locale, is_utf8) = terminal::locale(variable);
    let name = if locale.is_empty() { "no locale is set".to_owned() } else { format!("locale {locale}") };
    if terminal::is_ascii(screen.ascii, variable) {
        let next = "set LANG to a UTF-8 locale (en_GB.UTF-8), or say --ascii=off where the terminal shows UTF-8 anyway";
        return if is_utf8 {
            ok(format!("{name}; drawn in ASCII, as the settings say"))
        } else {
            warning(format!("{name}, which is not UTF-8: drawn in ASCII"), next)
        };
    }
    ok(if is_utf8 { format!("{name}, UTF-8") } else { format!("{name}; drawn in UTF-8, as the settings say") })
}

fn between(variable: Variables) -> Vec<Said> {
    let multiplexer = Multiplexer::find(variable).map(|found| {
        let what =
            format!("inside {}: pictures are drawn in cells, and colours are those that it passes on", found.name());
        warning(what, "start outside it for pictures in real pixels")
    });
    let remote = terminal::is_remote(variable).then(|| {
        ok("over ssh: pictures in real pixels are sent over the line, and runs end with it unless a multiplexer keeps them".into())
    });
    multiplexer.into_iter().chain(remote).collect()
}

fn colours(screen: ScreenSettings, variable: Variables) -> Said {
    let (colours, why) = terminal::colours(screen.colours, variable);
    ok(match colours {
        Colours::None => format!("no colours: {why}"),
        Colours::True => format!("16 million colours: {why}"),
        Colours::Sixteen => format!("16 colours: {why}"),
        Colours::Auto | Colours::Indexed => format!("256 colours: {why}"),
    })
}

fn pictures(screen: ScreenSettings, found: &graphics::Found) -> Said {
    let is_off = screen.graphics == Graphics::Off;
    let why = if is_off { "the settings say so" } else { &found.why };
    ok(match found.protocol.filter(|_| !is_off) {
        Some(protocol) => format!("pictures in real pixels, {}: {why}", protocol.name()),
        None => format!("no pictures in real pixels: {why}"),
    })
}

/// How pictures are drawn without real pixels; those on Data always are.
fn cells(screen: ScreenSettings, variable: Variables) -> Said {
    if terminal::is_ascii(screen.ascii, variable) {
        return ok("pictures in cells: one colour each, as ASCII has no blocks".into());
    }
    if terminal::colours(screen.colours, variable).0 == Colours::None {
        return ok("pictures in cells: one density each, as there are no colours".into());
    }
    let (cells, why) = terminal::cells::cells(screen.cells, variable);
    ok(match cells {
        Cells::Auto | Cells::Half => format!("pictures in cells: half blocks: {why}"),
        Cells::Quadrants => format!("pictures in cells: quadrants, 2 x 2: {why}"),
        Cells::Sextants => format!("pictures in cells: sextants, 2 x 3: {why}"),
    })
}

fn frames(found: &graphics::Found) -> Said {
    ok(match found.synchronised {
        Some(true) => "frames are shown whole: the terminal knows synchronised output".into(),
        Some(false) => "frames may be seen half drawn: the terminal does not know synchronised output".into(),
        None => "the terminal does not say whether it knows synchronised output".into(),
    })
}

fn mouse(screen: ScreenSettings, found: &graphics::Found) -> Said {
    if !screen.mouse {
        return ok("no mouse: the settings say so".into());
    }
    match found.mouse {
        Some(true) => ok("mouse: the terminal knows it".into()),
        Some(false) => warning("the terminal has no mouse in SGR coordinates".into(), "use keys: ? shows them"),
        None => ok("mouse: asked for; the terminal does not say whether it has one".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::doctor::finding::Status;
    use crate::config::Ascii;

    #[test]
    fn a_locale_without_utf8_is_a_warning_unless_the_settings_decide() {
        let latin = |name: &str| (name == "LANG").then(|| "de_DE.ISO-8859-1".into());
        assert_eq!(letters(ScreenSettings::default(), &latin).status, Status::Warning);
        let told = ScreenSettings { ascii: Ascii::Off, ..ScreenSettings::default() };
        assert_eq!(letters(told, &latin).status, Status::Ok);
    }

    #[test]
    fn a_multiplexer_is_named_with_what_it_means_for_pictures() {
        let tmux = |name: &str| (name == "TMUX").then(|| "/tmp/tmux".into());
        let said = between(&tmux);
        assert!(said[0].what.starts_with("inside tmux: pictures are drawn in cells"), "{said:?}");
        assert_eq!(between(&|_| None), []);
    }

    #[test]
    fn how_cells_show_pictures_is_said_with_the_reason() {
        let by = |screen, all: &'static [(&str, &str)]| {
            let find = move |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
            cells(screen, &find).what
        };
        let usual = ScreenSettings::default();
        let foot: &[_] = &[("TERM", "foot"), ("LANG", "C.UTF-8")];
        assert_eq!(by(usual, foot), "pictures in cells: sextants, 2 x 3: foot draws them itself");
        let told = ScreenSettings { cells: Cells::Half, ..usual };
        assert_eq!(by(told, foot), "pictures in cells: half blocks: the settings say so");
        assert!(by(usual, &[("TERM", "foot")]).ends_with("as ASCII has no blocks"));
        assert!(by(usual, &[("NO_COLOR", "1"), ("LANG", "C.UTF-8")]).ends_with("as there are no colours"));
    }
}
