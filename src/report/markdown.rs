//! Writes a card as Markdown; charts are told in words, and pictures as a table.

use super::card::{self, Block, Card, Facts, Section, Table, WARNING};

/// What every file begins with; the run's id follows.
pub const MARK: &str = "<!-- xray-tui report of run ";

/// The whole file.
#[must_use]
pub fn text(card: &Card) -> String {
    let synthetic = if card.synthetic { "**SYNTHETIC**\n\n" } else { "" };
    let sections: String = card.sections.iter().map(section).collect();
    format!(
        "{MARK}{} -->\n\n# {}\n\n**{WARNING}**\n\n{synthetic}{}{sections}",
        escape(&card.run_id),
        escape(&card.name),
        facts(&card.facts)
    )
}

/// Text that Markdown takes as it is, on one line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let inside = before.is_alphanumeric() && letters.peek().is_some_and(|next| next.is_alphanumeric());
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '_' if inside => escaped.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => escaped.extend(['\\', letter]),
            letter if letter.is_whitespace() => escaped.push(' '),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
        before = letter;
    }
    escaped
}

fn section(section: &Section) -> String {
    let blocks: String = section.blocks.iter().map(block).collect();
    format!("## {}\n\n{blocks}", section.title)
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(text) => format!("### {text}\n\n"),
        Block::Text(text) => format!("{}\n\n", escape(text)),
        Block::Alarm(text) => format!("> **!** {}\n\n", escape(text)),
        Block::Facts(names) => facts(names),
        Block::Table(rows) => table(rows),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("- {}\n", escape(item))).collect();
            format!("{items}\n")
        }
        // Indented: no letter in it has a meaning, so none can end it.
        Block::Command(line) => format!("    {}\n\n", line.replace(char::is_control, "\u{fffd}")),
        Block::Charts(charts) => {
            let said = charts
                .iter()
                .map(|chart| format!("- **{}**, drawn in the HTML file. {}\n", chart.title, escape(&chart.words)));
            format!("{}\n", said.collect::<String>())
        }
        Block::Pictures(pictures) => table(&card::listed(pictures)),
    }
}

fn facts(facts: &Facts) -> String {
    let row = |(name, value): &(&str, String)| line(&[escape(name), escape(value)]);
    format!("| | |\n|---|---|\n{}\n", facts.iter().map(row).collect::<String>())
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn table(table: &Table) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| escape(column.name)).collect();
    let rules: Vec<&str> = table.columns.iter().map(|column| if column.number { "---:" } else { "---" }).collect();
    let rows: String =
        table.rows.iter().map(|row| line(&row.iter().map(|cell| escape(cell)).collect::<Vec<_>>())).collect();
    format!("**{}**\n\n{}|{}|\n{rows}\n", escape(&table.caption), line(&names), rules.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_part_a_table_or_be_read_as_markup_is_escaped() {
        assert_eq!(escape("a|b\nc <i> *d* `e` \\"), "a\\|b c &lt;i&gt; \\*d\\* \\`e\\` \\\\");
        assert_eq!(escape("person1_virus_2.jpeg _x_"), "person1_virus_2.jpeg \\_x\\_");
    }
}
