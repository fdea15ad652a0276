//! `xray-tui report`: a run's model card as an HTML and a Markdown file.

use std::process::ExitCode;

use serde_json::json;

use super::{Output, open_store};
use crate::cli::ReportArgs;
use crate::report;
use crate::session::Workplace;

pub fn run(args: &ReportArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let run = store.resolve(&args.run)?;
    let id = run.started.id.clone();
    let written = report::write(&store, run, &args.out)?;
    let [html, markdown] = [&written.html, &written.markdown].map(|path| path.to_string_lossy().into_owned());
    let value = json!({"run_id": id, "html": html, "markdown": markdown});
    out.answer(&value, || format!("wrote {html}\nwrote {markdown}"))?;
    Ok(ExitCode::SUCCESS)
}
