//! An MLflow server's REST interface.

use std::io::Read;

use serde_json::Value;

use super::explain::Refusal;
use super::login::{self, Variables};
use crate::error::{Error, Result};
use crate::interop::http::{Answer, Client, Content, Incoming};

/// A server, and who asks it.
#[derive(Debug, Clone)]
pub struct Server {
    client: Client,
    base: String,
}

impl Server {
    /// The server at `uri`, with login and certificates as MLflow's own client has them from `variable`.
    ///
    /// # Errors
    /// `Config` where the address is none of a server, or a variable is wrong; `Io` where the certificates cannot be read.
    pub fn new(uri: &str, variable: Variables) -> Result<Self> {
        let (base, login) = login::find(uri, variable);
        login::check(&login)?;
        if !base.starts_with("http://") && !base.starts_with("https://") {
            let problem = "is no address of a server: write http://HOST:5000 (a folder or a database is served by \
                           `mlflow server --backend-store-uri …`)";
            return Err(Error::Config { place: format!("MLflow server '{base}'"), problem: problem.into() });
        }
        Ok(Self { client: Client::trusting(login, &login::trust(variable)?)?, base })
    }

    /// Its address, without a login.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where its pages show a run.
    #[must_use]
    pub fn page(&self, experiment_id: &str, remote_id: &str) -> String {
        format!("{}/#/experiments/{experiment_id}/runs/{remote_id}", self.base)
    }

    /// Asks by `POST`; `path` is below `api/2.0/mlflow`.
    ///
    /// # Errors
    /// `Remote` where the server is out of reach or refuses.
    pub fn post(&self, path: &str, value: &Value) -> Result<Value> {
        self.try_post(path, value)?.map_err(|refusal| self.refused(path, &refusal))
    }

    /// As [`Server::post`], where a refusal is an answer.
    ///
    /// # Errors
    /// `Remote` where the server is out of reach.
    pub fn try_post(&self, path: &str, value: &Value) -> Result<Result<Value, Refusal>> {
        let answer = self.client.ask("POST", &self.api(path), Content::Json(value))?;
        Ok(read(&answer))
    }

    /// Asks by `GET`; `path` is below `api/2.0/mlflow`.
    ///
    /// # Errors
    /// `Remote` where the server is out of reach or refuses.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        self.try_get(path, query)?.map_err(|refusal| self.refused(path, &refusal))
    }

    /// As [`Server::get`], where a refusal is an answer.
    ///
    /// # Errors
    /// `Remote` where the server is out of reach.
    pub fn try_get(&self, path: &str, query: &[(&str, &str)]) -> Result<Result<Value, Refusal>> {
        let pairs: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", escaped(value, ""))).collect();
        let answer = self.client.ask("GET", &format!("{}?{}", self.api(path), pairs.join("&")), Content::Nothing)?;
        Ok(read(&answer))
    }

    /// Uploads an artifact; `path` is what the server's own store of artifacts calls it.
    ///
    /// # Errors
    /// `Remote` where the server is out of reach or refuses.
    pub fn upload(&self, path: &str, (from, bytes): (&mut dyn Read, u64)) -> Result<()> {
        let answer = self.client.ask("PUT", &self.artifact(path), Content::Bytes { from, bytes })?;
        if answer.is_good() {
            return Ok(());
        }
        Err(self.refused(path, &Refusal::of(answer.status, &answer.text())))
    }

    /// Begins to download an artifact; `None` where there is none.
    ///
    /// # Errors
    /// `Remote` where the server is out of reach or refuses.
    pub fn download(&self, path: &str) -> Result<Option<Incoming>> {
        let mut incoming = self.client.open(&self.artifact(path), &[])?;
        match incoming.status() {
            200..=299 => Ok(Some(incoming)),
            404 => Ok(None),
            status => {
                let mut body = Vec::new();
                let _ = incoming.reader().take(1 << 16).read_to_end(&mut body);
                Err(self.refused(path, &Refusal::of(status, &String::from_utf8_lossy(&body))))
            }
        }
    }

    fn api(&self, path: &str) -> String {
        format!("{}/api/2.0/mlflow/{path}", self.base)
    }

    fn artifact(&self, path: &str) -> String {
        format!("{}/api/2.0/mlflow-artifacts/artifacts/{}", self.base, escaped(path, "/"))
    }

    fn refused(&self, path: &str, refusal: &Refusal) -> Error {
        Error::Remote { place: format!("{} ({path})", self.base), problem: refusal.explain() }
    }
}

fn read(answer: &Answer) -> Result<Value, Refusal> {
    if !answer.is_good() {
        return Err(Refusal::of(answer.status, &answer.text()));
    }
    // Whatever else answers with 200 is no MLflow server: a login page, a file server.
    serde_json::from_slice(&answer.body).map_err(|_| Refusal::of(404, "<"))
}

/// For an address: all but letters, digits, `-_.~` and what `kept` holds is written as `%41`.
fn escaped(text: &str, kept: &str) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.as_bytes().contains(&byte);
    let letter = |byte: u8| if is_kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_or_a_database_is_no_server_and_a_line_break_in_no_token() {
        for uri in ["mlruns", "sqlite:///a.db", "file:///mlruns", ""] {
            let said = Server::new(uri, &|_| None).unwrap_err().to_string();
            assert!(said.contains("is no address of a server"), "{said}");
        }
        let line = |name: &str| (name == "MLFLOW_TRACKING_TOKEN").then(|| "secret\n".to_owned());
        let said = Server::new("http://host", &line).unwrap_err().to_string();
        assert!(said.starts_with("MLFLOW_TRACKING_TOKEN: ") && !said.contains("secret"), "{said}");
        assert_eq!(Server::new("http://me:secret@host:1/", &|_| None).unwrap().base(), "http://host:1");
    }

    #[test]
    fn what_an_address_cannot_hold_is_escaped() {
        assert_eq!(escaped("a b/ü&c", "/"), "a%20b/%C3%BC%26c");
        assert_eq!(escaped("a/b", ""), "a%2Fb");
    }
}
