use super::*;
use crate::pipeline::{OwnerReason, ReadPackage};

fn golden(name: &str) -> Value {
    let text = match name {
        "cyclonedx" => include_str!("../../../tests/golden/evidence/stages/cyclonedx.json"),
        _ => include_str!("../../../tests/golden/evidence/stages/provenance.json"),
    };
    serde_json::from_str(text).unwrap()
}

#[test]
fn sizes_have_two_or_three_digits() {
    let shown = [0, 999, 1_000, 1_550, 999_900, 1_000_000, 47_000_000, 1_234_000_000].map(size);
    assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.6 kB", "999.9 kB", "1.0 MB", "47.0 MB", "1.2 GB"]);
}

#[test]
fn packages_that_were_only_built_with_stand_apart() {
    let text = packages(&golden("cyclonedx"));
    let expected = "\
base-files 13.8+deb13u1  MIT
libgcc-s1 14.2.0-19  MIT  (some files of it)
libssl3t64 3.5.4-1~deb13u1+b1  Apache-2.0 AND LicenseRef-debian-odd
built with, and not in the image:
  gcc-14 14.2.0-19  MIT
  musl 1  licence not known
";
    assert_eq!(text, expected);
    assert!(packages(&Value::Null).starts_with("no packages"));
}

#[test]
fn provenance_tells_of_commands() {
    let text = provenance(&golden("provenance")["predicate"]);
    let told = "  fetch-data
    in the stage compile, for linux/amd64
    runs [\"fetch-data\",\"--all\"] in /
    user 1000:1000, network host
    ssh agent default
    saw  sha256:586a866f990ab55e36decfffc2011f172e4452d5141c939a5436baffba11111d /
    left sha256:0c7fcf412c36e9e1cfc3cca37cec9afedcfca86e1943f6827c36e88dfda41642 /
";
    assert!(text.contains(told), "{text}");
    assert!(text.contains("in the stage compile, check unit tests, for linux/amd64"), "{text}");
    assert!(text.contains("gcc-14@14.2.0-19?arch=amd64&distro=debian-13 (only in toolchain)"), "{text}");
    assert!(text.contains("networkSteps [\"compile: fetch-data\"]"), "{text}");
}

#[test]
fn a_built_file_is_told_with_its_command_and_what_that_read() {
    let package = |name: &str, requested| ReadPackage { name: name.into(), purl: String::new(), requested };
    let step = StepReason {
        name: "make".into(),
        command: "/bin/sh -c 'make\nmake install'".into(),
        network: "host".into(),
        sources: vec!["app".into()],
        stages: vec!["toolchain".into()],
        bases: vec![],
        packages: vec![package("gcc 14", true), package("libc6 2.41", false), package("libgcc 14", false)],
    };
    let owner = OwnerReason {
        kind: "stage",
        name: "compile".into(),
        purl: None,
        stages: vec!["compile".into()],
        made_by: Some("kiln.kdl:28 ← kiln.kdl:13".into()),
        step: Some(step),
        wanted_by: vec![],
        files: 1,
    };
    let told =
        Reason { path: "/usr/bin/hello".into(), leads_to: None, owners: vec![owner], folder: false, tells_of: vec![] };
    let expected = "\
/usr/bin/hello
  stage      compile
  made by    kiln.kdl:28 ← kiln.kdl:13
  command    /bin/sh -c 'make
             make install'
  network    host
  it read    source app
  it read    stage toolchain
  it read    package gcc 14
  it read    2 packages that these need
";
    assert_eq!(reason(&told), expected);
}

#[test]
fn what_others_wrote_steers_no_terminal() {
    let component = serde_json::json!({ "type": "library", "name": "a\u{1b}[31m", "version": "1" });
    let text = packages(&serde_json::json!({ "components": [component] }));
    assert_eq!(text, "a\u{fffd}[31m 1  licence not known\n");
}

#[test]
fn packages_that_files_tell_of_are_listed_with_the_place() {
    let found = serde_json::json!({
        "type": "application", "bom-ref": "pkg:generic/redis@7", "name": "redis", "version": "7",
        "licenses": [{ "license": { "name": "of its own" } }],
        "evidence": { "occurrences": [{ "location": "/opt/redis" }] },
        "properties": [{ "name": "kiln:found-by", "value": "version-string" }],
    });
    let source = serde_json::json!({ "type": "application", "bom-ref": "source:app", "name": "app" });
    let text = packages(&serde_json::json!({ "components": [found, source] }));
    assert_eq!(text, "redis 7  of its own  (in /opt/redis)\n");
}
