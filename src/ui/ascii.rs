//! The drawn frame in ASCII alone, for terminals and fonts that have nothing else.

use ratatui::buffer::{Buffer, Cell};

/// Puts in place of every symbol that is not ASCII one that is and looks alike, or `?` where none does. Columns stay
/// where they are: the second cell of a wide letter is blank already.
pub fn transliterate(buffer: &mut Buffer) {
    for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        translate(cell);
    }
}

fn translate(cell: &mut Cell) {
    let mut letters = cell.symbol().chars();
    let (first, rest) = (letters.next().unwrap_or(' '), letters.next());
    match rest {
        None => cell.set_char(ascii(first)),
        // A letter with marks.
        Some(_) => cell.set_symbol("?"),
    };
}

/// The ASCII character that looks most like a symbol of one letter.
#[must_use]
pub fn ascii(symbol: char) -> char {
    match symbol {
        ' '..='~' => symbol,
        '\u{2500}'..='\u{257f}' => line(symbol),
        '\u{2580}'..='\u{259f}' => block(symbol),
        '\u{2800}'..='\u{28ff}' => braille(symbol),
        _ => sign(symbol),
    }
}

/// Box drawing.
const fn line(symbol: char) -> char {
    match symbol {
        '─' | '━' | '┄' | '┅' | '┈' | '┉' | '╌' | '╍' | '╴' | '╶' | '╸' | '╺' | '╼' | '╾' => {
            '-'
        }
        '│' | '┃' | '║' | '╵' | '╷' | '╹' | '╻' | '╽' | '╿' => '|',
        '┆' | '┇' | '┊' | '┋' | '╎' | '╏' => ':',
        '═' => '=',
        '╱' => '/',
        '╲' => '\\',
        '╳' => 'X',
        _ => '+',
    }
}

/// Bars, by how much of the cell they fill.
const fn block(symbol: char) -> char {
    match symbol {
        '▁' => '_',
        '▂' | '░' => '.',
        '▃' | '▔' => '-',
        '▄' | '▅' | '▍' | '▌' | '▋' => '=',
        '▒' => '+',
        '▆' | '▓' => '*',
        '▏' | '▎' | '▕' => '|',
        '▀' => '"',
        _ => '#',
    }
}

/// Where in the cell the dots are: up, in the middle, down, apart, or all the way.
fn braille(symbol: char) -> char {
    // Rows of two dots each, from above.
    const ROWS: [u32; 4] = [0x09, 0x12, 0x24, 0xc0];
    let dots = u32::from(symbol) & 0xff;
    match ROWS.map(|row| dots & row != 0) {
        [false, false, false, false] => ' ',
        [true, _, false, false] => '\'',
        [false, _, _, false] => '-',
        [false, false, _, true] => '.',
        [true, true, true, _] | [_, true, true, true] => '|',
        _ => ':',
    }
}

/// Signs in text.
const fn sign(symbol: char) -> char {
    match symbol {
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '…' | '≈' | '±' => '~',
        '•' | '●' | '◉' | '★' | '◆' | '▪' => '*',
        '◌' | '○' | '☆' | '◇' | '□' | '▫' | '°' => 'o',
        '■' => '#',
        '✓' | '✔' | '↓' | '▼' | '▾' | '⌄' => 'v',
        '✗' | '✘' | '×' | '✕' | '✖' => 'x',
        '↑' | '▲' | '▴' | '♛' => '^',
        '→' | '▸' | '▶' | '►' | '›' | '»' | '≥' => '>',
        '←' | '◂' | '◀' | '◄' | '‹' | '«' | '≤' => '<',
        '↔' | '↕' => '+',
        '·' => '.',
        'µ' | 'μ' => 'u',
        'Δ' => 'd',
        '“' | '”' | '„' => '"',
        '‘' | '’' | '‚' => '\'',
        '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn translated(text: &str) -> String {
        let width = u16::try_from(unicode_width::UnicodeWidthStr::width(text)).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        buffer.set_string(0, 0, text, Style::new());
        transliterate(&mut buffer);
        buffer.content.iter().map(Cell::symbol).collect()
    }

    #[test]
    fn frames_bars_and_signs_look_alike() {
        assert_eq!(translated("╭─ Data ─┬╮│┊├"), "+- Data -++|:+");
        assert_eq!(translated("███▌ ▁▃▅█ ░▒▓█"), "###= _-=# .+*#");
        assert_eq!(translated("▸ ✓ ✗ ● ◌ ▲ ▼ → 0.930 – 0.965 5…"), "> v x * o ^ v > 0.930 - 0.965 5~");
    }

    #[test]
    fn dots_are_shown_where_in_the_cell_they_are() {
        assert_eq!(translated("⠁⠉⠒⠤⣀⢀⣿⡇⢸⢄⡁⠀"), "''--..|||.: ");
    }

    #[test]
    fn a_wide_letter_keeps_its_two_cells_and_unknown_ones_are_question_marks() {
        assert_eq!(translated("a肺炎b"), "a? ? b");
        assert_eq!(translated("Röntgen e\u{301}"), "R?ntgen ?");
        assert_eq!(translated("x👩\u{200d}⚕\u{fe0f}y"), "x? y");
    }

    #[test]
    fn every_symbol_of_the_snapshots_but_letters_is_known() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui/snapshots");
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let unknown = text.chars().find(|c| !c.is_alphabetic() && *c != '\n' && *c != '?' && ascii(*c) == '?');
            assert_eq!(unknown, None);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_is_ascii_afterwards(text in "\\PC{0,40}") {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 2));
            buffer.set_string(0, 0, &text, Style::new());
            buffer.set_string(3, 1, &text, Style::new());
            transliterate(&mut buffer);
            prop_assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii() && cell.symbol().len() == 1));
        }

        #[test]
        fn every_letter_has_an_ascii_one(symbol in any::<char>()) {
            prop_assert!(ascii(symbol).is_ascii());
        }
    }
}
