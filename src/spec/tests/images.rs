//! Images of registries, and how registries are reached.

use super::*;

/// The sources of a spec with their references and keys.
fn sources(spec: &Spec) -> Vec<(String, String, Option<String>)> {
    let of = |source: &Source| {
        let SourceKind::Image(image) = &source.kind else { panic!("`{}` is no image", source.name.value) };
        let key = image.signed_by.as_ref().map(|key| key.value.clone());
        (source.name.value.clone(), image.reference.to_string(), key)
    };
    spec.sources.iter().map(of).collect()
}

#[test]
fn an_image_that_is_named_where_it_is_used_is_a_source_under_that_name() {
    let spec = accepted(
        "kiln 1\nsource \"tools\" { image \"busybox:1\" platform=\"linux/arm64\" }\n\
         image \"x\" {\n base \"debian:13\" signed-by=\"/keys/debian.pub\"\n\
         copy \"a\" from=\"image ghcr.io/a/b:1\" to=\"/a\"\n copy \"a\" from=\"tools\" to=\"/b\"\n}\n\
         image \"y\" {\n base \"ghcr.io/a/b:1\" signed-by=\"b.pub\"\n copy \"a\" from=\"image debian:13\" to=\"/a\"\n}\n",
    );
    let row = |name: &str, reference: &str, key: Option<&str>| {
        (name.to_owned(), reference.to_owned(), key.map(str::to_owned))
    };
    assert_eq!(
        sources(&spec),
        [
            row("tools", "docker.io/library/busybox:1", None),
            row("debian:13", "docker.io/library/debian:13", Some("/keys/debian.pub")),
            row("ghcr.io/a/b:1", "ghcr.io/a/b:1", Some("b.pub")),
        ]
    );
    assert_eq!(spec.images[0].sources().collect::<Vec<_>>(), ["ghcr.io/a/b:1", "tools", "debian:13"]);
    assert_eq!(spec.images[1].base.as_ref().unwrap().value, Base::Source("ghcr.io/a/b:1".into()));
}

#[test]
fn names_of_the_spec_come_before_references() {
    let spec = accepted("kiln 1\nsource \"debian\" { oci \"x\" }\nimage \"x\" { base \"debian\" }\n");
    assert!(matches!(spec.sources.as_slice(), [Source { kind: SourceKind::Oci(_), .. }]));
}

#[test]
fn registries_have_mirrors_in_the_order_written() {
    let spec = accepted(
        "kiln 1\nregistry \"docker.io/library\" { mirror \"b.example.com/hub\"; mirror \"a.example.com:5000\" plain-http=#true }\n\
         registry \"localhost:5000\" plain-http=#true\nimage \"x\" { user 0 }\n",
    );
    let [library, local] = spec.registries.as_slice() else { panic!("two") };
    let mirrors: Vec<_> = library.mirrors.iter().map(|mirror| (mirror.at.as_str(), mirror.plain_http)).collect();
    assert_eq!(mirrors, [("b.example.com/hub", false), ("a.example.com:5000", true)]);
    assert_eq!((library.name.as_str(), library.plain_http), ("docker.io/library", false));
    assert_eq!((local.name.as_str(), local.plain_http), ("localhost:5000", true));
}

#[test]
fn hostile_references_and_hosts_are_refused() {
    for wrong in
        ["", "a b:1", "debian:", "debian@sha256:12", "../x:1", "x/../y:1", "r.example.com:99999/x:1", "\u{202e}a:1"]
    {
        refused_image(&format!("copy \"a\" from=\"image {wrong}\" to=\"/a\""));
        refused_image(&format!("base \"{wrong}\""));
    }
    for wrong in ["", "docker.io:x", "docker.io/", "docker.io/a:b", "user@docker.io", "-", "a..b", "docker.io/A"] {
        refused(&format!("kiln 1\nregistry \"{wrong}\" plain-http=#true\nimage \"x\" {{ user 0 }}\n"));
    }
}
