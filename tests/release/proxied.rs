//! Registries behind a proxy that the environment names.

use super::Releasing;
use crate::support::program::World;
use crate::support::registry::{Options, Registry};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A proxy for plain HTTP, which takes everything to one place; it notes the hosts that it was asked for.
struct Proxy {
    address: String,
    hosts: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn before(place: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let hosts = Arc::<Mutex<Vec<String>>>::default();
        let noted = hosts.clone();
        // It ends with the tests' process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (place, noted) = (place.clone(), noted.clone());
                // Whoever hangs up early is served no more.
                std::thread::spawn(move || drop(serve(&client, &place, &noted)));
            }
        });
        Proxy { address, hosts }
    }
}

/// Serves one request without a body and closes the connection.
fn serve(mut client: &TcpStream, place: &str, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(client).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let (method, rest) = first.split_once(" http://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or_default();
    noted.lock().unwrap().push(host.to_owned());
    let mut request = format!("{method} /{path}\r\nConnection: close\r\n");
    for line in lines {
        match line?.as_str() {
            "" => break,
            line if line.to_lowercase().starts_with("connection:") => {}
            line => request += &format!("{line}\r\n"),
        }
    }
    let mut server = TcpStream::connect(place)?;
    server.write_all(format!("{request}\r\n").as_bytes())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    client.write_all(&answer)
}

#[test]
fn a_registry_behind_a_proxy_is_reached_through_it_and_one_on_loopback_without() {
    let releasing = Releasing::to(Registry::start(Options::default()));
    releasing.release("1.0", &[]).run().done();
    let proxy = Proxy::before(releasing.registry.host());
    let mut world = World::new();
    world.set("http_proxy", format!("http://{}", proxy.address));
    world.set("KILN_PLAIN_HTTP", "registry.test:5000");
    let key = releasing.public_key();
    world.kiln(["verify", "registry.test:5000/acme/hello:1.0", "--key", &key]).run().done();
    let hosts = std::mem::take(&mut *proxy.hosts.lock().unwrap());
    assert!(!hosts.is_empty() && hosts.iter().all(|host| host == "registry.test:5000"), "{hosts:?}");
    world.kiln(["verify", &releasing.reference("1.0"), "--key", &key]).run().done();
    world.set("no_proxy", "registry.test");
    world.kiln(["verify", "registry.test:5000/acme/hello:1.0", "--key", &key]).run().code(7);
    assert!(proxy.hosts.lock().unwrap().is_empty());
}
