//! A small HTTP server on loopback that can misbehave in every way that tests need.

use super::{Client, Settings, Url};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A client that is quick to give up, and takes no proxy.
pub(crate) fn client() -> Client {
    Client::new(settings()).unwrap()
}

/// The settings of [`client`].
pub(crate) fn settings() -> Settings {
    Settings {
        proxies: false,
        connect_timeout: Duration::from_secs(2),
        answer_timeout: Duration::from_millis(400),
        idle_timeout: Duration::from_millis(200),
        minimum_rate: 10_000,
        rate_window: Duration::from_millis(300),
        retries: 2,
        back_off: Duration::from_millis(1),
        longest_wait: Duration::from_millis(1500),
        ..Settings::default()
    }
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub method: String,
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// How many requests for the same target came before.
    pub before: usize,
}

impl Seen {
    /// Where a range request starts.
    pub fn range(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What the server answers.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The length to announce, where it is not to be the truth; chunked where `Some(None)`.
    pub announced: Option<Option<u64>>,
    pub manner: Manner,
}

/// How the body is sent.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    Whole,
    /// Sends so many bytes and closes the connection.
    DropAfter(usize),
    /// Sends so many bytes and then nothing.
    StallAfter(usize),
    /// Sends one byte at a time.
    Drip(Duration),
    /// Sends the body again and again.
    Endless,
    /// Sends not even a status line.
    Silent,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Reply { status, headers: vec![], body: body.into(), announced: None, manner: Manner::Whole }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    pub fn redirect(to: impl Into<String>) -> Self {
        Self::new(302, "").with("Location", to)
    }

    /// The content with an entity tag; ranges are served.
    pub fn file(seen: &Seen, content: &[u8], tag: &str) -> Self {
        let unchanged = seen.headers.get("if-range").is_none_or(|asked| asked == tag);
        let reply = match seen.range() {
            Some(from) if unchanged && from < content.len() => Self::new(206, &content[from..])
                .with("Content-Range", format!("bytes {from}-{}/{}", content.len() - 1, content.len())),
            _ => Self::ok(content),
        };
        reply.with("ETag", tag)
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn announcing(mut self, length: Option<u64>) -> Self {
        self.announced = Some(length);
        self
    }

    pub fn in_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }
}

/// The server; it stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (all, ended, handler) = (seen.clone(), stop.clone(), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (all, ended, handler) = (all.clone(), ended.clone(), handler.clone());
                std::thread::spawn(move || {
                    // A client that hangs up early is part of the game.
                    let _ = stream.and_then(|stream| serve(stream, &all, &*handler, &ended));
                });
            }
        });
        Server { address, seen, stop }
    }

    /// Serves the files of a map, by path without the leading slash; everything else is 404.
    pub fn of_files(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self::start(move |seen| match files.get(seen.target.trim_start_matches('/')) {
            Some(content) => Reply::file(seen, content, "\"1\""),
            None => Reply::new(404, "no such file"),
        })
    }

    pub fn url(&self, path: &str) -> Url {
        format!("http://{}/{}", self.address, path.trim_start_matches('/')).parse().unwrap()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    mut stream: TcpStream,
    all: &Mutex<Vec<Seen>>,
    handler: &dyn Fn(&Seen) -> Reply,
    ended: &AtomicBool,
) -> std::io::Result<()> {
    let Some(seen) = read_request(&stream, all)? else { return Ok(()) };
    let reply = handler(&seen);
    if let Manner::Silent = reply.manner {
        return wait_for(ended);
    }
    let mut head = format!("HTTP/1.1 {} Whatever\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let announced = reply.announced.unwrap_or(Some(reply.body.len() as u64));
    head += &match announced {
        Some(length) => format!("Content-Length: {length}\r\n\r\n"),
        None => "Transfer-Encoding: chunked\r\n\r\n".into(),
    };
    stream.write_all(head.as_bytes())?;
    if seen.method == "HEAD" {
        return Ok(());
    }
    let mut send = |bytes: &[u8]| match announced {
        Some(_) => stream.write_all(bytes),
        None => write!(stream, "{:x}\r\n", bytes.len())
            .and_then(|()| stream.write_all(bytes))
            .and_then(|()| stream.write_all(b"\r\n")),
    };
    match reply.manner {
        Manner::Whole => send(&reply.body)?,
        Manner::DropAfter(n) => return send(&reply.body[..n.min(reply.body.len())]),
        Manner::StallAfter(n) => {
            send(&reply.body[..n.min(reply.body.len())])?;
            return wait_for(ended);
        }
        Manner::Drip(pause) => {
            for byte in &reply.body {
                send(&[*byte])?;
                std::thread::sleep(pause);
            }
        }
        Manner::Endless => loop {
            send(&reply.body)?;
        },
        Manner::Silent => unreachable!("answered above"),
    }
    if announced.is_none() {
        stream.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

fn read_request(stream: &TcpStream, all: &Mutex<Vec<Seen>>) -> std::io::Result<Option<Seen>> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut all = all.lock().unwrap();
    let before = all.iter().filter(|earlier: &&Seen| earlier.target == target).count();
    let seen = Seen { method, target, headers, body, before };
    all.push(seen.clone());
    Ok(Some(seen))
}

fn wait_for(ended: &AtomicBool) -> std::io::Result<()> {
    while !ended.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
