use super::*;

#[test]
fn digests_are_read_strictly_and_written_canonically() {
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Digest::of("").to_string(), empty);
    assert_eq!(empty.parse(), Ok(Digest::of("")));
    for bad in ["", "sha256:", &empty[7..], &empty.to_uppercase(), &empty[..70], "sha512:00", &format!("{empty}0")] {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
    let mut digester = Digester::new();
    digester.update(b"ab");
    digester.update(b"c");
    assert_eq!((digester.length(), digester.finish()), (3, Digest::of("abc")));
}

#[test]
fn the_empty_artifact_configuration_is_the_one_that_the_specification_names() {
    let layer = Descriptor::of(media_type::SIGSTORE_BUNDLE, b"x");
    let manifest = Manifest::artifact(media_type::SIGSTORE_BUNDLE, layer);
    assert_eq!(manifest.config.digest.hex(), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    assert_eq!(manifest.config.size, 2);
}

#[test]
fn platforms_have_one_spelling() {
    for name in Platform::NAMES {
        assert_eq!(name.parse::<Platform>().unwrap().to_string(), name);
    }
    assert_eq!("linux/aarch64".parse::<Platform>().unwrap().to_string(), "linux/arm64");
    assert!("windows/amd64".parse::<Platform>().is_err());
    assert!(Platform::linux("arm64", Some("v8")).matches(&Platform::linux("arm64", None)));
    assert!(!Platform::linux("arm", Some("v6")).matches(&Platform::linux("arm", None)));
}

#[test]
fn references_are_completed_as_docker_does() {
    let cases = [
        ("debian", "docker.io/library/debian"),
        ("acme/hello:1.0", "docker.io/acme/hello:1.0"),
        ("docker.io/debian:13", "docker.io/library/debian:13"),
        ("index.docker.io/library/debian", "docker.io/library/debian"),
        ("localhost/x", "localhost/x"),
        ("localhost:5000/x/y:t", "localhost:5000/x/y:t"),
        ("r.example.com/a--b/c__d", "r.example.com/a--b/c__d"),
    ];
    for (text, complete) in cases {
        assert_eq!(text.parse::<Reference>().unwrap().to_string(), complete);
    }
    for bad in ["", "Debian", "a//b", "x:", "x:-t", "a_-b", "r.example.com:99999/x", "x@sha256:12", "a/../b", "-a"] {
        assert!(bad.parse::<Reference>().is_err(), "{bad}");
    }
}

#[test]
fn a_config_survives_a_round_trip_and_leaves_out_what_is_not_set() {
    let config = ImageConfig {
        created: Some("1970-01-01T00:00:00Z".into()),
        author: None,
        platform: Platform::linux("arm", Some("v7")),
        config: Config { cmd: Some(vec!["x".into()]), ..Config::default() },
        rootfs: RootFs { kind: "layers".into(), diff_ids: vec![Digest::of("")] },
        history: vec![],
    };
    let json = to_json(&config);
    assert_eq!(
        String::from_utf8_lossy(&json),
        r#"{"created":"1970-01-01T00:00:00Z","architecture":"arm","os":"linux","variant":"v7","config":{"Cmd":["x"]},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#
    );
    assert_eq!(serde_json::from_slice::<ImageConfig>(&json).unwrap(), config);
}
