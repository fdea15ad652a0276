//! Pneumonia as it shows: a focal opacity in one lobe, or a patchy, net-like one in both lungs.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::anatomy::Anatomy;
use super::texture::{cloud, net, noise, step};
use crate::dataset::patient::Kind;

/// What the illness adds to a patient's lungs.
#[derive(Debug, Clone, PartialEq)]
pub enum Opacity {
    Focal { spots: Vec<Spot>, texture: u32 },
    Diffuse { density: f32, patch: f32, texture: u32 },
}

/// One consolidation.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    center: [f32; 2],
    radius: [f32; 2],
    density: f32,
    /// Height above which a fissure bounds it sharply.
    fissure: Option<f32>,
}

impl Opacity {
    /// Focal for bacterial, diffuse for viral, none for normal.
    pub fn draw(kind: Kind, anatomy: &Anatomy, rng: &mut ChaCha8Rng) -> Option<Self> {
        match kind {
            Kind::Normal | Kind::Unknown => None,
            Kind::Bacterial => {
                let spots = if rng.random_bool(0.4) { 2 } else { 1 };
                let spots = (0..spots).map(|_| Spot::draw(anatomy, rng)).collect();
                Some(Self::Focal { spots, texture: rng.random() })
            }
            Kind::Viral => Some(Self::Diffuse {
                density: rng.random_range(0.75..1.0),
                patch: rng.random_range(0.22..0.36),
                texture: rng.random(),
            }),
        }
    }

    /// Added attenuation at a point of a fully air-filled lung, 0 to about 1.
    pub fn at(&self, anatomy: &Anatomy, x: f32, y: f32) -> f32 {
        let hilum = anatomy.hilum(x);
        let (dx, dy) = (x - hilum[0], y - hilum[1]);
        let distance = (dx * dx + dy * dy).sqrt();
        match self {
            Self::Focal { spots, texture } => {
                let added = spots.iter().map(|spot| spot.at(*texture, x, y)).fold(0.0, f32::max);
                if added == 0.0 {
                    return 0.0;
                }
                // Airways that stay open show as dark branches away from the hilum.
                let angle = dy.atan2(dx.abs()) + 0.12 * noise(texture ^ 0x55, 6.0 * x, 6.0 * y);
                let airways = net(texture ^ 0x77, 6.0 * angle, 2.5 * distance);
                added * (0.9 + 0.3 * noise(texture ^ 0x33, 10.0 * x, 10.0 * y) - 0.25 * airways)
            }
            Self::Diffuse { density, patch, texture } => {
                let patches = step(-0.35, 0.55, cloud(*texture, x / patch, y / patch));
                let lines = net(texture ^ 0x99, 12.0 * x, 12.0 * y);
                let central = 1.0 - 0.4 * step(0.25, 0.9, distance);
                density * central * (0.2 + 0.75 * patches + 0.24 * lines)
            }
        }
    }
}

impl Spot {
    fn draw(anatomy: &Anatomy, rng: &mut ChaCha8Rng) -> Self {
        let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        // Above the heart rather than beside it, where it would pass for a larger one, or in a mirrored picture for it.
        let y = anatomy.lung_height * rng.random_range(0.22..0.5);
        let x = side * anatomy.half_width(y) * rng.random_range(0.4..0.75);
        let radius = rng.random_range(0.30..0.46);
        Self {
            center: [x, y],
            radius: [radius * rng.random_range(0.85..1.15), radius * rng.random_range(0.85..1.2)],
            density: rng.random_range(0.8..1.05),
            fissure: rng.random_bool(0.35).then(|| y - radius * rng.random_range(0.1..0.5)),
        }
    }

    fn at(&self, texture: u32, x: f32, y: f32) -> f32 {
        let (dx, dy) = ((x - self.center[0]) / self.radius[0], (y - self.center[1]) / self.radius[1]);
        let square = dx * dx + dy * dy;
        if square > 2.5 {
            return 0.0;
        }
        let ragged = square.sqrt() + 0.3 * cloud(texture, 4.0 * x, 4.0 * y);
        let below = self.fissure.map_or(1.0, |fissure| step(-0.02, 0.03, y - fissure + 0.1 * (x - self.center[0])));
        self.density * below * (1.0 - step(0.6, 1.3, ragged))
    }
}
