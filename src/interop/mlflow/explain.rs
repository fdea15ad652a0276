//! What an MLflow server says where it refuses, and what to do about it.

use serde_json::Value;

/// Letters of an answer that are shown where it is no answer of MLflow's.
const LONGEST: usize = 300;

/// What the server refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 400 and so on.
    pub status: u16,
    /// MLflow's word for it: `RESOURCE_DOES_NOT_EXIST`; empty where something else answers.
    pub code: String,
    /// In the server's own words.
    pub message: String,
}

impl Refusal {
    /// Of an answer's status and body.
    #[must_use]
    pub fn of(status: u16, body: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let code = value["error_code"].as_str().unwrap_or_default().to_owned();
        let message = value["message"].as_str().map_or_else(|| plain(body), str::to_owned);
        Self { status, code, message }
    }

    /// Whether it says that what was asked for is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.code == "RESOURCE_DOES_NOT_EXIST"
    }

    /// For the user: the server's words, and the next step.
    #[must_use]
    pub fn explain(&self) -> String {
        let said = if self.message.is_empty() { String::new() } else { format!(": {}", self.message) };
        format!("the server says {}{said}{}", self.status, self.advice())
    }

    fn advice(&self) -> &'static str {
        let has = |words: &str| self.message.contains(words);
        if has("Invalid Host header") {
            return "; it does not know the name that it is asked by: start it with --allowed-hosts HOST:PORT (or \
                    MLFLOW_SERVER_ALLOWED_HOSTS), or ask by a name that it knows";
        }
        if has("'active' state") || has("deleted state") {
            return "; it was deleted there: bring it back with `mlflow runs restore` or `mlflow experiments restore`, or \
                    name another experiment";
        }
        match self.status {
            401 => "; log in: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
            403 => "; this login may not do that: ask for the right to edit the experiment, or log in as another user",
            404 | 405 if self.code.is_empty() => {
                "; no MLflow server answers there: check the address, as http://HOST:5000"
            }
            413 => {
                "; a proxy before the server takes no file of this size: raise its limit (nginx: client_max_body_size)"
            }
            429 | 502..=504 => "; try again later",
            500.. => "; the server's log says more",
            _ => "",
        }
    }
}

/// A text's beginning in one line; nothing of a page for a browser.
fn plain(body: &str) -> String {
    let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.starts_with('<') { String::new() } else { words.chars().take(LONGEST).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_come_first_and_then_what_to_do() {
        let said = |status, body: &str| Refusal::of(status, body).explain();
        let host = said(403, "Invalid Host header - possible DNS rebinding attack detected");
        assert!(
            host.contains("says 403: Invalid Host header - possible") && host.contains("--allowed-hosts"),
            "{host}"
        );
        assert!(said(401, "You are not authenticated.").contains("MLFLOW_TRACKING_USERNAME"));
        let page = said(404, "<!doctype html><h1>Not Found</h1>");
        assert!(page.contains("no MLflow server answers there") && !page.contains('<'), "{page}");
        let gone =
            Refusal::of(404, r#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run with id=a not found"}"#);
        assert!(gone.is_missing() && gone.explain() == "the server says 404: Run with id=a not found", "{gone:?}");
        let deleted =
            r#"{"error_code": "INVALID_PARAMETER_VALUE", "message": "The run a must be in the 'active' state."}"#;
        assert!(said(400, deleted).contains("mlflow runs restore"));
    }
}
