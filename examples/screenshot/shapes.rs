//! Characters that are drawn as rectangles and dots, so that a picture doesn't depend on the font.

/// A rectangle: place and size, in a unit that its user names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// What a character looks like within its cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Rectangles, in eighths of the cell's width and height, none of which overlap.
    Blocks(Vec<Area>),
    /// The whole cell, so many quarters of it in the foreground's colour.
    Shade(u8),
    /// Braille: bit 0 to 7 as in Unicode, dots 1 to 8.
    Dots(u8),
    /// Lines from the middle to the edges.
    Lines { arms: Arms, heavy: bool },
    /// An arc from one edge to another.
    Arc(Arms),
}

/// The edges of its cell that a line reaches: bits for up, right, down, left.
pub type Arms = u8;

pub const UP: Arms = 1;
pub const RIGHT: Arms = 2;
pub const DOWN: Arms = 4;
pub const LEFT: Arms = 8;

const ARMS: [Arms; 15] = [
    LEFT | RIGHT,
    UP | DOWN,
    RIGHT | DOWN,
    DOWN | LEFT,
    UP | RIGHT,
    UP | LEFT,
    UP | RIGHT | DOWN,
    UP | DOWN | LEFT,
    RIGHT | DOWN | LEFT,
    UP | RIGHT | LEFT,
    UP | RIGHT | DOWN | LEFT,
    LEFT,
    UP,
    RIGHT,
    DOWN,
];
/// Lines with the arms of the same place in `ARMS`.
const LIGHT: &str = "─│┌┐└┘├┤┬┴┼╴╵╶╷";
const HEAVY: &str = "━┃┏┓┗┛┣┫┳┻╋╸╹╺╻";

/// Filled quadrants of U+2596 to U+259F; bits for upper left, upper right, lower left, lower right.
const QUADRANTS: [u8; 10] = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14];

/// The shape of `character`, or nothing where it is left to the font.
pub fn shape(character: char) -> Option<Shape> {
    let code = u32::from(character);
    Some(match code {
        0x2580 => Shape::Blocks(vec![area(0, 0, 8, 4)]),
        0x2581..=0x2588 => Shape::Blocks(vec![area(0, 0x2588 - code, 8, code - 0x2580)]),
        0x2589..=0x258f => Shape::Blocks(vec![area(0, 0, 0x2590 - code, 8)]),
        0x2590 => Shape::Blocks(vec![area(4, 0, 4, 8)]),
        0x2591..=0x2593 => Shape::Shade(u8::try_from(code - 0x2590).ok()?),
        0x2594 => Shape::Blocks(vec![area(0, 0, 8, 1)]),
        0x2595 => Shape::Blocks(vec![area(7, 0, 1, 8)]),
        0x2596..=0x259f => Shape::Blocks(quadrants(*QUADRANTS.get(usize::try_from(code - 0x2596).ok()?)?)),
        0x2800..=0x28ff => Shape::Dots(u8::try_from(code - 0x2800).ok()?),
        _ => return line(character),
    })
}

/// The places of the dots of `bits`: column 0 or 1 and row 0 to 3.
pub fn dots(bits: u8) -> impl Iterator<Item = (u32, u32)> {
    const PLACES: [(u32, u32); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    PLACES.into_iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, place)| place)
}

fn line(character: char) -> Option<Shape> {
    let arms = |set: &str| ARMS.get(set.chars().position(|known| known == character)?).copied();
    let light = arms(LIGHT).map(|arms| Shape::Lines { arms, heavy: false });
    let heavy = || arms(HEAVY).map(|arms| Shape::Lines { arms, heavy: true });
    light.or_else(heavy).or(match character {
        '╭' => Some(Shape::Arc(RIGHT | DOWN)),
        '╮' => Some(Shape::Arc(DOWN | LEFT)),
        '╰' => Some(Shape::Arc(UP | RIGHT)),
        '╯' => Some(Shape::Arc(UP | LEFT)),
        _ => None,
    })
}

fn quadrants(bits: u8) -> Vec<Area> {
    let places = [(1, 0, 0), (2, 4, 0), (4, 0, 4), (8, 4, 4)];
    places.into_iter().filter(|(bit, ..)| bits & bit != 0).map(|(_, x, y)| area(x, y, 4, 4)).collect()
}

fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
    Area { x, y, width, height }
}
