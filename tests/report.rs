//! `xray-tui report` as a user has it: two files that stand on their own and agree with `eval`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::path::Path;

use tempfile::TempDir;

use program::{answer, demo, xray};

const NAME: &str = "a/b <i>";

/// A folder with a demo set and a run of one epoch on it.
fn trained() -> TempDir {
    let folder = demo();
    let small = ["--epochs", "1", "--batch-size", "8", "--image-size", "33", "--validation-fraction", "0.2"];
    answer(folder.path(), &[&["train", "--name", NAME], &small[..]].concat());
    folder
}

/// The HTML and the Markdown that `report` writes into `out`.
fn report(folder: &Path, out: &str) -> [String; 2] {
    let written = answer(folder, &["report", "last", "--out", out]);
    ["html", "markdown"].map(|file| std::fs::read_to_string(folder.join(written[file].as_str().unwrap())).unwrap())
}

/// The first tag that closes nothing or is not closed.
fn unbalanced(html: &str) -> Option<String> {
    const VOID: [&str; 3] = ["meta", "img", "br"];
    let mut open: Vec<&str> = Vec::new();
    for (at, _) in html.match_indices('<') {
        let tag = &html[at + 1..at + html[at..].find('>')?];
        let name = tag.trim_start_matches('/').split([' ', '\n']).next()?;
        if tag.starts_with('!') || tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        if !tag.starts_with('/') {
            open.push(name);
        } else if open.pop() != Some(name) {
            return Some(tag.to_owned());
        }
    }
    open.pop().map(str::to_owned)
}

#[test]
fn a_report_stands_on_its_own_and_has_the_figures_of_eval() {
    let folder = trained();
    let at = folder.path();
    let [html, markdown] = report(at, "new/folder");
    let scored = answer(at, &["eval", "last"]);
    let id = scored["run_id"].as_str().unwrap();
    assert_eq!(unbalanced(&html), None);
    for text in [&html, &markdown] {
        assert!(text.contains(id) && text.contains("not for clinical use") && text.contains("SYNTHETIC"), "{text}");
        assert!(!text.contains(at.to_str().unwrap()), "no folder of the user's");
    }
    assert!(!markdown.contains("NaN"));
    let links: Vec<&str> = html.split("href=\"").skip(1).collect();
    let pictures: Vec<&str> = html.split("src=\"").skip(1).collect();
    assert!(!links.is_empty() && links.iter().all(|link| link.starts_with('#')));
    assert!(!pictures.is_empty() && pictures.iter().all(|picture| picture.starts_with("data:image/png;base64,")));
    assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("<script") && !html.contains("url("));
    assert!(html.contains("<svg") && html.contains("ROC curve") && html.contains("a/b &lt;i&gt;"));

    let rows =
        [("accuracy", "accuracy"), ("sensitivity", "sensitivity"), ("specificity", "specificity"), ("npv", "NPV")];
    for (key, name) in [&rows[..], &[("mcc", "MCC"), ("auc", "AUC"), ("brier", "Brier score")]].concat() {
        let value = scored[key].as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        let ends = [0, 1].map(|end| scored[format!("{key}_ci")][end].as_f64());
        let interval =
            if let [Some(low), Some(high)] = ends { format!("{low:.3} – {high:.3}") } else { String::new() };
        let row = format!("| {name} | {value} | {interval} |");
        assert!(markdown.contains(&row), "{row}\n{markdown}");
    }
    assert_eq!(report(at, "again"), [html, markdown], "the same run gives the same bytes");
}

#[test]
fn a_report_without_its_data_says_so_and_replaces_no_file_of_the_users() {
    let folder = trained();
    let at = folder.path();
    std::fs::remove_dir_all(at.join("data")).unwrap();
    let [html, markdown] = report(at, ".");
    for text in [&html, &markdown] {
        assert!(text.contains("data folder is not there any more"), "{text}");
    }
    assert!(!html.contains("<img"));
    assert_eq!(report(at, "."), [html, markdown], "an earlier report of the run is replaced");
    std::fs::write(at.join("a-b -i-.md"), "mine").unwrap();
    let refused = xray(at, &["report", "last"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is no report of this run"));
    assert_eq!(std::fs::read_to_string(at.join("a-b -i-.md")).unwrap(), "mine");
}
