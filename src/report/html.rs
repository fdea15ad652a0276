//! Writes a card as one HTML file that needs nothing else: no script, no network.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::card::{Block, Card, Facts, Picture, Section, Table, WARNING, figure};
use super::svg;

const STYLE: &str = include_str!("style.css");

/// What every page begins with; the run's id follows.
pub const MARK: &str = "<!doctype html>\n<!-- xray-tui report of run ";

/// The whole page.
#[must_use]
pub fn page(card: &Card) -> String {
    let contents: String = card.sections.iter().map(link).collect();
    let sections: String = card.sections.iter().map(section).collect();
    let synthetic = if card.synthetic { "<p class=\"synthetic\">SYNTHETIC</p>\n" } else { "" };
    let name = escape(&card.name);
    format!(
        "{MARK}{id} -->\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src \
         'unsafe-inline'\">\n<title>{name}: model card</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n\
         <h1>{name}</h1>\n<p class=\"dim\">Model card of a run of xray-tui: pneumonia against normal on chest X-rays</p>\n\
         <p class=\"warning\">{WARNING}</p>\n{synthetic}{head}<nav aria-label=\"Contents\">\n<ul>\n{contents}</ul>\n\
         </nav>\n</header>\n<main>\n{sections}</main>\n</body>\n</html>\n",
        id = escape(&card.run_id),
        head = facts(&card.facts),
    )
}

/// Text as HTML has it, without the control characters that a name may hold.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A section's name within the page.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

fn link(section: &Section) -> String {
    format!("<li><a href=\"#{}\">{}</a></li>\n", anchor(section.title), escape(section.title))
}

fn section(section: &Section) -> String {
    let blocks: String = section.blocks.iter().map(block).collect();
    let id = anchor(section.title);
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n{blocks}</section>\n", escape(section.title))
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(text) => format!("<h3>{}</h3>\n", escape(text)),
        Block::Text(text) => format!("<p>{}</p>\n", escape(text)),
        Block::Alarm(text) => format!("<p class=\"alarm\"><strong>!</strong> {}</p>\n", escape(text)),
        Block::Facts(names) => facts(names),
        Block::Table(rows) => table(rows),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Command(line) => format!("<pre><code>{}</code></pre>\n", escape(line)),
        Block::Charts(charts) => {
            let figures = charts.iter().map(|chart| {
                let (title, words) = (escape(chart.title), escape(&chart.words));
                format!("<figure>\n<figcaption><b>{title}</b></figcaption>\n{}", svg::draw(chart))
                    + &format!("<p class=\"dim\">{words}</p>\n</figure>\n")
            });
            format!("<div class=\"charts\">\n{}</div>\n", figures.collect::<String>())
        }
        Block::Pictures(pictures) => {
            format!("<div class=\"pictures\">\n{}</div>\n", pictures.iter().map(picture).collect::<String>())
        }
    }
}

fn facts(facts: &Facts) -> String {
    let fact = |(name, value): &(&str, String)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value));
    format!("<dl>\n{}</dl>\n", facts.iter().map(fact).collect::<String>())
}

fn table(table: &Table) -> String {
    let class = |column: usize| match table.columns.get(column) {
        Some(column) if column.number => " class=\"number\"",
        _ => "",
    };
    let head = table.columns.iter().enumerate();
    let head = head.map(|(place, column)| format!("<th scope=\"col\"{}>{}</th>", class(place), escape(column.name)));
    let cell = |(place, text): (usize, &String)| match place {
        0 => format!("<th scope=\"row\"{}>{}</th>", class(0), escape(text)),
        _ => format!("<td{}>{}</td>", class(place), escape(text)),
    };
    let row = |cells: &Vec<String>| format!("<tr>{}</tr>\n", cells.iter().enumerate().map(cell).collect::<String>());
    let caption = escape(&table.caption);
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\n<table>\n\
         <caption>{caption}</caption>\n<thead>\n<tr>{}</tr>\n</thead>\n<tbody>\n{}</tbody>\n</table>\n</div>\n",
        head.collect::<String>(),
        table.rows.iter().map(row).collect::<String>()
    )
}

fn picture(picture: &Picture) -> String {
    let file = escape(&picture.file);
    let shown = match &picture.png {
        Ok(png) => {
            let alt = format!("{}, truth {}, called {}", picture.file, picture.truth, picture.called);
            format!("<img alt=\"{}\" src=\"data:image/png;base64,{}\">\n", escape(&alt), STANDARD.encode(png))
        }
        Err(why) => format!("<p class=\"dim\">No picture: {}.</p>\n", escape(why)),
    };
    format!(
        "<figure>\n{shown}<figcaption>{file}<br>truth {}, called {}<br>probability of PNEUMONIA {}</figcaption>\n\
         </figure>\n",
        picture.truth,
        picture.called,
        figure(picture.probability)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_would_obey_is_escaped() {
        assert_eq!(escape("<b a=\"1\" b='2'>&\u{1b}[0m"), "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;\u{fffd}[0m");
    }
}
