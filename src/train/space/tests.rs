//! Searches: their candidates, seeds and rungs.

use proptest::prelude::*;
use serde_json::json;

use super::{Strategy, *};

fn search(axes: &[&str]) -> Search {
    let axes = axes.iter().map(|text| Axis::parse(text).unwrap()).collect();
    Search { base: TrainConfig::default(), variants: Vec::new(), axes, strategy: Strategy::Grid, halving: None }
}

fn said(search: &Search) -> String {
    search.candidates().unwrap_err().to_string()
}

#[test]
fn a_grid_is_every_combination_with_each_seed() {
    let found = search(&["learning_rate=1e-3,3e-4", "flip=on,off", "seed=1..3"]).candidates().unwrap();
    let texts: Vec<String> = found.iter().map(Candidate::text).collect();
    let rates = |rate: &str| ["on", "off"].map(|flip| format!("learning_rate {rate}, flip {flip}"));
    assert_eq!(texts, [rates("1e-3"), rates("3e-4")].concat());
    let config = &found[3].configs[2];
    assert_eq!((config.learning_rate, config.augmentation.horizontal_flip, config.seed), (3e-4, false, 3));
    assert_eq!(found.iter().map(|candidate| candidate.configs.len()).sum::<usize>(), 12);
}

#[test]
fn seeds_alone_repeat_the_settings_as_given() {
    let found = search(&["seed=7..9"]).candidates().unwrap();
    assert_eq!((found.len(), found[0].configs.len(), found[0].text().as_str()), (1, 3, "as given"));
    assert_eq!(search(&[]).candidates().unwrap()[0].configs, [TrainConfig::default()]);
}

#[test]
fn each_variant_meets_every_combination_of_the_axes_with_each_repetition() {
    let variants = vec![Vec::new(), vec![("clip_norm".to_owned(), json!(2.0))]];
    let axes = ["flip=on,off", "seed=1,2", "held_out=im-virus,normal2-bacteria"];
    let found = Search { variants, ..search(&axes) }.candidates().unwrap();
    assert_eq!((found.len(), found[0].configs.len()), (4, 4));
    let config = &found[3].configs[1];
    assert_eq!((config.clip_norm, config.augmentation.horizontal_flip, config.seed), (2.0, false, 1));
    assert_eq!(config.held_out.name(), "normal2-bacteria");
    assert_eq!(found[3].text(), "clip_norm 2, flip off");
    let drawn = Search { variants: vec![Vec::new()], strategy: Strategy::Random(2), ..search(&["flip=on,off"]) };
    assert!(said(&drawn).contains("variants"));
}

#[test]
fn draws_repeat_with_the_seed_and_are_all_different() {
    let random = Search { strategy: Strategy::Random(20), ..search(&["learning_rate=1e-4..1e-2", "batch_size=8,16"]) };
    let found = random.candidates().unwrap();
    assert_eq!((found.len(), &found), (20, &random.candidates().unwrap()));
    assert!(found.iter().enumerate().all(|(place, one)| !found[..place].contains(one)));
    let other = Search { base: TrainConfig { seed: 1, ..TrainConfig::default() }, ..random.clone() };
    assert_ne!(found[0].settings, other.candidates().unwrap()[0].settings);
    let more = Search { strategy: Strategy::Random(21), ..random };
    assert_eq!(more.candidates().unwrap()[..20], found, "more draws leave the first as they were");
}

#[test]
fn no_more_is_drawn_than_there_is() {
    let random = Search { strategy: Strategy::Random(50), ..search(&["flip=on,off", "batch_size=8,16"]) };
    assert_eq!(random.candidates().unwrap().len(), 4);
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_starts() {
    assert!(said(&search(&["image_size=64,9999"])).contains("image_size = 9999: image size: must be 32 to 512"));
    assert!(said(&search(&["learning_rate=1e-3..100"])).contains("learning_rate = 100"));
    assert!(said(&search(&["rotation=0..20"])).contains("--random N"));
    assert!(said(&search(&["flip=on", "flip=off"])).contains("flip is there twice"));
    assert!(said(&search(&["seed=1..10000", "flip=on,off"])).contains("makes 20000 runs"));
    let none = Search { strategy: Strategy::Random(3), ..search(&["seed=1..3"]) };
    assert!(said(&none).contains("--over SETTING=LOW..HIGH"));
    let halving = Search { halving: Some(Halving { eta: 3, min_epochs: None }), ..search(&["epochs=1,2"]) };
    assert!(said(&halving).contains("--epochs"));
    let long = Search { halving: Some(Halving { eta: 3, min_epochs: Some(1000) }), ..search(&["flip=on,off"]) };
    assert!(said(&long).contains("min epochs: must be 1 to"));
}

#[test]
fn halving_gives_the_better_third_three_times_the_epochs() {
    let rungs = |candidates, epochs, eta, min_epochs| {
        let base = TrainConfig { epochs, ..TrainConfig::default() };
        let search = Search { base, halving: Some(Halving { eta, min_epochs }), ..search(&[]) };
        search.rungs(candidates).iter().map(|rung| (rung.candidates, rung.until_epoch)).collect::<Vec<_>>()
    };
    assert_eq!(rungs(27, 27, 3, Some(1)), [(27, Some(1)), (9, Some(3)), (3, Some(9)), (1, None)]);
    assert_eq!(rungs(27, 27, 3, None), [(27, Some(1)), (9, Some(3)), (3, Some(9)), (1, None)]);
    assert_eq!(rungs(9, 27, 3, Some(9)), [(9, Some(9)), (3, None)]);
    assert_eq!(rungs(8, 10, 2, None), [(8, Some(1)), (4, Some(2)), (2, Some(4)), (1, None)]);
    assert_eq!(rungs(2, 10, 3, None), [(2, None)], "too few to lose one");
    assert_eq!(rungs(1, 10, 3, Some(1)), [(1, None)]);
    assert_eq!(search(&[]).rungs(5), [Rung { until_epoch: None, candidates: 5 }]);
}

#[test]
fn a_search_is_kept_as_json() {
    let axes = ["learning_rate=1e-4..1e-2", "seed=1..3", "pretrained=none,a.pth"];
    let whole = Search { halving: Some(Halving { eta: 3, min_epochs: None }), ..search(&axes) };
    assert_eq!(serde_json::from_value::<Search>(json!(whole)).unwrap(), whole);
}

proptest! {
    #[test]
    fn rungs_shrink_and_lengthen_until_one_is_whole(candidates in 1_usize..200, epochs in 1_usize..200, eta in 2_usize..6) {
        let base = TrainConfig { epochs, ..TrainConfig::default() };
        let rungs = Search { base, halving: Some(Halving { eta, min_epochs: None }), ..search(&[]) }.rungs(candidates);
        let (last, before) = rungs.split_last().unwrap();
        prop_assert_eq!(last.until_epoch, None);
        prop_assert!(before.iter().all(|rung| rung.until_epoch.is_some_and(|until| until < epochs)));
        prop_assert!(rungs.windows(2).all(|pair| pair[1].candidates == (pair[0].candidates / eta).max(1)));
        prop_assert_eq!(rungs[0].candidates, candidates);
    }

    #[test]
    fn every_candidate_may_be_trained(seed in any::<u64>(), draws in 1_usize..20) {
        let base = TrainConfig { seed, ..TrainConfig::default() };
        let axes = ["learning_rate=1e-6..10", "rotation=0..180", "batch_size=2..1000 log", "flip=on,off"];
        let random = Search { base, strategy: Strategy::Random(draws), ..search(&axes) };
        let found = random.candidates().unwrap();
        prop_assert_eq!(found.len(), draws);
        prop_assert!(found.iter().flat_map(|one| &one.configs).all(|config| config.validate().is_ok()));
    }
}
