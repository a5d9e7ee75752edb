use super::super::FrontendOptions;
use super::{Asked, Lent};
use crate::oci::{Digest, Platform};
use std::collections::BTreeMap;

fn asked(options: &[(&str, &str)]) -> Result<Asked, String> {
    let own = [("source", "frontend.test/kiln:1")];
    let options = own.iter().chain(options).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Asked::of(&FrontendOptions { options, session: "s".into() }).map_err(|error| error.to_string())
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_words_of_dockers_clients_are_known() {
    let image = Digest::of("an image");
    let layout = format!("oci-layout://the-store:latest@{image}");
    let asked = asked(&[
        ("filename", "other.kdl"),
        ("contextkey", "c"),
        ("dockerfilekey", "d"),
        ("target", "compile"),
        ("platform", "linux/amd64,linux/arm64"),
        ("build-arg:word", "a=b"),
        ("build-arg:KILN_DEBIAN_MIRROR", "http://mirror.test/debian"),
        ("build-arg:HTTP_PROXY", "http://proxy.test"),
        ("build-arg:BUILDKIT_MULTI_PLATFORM", "1"),
        ("build-arg:SOURCE_DATE_EPOCH", "0"),
        ("label:a", "1"),
        ("context:app", "local:app-1"),
        ("context:other::linux/amd64", "local:other-1"),
        ("context:base", &layout),
        ("no-cache", ""),
        ("force-network-mode", "host"),
    ]);
    let asked = asked.unwrap();
    assert_eq!((asked.file.as_str(), asked.context.as_str(), asked.spec_folder.as_str()), ("other.kdl", "c", "d"));
    assert_eq!(asked.target.as_deref(), Some("compile"));
    assert_eq!(asked.platforms, [Platform::linux("amd64", None), Platform::linux("arm64", None)]);
    assert_eq!(asked.args, map(&[("word", "a=b")]));
    assert_eq!(asked.mirror.as_deref(), Some("http://mirror.test/debian"));
    assert_eq!(asked.labels, map(&[("a", "1")]));
    assert_eq!(asked.contexts, map(&[("app", "app-1"), ("other", "other-1")]));
    assert_eq!(asked.layouts, [("base".to_owned(), Lent { store: "the-store".into(), image })].into());
    assert!(asked.no_cache);
    assert_eq!((asked.session.as_str(), asked.frontend.to_string().as_str()), ("s", "frontend.test/kiln:1"));
}

#[test]
fn where_nothing_is_said_it_is_as_for_dockerfiles() {
    let asked = asked(&[("filename", ""), ("target", "")]).unwrap();
    assert_eq!((asked.file.as_str(), asked.context.as_str()), ("kiln.kdl", "context"));
    assert_eq!((asked.spec_folder.as_str(), asked.target), ("dockerfile", None));
    assert!(asked.platforms.is_empty() && asked.args.is_empty() && !asked.no_cache);
}

#[test]
fn what_cannot_be_done_is_said() {
    for (options, said) in [
        (("requestid", "frontend.lint"), "answers no other questions"),
        (("context", "https://git.test/a.git"), "`https://git.test/a.git` cannot be used"),
        (("context:app", "docker-image://x"), "the context `app` must be a folder or a layout"),
        (("context:app", "oci-layout://store:latest"), "`oci-layout://store:latest` cannot be used"),
        (("context:app", "oci-layout://@sha256:1"), "`oci-layout://@sha256:1` cannot be used"),
        (("filename", "../kiln.kdl"), "`../kiln.kdl` is no name of a spec"),
        (("filename", ".."), "`..` is no name of a spec"),
        (("platform", "plan9/amd64"), "`plan9/amd64` is not a platform"),
        (("source", "A B"), "the frontend's own image has no usable name"),
    ] {
        let error = asked(&[options]).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
