use super::*;
use crate::diagnostic::Sources;

fn command(stage: Option<&str>) -> CommandPlan {
    let mut sources = Sources::default();
    let file = sources.add("kiln.kdl", "kiln 1");
    CommandPlan {
        stage: stage.map(str::to_owned),
        vertex: crate::oci::Digest::of("x"),
        name: "configure packages".into(),
        installs: true,
        from: Vec::new(),
        mounted: BTreeMap::new(),
        check: None,
        span: Span::new(file, 0, 6),
    }
}

#[test]
fn packages_that_only_wait_for_others_are_not_blamed() {
    let output = "Setting up b ...\n\
        kiln: failed: a: installed a package post-installation script subprocess returned error exit status 1\n\
        kiln: failed: b: dependency problems - leaving unconfigured\n";
    let (message, help) = explained(&command(Some("db")), exit_code::PACKAGE, output).unwrap();
    assert_eq!(
        message,
        "dpkg cannot install the packages:\n  a: installed a package post-installation script subprocess returned error \
         exit status 1"
    );
    assert!(help.contains("`kiln shell db`") && help.contains("sh -x /run/kiln/install"), "{help}");
    let only_waiting = "kiln: failed: b: dependency problems - leaving unconfigured\n";
    let (message, help) = explained(&command(None), exit_code::PACKAGE, only_waiting).unwrap();
    assert!(message.ends_with("\n  b: dependency problems - leaving unconfigured") && !help.contains("shell"));
}

#[test]
fn each_way_to_end_says_what_to_do_next() {
    let of = |code, output: &str| explained(&command(None), code, output);
    let (message, help) = of(exit_code::ONE_USER, "kiln: this sandbox has a single user").unwrap();
    assert!(message.contains("one id") && help.contains("/etc/subuid"));
    assert!(of(exit_code::NO_DPKG, "").unwrap().1.contains("base with dpkg"));
    let (message, _) = of(exit_code::SECRET, "kiln: secret: /etc/a.key\nkiln: secret: /etc/b.key\n").unwrap();
    assert!(message.ends_with(":\n  /etc/a.key\n  /etc/b.key"), "{message}");
    assert_eq!(of(exit_code::PACKAGE, "nothing of ours"), None);
    assert_eq!(of(1, "kiln: failed: a: b"), None);
}
