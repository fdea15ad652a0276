//! Writes the tables of keys into README.md and docs/keys.md, between the marks that stand there.
//! `cargo run --example keys`

use std::error::Error;
use std::fs;

use xray_tui::app::keymap::Keymap;

const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- end of keys -->";

fn main() -> Result<(), Box<dyn Error>> {
    let map = Keymap::default();
    for (path, table) in [("README.md", map.summary()), ("docs/keys.md", map.markdown())] {
        let text = fs::read_to_string(path)?;
        let (before, rest) = text.split_once(BEGIN).ok_or(format!("{path} has no {BEGIN}"))?;
        let (_, after) = rest.split_once(END).ok_or(format!("{path} has no {END}"))?;
        fs::write(path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    }
    Ok(())
}
