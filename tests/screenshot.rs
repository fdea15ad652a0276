//! Pictures of screens as the example `screenshot` draws them.

#[path = "../examples/screenshot/shapes.rs"]
mod shapes;
#[path = "../examples/screenshot/svg.rs"]
mod svg;

use std::fmt::Write as _;

/// The picture of a screen of 30 rows and 80 columns that shows `text`, without a cursor.
fn picture(text: &str) -> String {
    let mut parser = vt100::Parser::new(30, 80, 0);
    parser.process(b"\x1b[?25l");
    parser.process(text.replace('\n', "\r\n").as_bytes());
    svg::render(parser.screen(), "a <test>")
}

/// The paths and texts of a picture, a line each, without what every picture has.
fn marks(text: &str) -> Vec<String> {
    let all = picture(text);
    all.lines().filter(|line| line.starts_with("<path") || line.starts_with("<text")).map(str::to_owned).collect()
}

#[test]
fn a_run_of_equal_letters_has_a_length_that_aligns_it() {
    assert_eq!(marks("  a < b"), ["<text x=\"20\" y=\"15\" fill=\"#d8dbe2\" textLength=\"50\">a &lt; b</text>"]);
    assert_eq!(
        marks("\n\x1b[1;31mone\x1b[0m\x1b[3;4m two"),
        [
            "<text x=\"0\" y=\"35\" fill=\"#e06c75\" textLength=\"30\" font-weight=\"bold\">one</text>",
            "<text x=\"30\" y=\"35\" fill=\"#d8dbe2\" textLength=\"40\" font-style=\"italic\" \
             text-decoration=\"underline\"> two</text>",
        ]
    );
}

#[test]
fn signs_that_another_font_may_draw_stand_alone() {
    let texts = marks("on → 漢x");
    assert_eq!(texts.len(), 4, "{texts:#?}");
    assert!(texts[1].starts_with("<text x=\"30\" ") && texts[1].ends_with(">→</text>"));
    assert!(texts[2].starts_with("<text x=\"50\" ") && texts[2].contains("textLength=\"20\""));
    assert!(texts[3].starts_with("<text x=\"70\" ") && texts[3].ends_with(">x</text>"));
}

#[test]
fn colours_of_all_kinds_are_resolved() {
    let text = |codes: &str| marks(&format!("\x1b[{codes}mx")).join("");
    assert!(text("38;2;1;2;255").contains("fill=\"#0102ff\">x"));
    assert!(text("38;5;196").contains("fill=\"#ff0000\">x"));
    assert!(text("38;5;244").contains("fill=\"#808080\">x"));
    assert!(text("92").contains("fill=\"#a9dc82\">x"));
    assert!(text("2;38;2;0;0;0;48;2;200;100;50").contains("fill=\"#643219\">x"));
}

#[test]
fn inverse_cells_swap_their_colours() {
    assert_eq!(
        marks("\x1b[7;38;2;255;0;0;48;2;0;0;255mab"),
        [
            "<path fill=\"#ff0000\" d=\"M0 0h16v8h-16z\"/>",
            "<text x=\"0\" y=\"15\" fill=\"#0000ff\" textLength=\"20\">ab</text>",
        ]
    );
}

#[test]
fn half_blocks_are_two_exact_rectangles() {
    assert_eq!(
        marks("\x1b[38;2;255;0;0;48;2;0;0;255m▀"),
        ["<path fill=\"#0000ff\" d=\"M0 0h8v8h-8z\"/>", "<path fill=\"#ff0000\" d=\"M0 0h8v4h-8z\"/>"]
    );
    assert_eq!(marks("\x1b[38;2;9;9;9m▄▌"), ["<path fill=\"#090909\" d=\"M8 0h4v8h-4zM0 4h8v4h-8z\"/>"]);
}

#[test]
fn every_eighth_and_quadrant_has_its_size() {
    let path = |text: &str| marks(&format!("\x1b[97m{text}")).join("");
    assert!(path("▁").contains("\"M0 7h8v1h-8z\"") && path("▇").contains("\"M0 1h8v7h-8z\""));
    assert!(path("█").contains("\"M0 0h8v8h-8z\""));
    assert!(path("▏").contains("\"M0 0h1v8h-1z\"") && path("▉").contains("\"M0 0h7v8h-7z\""));
    assert!(path("▐").contains("\"M4 0h4v8h-4z\""));
    assert!(path("▞").contains("\"M4 0h4v4h-4zM0 4h4v4h-4z\""));
    assert!(path("\x1b[38;2;80;80;80;48;2;0;0;0m▒").contains("fill=\"#282828\" d=\"M0 0h8v8h-8z\""));
}

#[test]
fn braille_is_a_dot_a_bit() {
    assert_eq!(marks("\x1b[97m⠁⢀"), ["<path stroke=\"#ffffff\" d=\"M2.5 2.5h0M17.5 17.5h0\"/>"]);
    assert_eq!(marks("⣿")[0].matches("h0").count(), 8);
    assert!(marks("⠀").is_empty());
}

#[test]
fn a_box_is_drawn_by_lines_that_meet() {
    let lines = marks("\x1b[97m┌──┐\n│  │\n└──┘");
    assert_eq!(
        lines,
        ["<path fill=\"#ffffff\" d=\"M17 37h126v6h-126zM17 37h6v166h-6zM137 37h6v166h-6zM17 197h126v6h-126z\"/>"]
    );
    assert!(marks("╭")[0].contains("M5 20Q5 10 10 10"));
}

#[test]
fn equal_neighbours_become_one_rectangle() {
    let block = format!("\x1b[97m{}", "████████\n".repeat(5));
    assert_eq!(marks(&block), ["<path fill=\"#ffffff\" d=\"M0 0h64v40h-64z\"/>"]);
}

#[test]
fn a_grey_picture_of_half_blocks_without_equal_neighbours_stays_small() {
    let grey = |x: usize, y: usize| (x * 7919 + y * 104_729) * 31 % 251;
    let mut text = String::new();
    for y in (0..60).step_by(2) {
        let _ = write!(text, "\x1b[{};1H", y / 2 + 1);
        for x in 0..60 {
            let (top, bottom) = (grey(x, y), grey(x, y + 1));
            let _ = write!(text, "\x1b[38;2;{top};{top};{top};48;2;{bottom};{bottom};{bottom}m▀");
        }
    }
    let size = picture(&text).len();
    assert!((50_000..150_000).contains(&size), "{size} bytes");
}

#[test]
fn the_same_screen_gives_the_same_picture_whatever_way_it_was_drawn() {
    let ways = ["\x1b[31mred\x1b[0m \x1b[44mblue\x1b[0m", "\x1b[1;5H\x1b[44mblue\x1b[0m\x1b[1;1H\x1b[31mred\x1b[0m "];
    assert_eq!(picture(ways[0]), picture(ways[1]));
    assert!(picture(ways[0]).contains("<title>a &lt;test&gt;</title>"));
}
