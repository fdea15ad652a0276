//! What the terminal program will find: the terminal, what lies between, colours, pictures, mouse.

use super::finding::{Said, ok, warning};
use crate::config::place::{Variables, environment};
use crate::config::{Colours, Graphics, ScreenSettings, Settings};
use crate::terminal::{self, Multiplexer, graphics};

pub fn look(settings: &Settings) -> Vec<Said> {
    let screen = settings.screen;
    let found = graphics::examine();
    let mut said = vec![place(&environment), letters(screen, &environment)];
    said.extend(between(&environment));
    said.push(colours(screen, &environment));
    said.push(pictures(screen, &found));
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
            format!("inside {}: pictures are half blocks, and colours are those that it passes on", found.name());
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
    if screen.graphics == Graphics::Off {
        return ok("pictures in half blocks: the settings say so".into());
    }
    let way =
        found.protocol.map_or_else(|| "half blocks".into(), |protocol| format!("real pixels, {}", protocol.name()));
    ok(format!("pictures in {way}: {}", found.why))
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
        assert!(said[0].what.starts_with("inside tmux: pictures are half blocks"), "{said:?}");
        assert_eq!(between(&|_| None), []);
    }
}
