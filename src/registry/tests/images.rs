use super::memory::{Manners, Memory};
use super::*;
use crate::http::fixtures::{Manner, Reply, Server};
use serde_json::json;

fn sendable<T: Send>(work: T) -> T {
    work
}

#[tokio::test]
async fn an_image_comes_back_as_it_was_pushed_and_all_that_refers_to_it() {
    let mut shelf = Shelf::default();
    let rows = [("amd64", b"amd64 layer"), ("arm64", b"arm64 layer")]
        .map(|(name, layer)| shelf.image(Platform::linux(name, None), &[b"shared", layer]));
    let inner = shelf.index(rows.to_vec());
    let image = shelf.index(vec![inner]);
    let (sbom, signature) = (shelf.referrer(&rows[0], "sbom"), shelf.referrer(&image, "signature"));
    let (memory, place) = (Memory::start(Manners { referrers: true, ..Manners::default() }), Place::new());
    let repository = memory.repository("team/app");
    let load = outgoing(&image, &[&sbom, &signature]);
    let pushed = sendable(push(&repository, &load, &shelf, &place.0, &())).await.unwrap();
    assert_eq!(pushed.sent, 8);
    // Once more: nothing but questions.
    let before = memory.server.seen().len();
    let pushed = push(&repository, &load, &shelf, &place.0, &()).await.unwrap();
    assert_eq!((pushed.sent, pushed.bytes, pushed.present), (0, 0, 8));
    let questions = memory.server.seen().split_off(before);
    assert!(questions.iter().all(|seen| seen.method == "HEAD" || seen.target.contains("/referrers/")));
    assert_eq!(questions.len(), 8 + 6 + 2);

    let (there, counted) = (Place::new(), Counted::default());
    let pulled = sendable(pull(&repository, &by_digest(&image), ALL, &there.0, &counted)).await.unwrap();
    assert_eq!(pulled.image.digest, image.digest);
    let mut rows = vec![sbom, signature];
    rows.sort_by_key(|row| row.digest);
    assert_eq!(pulled.referrers, rows);
    for (digest, content) in &shelf.0 {
        assert_eq!(there.0.read(digest, 1 << 20).unwrap(), *content);
    }
    assert!(counted.0.load(std::sync::atomic::Ordering::Relaxed) > 0);
    assert_eq!(counted.0.into_inner(), counted.1.into_inner());
    // All is there: nobody is asked.
    let before = memory.server.seen().len();
    assert_eq!(pull(&repository, &by_digest(&image), ALL, &there.0, &()).await.unwrap(), pulled);
    assert_eq!(memory.server.seen().len(), before);
    let anew = Want { anew: true, ..ALL };
    assert_eq!(pull(&repository, &by_digest(&image), anew, &there.0, &()).await.unwrap(), pulled);
    assert!(memory.server.seen().split_off(before).iter().all(|seen| seen.target.contains("/referrers/")));
}

#[tokio::test]
async fn of_an_index_only_what_is_for_the_platform_comes() {
    let mut shelf = Shelf::default();
    let (amd64, arm64) = (Platform::linux("amd64", None), Platform::linux("arm64", None));
    let first = shelf.image(amd64.clone(), &[b"amd64 layer"]);
    // This row does not say what it is for.
    let second = Descriptor { platform: None, ..shelf.image(arm64.clone(), &[b"arm64 layer"]) };
    let mut about = shelf.referrer(&second, "BuildKit's attestation");
    about.annotations = BTreeMap::from([("vnd.docker.reference.digest".into(), second.digest.to_string())]);
    about.platform = Some(Platform { os: "unknown".into(), ..Platform::linux("unknown", None) });
    let image = shelf.index(vec![first.clone(), about.clone(), second.clone()]);
    let memory = Memory::start(Manners::default());
    let repository = memory.repository("app");
    push(&repository, &outgoing(&image, &[]), &shelf, &Place::new().0, &()).await.unwrap();
    tag(&repository, "v1", &shelf.document(&image), true).await.unwrap();
    let named = Name::Tag("v1".into());
    for (platform, wanted) in [(&amd64, &first), (&arm64, &second)] {
        let place = Place::new();
        let want = Want { platform: Some(platform), layers: true, ..Want::default() };
        pull(&repository, &named, want, &place.0, &()).await.unwrap();
        assert!(place.0.has(&wanted.digest), "{platform}");
        assert_eq!(place.0.has(&about.digest), platform == &arm64);
        assert_eq!(place.0.has(&Digest::of("arm64 layer")), platform == &arm64);
        assert_eq!(place.0.has(&Digest::of("amd64 layer")), platform == &amd64);
    }
    let other = Platform::linux("riscv64", None);
    let want = Want { platform: Some(&other), ..Want::default() };
    let error = pull(&repository, &named, want, &Place::new().0, &()).await.unwrap_err();
    assert!(error.to_string().contains("is not for linux/riscv64; it is for linux/a"), "{error}");
    let gone = pull(&repository, &Name::Tag("v2".into()), ALL, &Place::new().0, &()).await.unwrap_err();
    assert!(gone.is_not_found() && gone.to_string().contains("app:v2"), "{gone}");
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let layer: Vec<u8> = (0..2_000_000).map(|n| (n / 7 % 251) as u8).collect();
    let mut shelf = Shelf::default();
    let image = shelf.image(Platform::linux("amd64", None), &[&layer]);
    let size = layer.len();
    let memory = Memory::with(Manners::default(), move |seen, state| {
        let (_, digest) = seen.target.split_once("/blobs/sha256")?;
        let content =
            state.blobs.get(&("app".into(), format!("sha256:{}", digest.trim_start_matches([':', '%', '3', 'A']))))?;
        (seen.method == "GET" && seen.range().is_none() && content.len() == size)
            .then(|| Reply::ok(content.clone()).in_manner(Manner::DropAfter(1_000_000)))
    });
    let repository = memory.repository("app");
    push(&repository, &outgoing(&image, &[]), &shelf, &Place::new().0, &()).await.unwrap();
    let (place, counted) = (Place::new(), Counted::default());
    pull(&repository, &by_digest(&image), ALL, &place.0, &counted).await.unwrap();
    assert_eq!(place.0.read(&Digest::of(&layer), 1 << 22).unwrap(), layer);
    assert_eq!(counted.0.into_inner(), counted.1.into_inner());
    assert!(memory.server.seen().iter().any(|seen| seen.range().is_some()));
}

/// What is said to a registry that answers every question with the same document.
async fn refused(kind: &'static str, bytes: Vec<u8>, told: Option<Digest>) -> RegistryError {
    let server = Server::start(move |_| {
        let reply = Reply::ok(bytes.clone()).with("Content-Type", kind);
        match told {
            Some(told) => reply.with("Docker-Content-Digest", told.to_string()),
            None => reply,
        }
    });
    client("app", server.address()).by_tag("v1").await.unwrap_err()
}

#[tokio::test]
async fn documents_that_are_not_what_they_say_are_refused() {
    let (shelf, image) = tiny();
    let manifest = shelf.0[&image.digest].clone();
    let error = refused(media_type::INDEX, manifest.clone(), None).await;
    assert!(matches!(error, RegistryError::Refused { .. }) && error.is_of_service(), "{error}");
    let error = refused(media_type::MANIFEST, manifest.clone(), Some(Digest::of("x"))).await;
    assert!(error.to_string().contains("the registry says that it is"), "{error}");
    let error = refused(media_type::DOCKER_MANIFEST, manifest.clone(), None).await;
    assert!(error.to_string().contains("says to be"), "{error}");
    let mut both: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    both["manifests"] = json!([]);
    let error = refused(media_type::MANIFEST, both.to_string().into(), None).await;
    assert!(error.to_string().contains("could be taken for something else"), "{error}");
    for (kind, text) in [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", "{}"),
        ("application/json", r#"{"schemaVersion":1}"#),
    ] {
        let error = refused(kind, text.into(), None).await;
        assert!(error.to_string().contains("schema 1") && !error.is_of_service(), "{error}");
    }
    let error = refused(media_type::MANIFEST, vec![b' '; (4 << 20) + 1], None).await;
    assert!(error.is_of_service(), "{error}");
    let server = Server::start(move |_| Reply::ok(manifest.clone()).with("Content-Type", media_type::MANIFEST));
    let error = client("app", server.address()).by_digest(&Digest::of("other")).await.unwrap_err();
    assert!(error.to_string().contains("was asked for"), "{error}");
}

#[tokio::test]
async fn blobs_that_are_not_what_they_are_named_never_reach_the_store() {
    let server = Server::start(|_| Reply::ok("abd"));
    let (repository, place) = (client("app", server.address()), Place::new());
    let blob = Descriptor::of(media_type::LAYER, b"abc");
    let error = repository.pull_blob(&blob, &place.0, &()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { .. }) && error.is_of_service(), "{error}");
    assert!(repository.read_blob(&blob, 10).await.is_err());
    assert!(repository.read_blob(&blob, 2).await.is_err());
    let longer = Descriptor { size: 4, ..blob.clone() };
    assert!(repository.pull_blob(&longer, &place.0, &()).await.unwrap_err().is_of_service());
    assert!(!place.0.has(&blob.digest) && !place.0.has(&Digest::of("abd")));
}

#[tokio::test]
async fn layers_that_may_not_be_passed_on_are_refused_clearly() {
    let mut shelf = Shelf::default();
    let config = shelf.put(media_type::CONFIG, "{}");
    let layer = Descriptor::of("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"x");
    let image = shelf.put(media_type::MANIFEST, to_json(&Manifest::image(config, vec![layer])));
    let memory = Memory::start(Manners::default());
    let repository = memory.repository("app");
    tag(&repository, "v1", &shelf.document(&image), true).await.unwrap();
    let error = pull(&repository, &by_digest(&image), ALL, &Place::new().0, &()).await.unwrap_err();
    assert!(error.to_string().contains("may not be passed on") && !error.is_of_service(), "{error}");
    let error = push(&repository, &outgoing(&image, &[]), &shelf, &Place::new().0, &()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Content { .. }), "{error}");
}

#[tokio::test]
async fn mirrors_that_fail_or_lack_something_are_passed_over() {
    let (shelf, image) = tiny();
    let home = Memory::start(Manners::default());
    push(&home.repository("app"), &outgoing(&image, &[]), &shelf, &Place::new().0, &()).await.unwrap();
    let (broken, empty) = (Server::start(|_| Reply::new(500, "")), Memory::start(Manners::default()));
    let wrong = Server::start(|_| Reply::ok("{}"));
    let liar = Server::start(|_| Reply::ok("layer two").with("Content-Type", media_type::MANIFEST));
    let at = |server: &Server| client("hub/app", server.address()).home;
    let mirrors = vec![at(&broken), at(&empty.server), at(&wrong), at(&liar)];
    let own = home.repository("app");
    let repository = Repository::new(own.reference(), own.home.clone(), mirrors);
    let place = Place::new();
    pull(&repository, &by_digest(&image), ALL, &place.0, &()).await.unwrap();
    assert!(shelf.0.keys().all(|digest| place.0.has(digest)));
    // One that has all of it leaves nothing to ask for at home.
    let mirror = Memory::start(Manners::default());
    push(&mirror.repository("hub/app"), &outgoing(&image, &[]), &shelf, &Place::new().0, &()).await.unwrap();
    let repository = Repository::new(own.reference(), own.home.clone(), vec![at(&mirror.server)]);
    let before = home.server.seen().len();
    let want = Want { layers: true, ..Want::default() };
    pull(&repository, &by_digest(&image), want, &Place::new().0, &()).await.unwrap();
    assert_eq!(home.server.seen().len(), before);
}
