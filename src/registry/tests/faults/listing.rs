//! Lists of referrers under a tag, which many write to at the same time.

use super::super::super::fixtures::{Manner, What};
use super::*;
use futures_util::future::join_all;

/// Eight writers, each with a store of its own as if on a machine of its own, and what they have to add.
async fn eight_writers(options: Options, shared: bool, faults: &[Fault]) {
    let registry = Registry::start(options);
    let image = registry.put_image(NAME, "linux/amd64", &[b"layer"], &["v1"]);
    let subject = Descriptor::new(&image.media_type, image.digest, image.size);
    let there = registry.put_referrer(NAME, &image, media_type::SIGSTORE_BUNDLE, b"there before").digest;
    faults.iter().for_each(|fault| registry.misbehave(fault.clone()));
    let mut contents = Shelf::default();
    for digest in registry.blobs(NAME).union(&registry.manifests(NAME)) {
        contents.0.insert(*digest, registry.content(NAME, digest).unwrap());
    }
    let place = Place::new();
    let writers = (0..8).map(|n| {
        let (registry, subject, mut contents) = (&registry, &subject, contents.clone());
        let store = shared.then(|| place.0.clone());
        async move {
            let own = Place::new();
            let row = contents.referrer(subject, &format!("writer {n}"));
            let outgoing = outgoing(subject, &[&row]);
            let store = store.as_ref().unwrap_or(&own.0);
            push(&repository(registry, NAME), &outgoing, &contents, store, &()).await.map(|_| row.digest)
        }
    });
    let done = tokio::time::timeout(LONGEST, join_all(writers)).await.expect("the writers come to an end");
    let mut rows: BTreeSet<Digest> = done.into_iter().map(|row| row.unwrap()).collect();
    rows.insert(there);
    let found = repository(&registry, NAME).referrers(&image.digest).await.unwrap();
    assert_eq!(found.iter().map(|row| row.digest).collect::<BTreeSet<_>>(), rows, "{:#?}", story(&registry));
    assert_eq!(registry.tag(NAME, "v1"), Some(image.digest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_on_one_machine_lose_nothing() {
    eight_writers(Options { referrers: false, ..Options::default() }, true, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_on_eight_machines_lose_nothing() {
    for preconditions in [true, false] {
        eight_writers(Options { referrers: false, preconditions, ..Options::default() }, false, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_lose_nothing_where_the_registry_stumbles() {
    let faults = [
        Fault::on("PUT", What::Manifest, Manner::Unanswered).at("/manifests/sha256-").after(2),
        Fault::on("PUT", What::Manifest, Manner::Status(503)).at("/manifests/sha256-").after(4),
        Fault::on("GET", What::Manifest, Manner::DropAnswer(60)).at("/manifests/sha256-").after(3),
    ];
    for preconditions in [true, false] {
        eight_writers(Options { referrers: false, preconditions, ..Options::default() }, false, &faults).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_to_the_interface_lose_nothing() {
    eight_writers(Options::default(), false, &[]).await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_or_written_ends_the_release_before_the_tag() {
    for (method, status) in [("GET", 500), ("GET", 403), ("PUT", 500), ("PUT", 403), ("PUT", 413), ("PUT", 409)] {
        let case = format!("{method} {status}");
        let release = Release::to(Options { referrers: false, ..Options::default() });
        let fault = Fault::on(method, What::Manifest, Manner::Status(status)).at("/manifests/sha256-").always();
        release.with([fault]).fails(&case).await;
    }
}

#[tokio::test]
async fn a_list_that_is_none_is_not_written_over() {
    let release = Release::to(Options { referrers: false, ..Options::default() });
    let tag = format!("sha256-{}", release.outgoing.image.digest.hex());
    release.registry.set_tag(NAME, &tag, &release.old);
    let old = release.old;
    let registry_tag = {
        let error = release.run("an image under the tag").await.unwrap_err();
        assert!(error.to_string().contains("referrers"), "{error}");
        release.registry.tag(NAME, &tag)
    };
    assert_eq!(registry_tag, Some(old));
    assert_eq!(release.registry.tag(NAME, "v1"), Some(old));
}
