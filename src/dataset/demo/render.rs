//! How much each ray is weakened on its way through the chest, organ by organ.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel positions"
)]

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::anatomy::{Anatomy, RIBS};
use super::opacity::Opacity;
use super::texture::{cloud, ellipse, noise, step};

/// Rays are traced for every second pixel: film is never sharper, and it takes a quarter of the time.
pub const STRIDE: usize = 2;

/// How one picture of a patient was taken. Drawn in the same way for both classes, so that neither size nor exposure
/// tells them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Pixels.
    pub width: usize,
    pub height: usize,
    /// Half chest widths per pixel.
    scale: f32,
    /// Sine and cosine of the rotation.
    turn: [f32; 2],
    /// What the picture's centre shows, in half chest widths.
    center: [f32; 2],
    /// Hardness of the film.
    pub gamma: f32,
    /// Mean and standard deviation of the grey values, of 0 to 1.
    pub mean: f32,
    pub deviation: f32,
    /// Standard deviation of the film's grain, of 0 to 1.
    pub grain: f32,
    /// Whether an R marks the right side.
    pub side_marked: bool,
}

/// Attenuation (optical depth, 0 for air) at every second pixel, row by row, one more than needed to the right and below.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub width: usize,
    pub values: Vec<f32>,
}

impl View {
    /// Draws size, position and exposure for a chest of `lung_height`.
    pub fn draw(lung_height: f32, rng: &mut ChaCha8Rng) -> Self {
        let width = rng.random_range(300..=520_usize);
        let height = (width as f32 / rng.random_range(0.95..1.35)) as usize;
        let fits = (2.35 / width as f32).max((lung_height + 0.55) / height as f32);
        Self {
            width,
            height,
            scale: fits * rng.random_range(0.94..1.12),
            turn: rng.random_range(-0.09_f32..0.09).sin_cos().into(),
            center: [rng.random_range(-0.08..0.08), 0.5 * lung_height + rng.random_range(-0.08..0.08)],
            gamma: rng.random_range(0.8..1.3),
            mean: rng.random_range(0.36..0.58),
            deviation: rng.random_range(0.17..0.25),
            grain: rng.random_range(0.008..0.025),
            side_marked: rng.random_bool(0.6),
        }
    }

    /// The point of the body that a pixel shows.
    pub fn body(&self, column: usize, row: usize) -> [f32; 2] {
        let x = (column as f32 - 0.5 * self.width as f32) * self.scale;
        let y = (row as f32 - 0.5 * self.height as f32) * self.scale;
        let [sine, cosine] = self.turn;
        [self.center[0] + cosine * x - sine * y, self.center[1] + sine * x + cosine * y]
    }
}

/// Traces the rays of a picture; without `opacity` through the same patient in health.
pub fn attenuation(anatomy: &Anatomy, opacity: Option<&Opacity>, view: &View) -> Field {
    let (width, height) = (view.width / STRIDE + 2, view.height / STRIDE + 2);
    let values = (0..width * height).map(|at| {
        let [x, y] = view.body(STRIDE * (at % width), STRIDE * (at / width));
        let x = x - anatomy.midline(y);
        let lung = anatomy.lung(x, y);
        let ill = if lung > 0.0 { opacity.map_or(0.0, |opacity| opacity.at(anatomy, x, y)) } else { 0.0 };
        (tissue(anatomy, x, y) + lungs(anatomy, [x, y], lung, ill) + bones(anatomy, x, y)).max(0.0)
    });
    Field { width, values: values.collect() }
}

/// Skin, fat and muscle of trunk, neck and arms, and the organs below the diaphragm.
fn tissue(anatomy: &Anatomy, x: f32, y: f32) -> f32 {
    let side = x.abs();
    let shoulders = step(-0.42, 0.12, y);
    let half = anatomy.neck + (anatomy.trunk - anatomy.neck) * shoulders;
    let trunk = 0.85 * round(side / half);
    let arm_at = anatomy.arms + 0.14 * y;
    let arms = 0.6 * round((side - arm_at) / 0.2) * step(-0.15, 0.1, y);
    let shoulder = 0.7 * ellipse([side - 1.05, y - 0.16], [0.52, 0.4], 0.35);
    let windpipe = -0.16 * (1.0 - step(0.03, 0.075, side)) * (1.0 - step(0.2, 0.32, y / anatomy.lung_height));
    let belly = step(-0.02, 0.05, y - anatomy.diaphragm(x)) * round(side / 1.04);
    let gas = ellipse([x - anatomy.stomach.0[0], y - anatomy.stomach.0[1]], anatomy.stomach.1, 0.4);
    let uneven = 0.05 * cloud(anatomy.texture, 2.0 * x, 2.0 * y);
    let body = trunk.max(arms).max(shoulder);
    body * (1.0 + uneven) + windpipe + belly * (0.62 - 0.4 * gas)
}

/// Thickness of a round body at a share of its radius, 0 outside.
fn round(share: f32) -> f32 {
    let square = share * share;
    (1.0 - square * square).max(0.0).sqrt()
}

/// The air of the lungs, which weakens less than tissue; their vessels, the heart before them, and the illness.
fn lungs(anatomy: &Anatomy, [x, y]: [f32; 2], lung: f32, ill: f32) -> f32 {
    let heart = anatomy.heart(x, y);
    let shadow = 0.42 * heart;
    if lung == 0.0 {
        return shadow;
    }
    let depth = 0.62 + 0.06 * cloud(anatomy.texture ^ 0x11, 3.0 * x, 3.0 * y);
    let air = lung * depth * (1.0 - 0.55 * heart);
    shadow - air + lung * (vessels(anatomy, x, y) + 0.66 * ill * (1.0 - 0.5 * heart))
}

/// Vessels that branch from the hilum and fade towards the side.
fn vessels(anatomy: &Anatomy, x: f32, y: f32) -> f32 {
    let hilum = anatomy.hilum(x);
    let (dx, dy) = (x - hilum[0], y - hilum[1]);
    let distance = (dx * dx + dy * dy).sqrt();
    // Wavy, for vessels don't run straight.
    let angle = dy.atan2(dx.abs()) + 0.12 * noise(anatomy.texture ^ 0x44, 6.0 * x, 6.0 * y);
    let branches = 1.0 - step(0.0, 0.35, noise(anatomy.texture ^ 0x22, 6.0 * angle, 3.0 * distance).abs());
    let root = 0.16 * (1.0 - step(0.02, 0.26, distance));
    root + 0.10 * branches * (1.0 - step(0.1, 0.75, distance))
}

fn bones(anatomy: &Anatomy, x: f32, y: f32) -> f32 {
    spine(anatomy, x, y) + ribs(anatomy, x, y) + shoulder_bones(anatomy, x.abs(), y)
}

/// Vertebrae with their discs, and two pedicles on each.
fn spine(anatomy: &Anatomy, x: f32, y: f32) -> f32 {
    let side = x.abs();
    if side > 0.16 {
        return 0.0;
    }
    let pitch = 0.92 * anatomy.rib_pitch;
    let within = y / pitch - (y / pitch).round();
    let body = 1.0 - 0.3 * step(0.34, 0.44, within.abs());
    let pedicle = 0.25 * ellipse([side - 0.075, within * pitch], [0.028, 0.04], 0.4);
    let process = 0.15 * ellipse([side, (within - 0.2) * pitch], [0.02, 0.05], 0.5);
    anatomy.spine_density * (1.0 - step(0.09, 0.16, side)) * (body + pedicle + process)
}

/// The ribs' rear parts, which fall from the spine to the side, and their fainter front parts, which fall back inwards.
fn ribs(anatomy: &Anatomy, x: f32, y: f32) -> f32 {
    let across = x.abs() / anatomy.half_width(y + 0.06).max(0.3);
    if across > 1.08 {
        return 0.0;
    }
    let rear = anatomy.rib_fall * across * across - 0.35 * across;
    let front = anatomy.rib_fall - 0.35 + 2.6 * (1.0 - across);
    let edge_on = 1.0 + 0.7 * step(0.8, 1.0, across);
    let fade = 1.0 - step(1.0, 1.07, across);
    let rear = rib(anatomy, y, rear) * step(0.08, 0.16, x.abs());
    let front = 0.45 * rib(anatomy, y, front) * step(0.35, 0.6, across);
    let wall = 0.35 * band(across - 1.0, 0.06);
    anatomy.rib_density * (edge_on * fade * (rear + front) + wall) * step(0.0, 0.15, y)
}

/// Thickness of the rib that passes nearest, where ribs have fallen by `fallen` pitches: more at its rims, as bone has.
fn rib(anatomy: &Anatomy, y: f32, fallen: f32) -> f32 {
    let at = y / anatomy.rib_pitch - fallen - 0.2;
    let number = at.round();
    if !(0.0..RIBS as f32).contains(&number) {
        return 0.0;
    }
    let off = (at - number - anatomy.rib_offsets[number as usize]).abs() * anatomy.rib_pitch / anatomy.rib_width;
    (0.7 + 0.3 * (off * off).min(1.0)) * (1.0 - step(0.8, 1.15, off))
}

/// Clavicles, shoulder blades and the heads of the arms' bones.
fn shoulder_bones(anatomy: &Anatomy, side: f32, y: f32) -> f32 {
    let [height, rise] = anatomy.clavicle;
    let bow = 0.05 * (5.0 * side).sin();
    let clavicle =
        band(y - (height - rise * side + bow), 0.042) * step(0.1, 0.15, side) * (1.0 - step(1.05, 1.15, side));
    let blade = step(0.84, 0.9, side - 0.1 * (y - 0.4)) * (1.0 - step(1.05, 1.15, side + 0.35 * y));
    let blade = blade * step(0.0, 0.1, y) * (1.0 - step(0.5, 0.75, y));
    let arm_at = anatomy.arms + 0.14 * y;
    let head = ellipse([side - (anatomy.arms - 0.12), y - 0.02], [0.15, 0.14], 0.3);
    let shaft = band(side - arm_at, 0.07) * step(0.0, 0.1, y);
    0.24 * clavicle + 0.10 * blade + 0.2 * head.max(shaft)
}

/// 1 within `half` of a line, 0 beyond, soft in between.
fn band(off: f32, half: f32) -> f32 {
    1.0 - step(0.75 * half, 1.2 * half, off.abs())
}
