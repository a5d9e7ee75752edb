//! From an address to a channel: bytes to and from a daemon, and HTTP/2 over them.

use super::address::Address;
use super::tls::{Protocol, Tls};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tonic::transport::{Channel, Endpoint};

/// How long a daemon may take to be reached.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The socket of the Docker daemon of this machine.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// The longest answer to a wish for another protocol, in bytes.
const LONGEST_ANSWER: usize = 16 << 10;

/// Bytes to and from a daemon.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects with a daemon.
///
/// # Errors
/// Where it cannot be reached, or does not answer in [`TIMEOUT`].
pub(super) async fn connect(address: &Address, tls: Option<&Tls>) -> Result<Channel, String> {
    let place = (address.clone(), tls.cloned());
    let connector = tower::service_fn(move |_| {
        let (address, tls) = place.clone();
        async move { open(&address, tls.as_ref(), Protocol::Grpc).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://buildkit")
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_while_idle(true);
    let channel = endpoint.connect_with_connector(connector);
    match tokio::time::timeout(TIMEOUT, channel).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(root_cause(&error)),
        Err(_) => Err(format!("it does not answer in {} seconds", TIMEOUT.as_secs())),
    }
}

/// What lies behind an error that says no more than that there is one.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

async fn open(address: &Address, tls: Option<&Tls>, protocol: Protocol) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            match tls {
                Some(tls) => Ok(Box::new(tls.over(host, stream, protocol).await?)),
                None => Ok(Box::new(stream)),
            }
        }
        Address::Docker { host, .. } => {
            let usual = usual_docker();
            let host = host.as_deref().unwrap_or(&usual);
            let mut stream = Box::pin(open(host, tls, Protocol::Docker)).await?;
            upgrade(&mut stream, "/grpc", &[]).await?;
            Ok(stream)
        }
        Address::Command { words, .. } => Ok(Box::new(Dialled::start(words)?)),
    }
}

/// A connection with a Docker daemon of its own for a session, which says who it is in these headers.
pub(super) async fn session(
    docker: &Address,
    tls: Option<&Tls>,
    headers: &[(&str, String)],
) -> io::Result<Box<dyn Stream>> {
    let opened = async {
        let mut stream = open(docker, tls, Protocol::Docker).await?;
        upgrade(&mut stream, "/session", headers).await?;
        Ok(stream)
    };
    tokio::time::timeout(TIMEOUT, opened).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Where the Docker daemon is that an address without a host means.
pub(super) fn usual_docker() -> Address {
    Address::Unix(DOCKER_SOCKET.into())
}

/// Asks a Docker daemon for a part of the BuildKit that is in it.
async fn upgrade(stream: &mut Box<dyn Stream>, path: &str, headers: &[(&str, String)]) -> io::Result<()> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let wish = format!(
        "POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n{headers}\r\n"
    );
    stream.write_all(wish.as_bytes()).await?;
    let mut answer = Vec::new();
    // Byte by byte: what follows is the other protocol's.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == LONGEST_ANSWER {
            return Err(io::Error::other("what answers is no Docker daemon"));
        }
        answer.push(stream.read_u8().await?);
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some("101") => Ok(()),
        _ => Err(io::Error::other(format!("the Docker daemon offers no BuildKit: it answers `{}`", status.trim()))),
    }
}

/// A program whose standard streams lead to a daemon; it is killed when this is dropped.
struct Dialled {
    input: ChildStdin,
    output: ChildStdout,
    _program: Child,
}

impl Dialled {
    fn start(words: &[String]) -> io::Result<Self> {
        let [program, arguments @ ..] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
        let started = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn();
        let mut started = started.map_err(|error| io::Error::other(format!("cannot start `{program}`: {error}")))?;
        let (Some(input), Some(output)) = (started.stdin.take(), started.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Dialled { input, output, _program: started })
    }
}

impl AsyncRead for Dialled {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Dialled {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
