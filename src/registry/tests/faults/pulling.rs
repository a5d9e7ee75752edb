//! Pulls from a registry that misbehaves.

use super::super::super::fixtures::{Manner, To, What};
use super::*;
use futures_util::future::join_all;

/// A registry with an image and what refers to it.
struct Source {
    registry: Registry,
    image: Descriptor,
    layer: Digest,
    all: BTreeSet<Digest>,
}

impl Source {
    fn new(options: Options) -> Self {
        Self::of(options, &noise(7, 20_000))
    }

    fn of(options: Options, layer: &[u8]) -> Self {
        let registry = Registry::start(options);
        let image = registry.put_image(NAME, "linux/amd64", &[layer, b"small"], &["v1"]);
        registry.put_referrer(NAME, &image, media_type::SIGSTORE_BUNDLE, b"signed");
        let all = registry.manifests(NAME).union(&registry.blobs(NAME)).copied().collect();
        Source { registry, image, layer: Digest::of(layer), all }
    }

    fn with(self, fault: Fault) -> Self {
        self.registry.misbehave(fault);
        self
    }

    /// Pulls, and checks what must hold whatever comes of it.
    async fn run(&self, case: &str) -> Result<Pulled, RegistryError> {
        let (place, repository) = (Place::new(), repository(&self.registry, NAME));
        let want = Want { layers: true, referrers: true, ..Want::default() };
        let name = Name::Tag("v1".into());
        let done = tokio::time::timeout(LONGEST, pull(&repository, &name, want, &place.0, &())).await;
        let done = done.unwrap_or_else(|_| panic!("{case}: no end: {:#?}", story(&self.registry)));
        let there = checked(&place.0);
        assert!(there.is_subset(&self.all), "{case}: what nobody asked for is in the store");
        match &done {
            Ok(pulled) => {
                assert_eq!(pulled.image.digest, self.image.digest, "{case}");
                assert_eq!(pulled.referrers.len(), 1, "{case}");
                assert_eq!(there.len(), self.all.len(), "{case}: something is missing in the store");
            }
            Err(error) => assert_clear(case, error),
        }
        done
    }

    async fn succeeds(self, case: &str) -> Self {
        if let Err(error) = self.run(case).await {
            panic!("{case}: {error}\n{:#?}", story(&self.registry));
        }
        self
    }

    async fn fails(self, case: &str) -> RegistryError {
        match self.run(case).await {
            Err(error) => error,
            Ok(_) => panic!("{case}: no error\n{:#?}", story(&self.registry)),
        }
    }
}

/// What a pull asks for.
const QUESTIONS: [(&str, What); 4] =
    [("HEAD", What::Manifest), ("GET", What::Manifest), ("GET", What::Blob), ("GET", What::Referrers)];

#[tokio::test]
async fn a_pull_outlives_what_passes() {
    for (method, what) in QUESTIONS {
        for status in NOT_NOW {
            let fault = Fault::on(method, what, Manner::Status(status)).times(2);
            Source::new(Options::default()).with(fault).succeeds(&format!("{method} {what:?} {status}")).await;
        }
        for manner in [Manner::Unanswered, Manner::DropAnswer(0), Manner::DropAnswer(100)] {
            let case = format!("{method} {what:?} {manner:?}");
            Source::new(Options::default()).with(Fault::on(method, what, manner)).succeeds(&case).await;
        }
    }
}

#[tokio::test]
async fn a_pull_ends_where_the_answer_stays_no() {
    for (method, what) in QUESTIONS {
        for status in NO.into_iter().chain(NOT_NOW) {
            let case = format!("{method} {what:?} {status}");
            if what == What::Referrers && matches!(status, 404 | 409 | 413) {
                // As from a registry without the interface.
                continue;
            }
            let fault = Fault::on(method, what, Manner::Status(status)).always();
            let source = Source::new(Options::default()).with(fault);
            let error = source.fails(&case).await;
            if status == 404 {
                let found = matches!(error, RegistryError::NoSuchImage(_) | RegistryError::Incomplete { .. });
                assert!(found, "{case}: {error}");
            } else {
                assert!(error.to_string().contains(&status.to_string()), "{case}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_pull_waits_as_long_as_it_is_told_but_not_for_ever() {
    let wait = |seconds: &str| Manner::StatusWith(429, vec![("Retry-After", seconds.into())]);
    let begun = std::time::Instant::now();
    Source::new(Options::default()).with(Fault::on("GET", What::Blob, wait("1"))).succeeds("a second").await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let begun = std::time::Instant::now();
    let source = Source::new(Options::default()).with(Fault::on("GET", What::Blob, wait("3600")));
    let error = source.fails("an hour").await;
    assert!(begun.elapsed() < Duration::from_secs(2) && error.to_string().contains("429"), "{error}");
}

#[tokio::test]
async fn a_layer_goes_on_where_it_broke_off_at_any_byte() {
    let layer = noise(9, 150_000);
    for ranges in [true, false] {
        for offset in offsets(layer.len()) {
            let case = format!("{offset} of {}, ranges: {ranges}", layer.len());
            let source = Source::of(Options { ranges, ..Options::default() }, &layer);
            let fault = Fault::on("GET", What::Blob, Manner::DropAnswer(offset)).at(source.layer);
            let source = source.with(fault).succeeds(&case).await;
            let seen = source.registry.seen("GET", What::Blob);
            let asked = seen.iter().filter(|seen| seen.target.ends_with(&source.layer.to_string())).count();
            assert_eq!(asked, 2, "{case}");
        }
    }
}

#[tokio::test]
async fn a_manifest_that_breaks_off_at_any_byte_is_read_again() {
    let length = {
        let source = Source::new(Options::default());
        source.registry.content(NAME, &source.image.digest).unwrap().len()
    };
    for offset in (0..length).step_by(41).chain([length - 1]) {
        let fault = Fault::on("GET", What::Manifest, Manner::DropAnswer(offset));
        Source::new(Options::default()).with(fault).succeeds(&format!("{offset} of {length}")).await;
    }
}

#[tokio::test]
async fn a_connection_that_always_breaks_ends_the_pull() {
    for (what, offset) in [(What::Manifest, 0), (What::Manifest, 50), (What::Blob, 0), (What::Blob, 4)] {
        let fault = Fault::on("GET", what, Manner::DropAnswer(offset)).always();
        Source::of(Options { ranges: false, ..Options::default() }, &noise(3, 5_000))
            .with(fault)
            .fails(&format!("{what:?} at {offset}"))
            .await;
    }
}

#[tokio::test]
async fn who_answers_slowly_or_not_at_all_is_given_up_and_asked_again() {
    let slow = Duration::from_millis(25);
    let manners = [Manner::Silent, Manner::StallAnswer(0), Manner::StallAnswer(100), Manner::Drip(slow)];
    let mut cases = vec![];
    for manner in manners {
        for what in [What::Manifest, What::Blob] {
            let once = Source::new(Options::default()).with(Fault::on("GET", what, manner.clone()));
            let always = Source::new(Options::default()).with(Fault::on("GET", what, manner.clone()).always());
            let case = format!("{what:?} {manner:?}");
            cases.push(async move {
                tokio::join!(async { once.succeeds(&case).await }, async { always.fails(&case).await });
            });
        }
    }
    join_all(cases).await;
}

#[tokio::test]
async fn what_is_not_what_it_should_be_is_not_kept() {
    let manners = [
        Manner::OtherBytes,
        Manner::OtherLength(1),
        Manner::OtherLength(-1),
        Manner::OtherLength(1_000_000),
        Manner::Endless,
    ];
    for what in [What::Manifest, What::Blob] {
        for manner in &manners {
            let fault = Fault::on("GET", what, manner.clone()).always();
            Source::new(Options::default()).with(fault).fails(&format!("{what:?} {manner:?}")).await;
        }
    }
    // An answer may be cut to nothing, too.
    let fault = Fault::on("GET", What::Blob, Manner::OtherLength(-100_000)).always();
    Source::new(Options::default()).with(fault).fails("no bytes").await;
}

#[tokio::test]
async fn a_digest_that_the_registry_only_claims_is_refused() {
    let other = Digest::of("other").to_string();
    for method in ["HEAD", "GET"] {
        let fault = Fault::on(method, What::Manifest, Manner::With("docker-content-digest", other.clone())).always();
        Source::new(Options::default()).with(fault).fails(method).await;
    }
    // Who says nothing is judged by the content.
    for method in ["HEAD", "GET"] {
        let fault = Fault::on(method, What::Manifest, Manner::Without("docker-content-digest")).always();
        Source::new(Options::default()).with(fault).succeeds(method).await;
    }
}

#[tokio::test]
async fn redirects_are_followed_but_not_in_circles() {
    let layer = noise(7, 20_000);
    let other = Source::of(Options::default(), &layer);
    for (method, what) in QUESTIONS {
        let fault = Fault::on(method, what, Manner::Redirect(To::Itself)).always();
        Source::new(Options::default()).with(fault).fails(&format!("{method} {what:?}")).await;
        let there = To::Host(other.registry.url("").trim_end_matches('/').into());
        let fault = Fault::on(method, what, Manner::Redirect(there)).always();
        Source::new(Options::default()).with(fault).succeeds(&format!("{method} {what:?}")).await;
        let file = To::Url("file:///etc/hostname".into());
        let fault = Fault::on(method, what, Manner::Redirect(file)).always();
        Source::new(Options::default()).with(fault).fails(&format!("{method} {what:?}")).await;
    }
    assert!(!other.registry.seen("GET", What::Blob).is_empty());
}

#[tokio::test]
async fn two_hosts_that_send_each_other_around_are_left() {
    let (one, two) = (Source::new(Options::default()), Source::new(Options::default()));
    for (from, to) in [(&one, &two), (&two, &one)] {
        let to = To::Host(to.registry.url("").trim_end_matches('/').into());
        from.registry.misbehave(Fault::on("GET", What::Blob, Manner::Redirect(to)).always());
    }
    one.fails("in circles").await;
}

#[tokio::test]
async fn a_tag_that_moves_while_it_is_read_gives_one_image_or_the_other() {
    for method in ["HEAD", "GET"] {
        let source = Source::new(Options::default());
        let moved = source.registry.put_image(NAME, "linux/amd64", &[b"another"], &[]);
        let old = source.image.digest;
        for (target, next) in [("/manifests/v1", moved.digest), ("/manifests/", old)] {
            source.registry.misbehave(Fault::on(method, What::Manifest, Manner::ThenTag(NAME, "v1", next)).at(target));
        }
        let (place, repository) = (Place::new(), repository(&source.registry, NAME));
        let want = Want { layers: true, ..Want::default() };
        let pulled = pull(&repository, &Name::Tag("v1".into()), want, &place.0, &()).await.unwrap();
        let is_either = [old, moved.digest].contains(&pulled.image.digest);
        assert!(is_either, "{method}");
        let there = checked(&place.0);
        let content = source.registry.content(NAME, &pulled.image.digest).unwrap();
        let manifest: Manifest = serde_json::from_slice(&content).unwrap();
        assert!(there.contains(&pulled.image.digest) && there.contains(&manifest.config.digest));
        assert!(manifest.layers.iter().all(|layer| there.contains(&layer.digest)));
        assert_eq!(there.len(), 2 + manifest.layers.len(), "{method}: parts of two images");
    }
}

#[tokio::test]
async fn a_list_of_referrers_in_pages_is_read_whole() {
    for (referrers, page) in [(true, 3), (true, 100), (false, 100)] {
        let registry = Registry::start(Options { referrers, page, ..Options::default() });
        let image = registry.put_image(NAME, "linux/amd64", &[b"layer"], &["v1"]);
        let mut rows: Vec<_> =
            (0u8..10).map(|n| registry.put_referrer(NAME, &image, media_type::SIGSTORE_BUNDLE, &[n]).digest).collect();
        rows.sort();
        let found = repository(&registry, NAME).referrers(&image.digest).await.unwrap();
        assert_eq!(found.iter().map(|row| row.digest).collect::<Vec<_>>(), rows, "{referrers} {page}");
    }
}
