//! What is unusual about a picture, so that an answer for it may mean less.

use std::fmt;

use super::neighbours::{Gallery, Neighbour};
use crate::dataset::format::Decoded;
use crate::dataset::{GreyImage, Split};

/// From here on a picture is far from all training images: of 100 validation images, 99 and more are nearer.
pub const REMOTE: f64 = 0.99;

/// The least short side in pixels: that of the public set's lowest picture (its sizes are 384 to 2916 by 127 to 2713 pixels;
/// Yang et al. 2023, "`MedMNIST` v2", of the source of its pneumonia set).
pub const SMALLEST: usize = 127;

/// Width for height where the training images tell nothing, as they are all of one shape or not known. A rule of thumb: plates
/// for chest X-rays are of 3:4 to 4:3, and pictures are cut down to the chest from there.
pub const ASPECTS: [f64; 2] = [0.5, 3.0];

/// One thing that is unusual. Its text is meant for the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    Coloured,
    /// Pixels, and what training images are wide for their height at least and at most.
    Aspect {
        width: usize,
        height: usize,
        usual: [f64; 2],
    },
    /// Pixels.
    Small {
        width: usize,
        height: usize,
    },
    /// As [`Gallery::remoteness`] has it.
    Remote {
        remoteness: f64,
    },
    /// The image of the data set that it is nearly the same as.
    Known(Neighbour),
}

/// What is unusual about a picture; without a gallery, what its pixels tell alone.
///
/// `features` are those of [`Explanation`](super::heat::Explanation). An image of the data set itself is [`Warning::Known`].
#[must_use]
pub fn warnings(decoded: &Decoded, features: &[f32], gallery: Option<&Gallery>) -> Vec<Warning> {
    let alone = [decoded.coloured.then_some(Warning::Coloured), aspect(&decoded.grey, gallery), size(&decoded.grey)];
    let beside =
        gallery.map(|gallery| [remote(gallery, features), gallery.nearly_the_same(features).map(Warning::Known)]);
    alone.into_iter().chain(beside.into_iter().flatten()).flatten().collect()
}

#[expect(clippy::cast_precision_loss, reason = "a picture's sides")]
fn aspect(picture: &GreyImage, gallery: Option<&Gallery>) -> Option<Warning> {
    let usual = gallery.and_then(Gallery::aspects).unwrap_or(ASPECTS);
    let aspect = picture.width as f64 / picture.height.max(1) as f64;
    let &GreyImage { width, height, .. } = picture;
    (!(usual[0]..=usual[1]).contains(&aspect)).then_some(Warning::Aspect { width, height, usual })
}

fn size(picture: &GreyImage) -> Option<Warning> {
    let &GreyImage { width, height, .. } = picture;
    (width.min(height) < SMALLEST).then_some(Warning::Small { width, height })
}

fn remote(gallery: &Gallery, features: &[f32]) -> Option<Warning> {
    let remoteness = gallery.remoteness(features)?;
    (remoteness >= REMOTE).then_some(Warning::Remote { remoteness })
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coloured => f.write_str("in colour: X-rays are grey, and the network has seen grey ones alone"),
            Self::Aspect { width, height, usual: [least, most] } => write!(
                f,
                "of an unusual shape: {width} x {height} pixels, where X-rays are {least:.2} to {most:.2} times as wide as \
                 high; squeezed into a square it looks unlike them"
            ),
            Self::Small { width, height } => {
                write!(f, "very small: {width} x {height} pixels do not show what a network learns from larger X-rays")
            }
            Self::Remote { remoteness } => write!(
                f,
                "unlike the training images: {:.0} % of the validation images are nearer to one, so the network answers for \
                 something that it has hardly learnt",
                (100.0 * remoteness).floor()
            ),
            Self::Known(Neighbour { file, split, .. }) => {
                write!(f, "nearly the same as {file}, {}", known_words(*split))
            }
        }
    }
}

/// What it means that the answer is for an image of this split.
const fn known_words(split: Split) -> &'static str {
    match split {
        Split::Train => "a training image: the network has been told the answer",
        Split::Validation => "a validation image: the best epoch was chosen by it",
        Split::Test => "a test image: it is no further proof beside the test",
    }
}

#[cfg(test)]
mod tests;
