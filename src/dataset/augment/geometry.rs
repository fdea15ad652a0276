//! Changes of where a picture's pixels lie.

/// Mirrors a picture of rows of `size` pixels left and right.
pub fn flip(picture: &mut [u8], size: usize) {
    picture.chunks_exact_mut(size.max(1)).for_each(<[u8]>::reverse);
}

/// A `size` x `size` picture turned around its centre by `degrees` counter-clockwise, then moved by so many pixels to the
/// right and down, as torchvision's `affine`. All at once, so that pixels are blended but once.
///
/// Each pixel takes what lay at its centre before; outside is black, and so the picture's edge fades into it.
#[allow(clippy::cast_precision_loss, reason = "sides of a few hundred pixels")]
pub fn turned_and_moved(picture: &[u8], size: usize, (degrees, [right, down]): (f32, [f32; 2])) -> Vec<f32> {
    if degrees == 0.0 && right == 0.0 && down == 0.0 {
        return picture.iter().copied().map(f32::from).collect();
    }
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = (size as f32 - 1.0) / 2.0;
    let from_middle = |at: usize| at as f32 - middle;
    let turned = |x: f32, y: f32| (middle + cos * x - sin * y, middle + sin * x + cos * y);
    let places = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    places.map(|(x, y)| sample(picture, size, turned(from_middle(x) - right, from_middle(y) - down))).collect()
}

/// The value between the four pixels around (x, y).
fn sample(picture: &[u8], size: usize, (x, y): (f32, f32)) -> f32 {
    let (left, top) = (floor(x), floor(y));
    let (right_share, bottom_share) = (x - left, y - top);
    let [upper, lower] = around(picture, size, (left, top));
    let row = |[left, right]: [f32; 2]| left * (1.0 - right_share) + right * right_share;
    row(upper) * (1.0 - bottom_share) + row(lower) * bottom_share
}

/// `f32::floor` of a number of few digits: processors without SSE 4.1 have no instruction for it, and calls would take most
/// of the time.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a place in or near a picture")]
fn floor(value: f32) -> f32 {
    let whole = value as i32 as f32;
    if whole > value { whole - 1.0 } else { whole }
}

/// The pixels at (left, top), to the right of it and below the two.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
fn around(picture: &[u8], size: usize, (left, top): (f32, f32)) -> [[f32; 2]; 2] {
    let last = size as f32 - 1.0;
    if left >= 0.0 && top >= 0.0 && left < last && top < last {
        let first = top as usize * size + left as usize;
        if let (Some(upper), Some(lower)) = (pair(picture, first), pair(picture, first + size)) {
            return [*upper, *lower].map(|row| row.map(f32::from));
        }
    }
    [top, top + 1.0].map(|y| [left, left + 1.0].map(|x| pixel(picture, size, (x, y))))
}

/// Two neighbours.
fn pair(picture: &[u8], first: usize) -> Option<&[u8; 2]> {
    picture.get(first..)?.first_chunk()
}

/// One that may lie outside.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
fn pixel(picture: &[u8], size: usize, (x, y): (f32, f32)) -> f32 {
    let inside = x >= 0.0 && y >= 0.0 && x < size as f32 && y < size as f32;
    let index = if inside { y as usize * size + x as usize } else { picture.len() };
    picture.get(index).copied().map_or(0.0, f32::from)
}
