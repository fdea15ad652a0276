//! How a picture is looked at once a network is trained: with which greys, and how often.

use super::augment::geometry;
use super::normalisation::Normalisation;
use super::{GreyImage, resize};
use crate::words::words;

words! {
    /// The looks at a picture whose logits are averaged.
    TestAugmentation {
        /// One, as it is.
        #[default] None = "none",
        /// That and its mirror image.
        Flip = "flip",
        /// Those two, and both closer up: the middle 90 % of each side.
        Views = "views",
    }
}

/// Share of each side that a closer look keeps.
const CLOSER: f64 = 0.9;

/// How a picture is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    pub normalisation: Normalisation,
    pub test_augmentation: TestAugmentation,
}

impl Look {
    /// The square pictures that a network answers for, given a `size` x `size` one: one or more of the same size.
    #[must_use]
    pub fn pictures(self, square: &[u8], size: usize) -> Vec<Vec<u8>> {
        let mut pictures = vec![square.to_vec()];
        if self.test_augmentation == TestAugmentation::Views {
            pictures.push(closer(square, size));
        }
        for picture in &mut pictures {
            self.normalisation.apply(picture, size);
        }
        if self.test_augmentation != TestAugmentation::None {
            let mut mirrored = pictures.clone();
            for picture in &mut mirrored {
                geometry::flip(picture, size);
            }
            pictures.extend(mirrored);
        }
        pictures
    }

    /// The same greys, in one look.
    #[must_use]
    pub const fn single(self) -> Self {
        Self { test_augmentation: TestAugmentation::None, ..self }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> usize {
        match self.test_augmentation {
            TestAugmentation::None => 1,
            TestAugmentation::Flip => 2,
            TestAugmentation::Views => 4,
        }
    }
}

fn closer(square: &[u8], size: usize) -> Vec<u8> {
    let picture = GreyImage { width: size, height: size, pixels: square.to_vec() };
    let edge = (1.0 - CLOSER) / 2.0;
    resize::part_to_square(&picture, [edge, edge, CLOSER, CLOSER], size).pixels
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_look_is_the_picture_itself() {
        let square: Vec<u8> = (0..64).collect();
        assert_eq!(Look::default().pictures(&square, 8), [square]);
    }

    #[test]
    fn the_second_look_is_mirrored() {
        let look = Look { test_augmentation: TestAugmentation::Flip, ..Look::default() };
        assert_eq!(look.pictures(&[1, 2, 3, 4], 2), [vec![1, 2, 3, 4], vec![2, 1, 4, 3]]);
    }

    proptest! {
        #[test]
        fn there_are_as_many_pictures_as_it_counts_all_of_the_same_size(size in 1_usize..40, way in 0_usize..3) {
            let test_augmentation: TestAugmentation = TestAugmentation::NAMES[way].parse().unwrap();
            let look = Look { normalisation: Normalisation::Stretch, test_augmentation };
            let pictures = look.pictures(&vec![7; size * size], size);
            prop_assert_eq!(pictures.len(), look.count());
            prop_assert!(pictures.iter().all(|picture| picture.len() == size * size));
        }
    }
}
