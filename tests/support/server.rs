//! A web server that answers as a test says, and a proxy, each on a port of its own.

#![allow(dead_code, reason = "each test uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a client asks: the first line and the headers, whose names are in small letters.
#[derive(Debug, Clone)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// Up to the empty line; `None` where the client has gone.
    fn read(stream: &mut TcpStream) -> Option<Self> {
        let (mut text, mut byte) = (Vec::new(), [0]);
        while !text.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).ok()?;
            text.extend_from_slice(&byte);
        }
        let text = String::from_utf8(text).unwrap();
        let mut lines = text.lines();
        let line = lines.next()?.to_owned();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Some(Self { line, headers: lines.filter_map(header).collect() })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first byte that it asks for.
    pub fn range_start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What a server does.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status and headers, without the length.
    pub head: String,
    pub body: Vec<u8>,
    pub then: Then,
}

/// How a reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Whole,
    /// After so many bytes of the body the connection is closed.
    Close(usize),
    /// After so many bytes nothing more comes until the client goes.
    Wait(usize),
}

impl Reply {
    pub fn whole(head: &str, body: &[u8]) -> Self {
        Self { head: head.to_owned(), body: body.to_vec(), then: Then::Whole }
    }

    /// The file, or the part of it that is asked for, marked as version `"one"`.
    pub fn file(request: &Request, file: &[u8]) -> Self {
        let (start, length) = (request.range_start().unwrap_or(0), file.len());
        match request.range_start() {
            None => Self::whole("200 OK\r\nETag: \"one\"", file),
            Some(start) if start >= length => Self::whole(&format!("416 No\r\nContent-Range: bytes */{length}"), b""),
            Some(_) => {
                let range =
                    format!("206 Part\r\nETag: \"one\"\r\nContent-Range: bytes {start}-{}/{length}", length - 1);
                Self::whole(&range, &file[start..])
            }
        }
    }

    pub fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", self.head, self.body.len())?;
        match self.then {
            Then::Whole => stream.write_all(&self.body),
            Then::Close(bytes) => stream.write_all(&self.body[..bytes]),
            Then::Wait(bytes) => {
                stream.write_all(&self.body[..bytes])?;
                stream.read_to_end(&mut Vec::new()).map(drop)
            }
        }
    }
}

/// A server on a thread; it ends with the test's process.
#[derive(Debug, Clone)]
pub struct Server {
    /// `127.0.0.1:PORT`
    pub address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// One that answers the request of each number, from 0, as `answer` says.
    pub fn start(answer: impl Fn(usize, &Request) -> Reply + Send + 'static) -> Self {
        let (listener, server) = Self::bind();
        let requests = server.requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = Request::read(&mut stream) else { continue };
                let number = requests.lock().unwrap().len();
                requests.lock().unwrap().push(request.clone());
                // A client that has gone is no fault of the server's.
                let _ = answer(number, &request).write(&mut stream);
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        server
    }

    /// A proxy that connects to whatever it is asked for.
    pub fn proxy() -> Self {
        let (listener, server) = Self::bind();
        let requests = server.requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = Request::read(&mut stream) else { continue };
                requests.lock().unwrap().push(request.clone());
                let target = request.line.split(' ').nth(1).unwrap().to_owned();
                let mut far = TcpStream::connect(target).unwrap();
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
                let (mut near, mut back) = (stream.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut near, &mut back));
                let _ = std::io::copy(&mut far, &mut stream);
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        server
    }

    fn bind() -> (TcpListener, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, Self { address, requests: Arc::default() })
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}
