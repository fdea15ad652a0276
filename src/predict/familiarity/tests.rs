//! Each warning where it is due, and none for a picture like those of the data set.

use super::*;
use crate::dataset::Class;
use crate::predict::neighbours::tests::{gallery, rows};

fn decoded(width: usize, height: usize) -> Decoded {
    let grey = GreyImage { width, height, pixels: vec![90; width * height] };
    Decoded { grey, channels: "grey".into(), coloured: false }
}

#[test]
fn a_picture_like_the_training_images_has_no_warning() {
    let gallery = gallery();
    assert_eq!(warnings(&decoded(1200, 900), &rows(61)[60], Some(&gallery)), []);
}

#[test]
fn colour_shape_and_size_are_seen_without_a_gallery() {
    let small = warnings(&Decoded { coloured: true, ..decoded(400, 100) }, &[], None);
    let aspect = Warning::Aspect { width: 400, height: 100, usual: ASPECTS };
    assert_eq!(small, [Warning::Coloured, aspect, Warning::Small { width: 400, height: 100 }]);
    assert_eq!(warnings(&decoded(127, 254), &[], None), []);
    assert_eq!(warnings(&decoded(126, 126), &[], None), [Warning::Small { width: 126, height: 126 }]);
}

#[test]
fn the_shape_is_judged_by_the_training_images_where_they_differ() {
    let gallery = gallery();
    assert_eq!(gallery.aspects(), Some([1.0, 1.5]));
    let shapes = |width| {
        let found = warnings(&decoded(width, 1000), &gallery.features_of(3), Some(&gallery));
        found.contains(&Warning::Aspect { width, height: 1000, usual: [1.0, 1.5] })
    };
    assert_eq!([999, 1000, 1500, 1501].map(shapes), [true, false, false, true]);
}

#[test]
fn what_no_training_image_is_near_to_and_what_one_is_the_same_as_is_told() {
    let gallery = gallery();
    let strange: Vec<f32> = (0..512_u16).map(|at| f32::from(at / 511 * 9)).collect();
    let found = warnings(&decoded(1200, 900), &strange, Some(&gallery));
    assert_eq!(found, [Warning::Remote { remoteness: 1.0 }]);
    let found = warnings(&decoded(1200, 900), &gallery.features_of(3), Some(&gallery));
    let [Warning::Known(neighbour)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((neighbour.file.as_str(), neighbour.split), (gallery.listed()[3].file.as_str(), Split::Train));
}

#[test]
fn warnings_say_what_it_is_and_why_it_matters() {
    let known = |split| {
        Warning::Known(Neighbour { index: 0, file: "a.png".into(), split, truth: Class::Normal, distance: 0.0 })
    };
    let all = [
        (Warning::Coloured, "in colour: X-rays are grey, and the network has seen grey ones alone"),
        (
            Warning::Aspect { width: 900, height: 100, usual: [0.8, 3.25] },
            "of an unusual shape: 900 x 100 pixels, where X-rays are 0.80 to 3.25 times as wide as high; squeezed into a \
             square it looks unlike them",
        ),
        (
            Warning::Small { width: 50, height: 60 },
            "very small: 50 x 60 pixels do not show what a network learns from larger X-rays",
        ),
        (
            Warning::Remote { remoteness: 0.995 },
            "unlike the training images: 99 % of the validation images are nearer to one, so the network answers for \
             something that it has hardly learnt",
        ),
        (known(Split::Train), "nearly the same as a.png, a training image: the network has been told the answer"),
        (known(Split::Validation), "nearly the same as a.png, a validation image: the best epoch was chosen by it"),
        (known(Split::Test), "nearly the same as a.png, a test image: it is no further proof beside the test"),
    ];
    for (warning, words) in all {
        assert_eq!(warning.to_string(), words);
    }
}
