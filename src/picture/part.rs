//! Which part of a picture is shown.

use crate::dataset::GreyImage;

/// The largest magnification.
const MOST: f64 = 32.0;
/// Pixels of a side that are shown at the least, so that there is something to see.
const FEWEST: usize = 8;

/// A part of a picture, of the picture's own shape, that lies within it; the same for a picture of any size.
///
/// Every function here keeps it so: what would lead out of the picture ends at its edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    zoom: f64,
    centre: (f64, f64),
}

/// Whole pixels of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelRect {
    /// Columns to the left of it.
    pub x: usize,
    /// Rows above it.
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

impl Default for Part {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Part {
    /// All of the picture.
    pub const WHOLE: Self = Self { zoom: 1.0, centre: (0.5, 0.5) };

    /// The part that is nearest to the one asked for: `zoom` 1 to 32, `centre` in 0 to 1 of the width and of the height.
    #[must_use]
    pub fn new(zoom: f64, centre: (f64, f64)) -> Self {
        let zoom = within(zoom, 1.0, MOST);
        let half = 0.5 / zoom;
        let place = |share| within(share, half, 1.0 - half);
        Self { zoom, centre: (place(centre.0), place(centre.1)) }
    }

    /// How many times larger than in the whole picture a thing is shown, 1 to 32.
    pub const fn zoom(self) -> f64 {
        self.zoom
    }

    /// Its middle, in 0 to 1 of the picture's width and of its height.
    pub const fn centre(self) -> (f64, f64) {
        self.centre
    }

    /// Whether all of the picture is shown, up to what is lost in reckoning when one zooms in and out again.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.zoom < 1.0 + 1e-9
    }

    /// The point of the picture, in 0 to 1 of its width and height, that is shown at `at`, in 0 to 1 of this part's.
    #[must_use]
    pub fn point(self, at: (f64, f64)) -> (f64, f64) {
        let place = |centre: f64, at: f64| centre + (at - 0.5) / self.zoom;
        (place(self.centre.0, at.0), place(self.centre.1, at.1))
    }

    /// Magnified `factor` times (below 1: made smaller), while the point that is shown at `at`, in 0 to 1 of what is shown,
    /// stays where it is. It moves only where the part would leave the picture otherwise.
    #[must_use]
    pub fn zoomed(self, factor: f64, at: (f64, f64)) -> Self {
        let zoom = within(self.zoom * factor, 1.0, MOST);
        let point = self.point(at);
        Self::new(zoom, (point.0 - (at.0 - 0.5) / zoom, point.1 - (at.1 - 0.5) / zoom))
    }

    /// Moved to the right and down, in shares of what is shown: 1 is a full page.
    #[must_use]
    pub fn panned(self, dx: f64, dy: f64) -> Self {
        Self::new(self.zoom, (self.centre.0 + dx / self.zoom, self.centre.1 + dy / self.zoom))
    }

    /// The pixels of a picture of this size that are shown: at least 8 a side, or all there are.
    #[must_use]
    pub fn rect(self, width: usize, height: usize) -> PixelRect {
        let (x, across) = self.pixels(self.centre.0, width);
        let (y, down) = self.pixels(self.centre.1, height);
        PixelRect { x, y, width: across, height: down }
    }

    /// First and number of the pixels of a side that are shown.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "neither negative nor above the side")]
    #[expect(clippy::cast_precision_loss, reason = "sides stay far below 2^52 pixels")]
    fn pixels(self, centre: f64, side: usize) -> (usize, usize) {
        let count = ((side as f64 / self.zoom).round() as usize).clamp(FEWEST.min(side), side);
        let first = (centre * side as f64 - count as f64 / 2.0).round().max(0.0);
        ((first as usize).min(side - count), count)
    }

    /// The part of `image` that is shown: the pixels of [`Part::rect`].
    #[must_use]
    pub fn cut(self, image: &GreyImage) -> GreyImage {
        let PixelRect { x, y, width, height } = self.rect(image.width, image.height);
        let mut pixels = Vec::with_capacity(width * height);
        let rows = image.pixels.chunks_exact(image.width.max(1)).skip(y).take(height);
        rows.for_each(|row| pixels.extend_from_slice(&row[x..x + width]));
        GreyImage { width, height, pixels }
    }
}

/// `value`, or the bound that it is beyond; the lower one for what is no number.
fn within(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() { low } else { value.clamp(low, high) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::synthetic;
    use super::*;

    const NEAR: f64 = 1e-9;

    fn part() -> impl Strategy<Value = Part> {
        (1.0..=32.0, (0.0..=1.0, 0.0..=1.0)).prop_map(|(zoom, centre)| Part::new(zoom, centre))
    }

    fn place() -> impl Strategy<Value = (f64, f64)> {
        (0.0..=1.0, 0.0..=1.0)
    }

    fn near(a: (f64, f64), b: (f64, f64)) -> bool {
        (a.0 - b.0).abs() < NEAR && (a.1 - b.1).abs() < NEAR
    }

    fn inside(part: Part) -> bool {
        let fine = |(x, y): (f64, f64)| [x, y].iter().all(|share| (-NEAR..=1.0 + NEAR).contains(share));
        (1.0..=MOST).contains(&part.zoom) && fine(part.point((0.0, 0.0))) && fine(part.point((1.0, 1.0)))
    }

    #[test]
    fn all_of_a_picture_is_shown_at_first() {
        let image = synthetic::picture("noise", 31, 17);
        assert!(Part::default().is_whole());
        assert_eq!(Part::default().cut(&image), image);
    }

    #[test]
    fn a_quarter_is_cut_by_whole_pixels() {
        let image = synthetic::picture("noise", 40, 20);
        let part = Part::new(2.0, (1.0, 0.5));
        assert_eq!(part.rect(40, 20), PixelRect { x: 20, y: 5, width: 20, height: 10 });
        let cut = part.cut(&image);
        assert_eq!((cut.width, cut.height, cut.pixels.len()), (20, 10, 200));
        assert_eq!((cut.pixels[0], cut.pixels[199]), (image.pixels[5 * 40 + 20], image.pixels[14 * 40 + 39]));
    }

    #[test]
    fn eight_pixels_a_side_remain_or_all_there_are() {
        let part = Part::new(32.0, (0.5, 0.5));
        assert_eq!(part.rect(100, 5), PixelRect { x: 46, y: 0, width: 8, height: 5 });
        assert_eq!(part.rect(0, 0), PixelRect { x: 0, y: 0, width: 0, height: 0 });
    }

    #[test]
    fn what_is_no_number_does_no_harm() {
        let nan = (f64::NAN, f64::NAN);
        assert!(
            inside(Part::new(f64::NAN, nan)) && inside(Part::new(9.0, nan).zoomed(f64::NAN, nan).panned(nan.0, 0.0))
        );
        assert!(inside(Part::WHOLE.zoomed(f64::INFINITY, (0.0, 1.0))));
    }

    proptest! {
        #[test]
        fn no_way_leads_out_of_the_picture(
            ways in prop::collection::vec((0.01..100.0, place(), (-3.0..3.0, -3.0..3.0)), 1..20),
            size in (1..300_usize, 1..300_usize),
        ) {
            let mut part = Part::WHOLE;
            for (factor, at, (dx, dy)) in ways {
                part = part.zoomed(factor, at).panned(dx, dy);
                prop_assert!(inside(part), "{:?}", part);
                let rect = part.rect(size.0, size.1);
                prop_assert!(rect.x + rect.width <= size.0 && rect.y + rect.height <= size.1);
                prop_assert!(rect.width >= size.0.min(8) && rect.height >= size.1.min(8));
            }
        }

        #[test]
        fn the_point_under_the_cursor_stays(part in part(), factor in 1.0..40.0, at in place()) {
            prop_assert!(near(part.zoomed(factor, at).point(at), part.point(at)));
        }

        #[test]
        fn zooming_in_and_out_at_a_point_returns(part in part(), share in 0.0..0.999, at in place()) {
            let factor = (MOST / part.zoom).powf(share);
            let back = part.zoomed(factor, at).zoomed(1.0 / factor, at);
            prop_assert!(near(back.centre, part.centre) && (back.zoom - part.zoom).abs() < NEAR);
            prop_assert_eq!(back.is_whole(), part.is_whole());
        }

        #[test]
        fn panning_there_and_back_returns_where_no_edge_was_met(part in part(), dx in -1.0..1.0, dy in -1.0..1.0) {
            let there = part.panned(dx, dy);
            let free = near((part.centre.0 + dx / part.zoom, part.centre.1 + dy / part.zoom), there.centre);
            prop_assert!(!free || near(there.panned(-dx, -dy).centre, part.centre));
        }
    }
}
