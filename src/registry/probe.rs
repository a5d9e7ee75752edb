//! Whether a server on this machine speaks TLS.

use crate::http::Url;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long the whole question may take; nobody on this machine needs it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether something at this address answers, and not in TLS. The question is the beginning of a TLS connection that
/// is not gone on with. It has ends of lines in it, so that a server that waits for the end of an HTTP request sees one.
///
/// Blocks for up to half a second for each address of the host.
pub(super) fn is_plain(url: &Url, known: &[(String, SocketAddr)]) -> bool {
    let (Some(host), Some(port)) = (url.host(), url.secret().port_or_known_default()) else { return false };
    let addresses: Vec<SocketAddr> = match known.iter().find(|(name, _)| name == host) {
        Some((_, address)) => vec![*address],
        None => (host.trim_matches(['[', ']']), port).to_socket_addrs().map(Iterator::collect).unwrap_or_default(),
    };
    let Some(mut stream) = addresses.iter().find_map(|a| TcpStream::connect_timeout(a, PATIENCE).ok()) else {
        return false;
    };
    let mut first = [0];
    let asked = stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
        .and_then(|()| stream.write_all(&hello()))
        .and_then(|()| stream.read(&mut first));
    match asked {
        // Alerts and handshakes are TLS, anything else is not.
        Ok(1) => !matches!(first[0], 0x15 | 0x16),
        // Closed without a word, which TLS servers do not do.
        Ok(_) => true,
        Err(error) => matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe),
    }
}

/// A `ClientHello` of TLS 1.2 (RFC 5246, section 7.4.1.2) with a few suites and no extensions.
fn hello() -> Vec<u8> {
    let suites: [u8; 10] = [0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0x00, 0x9c];
    let mut body = vec![3, 3];
    // What should be random is nobody's secret here; that it is no text keeps it from being taken for a request.
    body.extend([0xff; 32]);
    body.push(32);
    body.extend(b"\r\n\r\n".iter().cycle().take(32));
    body.extend([0, suites.len() as u8]);
    body.extend(suites);
    body.extend([1, 0]);
    let mut message = vec![0x16, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    message.extend(body);
    message
}
