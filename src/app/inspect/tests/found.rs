//! Which images of the list are shown, and in what order.

use proptest::prelude::*;

use super::HALF;
use crate::app::inspect::case::Case;
use crate::app::inspect::filter::Filter;
use crate::app::inspect::order::Order;
use crate::app::sample;
use crate::dataset::Class;
use crate::metrics::Threshold;
use crate::store::ImageMark;

/// Numbers of the sample's five images that match: right, wrong, right, wrong, not answered.
fn found(text: &str) -> Vec<usize> {
    let filter = Filter::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
    let cases = marked();
    (0..cases.len()).filter(|at| filter.matches(&cases[*at], HALF)).collect()
}

/// The first a favourite, the second with a wrong label and a note; another run calls the third NORMAL.
pub fn marked() -> Vec<Case> {
    let mut cases = sample::cases();
    cases[0].mark.favourite = true;
    cases[1].mark = ImageMark { wrong_label: true, note: Some("Looks Ill".into()), ..ImageMark::default() };
    cases[2].other = Some([0.3, -0.3]);
    cases[3].other = Some([0.9, 0.1]);
    cases
}

#[test]
fn images_are_found_by_what_they_are_and_what_was_said_of_them() {
    for (text, expected) in [
        ("", &[0, 1, 2, 3, 4][..]),
        ("wrong", &[1, 3]),
        ("right", &[0, 2]),
        ("!right", &[1, 3, 4]),
        ("fp", &[1]),
        ("fn", &[3]),
        ("tn", &[0]),
        ("tp", &[2]),
        ("kind:viral", &[2]),
        ("kind:bact", &[3, 4]),
        ("patient=person80", &[3]),
        ("patient:IM-0", &[0, 1]),
        ("truth:normal", &[0, 1]),
        ("called:pneu", &[1, 2]),
        ("p>0.9", &[2]),
        ("p>90%", &[2]),
        ("conf<0.8", &[1, 3]),
        ("loss>1", &[1]),
        ("marked", &[0, 1]),
        ("favourite", &[0]),
        ("wrong-label", &[1]),
        ("poor-quality", &[]),
        ("ill", &[1]),
        ("note:\"looks ill\"", &[1]),
        ("differs", &[2]),
        ("person1_", &[2]),
        ("wrong kind:bacterial", &[3]),
    ] {
        assert_eq!(found(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_no_filter_of_images_is_said_at_its_place() {
    for (text, at, says) in [
        ("wrong colour:red", 6, "there is no \"colour\" of an image; there are file patient"),
        ("conf>", 5, "a value must stand here: conf>0.9"),
        ("kind>viral", 4, "compare it with : or ="),
        ("loss>much", 5, "\"much\" is no number: write loss>1"),
        ("p:\"0.5", 2, "not closed"),
        ("!", 0, "after the !"),
    ] {
        let problem = Filter::parse(text).unwrap_err();
        assert!(problem.text.contains(says) && problem.at == at, "{text:?}: {problem:?}");
    }
}

#[test]
fn what_an_ensemble_disagrees_on_is_sorted_and_asked_for() {
    let mut cases = sample::cases();
    (cases[1].disagreement, cases[3].disagreement) = (Some(0.05), Some(0.2));
    let mut places: Vec<usize> = (0..cases.len()).collect();
    places.sort_by(|a, b| Order::Disagreement.compare((&cases[*a], &cases[*b]), Threshold::HALF));
    assert_eq!(places, [3, 1, 0, 2, 4], "what is not known of comes last, as listed");
    let asked = Filter::parse("dis>0.1").unwrap();
    let found: Vec<bool> = cases.iter().map(|case| asked.matches(case, HALF)).collect();
    assert_eq!(found, [false, false, false, true, false]);
}

/// Numbers of the images in an order.
fn ordered(order: Order) -> Vec<usize> {
    let cases = sample::cases();
    let mut places: Vec<usize> = (0..cases.len()).collect();
    places.sort_by(|a, b| order.compare((&cases[*a], &cases[*b]), Threshold::HALF));
    places
}

#[test]
fn the_gravest_come_first_and_what_is_not_answered_last() {
    // Margins -2.1, 0.9, 4.5, -0.2 and none; the second and the fourth are wrong.
    assert_eq!(ordered(Order::Listed), [0, 1, 2, 3, 4]);
    assert_eq!(ordered(Order::Loss), [1, 3, 0, 2, 4]);
    assert_eq!(ordered(Order::Doubt), [3, 1, 0, 2, 4]);
    assert_eq!(ordered(Order::Confidence), [2, 0, 1, 3, 4]);
    assert_eq!(ordered(Order::Probability), [2, 1, 3, 0, 4]);
    assert_eq!(ordered(Order::Patient), [0, 1, 2, 3, 4], "person1 before person80 before person100");
}

proptest! {
    #[test]
    fn any_text_is_a_filter_of_images_or_a_problem_within_it(text in r#"([a-z_]{1,9}|[!:=<>"% 0-9.肺é-]|conf>|kind:|note:"|\PC){0,12}"#) {
        match Filter::parse(&text) {
            Ok(filter) => prop_assert!(marked().iter().filter(|case| filter.matches(case, HALF)).count() <= 5),
            Err(problem) => prop_assert!(text.is_char_boundary(problem.at), "{problem:?}"),
        }
    }

    #[test]
    fn every_order_is_a_total_one(margins in prop::collection::vec(prop::option::of(-8.0_f32..8.0), 0..40), order in 0..6_usize) {
        let case = |(at, margin): (usize, Option<f32>)| {
            let truth = if at % 3 == 0 { Class::Normal } else { Class::Pneumonia };
            Case::new(format!("test/person{}_virus_{at}.jpeg", at % 5), truth, margin.map(|margin| [0.0, margin]))
        };
        let cases: Vec<Case> = margins.into_iter().enumerate().map(case).collect();
        let compare = |a: &&Case, b: &&Case| Order::ALL[order].compare((a, b), Threshold::HALF);
        let mut sorted: Vec<&Case> = cases.iter().collect();
        sorted.sort_by(compare);
        prop_assert!(sorted.windows(2).all(|pair| compare(&pair[0], &pair[1]).is_le()));
    }
}
