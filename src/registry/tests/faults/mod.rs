//! Transfers against a registry that misbehaves: each ends in success or in one clear error, no tag moves early,
//! nothing unverified is kept, nothing hangs.

mod access;
mod listing;
mod pulling;
mod pushing;
mod resuming;
mod tagging;

use super::super::fixtures::{Fault, Options, Registry, Seen};
use super::*;
use crate::http;
use crate::oci::Reference;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// The statuses that say "no", and those that say "not now".
const NO: [u16; 5] = [401, 403, 404, 409, 413];
const NOT_NOW: [u16; 4] = [429, 500, 502, 503];

/// No transfer here may take longer, whatever goes wrong.
const LONGEST: Duration = Duration::from_secs(15);

/// A client that is quick to give up, but not so quick that a busy machine makes it.
fn quick() -> http::Settings {
    http::Settings {
        proxies: false,
        connect_timeout: Duration::from_secs(1),
        answer_timeout: Duration::from_millis(1200),
        idle_timeout: Duration::from_millis(700),
        minimum_rate: 10_000,
        rate_window: Duration::from_millis(400),
        retries: 2,
        back_off: Duration::from_millis(1),
        longest_wait: Duration::from_millis(1500),
        ..http::Settings::default()
    }
}

/// The right credentials, in case that somebody asks for them.
fn settings(registry: &Registry) -> Settings {
    let Options { user, password, .. } = Options::default();
    let secret = Secret::Password { user: user.into(), password: password.into() };
    let given = Some(Given { registry: registry.host(), secret });
    let credentials = CredentialPlaces { given, ..CredentialPlaces::default() };
    let plain_http = BTreeSet::from([registry.host()]);
    Settings { http: quick(), plain_http, credentials, ..Settings::default() }
}

fn repository(registry: &Registry, name: &str) -> Repository {
    repository_with(settings(registry), registry, name)
}

fn repository_with(settings: Settings, registry: &Registry, name: &str) -> Repository {
    let reference: Reference = format!("{}/{name}", registry.host()).parse().unwrap();
    Registries::new(settings).unwrap().repository(&reference).unwrap()
}

/// A store for all releases that are made at a time: what it remembers of one is nothing to the others.
fn common() -> Arc<Place> {
    static PLACE: Mutex<Weak<Place>> = Mutex::new(Weak::new());
    let mut place = PLACE.lock().unwrap();
    place.upgrade().unwrap_or_else(|| {
        let new = Arc::new(Place::new());
        *place = Arc::downgrade(&new);
        new
    })
}

/// The names of all blobs in a store; each has been read, and is what its name says.
fn checked(store: &Store) -> BTreeSet<Digest> {
    let mut names = BTreeSet::new();
    for folder in std::fs::read_dir(store.root().join("blobs/sha256")).unwrap() {
        let folder = folder.unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            let hex = format!("{}{}", folder.file_name().display(), file.file_name().display());
            let digest = Digest::of(std::fs::read(file.path()).unwrap());
            assert_eq!(digest.hex(), hex, "what stands in the store is not what its name says");
            names.insert(digest);
        }
    }
    names
}

/// Bytes without a pattern that a mistake could hide in.
fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) | 1 << 40;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A release that is to be made, and the image that the tag names before.
struct Release {
    registry: Registry,
    contents: Shelf,
    outgoing: Outgoing,
    old: Digest,
    place: Arc<Place>,
    repository: Repository,
}

const NAME: &str = "acme/app";

impl Release {
    /// A release of one image with a referrer, to a registry of a kind.
    fn to(options: Options) -> Self {
        Self::of(options, &[&noise(1, 20_000), &noise(2, 3_000)])
    }

    fn of(options: Options, layers: &[&[u8]]) -> Self {
        let registry = Registry::start(options);
        let old = registry.put_image(NAME, "linux/amd64", &[b"old"], &["v1"]).digest;
        let mut contents = Shelf::default();
        let image = contents.image(Platform::linux("amd64", None), layers);
        let referrer = contents.referrer(&image, "signed");
        let outgoing = Outgoing { image, referrers: vec![referrer] };
        let repository = repository(&registry, NAME);
        Release { registry, contents, outgoing, old, place: common(), repository }
    }

    /// The same with a registry that misbehaves.
    fn with(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        faults.into_iter().for_each(|fault| self.registry.misbehave(fault));
        self
    }

    async fn push(&self) -> Result<Pushed, RegistryError> {
        push(&self.repository, &self.outgoing, &self.contents, &self.place.0, &()).await
    }

    /// Pushes, and then moves the tag; checks what must hold whatever comes of it.
    async fn run(&self, case: &str) -> Result<(), RegistryError> {
        let work = async {
            self.push().await?;
            assert_eq!(self.registry.tag(NAME, "v1"), Some(self.old), "{case}: the tag has moved early");
            tag(&self.repository, "v1", &self.contents.document(&self.outgoing.image), true).await
        };
        let done = tokio::time::timeout(LONGEST, work).await;
        let done = done.unwrap_or_else(|_| panic!("{case}: no end: {:#?}", story(&self.registry)));
        let now = self.registry.tag(NAME, "v1");
        if now != Some(self.old) {
            assert_eq!(now, Some(self.outgoing.image.digest), "{case}");
            self.assert_complete(case);
        }
        match done {
            Ok(_) => assert_ne!(now, Some(self.old), "{case}: the tag has not moved"),
            Err(ref error) => assert_clear(case, error),
        }
        done.map(|_| ())
    }

    async fn succeeds(self, case: &str) -> Self {
        if let Err(error) = self.run(case).await {
            panic!("{case}: {error}\n{:#?}", story(&self.registry));
        }
        self
    }

    /// Ends in an error, and the tag stands where it stood.
    async fn fails(self, case: &str) -> RegistryError {
        let Err(error) = self.run(case).await else { panic!("{case}: no error\n{:#?}", story(&self.registry)) };
        assert_eq!(self.registry.tag(NAME, "v1"), Some(self.old), "{case}: the tag has moved");
        error
    }

    /// All that belongs to the release is in the registry, byte for byte, and was before the tag moved.
    fn assert_complete(&self, case: &str) {
        for (digest, content) in &self.contents.0 {
            assert_eq!(self.registry.content(NAME, digest).as_ref(), Some(content), "{case}: {digest}");
        }
        let log = self.registry.log();
        let moved = log.iter().position(|seen| seen.method == "PUT" && seen.target.ends_with("/manifests/v1"));
        let writes = ["POST", "PATCH", "PUT"];
        let later = log[moved.unwrap()..].iter().filter(|seen| writes.contains(&seen.method.as_str()));
        for seen in later {
            assert!(seen.target.ends_with("/manifests/v1"), "{case}: {} {} after the tag", seen.method, seen.target);
        }
    }
}

/// The error is one of the service, and says what to do without saying what is secret.
fn assert_clear(case: &str, error: &RegistryError) {
    let text = error.to_string();
    assert!(error.is_of_service() || error.is_not_found(), "{case}: {text}");
    assert!(text.len() > 20 && !text.contains('\n'), "{case}: {text}");
    let Options { user, password, identity_token, .. } = Options::default();
    for secret in [password, identity_token, format!("{user}:"), "token-".into()] {
        assert!(!text.contains(&secret), "{case}: {text}");
    }
}

/// What the registry saw, for those who want to know why a test failed.
fn story(registry: &Registry) -> Vec<String> {
    let line = |seen: &Seen| format!("{} {} -> {:?} ({})", seen.method, seen.target, seen.status, seen.received);
    registry.log().iter().map(line).collect()
}

/// Offsets in content of a length: its ends, the neighbourhood of round numbers, and some between.
fn offsets(length: usize) -> Vec<usize> {
    let round = [1, 4096, 16_384, 65_536];
    let near = round.into_iter().flat_map(|n: usize| [n.saturating_sub(1), n, n + 1]);
    let between = (1..8).map(|n| n * length / 8);
    let all: BTreeSet<usize> = near.chain(between).chain([length - 2, length - 1]).filter(|n| *n < length).collect();
    all.into_iter().collect()
}
