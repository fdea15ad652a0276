//! Random changes to training images, derived from (seed, epoch, sample) and from nothing else.

use serde::{Deserialize, Serialize};

/// Which random changes a training image gets. All off is the evaluation picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Augmentation {
    /// Mirror left and right with probability one half. It moves the heart to the other side.
    pub horizontal_flip: bool,
    /// Rotate by an angle drawn from plus or minus this many degrees; 0 is off.
    pub rotation_degrees: f32,
    /// Multiply by a factor drawn from 1 plus or minus this; 0 is off.
    pub brightness: f32,
    /// Blend with the mean grey by a factor drawn from 1 plus or minus this; 0 is off.
    pub contrast: f32,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { horizontal_flip: true, rotation_degrees: 10.0, brightness: 0.2, contrast: 0.2 }
    }
}
