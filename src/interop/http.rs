//! HTTP as outside systems want it: the machine's certificates, proxies from the environment, a login, errors that say what
//! to do.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use ureq::config::Config;
use ureq::http::{Method, Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, SendBody, Timeout};

use crate::error::{Error, Result};
use crate::units::split_login;

/// How long a server may take to be reached.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take to answer once it has the whole question.
const ANSWER: Duration = Duration::from_mins(1);
/// How long a whole file may take on its way.
const BODY: Duration = Duration::from_mins(30);
/// An answer that is kept in memory has at most so many bytes.
const LONGEST: u64 = 64 << 20;

/// Who asks.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Login {
    #[default]
    Nobody,
    Basic {
        user: String,
        password: String,
    },
    /// A bearer token.
    Token(String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Basic { .. } => "Basic(…)",
            Self::Token(_) => "Token(…)",
        })
    }
}

impl Login {
    /// The value of the header `Authorization`.
    fn header(&self) -> Option<String> {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        match self {
            Self::Nobody => None,
            Self::Basic { user, password } => Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
            Self::Token(token) => Some(format!("Bearer {token}")),
        }
    }
}

/// Whose word is taken for a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// The machine's authorities, or those of `SSL_CERT_FILE`.
    #[default]
    Machine,
    /// The certificates in this file alone, as PEM.
    File(PathBuf),
    /// Any certificate is taken: whoever is in between can read all, the login too.
    Anybody,
}

impl Trust {
    fn config(&self) -> Result<TlsConfig> {
        let builder = TlsConfig::builder();
        Ok(match self {
            Self::Machine => builder.root_certs(RootCerts::PlatformVerifier).build(),
            Self::Anybody => builder.disable_verification(true).build(),
            Self::File(path) => {
                let pem = fs::read(path).map_err(|error| Error::io("read", path, error))?;
                let of = |item| if let Ok(PemItem::Certificate(found)) = item { Some(found) } else { None };
                let found: Vec<_> = parse_pem(&pem).filter_map(of).collect();
                if found.is_empty() {
                    let problem = "holds no certificate: a PEM file begins with -----BEGIN CERTIFICATE-----".into();
                    return Err(Error::Remote { place: path.display().to_string(), problem });
                }
                builder.root_certs(found.into()).build()
            }
        })
    }
}

/// Asks servers, on connections that it keeps.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    login: Login,
}

/// What is sent along.
#[expect(missing_debug_implementations, reason = "what is read from has no words for itself")]
pub enum Content<'a> {
    Nothing,
    Json(&'a Value),
    /// As it is, `bytes` long.
    Bytes {
        from: &'a mut dyn Read,
        bytes: u64,
    },
}

/// A whole answer, good or bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200 and so on.
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the server has done what it was asked for.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer that is still coming in.
#[derive(Debug)]
pub struct Incoming(Response<Body>);

impl Incoming {
    /// 200 and so on.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, as long as it may be.
    pub fn reader(&mut self) -> impl Read + '_ {
        self.0.body_mut().as_reader()
    }
}

impl Client {
    /// One that asks as `login`.
    #[must_use]
    pub fn new(login: Login) -> Self {
        Self::with(login, TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
    }

    /// One that asks as `login`, and believes whom it is told to.
    ///
    /// # Errors
    /// `Io` or `Remote` where the file of certificates cannot be read or holds none.
    pub fn trusting(login: Login, trust: &Trust) -> Result<Self> {
        Ok(Self::with(login, trust.config()?))
    }

    fn with(login: Login, tls: TlsConfig) -> Self {
        let config = Config::builder()
            .http_status_as_error(false)
            .tls_config(tls)
            .proxy(None)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_send_body(Some(BODY))
            .timeout_recv_body(Some(BODY))
            .user_agent(concat!("xray-tui/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().into(), login }
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// `Unreachable` where the server cannot be reached or goes away. What it refuses is an answer.
    pub fn ask(&self, method: &str, url: &str, content: Content<'_>) -> Result<Answer> {
        let mut incoming = self.send((method, url), &[], content)?;
        let mut body = Vec::new();
        let read = incoming.reader().take(LONGEST).read_to_end(&mut body);
        read.map_err(|error| unreachable(url, None, &error.into()))?;
        Ok(Answer { status: incoming.status(), body })
    }

    /// Begins to download; `headers` are sent along.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn open(&self, url: &str, headers: &[(&str, &str)]) -> Result<Incoming> {
        self.send(("GET", url), headers, Content::Nothing)
    }

    fn send(&self, (method, url): (&str, &str), headers: &[(&str, &str)], content: Content<'_>) -> Result<Incoming> {
        let through = proxy_for(url)?;
        let failed = |error: ureq::Error| unreachable(url, through.as_ref(), &error);
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| failed(ureq::Error::Http(error.into())))?;
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(login) = self.login.header() {
            request = request.header("Authorization", login);
        }
        let proxy = through.as_ref().map(|through| through.proxy.clone());
        let response = match content {
            Content::Nothing => self.run(request.body(()).map_err(|error| failed(error.into()))?, proxy),
            Content::Json(value) => {
                let request = request.header("Content-Type", "application/json").body(value.to_string());
                self.run(request.map_err(|error| failed(error.into()))?, proxy)
            }
            Content::Bytes { mut from, bytes } => {
                let request = request.header("Content-Length", bytes).body(SendBody::from_reader(&mut from));
                self.run(request.map_err(|error| failed(error.into()))?, proxy)
            }
        };
        response.map(Incoming).map_err(failed)
    }

    fn run(
        &self,
        request: Request<impl ureq::AsSendBody>,
        proxy: Option<Proxy>,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request).proxy(proxy).build();
        self.agent.run(request)
    }
}

/// A proxy, and the variable that names it.
struct Through {
    proxy: Proxy,
    variable: String,
}

impl Through {
    /// Without its login.
    fn name(&self) -> String {
        format!("the proxy {}:{}", self.proxy.host(), self.proxy.port())
    }
}

/// The proxy that the environment names for this address: `https_proxy` or `http_proxy` by its scheme, else `all_proxy`,
/// in small letters or capitals, but for the hosts of `no_proxy`.
fn proxy_for(url: &str) -> Result<Option<Through>> {
    let scheme = if url.starts_with("https:") { "https_proxy" } else { "http_proxy" };
    let names = [scheme.to_owned(), scheme.to_uppercase(), "all_proxy".into(), "ALL_PROXY".into()];
    let found = names.iter().find_map(|name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?)));
    let Some((name, address)) = found.filter(|_| !goes_past_proxy(url)) else { return Ok(None) };
    // The address may hold a password.
    let wrong = |error| Error::Remote {
        place: name.clone(),
        problem: format!("is no proxy's address ({error}): write http://HOST:PORT"),
    };
    let proxy = Proxy::new(&address).map_err(wrong)?;
    Ok(Some(Through { proxy, variable: name.clone() }))
}

/// Whether `no_proxy` names the address's host, or a domain that it is in.
fn goes_past_proxy(url: &str) -> bool {
    let host = url.parse::<ureq::http::Uri>().ok().and_then(|uri| Some(uri.host()?.to_lowercase()));
    let list = std::env::var("no_proxy").or_else(|_| std::env::var("NO_PROXY")).unwrap_or_default();
    host.is_some_and(|host| is_listed(&host, &list))
}

/// Whether `host` is in a list as `localhost,.example.org` or `*`.
fn is_listed(host: &str, list: &str) -> bool {
    list.split(',')
        .map(|entry| entry.trim().trim_start_matches('.').to_lowercase())
        .any(|entry| entry == "*" || entry == host || (!entry.is_empty() && host.ends_with(&format!(".{entry}"))))
}

/// Why a server could not be asked, and what to do. The address may hold a password.
fn unreachable(url: &str, through: Option<&Through>, error: &ureq::Error) -> Error {
    let problem = match through {
        Some(through) if is_unanswered(error) => {
            let (proxy, variable) = (through.name(), &through.variable);
            format!("{proxy} does not answer ({error}): check {variable}, or name the server's host in no_proxy")
        }
        _ => explain(through, error),
    };
    Error::Unreachable { place: split_login(url).0, problem }
}

/// Whether nobody was found to talk to: where a proxy is in use, that is the proxy.
fn is_unanswered(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        ureq::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused || is_unknown_host(error),
        _ => false,
    }
}

/// The system's own words for a name that it cannot find have no kind.
fn is_unknown_host(error: &io::Error) -> bool {
    error.to_string().contains("lookup address")
}

fn explain(through: Option<&Through>, error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => explain_io(error),
        ureq::Error::HostNotFound => "there is no such host: check the address, the network and the proxy".to_owned(),
        ureq::Error::Timeout(_) => format!("it takes too long ({error}): check the address and the network, try again"),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => format!(
            "its certificate is not accepted ({error}): check the address; a private authority's certificates can be \
             named with SSL_CERT_FILE"
        ),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => format!("is no address ({error}): write http://HOST:PORT"),
        ureq::Error::ConnectProxyFailed(said) => {
            let proxy = through.map_or_else(|| "the proxy".to_owned(), Through::name);
            format!("{proxy} refuses to connect ({said}): check it, or no_proxy")
        }
        _ => error.to_string(),
    }
}

fn explain_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing answers there: start the server, or check the address".to_owned(),
        // rustls tells what it refuses as such.
        io::ErrorKind::InvalidData => format!(
            "the connection is not secure ({error}): check the address; a private authority's certificates can be \
             named with SSL_CERT_FILE"
        ),
        _ if is_unknown_host(error) => {
            format!("there is no such host ({error}): check the address, the network and the proxy")
        }
        _ => format!("the connection broke ({error}): try again"),
    }
}
