//! A terminal's screen as an SVG picture that looks the same with any monospace font.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::shapes::{Area, DOWN, LEFT, RIGHT, Shape, UP, dots, shape};

/// A cell's size in pixels.
const WIDTH: u32 = 10;
const HEIGHT: u32 = 20;
/// Pixels from a cell's top to the line that letters stand on.
const BASELINE: u32 = 15;
/// Pixels between the screen and the picture's edge.
const MARGIN: u32 = 14;
/// Blocks are measured in eighths of a cell.
const EIGHTHS: u32 = 8;
/// Lines are measured in quarters of a pixel.
const QUARTERS: u32 = 4;
const LIGHT_LINE: u32 = 6;
const HEAVY_LINE: u32 = 12;

const FONTS: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

type Colour = [u8; 3];

const FOREGROUND: Colour = [0xd8, 0xdb, 0xe2];
const BACKGROUND: Colour = [0x14, 0x16, 0x1b];
const PALETTE: [Colour; 16] = [
    [0x2a, 0x2e, 0x37],
    [0xe0, 0x6c, 0x75],
    [0x8c, 0xc2, 0x65],
    [0xe5, 0xc0, 0x7b],
    [0x61, 0xaf, 0xef],
    [0xc6, 0x78, 0xdd],
    [0x56, 0xb6, 0xc2],
    [0xc8, 0xcc, 0xd4],
    [0x6b, 0x72, 0x80],
    [0xff, 0x8a, 0x94],
    [0xa9, 0xdc, 0x82],
    [0xff, 0xd8, 0x92],
    [0x84, 0xc7, 0xff],
    [0xde, 0x9c, 0xf2],
    [0x78, 0xd3, 0xdf],
    [0xff, 0xff, 0xff],
];

/// How the letters of a cell look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Style {
    colour: Colour,
    bold: bool,
    italic: bool,
    underline: bool,
}

/// Letters of one style that stand side by side.
struct Run {
    column: u32,
    cells: u32,
    text: String,
    style: Style,
}

/// Filled rectangles by colour; those of one layer never overlap.
#[derive(Default)]
struct Layer(BTreeMap<Colour, Vec<Area>>);

impl Layer {
    fn add(&mut self, colour: Colour, area: Area) {
        self.0.entry(colour).or_default().push(area);
    }

    fn write(self, out: &mut String) {
        for (colour, areas) in self.0 {
            let _ = write!(out, "<path fill=\"{}\" d=\"", hex(colour));
            for Area { x, y, width, height } in merged(areas) {
                let _ = write!(out, "M{x} {y}h{width}v{height}h-{width}z");
            }
            out.push_str("\"/>\n");
        }
    }
}

/// Strokes by colour, as path data in pixels.
#[derive(Default)]
struct Strokes(BTreeMap<Colour, String>);

impl Strokes {
    fn path(&mut self, colour: Colour) -> &mut String {
        self.0.entry(colour).or_default()
    }

    fn write(self, out: &mut String) {
        for (colour, path) in self.0 {
            let _ = writeln!(out, "<path stroke=\"{}\" d=\"{path}\"/>", hex(colour));
        }
    }
}

/// All that a screen is drawn with, from the back to the front.
#[derive(Default)]
struct Picture {
    backgrounds: Layer,
    blocks: Layer,
    lines: Layer,
    arcs: Strokes,
    dots: Strokes,
    texts: String,
}

/// The SVG of `screen`; `title` is what it shows, for those who can't see it. The same screen gives the same bytes.
pub fn render(screen: &vt100::Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let mut picture = Picture::default();
    for row in 0..rows {
        add_row(&mut picture, screen, row);
    }
    let (width, height) = (u32::from(columns) * WIDTH + 2 * MARGIN, u32::from(rows) * HEIGHT + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{}\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\">\n",
        escaped(title),
        hex(BACKGROUND),
    );
    write_picture(picture, &mut out);
    out.push_str("</g>\n</svg>\n");
    out
}

fn write_picture(picture: Picture, out: &mut String) {
    // Without crisp edges, hairlines show between neighbours where the picture is shown scaled.
    out.push_str("<g transform=\"scale(1.25 2.5)\" shape-rendering=\"crispEdges\">\n");
    picture.backgrounds.write(out);
    picture.blocks.write(out);
    out.push_str("</g>\n<g transform=\"scale(.25)\">\n");
    picture.lines.write(out);
    out.push_str("</g>\n<g fill=\"none\" stroke-width=\"1.5\">\n");
    picture.arcs.write(out);
    out.push_str("</g>\n<g fill=\"none\" stroke-width=\"3\" stroke-linecap=\"round\">\n");
    picture.dots.write(out);
    let _ = writeln!(
        out,
        "</g>\n<g font-family=\"{FONTS}\" font-size=\"16\" xml:space=\"preserve\" style=\"white-space:pre\">"
    );
    out.push_str(&picture.texts);
    out.push_str("</g>\n");
}

fn add_row(picture: &mut Picture, screen: &vt100::Screen, row: u16) {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..screen.size().1 {
        let Some(cell) = screen.cell(row, column) else { continue };
        let is_cursor = !screen.hide_cursor() && screen.cursor_position() == (row, column);
        let (colour, background) = colours(cell, is_cursor);
        let place = (u32::from(column), u32::from(row));
        if background != BACKGROUND {
            picture.backgrounds.add(background, eighths(place, Area { x: 0, y: 0, width: 8, height: 8 }));
        }
        match cell.contents().chars().next().and_then(shape) {
            Some(shape) => add_shape(picture, &shape, place, [colour, background]),
            None => add_text(&mut runs, cell, place.0, colour),
        }
    }
    for run in &runs {
        write_run(run, row.into(), &mut picture.texts);
    }
}

fn add_shape(picture: &mut Picture, shape: &Shape, place: (u32, u32), [colour, background]: [Colour; 2]) {
    let (left, top) = (place.0 * WIDTH, place.1 * HEIGHT);
    match shape {
        Shape::Blocks(areas) => areas.iter().for_each(|area| picture.blocks.add(colour, eighths(place, *area))),
        Shape::Shade(quarters) => {
            let whole = Area { x: 0, y: 0, width: EIGHTHS, height: EIGHTHS };
            picture.blocks.add(mix(colour, background, *quarters), eighths(place, whole));
        }
        Shape::Dots(bits) => dots(*bits).for_each(|(column, row)| {
            let (x, y) = (left + 5 * column + 2, top + 5 * row + 2);
            let _ = write!(picture.dots.path(colour), "M{x}.5 {y}.5h0");
        }),
        Shape::Lines { arms, heavy } => add_lines(picture, place, *arms, (colour, *heavy)),
        Shape::Arc(arms) => {
            let x = left + if arms & RIGHT == 0 { 0 } else { WIDTH };
            let start = top + if arms & UP == 0 { HEIGHT } else { 0 };
            let (middle, centre) = (left + WIDTH / 2, top + HEIGHT / 2);
            let _ = write!(picture.arcs.path(colour), "M{middle} {start}Q{middle} {centre} {x} {centre}");
        }
    }
}

/// Adds a line's rectangles. Arms overlap in the middle, where they have one colour anyway.
fn add_lines(picture: &mut Picture, (column, row): (u32, u32), arms: u8, (colour, heavy): (Colour, bool)) {
    let thick = if heavy { HEAVY_LINE } else { LIGHT_LINE };
    let (across, down) = (WIDTH * QUARTERS, HEIGHT * QUARTERS);
    let (left, top) = (column * across, row * down);
    if arms & (LEFT | RIGHT) != 0 {
        let (x, width) = reach(across, thick, (arms & LEFT != 0, arms & RIGHT != 0));
        picture.lines.add(colour, Area { x: left + x, y: top + (down - thick) / 2, width, height: thick });
    }
    if arms & (UP | DOWN) != 0 {
        let (y, height) = reach(down, thick, (arms & UP != 0, arms & DOWN != 0));
        picture.lines.add(colour, Area { x: left + (across - thick) / 2, y: top + y, width: thick, height });
    }
}

/// Start and length of a line in a cell of `length`, from the middle to the first edge, the last or both.
fn reach(length: u32, thick: u32, (first, last): (bool, bool)) -> (u32, u32) {
    let start = if first { 0 } else { (length - thick) / 2 };
    let end = if last { length } else { length - (length - thick) / 2 };
    (start, end - start)
}

/// Adds a cell's letters to the run before it, if they may stand in one.
fn add_text(runs: &mut Vec<Run>, cell: &vt100::Cell, column: u32, colour: Colour) {
    if cell.is_wide_continuation() {
        return;
    }
    let style = Style { colour, bold: cell.bold(), italic: cell.italic(), underline: cell.underline() };
    let text = if cell.has_contents() { cell.contents() } else { " " };
    let cells = if cell.is_wide() { 2 } else { 1 };
    match runs.last_mut() {
        Some(run) if run.style == style && run.column + run.cells == column && mix_well(&run.text, text) => {
            run.text.push_str(text);
            run.cells += cells;
        }
        _ => runs.push(Run { column, cells, text: text.to_owned(), style }),
    }
}

/// Whether two texts may share a run: signs beyond ASCII may come from another font, of another width, and would
/// move their neighbours.
fn mix_well(run: &str, text: &str) -> bool {
    run.is_ascii() && text.is_ascii()
}

fn write_run(run: &Run, row: u32, out: &mut String) {
    let Style { colour, bold, italic, underline } = run.style;
    let (text, skipped) = if underline { (run.text.as_str(), 0) } else { trimmed(&run.text) };
    if text.is_empty() {
        return;
    }
    let cells = if text.len() == run.text.len() { run.cells } else { u32::try_from(text.len()).unwrap_or(run.cells) };
    let (x, y) = ((run.column + skipped) * WIDTH, row * HEIGHT + BASELINE);
    let _ = write!(out, "<text x=\"{x}\" y=\"{y}\" fill=\"{}\"", hex(colour));
    if cells > 1 {
        let _ = write!(out, " textLength=\"{}\"", cells * WIDTH);
    }
    let marks = [
        (bold, " font-weight=\"bold\""),
        (italic, " font-style=\"italic\""),
        (underline, " text-decoration=\"underline\""),
    ];
    marks.iter().filter(|(wanted, _)| *wanted).for_each(|(_, mark)| out.push_str(mark));
    // Spaces that no browser draws together.
    let _ = writeln!(out, ">{}</text>", escaped(text).replace("  ", "\u{a0}\u{a0}"));
}

/// A run's text without spaces at its ends, and how many were before it.
fn trimmed(text: &str) -> (&str, u32) {
    let kept = text.trim_start_matches(' ');
    (kept.trim_end_matches(' '), u32::try_from(text.len() - kept.len()).unwrap_or(0))
}

/// Foreground and background as they are seen.
fn colours(cell: &vt100::Cell, is_cursor: bool) -> (Colour, Colour) {
    let (front, back) = (resolve(cell.fgcolor(), FOREGROUND), resolve(cell.bgcolor(), BACKGROUND));
    let (front, back) = if cell.inverse() == is_cursor { (front, back) } else { (back, front) };
    (if cell.dim() { mix(front, back, 2) } else { front }, back)
}

fn resolve(colour: vt100::Color, default: Colour) -> Colour {
    match colour {
        vt100::Color::Default => default,
        vt100::Color::Rgb(red, green, blue) => [red, green, blue],
        vt100::Color::Idx(index) => indexed(index),
    }
}

/// A colour of xterm's 256: 16 named ones, a cube of 6 levels, 24 greys.
fn indexed(index: u8) -> Colour {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..=15 => PALETTE[usize::from(index)],
        16..=231 => [36, 6, 1].map(|step| LEVELS[usize::from((index - 16) / step % 6)]),
        232.. => [8 + 10 * (index - 232); 3],
    }
}

/// So many quarters of `front` upon `back`.
fn mix(front: Colour, back: Colour, quarters: u8) -> Colour {
    let share = |front: u8, back: u8| {
        let sum = u16::from(front) * u16::from(quarters) + u16::from(back) * u16::from(4 - quarters);
        u8::try_from(sum / 4).unwrap_or(u8::MAX)
    };
    [0, 1, 2].map(|channel| share(front[channel], back[channel]))
}

fn eighths((column, row): (u32, u32), area: Area) -> Area {
    Area { x: column * EIGHTHS + area.x, y: row * EIGHTHS + area.y, ..area }
}

/// Joins neighbours to larger rectangles: to rows first, then rows of equal width downwards.
fn merged(mut areas: Vec<Area>) -> Vec<Area> {
    areas.sort_by_key(|area| (area.y, area.height, area.x));
    areas.dedup_by(|next, last| {
        let joins = (last.y, last.height) == (next.y, next.height) && last.x + last.width == next.x;
        last.width += if joins { next.width } else { 0 };
        joins
    });
    areas.sort_by_key(|area| (area.x, area.width, area.y));
    areas.dedup_by(|next, last| {
        let joins = (last.x, last.width) == (next.x, next.width) && last.y + last.height == next.y;
        last.height += if joins { next.height } else { 0 };
        joins
    });
    areas.sort_by_key(|area| (area.y, area.x, area.height));
    areas
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
