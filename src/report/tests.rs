//! Cards of runs that lack what a whole one has.

use serde_json::json;

use super::card::{Block, Card};
use super::material::{Material, Scored};
use super::*;
use crate::dataset::{Class, Split};
use crate::metrics::{Criterion, OperatingPoint};
use crate::store::{Answer, EpochScore, Mark, MarkKind, NewRun, RunState};
use crate::train::TrainConfig;
use crate::train::recipe::Named;

/// A run that failed before its first epoch.
pub fn bare_run() -> Run {
    Run {
        started: NewRun {
            id: "0123456789ab".into(),
            name: "a <b> | c".into(),
            data: "/home/jane/x-rays".into(),
            synthetic: false,
            config: json!(TrainConfig::default()),
            seed: 42,
            git_commit: None,
            git_dirty: None,
            data_hash: "00.dir".into(),
            split_hash: "11".into(),
            device: "cpu".into(),
            versions: json!({"xray-tui": "0.1.0"}),
            parent: None,
            provenance: None,
            manifest: None,
        },
        started_at: "2026-03-04T05:06:07.123Z".into(),
        ended_at: None,
        state: RunState::Failed,
        problem: Some("cannot read /home/jane/x-rays/a.png".into()),
        seconds: 0.0,
        images_per_second: None,
        epochs_done: 0,
        best_epoch: None,
        best_val_accuracy: None,
        test: None,
        operating: None,
        checks: None,
        weights: None,
        closing: None,
        note: None,
        tags: Vec::new(),
        starred: false,
        trashed_at: None,
    }
}

fn bare() -> Material {
    Material {
        run: bare_run(),
        config: Some(TrainConfig::default()),
        provenance: None,
        manifest: None,
        epochs: Vec::new(),
        marks: Vec::new(),
        point: OperatingPoint::choose(crate::metrics::Rule::Half, &[], (0, false)),
        test: Scored::default(),
        validation: Scored::default(),
        looks: None,
        epoch_scores: Vec::new(),
        folds: Vec::new(),
        parent: None,
        mistakes: Vec::new(),
        data_is_gone: true,
    }
}

fn scored(logits: [f32; 2]) -> Scored {
    let answer = |(file, truth): (&str, Class)| Answer {
        split: Split::Test,
        harder: false,
        file: file.into(),
        truth,
        logits,
        disagreement: None,
    };
    let answers = [("test/NORMAL/a.png", Class::Normal), ("test/PNEUMONIA/person1_virus_1.png", Class::Pneumonia)];
    Scored::of(answers.map(answer).to_vec(), &bare().point)
}

fn both(material: &Material) -> [String; 2] {
    let card = Card::of(material);
    [html::page(&card), markdown::text(&card)]
}

#[test]
fn a_run_without_answers_still_has_its_card() {
    for text in both(&bare()) {
        assert!(text.contains("not for clinical use") && text.contains("0123456789ab"), "{text}");
        assert!(text.contains("failed") && text.contains("no answers for test images"), "{text}");
        assert!(text.contains("2026-03-04 05:06 UTC"), "{text}");
        assert!(!text.contains("NaN") && !text.contains("SYNTHETIC"), "{text}");
    }
}

#[test]
fn names_are_text_and_folders_stay_private() {
    let [html, markdown] = both(&bare());
    assert!(html.contains("<h1>a &lt;b&gt; | c</h1>") && markdown.contains("# a &lt;b&gt; \\| c"), "{markdown}");
    for text in [html, markdown] {
        assert!(!text.contains("/home") && text.contains("…/x-rays/a.png"), "{text}");
    }
}

#[test]
fn settings_that_cannot_be_read_are_said_to_be_so() {
    for text in both(&Material { config: None, ..bare() }) {
        assert!(text.contains("cannot read the run"), "{text}");
    }
}

#[test]
fn answers_that_are_no_numbers_are_dashes_and_break_nothing() {
    for text in both(&Material { test: scored([f32::NAN, 0.0]), ..bare() }) {
        assert!(!text.contains("NaN"), "{text}");
        assert!(text.contains("AUC"), "{text}");
    }
}

#[test]
fn what_is_said_of_the_method_is_what_was_done() {
    let config = TrainConfig {
        weight_decay: 0.01,
        label_smoothing: 0.1,
        averaging: 0.999,
        choose_by: Criterion::Shifted,
        ..Named::Plain.config()
    };
    for text in both(&Material { config: Some(config), ..bare() }) {
        for said in ["AdamW (0.9, 0.999, weight decay 0.01)", "smoothed by 0.1", "averaged weights", "made harder"] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
    for text in both(&Material { config: Some(Named::Plain.config()), ..bare() }) {
        assert!(text.contains("Adam (0.9, 0.999, without weight decay)") && !text.contains("AdamW"), "{text}");
        assert!(text.contains("trained whole from random weights"), "{text}");
    }
}

#[test]
fn what_was_done_to_a_run_is_told_with_its_step() {
    let mark = |kind, value| Mark { step: 1200, kind, value, note: None, at: "2026-03-04T05:06:07.123Z".into() };
    let marks = vec![mark(MarkKind::Rate, Some(0.01)), mark(MarkKind::Repeat, Some(1.0))];
    for text in both(&Material { marks, ..bare() }) {
        assert!(text.contains("1,200") && text.contains("learning rate set to 0.01"), "{text}");
        assert!(text.contains("the same bits came"), "{text}");
    }
}

#[test]
fn scores_of_each_epoch_are_said_to_have_selected_nothing() {
    let score = EpochScore { epoch: 3, confusion: crate::metrics::Confusion::default(), auc: None };
    for text in both(&Material { epoch_scores: vec![score], ..bare() }) {
        assert!(text.contains("Computed afterwards") && text.contains("selected nothing"), "{text}");
    }
}

#[test]
fn a_cross_validation_lists_its_parts_with_dashes_for_what_they_lack() {
    let mut run = bare_run();
    run.started.config = serde_json::json!({"folds": 2});
    let finished = (Run { state: RunState::Finished, ..bare_run() }, scored([0.0, 1.0]));
    let rows = |other: (Run, Scored)| -> Vec<Vec<String>> {
        let card = Card::of(&Material { run: run.clone(), folds: vec![other, finished.clone()], ..bare() });
        let tables = card.sections[0].blocks.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        });
        tables.flat_map(|table| &table.rows).map(|row| row[3..].to_vec()).collect()
    };
    let part = rows((bare_run(), Scored::default()));
    assert_eq!(part[0], ["0", "–", "", "–", ""]);
    assert_eq!([&part[1][0], &part[1][1], &part[1][3]], ["2", "0.500", "0.500"]);
    assert_eq!([&part[2][1], &part[3][1]], ["–", "–"], "a part is no whole");
    let whole = rows(finished.clone());
    assert_eq!([&whole[2][1], &whole[3][1]], ["0.500", "0.000"]);
}

#[test]
fn a_file_is_named_after_its_run_and_stays_in_its_folder() {
    let named = |name| file_stem(name, "id");
    assert_eq!(["run-1", "cv/2", "../../etc/x", "a:b?"].map(named), ["run-1", "cv-2", "-..-etc-x", "a-b-"]);
    assert_eq!(["", "..", " . "].map(named), ["id", "id", "id"]);
    assert_eq!(named(&"é".repeat(200)).chars().count(), 60);
}

#[test]
fn nothing_is_replaced_but_a_report_of_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("README.md");
    let mark = format!("{}0123456789ab -->", markdown::MARK);
    assert!(check_may_replace(&path, &mark).is_ok());
    fs::write(&path, "# mine").unwrap();
    assert!(check_may_replace(&path, &mark).unwrap_err().to_string().contains("no report of this run"));
    fs::write(&path, markdown::text(&Card::of(&bare()))).unwrap();
    assert!(check_may_replace(&path, &mark).is_ok());
}
