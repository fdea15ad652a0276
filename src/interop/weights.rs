//! Public weights: fetched over HTTP into a file, going on where an earlier attempt ended, and believed only once they are checked.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::http::{Client, Incoming, Login};
use crate::error::{Error, Result};
use crate::metrics::{Fingerprint, Hasher};
use crate::train::weights::describe;
use crate::units::split_login;

/// Attempts in a row, each of which has brought something.
const ATTEMPTS: usize = 5;
/// Bytes that a file may have; a ResNet-18's has 47 million.
const LARGEST: u64 = 1 << 30;

/// What to fetch.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    pub url: &'a str,
    /// The file to write; beside it lies what has come so far, its name ending in `.part`.
    pub file: &'a Path,
    /// How the SHA-256 must begin, in lower-case hexadecimal digits.
    pub sha256: Option<&'a str>,
}

impl Order<'_> {
    /// The address without the login that may stand in it.
    #[must_use]
    pub fn shown_url(&self) -> String {
        split_login(self.url).0
    }
}

/// What was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    pub sha256: Fingerprint,
    pub bytes: u64,
    /// Bytes that were there from an earlier attempt.
    pub resumed_at: u64,
}

/// Bytes that are there, and how many it will be, if the server says so.
pub type Tell<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// The beginning of the SHA-256 that a file's name tells: eight or more hexadecimal digits between `-` and `.`, as PyTorch's
/// hub names its files.
#[must_use]
pub fn sha256_in_name(url: &str) -> Option<&str> {
    let name = url.split(['?', '#']).next()?.rsplit('/').next()?;
    let (digits, _) = name.rsplit_once('-')?.1.split_once('.')?;
    let is_digit = |digit: char| digit.is_ascii_digit() || ('a'..='f').contains(&digit);
    ((8..=64).contains(&digits.len()) && digits.chars().all(is_digit)).then_some(digits)
}

/// Fetches weights: the file is there in the end, checked and of a network that a run can start from, or it is as before.
///
/// # Errors
/// `Remote` where they cannot be fetched, with what to do by hand, or are not what they should be; `Io` where they cannot
/// be kept. What has come stays beside the file for the next attempt.
pub fn fetch(order: &Order<'_>, tell: Tell<'_>) -> Result<Fetched> {
    if let Some(folder) = order.file.parent() {
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    }
    let mut part = Part::open(order)?;
    let filled = part.fill(tell);
    if part.length == 0 {
        part.remove();
    }
    filled?;
    let sha256 = part.check()?;
    part.keep()?;
    Ok(Fetched { sha256, bytes: part.length, resumed_at: part.resumed_at })
}

/// Whether the file is what would be fetched.
///
/// # Errors
/// `Io` where it cannot be read.
pub fn is_kept(order: &Order<'_>) -> Result<Option<Fingerprint>> {
    let mut file = File::open(order.file).map_err(|error| Error::io("read", order.file, error))?;
    let found = fingerprint(&mut file).map_err(|error| Error::io("read", order.file, error))?;
    let is_right = order.sha256.is_none_or(|beginning| found.to_string().starts_with(beginning));
    Ok((is_right && describe(order.file).is_ok_and(|found| found.fit.is_ok())).then_some(found))
}

/// What has come so far, in a file beside the one that is wanted.
#[derive(Debug)]
struct Part<'a> {
    order: &'a Order<'a>,
    client: Client,
    path: PathBuf,
    file: File,
    length: u64,
    /// Bytes of them that an earlier attempt brought.
    resumed_at: u64,
}

/// How an attempt ended.
enum Attempt {
    Done,
    /// The server has another file than the one that has begun to come.
    Anew,
    Broken(Error),
}

impl<'a> Part<'a> {
    /// Opens it, and keeps others from writing to it for as long as it is open.
    fn open(order: &'a Order<'a>) -> Result<Self> {
        let path = with_ending(order.file, ".part");
        let failed = |error| Error::io("write", &path, error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let taken = || io::Error::other("another xray-tui is fetching it; wait for that one");
        file.try_lock()
            .map_err(|error| failed(if let TryLockError::Error(error) = error { error } else { taken() }))?;
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { order, client: Client::new(Login::Nobody), path, file, length, resumed_at: length })
    }

    /// Fetches what is missing, in as many attempts as each bring something.
    fn fill(&mut self, tell: Tell<'_>) -> Result<()> {
        for attempt in 1..=ATTEMPTS {
            let before = self.length;
            match self.attempt(tell)? {
                Attempt::Done => return Ok(()),
                Attempt::Anew => self.restart()?,
                Attempt::Broken(error) if attempt == ATTEMPTS || self.length <= before => {
                    return Err(self.with_advice(error));
                }
                Attempt::Broken(_) => {}
            }
        }
        Err(self.refused("the server says one thing and then another about the file"))
    }

    fn attempt(&mut self, tell: Tell<'_>) -> Result<Attempt> {
        let mark = self.mark();
        if mark.is_none() {
            self.restart()?;
        }
        let range = format!("bytes={}-", self.length);
        let asked =
            mark.as_deref().filter(|_| self.length > 0).map(|mark| [("Range", range.as_str()), ("If-Range", mark)]);
        let mut incoming = match self.client.open(self.order.url, asked.as_ref().map_or(&[], |headers| headers)) {
            Ok(incoming) => incoming,
            Err(error) => return Ok(Attempt::Broken(error)),
        };
        let (start, total) = incoming.header("Content-Range").map_or((None, None), content_range);
        match incoming.status() {
            200 => {
                let total = incoming.header("Content-Length").and_then(|length| length.parse().ok());
                self.begin(&incoming)?;
                self.take(&mut incoming, (total, tell))
            }
            206 if start == Some(self.length) => self.take(&mut incoming, (total, tell)),
            416 if total == Some(self.length) => Ok(Attempt::Done),
            206 | 416 => Ok(Attempt::Anew),
            status => Err(self.refused(&refusal(status))),
        }
    }

    fn take(&mut self, incoming: &mut Incoming, (total, tell): (Option<u64>, Tell<'_>)) -> Result<Attempt> {
        let mut reader = incoming.reader();
        let mut bytes = vec![0; 1 << 16];
        loop {
            tell(self.length, total);
            let how = match reader.read(&mut bytes) {
                Ok(0) if total.is_none_or(|total| self.length >= total) => return Ok(Attempt::Done),
                Ok(0) => "ended".to_owned(),
                Ok(read) => {
                    self.file.write_all(&bytes[..read]).map_err(|error| Error::io("write", &self.path, error))?;
                    self.length += read as u64;
                    if self.length > LARGEST {
                        return Err(self.discard("it is larger than any file of a ResNet-18's weights"));
                    }
                    continue;
                }
                Err(error) => format!("broke ({error})"),
            };
            let problem = format!("the connection {how} after {} bytes", self.length);
            return Ok(Attempt::Broken(Error::Unreachable { place: self.order.shown_url(), problem }));
        }
    }

    /// From the first byte on, of the version that the server has now.
    fn begin(&mut self, incoming: &Incoming) -> Result<()> {
        self.restart()?;
        let strong = incoming.header("ETag").filter(|tag| !tag.starts_with("W/"));
        let Some(mark) = strong.or_else(|| incoming.header("Last-Modified")) else { return Ok(()) };
        let path = self.mark_path();
        fs::write(&path, format!("{}\n{mark}\n", self.order.shown_url()))
            .map_err(|error| Error::io("write", path, error))
    }

    fn restart(&mut self) -> Result<()> {
        (self.length, self.resumed_at) = (0, 0);
        _ = fs::remove_file(self.mark_path());
        let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
        emptied.map_err(|error| Error::io("write", &self.path, error))
    }

    /// What tells the version that has begun to come from others, if it came from the same address.
    fn mark(&self) -> Option<String> {
        let text = fs::read_to_string(self.mark_path()).ok()?;
        let (url, mark) = text.trim_end().split_once('\n')?;
        (url == self.order.shown_url()).then(|| mark.to_owned())
    }

    fn mark_path(&self) -> PathBuf {
        with_ending(&self.path, ".from")
    }

    /// That it is what was ordered, and weights that a run can start from; what is neither goes.
    fn check(&mut self) -> Result<Fingerprint> {
        let found = self.file.rewind().and_then(|()| fingerprint(&mut self.file));
        let found = found.map_err(|error| Error::io("read", &self.path, error))?;
        if let Some(beginning) = self.order.sha256.filter(|beginning| !found.to_string().starts_with(beginning)) {
            return Err(self.discard(&format!(
                "what came has the SHA-256 {found}, which does not begin with {beginning}: it was damaged or changed on its \
                 way, or a proxy sent a page of its own"
            )));
        }
        match describe(&self.path).map(|description| description.fit) {
            Ok(Ok(_)) => Ok(found),
            Ok(Err(problem)) => Err(self.discard(&problem)),
            Err(error) => Err(self.discard(&error.to_string())),
        }
    }

    /// Puts it in place.
    fn keep(&self) -> Result<()> {
        let done = self.file.sync_all().and_then(|()| fs::rename(&self.path, self.order.file));
        done.map_err(|error| Error::io("write", self.order.file, error))?;
        _ = fs::remove_file(self.mark_path());
        Ok(())
    }

    /// Deletes it, and says why.
    fn discard(&self, why: &str) -> Error {
        self.remove();
        self.refused(&format!("{why}; it was deleted"))
    }

    fn remove(&self) {
        // What is left over is overwritten by the next attempt.
        _ = fs::remove_file(self.mark_path());
        _ = fs::remove_file(&self.path);
    }

    /// The server was reached, and what it says or sends is not the file.
    fn refused(&self, problem: &str) -> Error {
        let goes_on = self.goes_on();
        let problem = format!("{problem}{goes_on}\ncheck the address, or name another with --url");
        Error::Remote { place: self.order.shown_url(), problem }
    }

    fn goes_on(&self) -> &'static str {
        if self.path.metadata().is_ok_and(|facts| facts.len() > 0) {
            "\nthe same command goes on from where it ended"
        } else {
            ""
        }
    }

    /// The same error, with the ways around a connection that failed.
    fn with_advice(&self, error: Error) -> Error {
        let Error::Unreachable { place, problem } = error else { return error };
        let Order { file, sha256, .. } = *self.order;
        let (url, goes_on) = (self.order.shown_url(), self.goes_on());
        let check = sha256.map_or_else(String::new, |beginning| {
            format!(", check that its SHA-256 begins with {beginning} (`sha256sum`)")
        });
        let problem = format!(
            "{problem}{goes_on}\nbehind a proxy: set https_proxy=http://HOST:PORT; from a mirror: name it with --url\nby hand, \
             where there is no network: download {url} on another machine{check}, copy it to {}",
            file.display()
        );
        Error::Remote { place, problem }
    }
}

/// What a server's refusal means.
fn refusal(status: u16) -> String {
    let words = match status {
        404 | 410 => "there is no such file",
        401 | 403 => "the server does not give it to everybody",
        407 => "the proxy wants a login, as in http://USER:PASSWORD@HOST:PORT",
        429 => "the server is asked too often: try again later",
        500.. => "the server has a problem: try again later",
        _ => "the server answers something else",
    };
    format!("{words} (HTTP status {status})")
}

/// The first byte and the length of the whole, of `bytes 7-99/100` or `bytes */100`.
fn content_range(text: &str) -> (Option<u64>, Option<u64>) {
    let (range, total) = text.trim_start_matches("bytes").trim().split_once('/').unwrap_or((text, ""));
    (range.split('-').next().and_then(|start| start.parse().ok()), total.parse().ok())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn fingerprint(file: &mut File) -> io::Result<Fingerprint> {
    let (mut hasher, mut bytes) = (Hasher::default(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&bytes[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_read_from_a_name_as_pytorchs_hub_writes_it() {
        let url = "https://download.pytorch.org/models/resnet18-f37072fd.pth";
        assert_eq!(sha256_in_name(url), Some("f37072fd"));
        assert_eq!(sha256_in_name(&format!("{url}?download=true")), Some("f37072fd"));
        for other in ["https://x.org/resnet18.pth", "https://x.org/a-1234.pth", "https://x.org/resnet-eighteen.pth", ""]
        {
            assert_eq!(sha256_in_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_range_is_read_as_servers_write_it() {
        assert_eq!(content_range("bytes 7-99/100"), (Some(7), Some(100)));
        assert_eq!(content_range("bytes */100"), (None, Some(100)));
        assert_eq!(content_range("bytes 7-99/*"), (Some(7), None));
        assert_eq!(content_range("lines"), (None, None));
    }
}
