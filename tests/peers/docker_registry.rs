//! Debian's docker-registry on loopback: it has no list of referrers, and can ask for passwords and speak TLS.

use super::tools::{Running, Tools};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The one who may enter a registry with a door.
pub const USER: &str = "robot";
/// Their password.
pub const PASSWORD: &str = "open-sesame-of-a-test";

/// A registry that runs until it is dropped.
pub struct DockerRegistry {
    _running: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl DockerRegistry {
    /// One that speaks plain HTTP with everybody.
    pub fn open() -> Self {
        Self::start("", |_| {})
    }

    /// One that speaks TLS, with a certificate of its own authority, and asks for name and password.
    pub fn locked() -> Self {
        let settings = "  tls: {certificate: /work/server.pem, key: /work/server.key}\n\
            auth: {htpasswd: {realm: test, path: /work/htpasswd}}\n";
        Self::start(settings, |folder| {
            write_certificates(folder);
            let line = Tools::sid().run(folder, &["htpasswd", "-nbB", USER, PASSWORD]).done().stdout;
            fs::write(folder.join("htpasswd"), line).unwrap();
        })
    }

    fn start(settings: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: /work/registry}}, delete: {{enabled: true}}}}\n\
             http:\n  addr: \"{address}\"\n{settings}"
        );
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let running = Tools::sid().start(folder.path(), &["docker-registry", "serve", "/work/config.yml"]);
        let registry = DockerRegistry { _running: running, address, folder };
        registry.wait();
        registry
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < end, "docker-registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A folder in the form of Docker's `certs.d` with the authority of a locked registry.
    pub fn certificates(&self) -> PathBuf {
        self.folder.path().join("certs.d")
    }

    /// How many blobs it stores, in all repositories together.
    pub fn blobs(&self) -> usize {
        let folder = self.folder.path().join("registry/docker/registry/v2/blobs/sha256");
        let twos = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        twos.map(|two| fs::read_dir(two).unwrap().count()).sum()
    }
}

/// An authority and a certificate of it for 127.0.0.1; made for the test.
fn write_certificates(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
}

/// Puts the authority where clients look for it.
impl DockerRegistry {
    pub fn trusted(self) -> Self {
        let place = self.certificates().join(self.host());
        fs::create_dir_all(&place).unwrap();
        fs::copy(self.folder.path().join("authority.pem"), place.join("ca.crt")).unwrap();
        self
    }
}
