//! What one cell shows: the symbol and the two colours that come nearest to its part of the picture.

use ratatui::style::Color;

use super::parts::{Parts, Sum};
use crate::app::scene::Cells;
use crate::ui::theme::{Rgb, Theme};

/// By the quarters that are filled: bits for upper left, upper right, lower left, lower right.
pub(super) const QUADRANTS: [char; 16] =
    [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];

/// A symbol with its colour and that of the cell around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub symbol: char,
    pub ink: Color,
    pub ground: Color,
}

/// A way to part the cell in two.
#[derive(Debug, Clone, Copy)]
struct Split {
    symbol: char,
    ink: Sum,
    ground: Sum,
}

/// What shows a cell best, by squared error in sRGB, never worse than its two halves; `None` where there are no
/// colours.
pub fn choose(parts: &Parts, cells: Cells, theme: Theme) -> Option<Shown> {
    let halves = half(parts);
    let (shown, error) = halves.shown(theme)?;
    let finer = match cells {
        Cells::Half => return Some(shown),
        Cells::Quadrants => quadrants(parts),
        Cells::Sextants => quadrants(parts).or(sextants(parts)),
    };
    // With few colours the finer of two splits may come out worse.
    let (finer, with_finer) = finer.shown(theme)?;
    Some(if with_finer < error { finer } else { shown })
}

/// The mean of a cell.
pub fn mean(parts: &Parts) -> Rgb {
    level(total(parts))
}

fn half(parts: &Parts) -> Split {
    let (ink, ground) = (total(&parts[..6]), total(&parts[6..]));
    Split { symbol: '▀', ink, ground }
}

fn quadrants(parts: &Parts) -> Split {
    let blocks = [0, 1, 6, 7].map(|at| total(&[parts[at], parts[at + 2], parts[at + 4]]));
    let (filled, ink, ground) = part(blocks);
    Split { symbol: QUADRANTS[filled], ink, ground }
}

fn sextants(parts: &Parts) -> Split {
    let blocks = [0, 1, 4, 5, 8, 9].map(|at| add(parts[at], parts[at + 2]));
    let (filled, ink, ground) = part(blocks);
    Split { symbol: sextant(filled), ink, ground }
}

/// By the sixths that are filled, bit 0 upper left, bit 1 upper right and so on down.
pub(super) fn sextant(filled: usize) -> char {
    const LEFT: usize = 0b01_01_01;
    const RIGHT: usize = 0b10_10_10;
    match filled {
        0 => ' ',
        LEFT => '▌',
        RIGHT => '▐',
        0b11_11_11.. => '█',
        // The block has all others in order.
        _ => {
            let before = 1 + usize::from(filled > LEFT) + usize::from(filled > RIGHT);
            u32::try_from(0x1_fb00 + filled - before).ok().and_then(char::from_u32).unwrap_or(' ')
        }
    }
}

/// Of all ways to part the blocks in two, the one with the least squared error: the blocks that are with the first one,
/// as bits, then what they and the others sum up to. At most six blocks.
fn part<const N: usize>(blocks: [Sum; N]) -> (usize, Sum, Sum) {
    // By the other blocks that are with the first one.
    let mut sums = [blocks[0]; 32];
    let all = total(&blocks);
    let (mut best, mut most) = (0, f32::MIN);
    for with in 0..(1 << (N - 1)) - 1 {
        if with > 0 {
            sums[with] = add(sums[with & (with - 1)], blocks[1 + with.trailing_zeros() as usize]);
        }
        let worth = worth(sums[with]) + worth(subtract(all, sums[with]));
        if worth > most {
            (best, most) = (with, worth);
        }
    }
    (1 | best << 1, sums[best], subtract(all, sums[best]))
}

/// By how much the squared error is less where these pixels have their mean than where they are black.
fn worth([r, g, b, pixels]: Sum) -> f32 {
    (r * r + g * g + b * b) / pixels
}

impl Split {
    fn worth(self) -> f32 {
        worth(self.ink) + worth(self.ground)
    }

    /// The better of two, this one where they are equal.
    fn or(self, other: Self) -> Self {
        if other.worth() > self.worth() { other } else { self }
    }

    /// In the terminal's colours, with the squared error over that of a black cell.
    fn shown(self, theme: Theme) -> Option<(Shown, f32)> {
        let (ink, ink_error) = shade(self.ink, theme)?;
        let (ground, ground_error) = shade(self.ground, theme)?;
        Some((Shown { symbol: self.symbol, ink, ground }, ink_error + ground_error))
    }
}

fn shade(sum: Sum, theme: Theme) -> Option<(Color, f32)> {
    let (colour, look) = theme.shade(level(sum))?;
    let pixels = sum[3];
    let channel = |(look, sum): (f32, f32)| look * (look * pixels - 2.0 * sum);
    Some((colour, look.map(f32::from).into_iter().zip(sum).map(channel).sum()))
}

/// The mean of some pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of levels is one")]
fn level([r, g, b, pixels]: Sum) -> Rgb {
    [r, g, b].map(|sum| (sum / pixels + 0.5) as u8)
}

fn total(sums: &[Sum]) -> Sum {
    sums.iter().fold([0.0; 4], |total, sum| add(total, *sum))
}

fn add(a: Sum, b: Sum) -> Sum {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
}

fn subtract(a: Sum, b: Sum) -> Sum {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]]
}
