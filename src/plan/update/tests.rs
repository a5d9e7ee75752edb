use super::*;
use crate::plan::LockedCommit;

fn wanted(images: &[(&str, &str)]) -> Wanted {
    let image = |(source, reference): &(&str, &str)| WantedImage {
        source: (*source).to_owned(),
        reference: reference.parse().unwrap(),
    };
    Wanted { images: images.iter().map(image).collect(), ..Wanted::default() }
}

fn lock(images: &[(&str, &str)]) -> Lock {
    let image = |(reference, content): &(&str, &str)| LockedImage {
        reference: (*reference).to_owned(),
        sha256: Digest::of(content),
        attached: vec![],
    };
    Lock { images: images.iter().map(image).collect(), ..Lock::default() }
}

/// A lock brought up to date where nobody can be asked anything.
fn updated(old: &Lock, wanted: &Wanted, refresh: &Refresh) -> Result<Lock, PlanError> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let offline = || http::Settings { offline: true, ..http::Settings::default() };
    let registries = crate::registry::Settings { http: offline(), ..crate::registry::Settings::default() };
    let of_git = git::Settings { offline: true, ..git::Settings::default() };
    let outside = Outside {
        http: &http::Client::new(offline()).unwrap(),
        store: &store,
        git: git::Client::new(&of_git, &store, &|| false),
        registries: &Registries::new(registries).unwrap(),
        predicates: &[],
        advisories: None,
        mirrors: &deb::MirrorConfig::default(),
        now: Timestamp::UNIX_EPOCH,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(update(old, wanted, refresh, &outside))
}

fn named(name: &str) -> Refresh {
    Refresh::Named([name.to_owned()].into())
}

#[test]
fn a_digest_in_the_reference_counts() {
    let digest = Digest::of("a");
    let reference = format!("docker.io/library/debian:13@{digest}");
    let wanted = wanted(&[("debian", &reference), ("same", &format!("debian:13@{digest}"))]);
    let old = lock(&[(&reference, "a")]);
    assert_eq!(old.stale(&wanted), Vec::<String>::new());
    assert_eq!(updated(&old, &wanted, &Refresh::Nothing).unwrap().images.len(), 1, "one row for both");
    let forged = lock(&[(&reference, "b")]);
    assert_eq!(forged.stale(&wanted).len(), 2);
    assert!(updated(&forged, &wanted, &Refresh::Nothing).is_err(), "it is pinned anew, and nobody can be asked");
}

#[test]
fn what_a_tag_named_stays_until_it_is_to_be_updated() {
    let old = lock(&[("docker.io/library/debian:13", "13"), ("docker.io/library/busybox:1", "1")]);
    let both = wanted(&[("debian:13", "debian:13"), ("tools", "busybox:1")]);
    assert_eq!(old.stale(&both), Vec::<String>::new());
    assert_eq!(updated(&old, &both, &Refresh::Nothing).unwrap().images.len(), 2);
    let one = wanted(&[("debian:13", "debian:13")]);
    assert_eq!(old.stale(&one), ["it pins what the spec does not ask for any more"]);
    assert_eq!(updated(&old, &one, &Refresh::Nothing).unwrap().images, [old.images[0].clone()]);
    let other = wanted(&[("debian:14", "debian:14")]);
    assert_eq!(old.stale(&other), ["it has no digest of the image docker.io/library/debian:14"]);
}

#[test]
fn only_what_is_named_is_asked_for_again() {
    let old = lock(&[("docker.io/library/debian:13", "13"), ("docker.io/library/busybox:1", "1")]);
    let both = wanted(&[("debian:13", "debian:13"), ("tools", "busybox:1")]);
    for name in ["debian:13", "docker.io/library/debian:13", "tools", "docker.io/library/busybox:1"] {
        let error = updated(&old, &both, &named(name)).unwrap_err();
        assert!(!matches!(error, PlanError::NothingToUpdate(_)), "{name}: {error}");
    }
    let error = updated(&old, &both, &named("busybox")).unwrap_err();
    assert!(matches!(error, PlanError::NothingToUpdate(_)), "{error}");
    assert!(updated(&old, &both, &Refresh::Everything).is_err(), "and the network is out of bounds");
}

#[test]
fn a_commit_stays_until_it_is_to_be_updated_or_something_else_is_asked_for() {
    let commit = |source: &str, revision: Option<&str>, subdir: &str| WantedCommit {
        source: source.into(),
        address: "https://example.com/docs.git".parse().unwrap(),
        revision: revision.map(|name| git::Revision::parse(name).unwrap()),
        subdir: subdir.into(),
        submodules: false,
    };
    let wanted = |commit| Wanted { commits: vec![commit], ..Wanted::default() };
    let locked = |reference: Option<&str>| LockedCommit {
        source: "docs".into(),
        address: "https://example.com/docs.git".parse().unwrap(),
        reference: reference.map(str::to_owned),
        subdir: String::new(),
        with_submodules: false,
        commit: "1".repeat(40).parse().unwrap(),
        tree: Digest::of("tree"),
        submodules: vec![],
    };
    let lock = |reference| Lock { commits: vec![locked(reference)], ..Lock::default() };
    let id = "1".repeat(40);
    for (reference, revision) in [
        (Some("HEAD"), None),
        (Some("refs/tags/v1"), Some("v1")),
        (Some("refs/heads/v1"), Some("v1")),
        (Some("refs/tags/v1"), Some("refs/tags/v1")),
        (None, Some(id.as_str())),
    ] {
        let (old, same) = (lock(reference), wanted(commit("docs", revision, "")));
        assert_eq!(old.stale(&same), Vec::<String>::new(), "{reference:?}");
        assert_eq!(updated(&old, &same, &Refresh::Nothing).unwrap(), old);
        assert_eq!(updated(&old, &same, &named("docs")).is_ok(), reference.is_none(), "a commit asks nobody");
    }
    let stale = "source docs has another address, `ref` or part of it";
    assert_eq!(lock(Some("HEAD")).stale(&wanted(commit("docs", Some("v1"), ""))), [stale]);
    assert_eq!(lock(Some("HEAD")).stale(&wanted(commit("docs", None, "manual"))), [stale]);
    assert_eq!(lock(Some("HEAD")).stale(&wanted(commit("other", None, ""))), ["it has no commit of source other"]);
    assert_eq!(lock(None).stale(&Wanted::default()), ["it pins what the spec does not ask for any more"]);
    // Another part of what is locked is a part of the same commit, though nobody can be asked for it here.
    let said = updated(&lock(Some("HEAD")), &wanted(commit("docs", None, "manual")), &Refresh::Nothing).unwrap_err();
    let expected = format!(
        "source docs: commit {id} of https://example.com/docs.git is needed, but kiln runs offline: run it once without `--offline`"
    );
    assert_eq!(said.to_string(), expected);
}
