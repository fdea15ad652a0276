//! Who asks an MLflow server, by the variables and the file that MLflow's own client reads.

use std::path::Path;

use crate::error::{Error, Result};
use crate::interop::http::{Login, Trust};
use crate::units::split_login;

/// The environment, or what a test puts in its place.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The address without the login, and the login: in the variables, else in the address, else in MLflow's file.
pub fn find(uri: &str, variable: Variables) -> (String, Login) {
    let (address, within) = split_login(uri);
    let said = |name: &str| variable(name).filter(|value| !value.is_empty());
    let file =
        variable("HOME").and_then(|home| std::fs::read_to_string(Path::new(&home).join(".mlflow/credentials")).ok());
    let kept = |key: &str| file.as_deref().and_then(|text| of_file(text, key));
    let (user, password) = (said("MLFLOW_TRACKING_USERNAME"), said("MLFLOW_TRACKING_PASSWORD"));
    let named =
        user.or_else(|| kept("mlflow_tracking_username")).zip(password.or_else(|| kept("mlflow_tracking_password")));
    let token = said("MLFLOW_TRACKING_TOKEN").map(Login::Token);
    let within = within.map(|login| {
        let (user, password) = login.split_once(':').unwrap_or((&login, ""));
        Login::Basic { user: decoded(user), password: decoded(password) }
    });
    let named = named.map(|(user, password)| Login::Basic { user, password });
    (address, named.or(token).or(within).unwrap_or_default())
}

/// Refuses a token that no request can carry.
///
/// # Errors
/// `Config` names the variable; what it holds is never shown.
pub fn check(login: &Login) -> Result<()> {
    match login {
        Login::Token(token) if token.chars().any(char::is_control) => {
            let problem =
                "holds a line break or another control character: set it anew, without the file's last line end";
            Err(Error::Config { place: "MLFLOW_TRACKING_TOKEN".into(), problem: problem.into() })
        }
        _ => Ok(()),
    }
}

/// A key of the section `[mlflow]`.
fn of_file(text: &str, key: &str) -> Option<String> {
    let section = text.lines().map(str::trim).skip_while(|line| *line != "[mlflow]").skip(1);
    let mut lines = section.take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

/// Whose word is taken for the server's certificate.
///
/// # Errors
/// `Config` where the variable is neither true nor false.
pub fn trust(variable: Variables) -> Result<Trust> {
    let said = |name: &str| variable(name).filter(|value| !value.is_empty());
    match said("MLFLOW_TRACKING_INSECURE_TLS").map(|word| word.to_lowercase()).as_deref() {
        Some("true" | "1") => return Ok(Trust::Anybody),
        None | Some("false" | "0") => {}
        Some(other) => {
            let problem = format!("is {other}, must be true or false");
            return Err(Error::Config { place: "MLFLOW_TRACKING_INSECURE_TLS".into(), problem });
        }
    }
    Ok(said("MLFLOW_TRACKING_SERVER_CERT_PATH").map_or(Trust::Machine, |path| Trust::File(path.into())))
}

/// Without the `%41` of an address.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => (bytes.push(byte), rest = &behind[2..]).1,
            None => (bytes.push(first), rest = behind).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(uri: &str, set: &[(&str, &str)]) -> (String, Login) {
        find(uri, &|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn basic(user: &str, password: &str) -> Login {
        Login::Basic { user: user.into(), password: password.into() }
    }

    #[test]
    fn a_login_comes_from_the_variables_then_from_the_address() {
        let uri = "https://me:p%40ss@host:5000/x/";
        assert_eq!(by(uri, &[]), ("https://host:5000/x".into(), basic("me", "p@ss")));
        assert_eq!(by(uri, &[("MLFLOW_TRACKING_TOKEN", "t")]).1, Login::Token("t".into()));
        let both =
            [("MLFLOW_TRACKING_TOKEN", "t"), ("MLFLOW_TRACKING_USERNAME", "a"), ("MLFLOW_TRACKING_PASSWORD", "b")];
        assert_eq!(by(uri, &both).1, basic("a", "b"));
        assert_eq!(by("http://host/a@b", &both[1..2]), ("http://host/a@b".into(), Login::Nobody));
        assert_eq!(decoded("50%"), "50%");
    }

    #[test]
    fn mlflows_own_file_is_read_where_no_variable_says_more() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".mlflow")).unwrap();
        let text =
            "[other]\nmlflow_tracking_username = x\n[mlflow]\nmlflow_tracking_username = a\nmlflow_tracking_password=b";
        std::fs::write(home.path().join(".mlflow/credentials"), text).unwrap();
        let home = ("HOME", home.path().to_str().unwrap());
        assert_eq!(by("http://h", &[home]).1, basic("a", "b"));
        assert_eq!(by("http://h", &[home, ("MLFLOW_TRACKING_USERNAME", "c")]).1, basic("c", "b"));
    }
}
