//! Keeps the user's folders out of a card: of an absolute path only the last part is told.

use std::path::Path;

use crate::store::Run;

/// A file's or folder's own name.
pub fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "–".into(), |name| name.to_string_lossy().into_owned())
}

/// A word of a command line.
pub fn word(word: &str) -> String {
    match word.find('/') {
        // A path of its own, or the value of a flag.
        Some(at) if at == 0 || word[..at].ends_with('=') => format!("{}{}", &word[..at], shortened(&word[at..])),
        _ => word.to_owned(),
    }
}

/// What the program said, with the run's folder and other absolute paths shortened.
pub fn text(text: &str, run: &Run) -> String {
    let data = &run.started.data;
    let mut short = text.to_owned();
    for folder in data.ancestors().filter(|folder| folder.components().count() > 1) {
        let with = if folder == data { format!("…/{}", name(folder)) } else { "…".into() };
        short = short.replace(&*folder.to_string_lossy(), &with);
    }
    short.split_inclusive(' ').map(in_text).collect()
}

fn in_text(piece: &str) -> String {
    let starts = |(at, _): &(usize, &str)| piece[..*at].chars().next_back().is_none_or(|c| "\"'(=:".contains(c));
    match piece.match_indices('/').find(starts) {
        Some((at, _)) => format!("{}{}", &piece[..at], shortened(&piece[at..])),
        None => piece.to_owned(),
    }
}

/// The last part of an absolute path, after an ellipsis.
fn shortened(path: &str) -> String {
    let end = path.trim_end_matches('/').len();
    path[..end].rfind('/').map_or_else(|| path.to_owned(), |at| format!("…{}", &path[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::bare_run;

    #[test]
    fn the_words_of_a_command_line_lose_their_folders_and_nothing_else() {
        assert_eq!(word("/home/jane doe/bin/xray-tui"), "…/xray-tui");
        assert_eq!(word("--data=/home/jane/x-rays/"), "--data=…/x-rays/");
        assert_eq!(["train", "data/demo", "--seed=3", "/"].map(word), ["train", "data/demo", "--seed=3", "/"]);
    }

    #[test]
    fn a_complaint_does_not_tell_where_the_user_lives() {
        let mut run = bare_run();
        run.started.data = "/home/jane doe/x rays".into();
        let said = text("cannot read /home/jane doe/x rays/a.png, nor '/root/w.pth': 1/2 gone", &run);
        assert_eq!(said, "cannot read …/x rays/a.png, nor '…/w.pth': 1/2 gone");
        assert!(!text("in /home/jane doe/other", &run).contains("jane"));
    }
}
