//! A patient's chest as a few numbers, and the outlines that follow from them.
//!
//! Lengths are in half chest widths; x runs from the spine to the right of the picture, which is the patient's left,
//! and y down from the tips of the lungs.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::texture::{ellipse, step};

/// Ribs that are drawn on each side.
pub const RIBS: usize = 11;

/// What differs between patients and is the same in all pictures of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Anatomy {
    /// From the lungs' tips to their lowest corner.
    pub lung_height: f32,
    /// How strongly the spine is bent sideways.
    pub spine_bend: f32,
    pub spine_density: f32,
    /// Between two ribs.
    pub rib_pitch: f32,
    pub rib_width: f32,
    pub rib_density: f32,
    /// How many pitches a rib falls between spine and side.
    pub rib_fall: f32,
    /// Irregular heights of the ribs, in pitches.
    pub rib_offsets: [f32; RIBS],
    pub heart_center: [f32; 2],
    pub heart_radius: [f32; 2],
    /// How far the diaphragm's domes rise above the lungs' lowest corner, left and right in the picture.
    pub dome_rise: [f32; 2],
    /// Height of the clavicles at the breastbone, and how far they rise towards the shoulders.
    pub clavicle: [f32; 2],
    /// Half the width of the trunk, and of the neck.
    pub trunk: f32,
    pub neck: f32,
    /// Distance of the arms from the spine.
    pub arms: f32,
    /// Air in the stomach: centre and radii.
    pub stomach: ([f32; 2], [f32; 2]),
    /// What the vessels' and tissues' noise is seeded with.
    pub texture: u32,
}

impl Anatomy {
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut between = |from: f32, to: f32| rng.random_range(from..to);
        let lung_height = between(1.4, 1.85);
        let heart = between(0.36, 0.48);
        Self {
            lung_height,
            spine_bend: between(-0.05, 0.05),
            spine_density: between(0.28, 0.46),
            rib_pitch: lung_height / between(7.4, 8.8),
            rib_width: between(0.038, 0.052),
            rib_density: between(0.13, 0.24),
            rib_fall: between(1.5, 2.4),
            rib_offsets: std::array::from_fn(|_| between(-0.06, 0.06)),
            heart_center: [between(0.16, 0.26), lung_height * between(0.66, 0.72)],
            heart_radius: [heart, heart * between(1.0, 1.25)],
            dome_rise: [between(0.32, 0.44), between(0.24, 0.36)],
            clavicle: [between(0.14, 0.24), between(0.12, 0.30)],
            trunk: between(1.14, 1.30),
            neck: between(0.34, 0.46),
            arms: between(1.42, 1.62),
            stomach: (
                [between(0.35, 0.6), lung_height + between(0.0, 0.15)],
                [between(0.1, 0.24), between(0.06, 0.14)],
            ),
            texture: rng.random(),
        }
    }

    /// Where the spine is at height `y`.
    pub fn midline(&self, y: f32) -> f32 {
        let along = y / self.lung_height - 0.5;
        self.spine_bend * (1.0 - 4.0 * along * along)
    }

    /// Half the inner width of the rib cage.
    pub fn half_width(&self, y: f32) -> f32 {
        let above = (1.0 - y / self.lung_height).clamp(0.0, 1.0);
        let round = 1.0 - above * above * above;
        round.sqrt() * (1.0 - 0.15 * above)
    }

    /// Height of the diaphragm. The dome in the picture's left, over the liver, is the higher one.
    pub fn diaphragm(&self, x: f32) -> f32 {
        let [left, right] = self.dome_rise;
        let rise = left + (right - left) * step(-0.3, 0.3, x);
        let from_top = x.abs() - 0.4;
        let fall = if from_top > 0.0 { from_top / 0.6 } else { from_top / 1.1 };
        self.lung_height - rise * (1.0 - fall * fall)
    }

    /// 1 where the lungs are, 0 elsewhere, with soft borders; the heart lies before and hides a part of it.
    pub fn lung(&self, x: f32, y: f32) -> f32 {
        let side = x.abs();
        let lateral = self.half_width(y) - side;
        if y < 0.0 || lateral < 0.0 {
            return 0.0;
        }
        let tip = (1.0 - 7.0 * y / self.lung_height).max(0.0);
        let medial = side - (0.15 + 0.10 * tip * tip);
        step(0.0, 0.08, lateral) * step(-0.03, 0.05, medial) * step(0.0, 0.05, self.diaphragm(x) - y)
    }

    /// Thickness of heart and great vessels, 0 to 1.
    pub fn heart(&self, x: f32, y: f32) -> f32 {
        let [center_x, center_y] = self.heart_center;
        let (dx, dy) = (x - center_x, y - center_y);
        // The long axis points to the lower right, at about 40 degrees.
        let turned = [0.77 * dx + 0.64 * dy, 0.77 * dy - 0.64 * dx];
        let [long, short] = self.heart_radius;
        let ventricles = ellipse(turned, [1.12 * long.max(short), 0.9 * long.min(short)], 0.14);
        let atrium = 0.8 * ellipse([x + 0.06, y - center_y - 0.02], [0.26, 0.36], 0.2);
        let arch = 0.6 * ellipse([x - 0.14, y - 0.27 * self.lung_height], [0.13, 0.14], 0.35);
        let vessels = 0.7 * (1.0 - step(0.10, 0.26, (x - 0.02).abs())) * step(-0.1, 0.3, y);
        ventricles.max(atrium).max(arch).max(vessels)
    }

    /// Where the vessels enter the lung at the side of `x`.
    pub fn hilum(&self, x: f32) -> [f32; 2] {
        [0.24_f32.copysign(x), 0.46 * self.lung_height]
    }
}
