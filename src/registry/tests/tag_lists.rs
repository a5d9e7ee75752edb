use super::super::fixtures::{Fault, Manner, Options, Registry, What};
use super::*;

const NAME: &str = "acme/app";

fn repository(registry: &Registry) -> Repository {
    client_with(settings(), NAME, registry.host().parse().unwrap())
}

/// A registry whose repository has so many tags of one image.
fn with_tags(options: Options, tags: usize) -> Registry {
    let registry = Registry::start(options);
    let image = registry.put_image(NAME, "linux/amd64", &[b"layer"], &[]);
    (0..tags).for_each(|n| registry.set_tag(NAME, &format!("v{n}"), &image.digest));
    registry
}

#[tokio::test]
async fn tags_are_read_page_by_page_each_once() {
    let registry = with_tags(Options::default(), 2_500);
    let tags = repository(&registry).tags().await.unwrap();
    assert_eq!(tags.len(), 2_500);
    assert!(tags.contains("v0") && tags.contains("v2499"));
    assert_eq!(registry.seen("GET", What::Tags).len(), 3);
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_told() {
    let registry = with_tags(Options::default(), 1);
    let other = client_with(settings(), "acme/other", registry.host().parse().unwrap());
    assert!(other.tags().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn lists_that_are_wrong_are_refused_and_end() {
    let next = |target: &str| Manner::With("Link", format!("<{target}>; rel=\"next\""));
    let faults = [
        (next("/v2/acme/app/tags/list?n=1"), "more than 1000 pages"),
        (next("http://other.invalid/v2/acme/app/tags/list"), "at another place"),
        (next("file:///etc/passwd"), "at another place"),
        (Manner::Saying(200, "{\"tags\": [1]}"), "malformed"),
        (Manner::Saying(200, "<html>"), "malformed"),
        (Manner::Saying(200, "{\"tags\": [\"../../etc\"]}"), "is no tag"),
        (Manner::Endless, "more than the allowed"),
        (Manner::Status(500), "500"),
        (Manner::Status(403), "403"),
    ];
    for (manner, said) in faults {
        let registry = with_tags(Options::default(), 3);
        let case = format!("{manner:?}");
        registry.misbehave(Fault::on("GET", What::Tags, manner).always());
        let error = repository(&registry).tags().await.unwrap_err();
        assert!(error.is_of_service() && error.to_string().contains(said), "{case}: {error}");
    }
}

#[tokio::test]
async fn a_repository_without_tags_has_none() {
    let registry = with_tags(Options::default(), 0);
    registry.misbehave(Fault::on("GET", What::Tags, Manner::Saying(200, "{\"name\": \"acme/app\", \"tags\": null}")));
    assert!(repository(&registry).tags().await.unwrap().is_empty());
    assert!(repository(&registry).tags().await.unwrap().is_empty());
}

#[test]
fn tags_that_stand_for_referrers_are_known() {
    let hex = "0".repeat(64);
    for ending in ["", ".sig", ".att", ".sbom"] {
        assert!(stands_for_referrers(&format!("sha256-{hex}{ending}")), "{ending}");
    }
    for other in ["latest", "sha256-1", &format!("sha256-{hex}.other"), &format!("sha512-{hex}"), "sha256-ä"] {
        assert!(!stands_for_referrers(other), "{other}");
    }
}
