use super::*;
use crate::packages::deb::trust::fixtures::TestKey;

fn text(date: &str, more: &str) -> String {
    let digest = Digest::of("x").hex();
    format!(
        "Origin: Test\nSuite: stable\nCodename: trixie\nDate: {date}\n{more}Acquire-By-Hash: yes\nArchitectures: all amd64\nComponents: main extra\nSHA256:\n {digest}       12 main/binary-amd64/Packages.xz\n {digest} 3 main/binary-amd64/Release\n"
    )
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn wanted(suite: &str) -> Wanted<'_> {
    Wanted { suite, check_valid_until: true, floor: None, now: time("2025-08-01T12:00:00Z") }
}

const DATE: &str = "Fri, 01 Aug 2025 09:00:00 UTC";

#[test]
fn a_release_file_is_read() {
    let key = TestKey::new();
    let more = "Valid-Until: Fri, 08 Aug 2025 09:00:00 UTC\nNo-Support-for-Architecture-all: Packages\n";
    for suite in ["stable", "trixie"] {
        let release = Release::verify(key.sign(&text(DATE, more)).as_bytes(), &key.keyring(), &wanted(suite)).unwrap();
        assert_eq!(release.date, time("2025-08-01T09:00:00Z"));
        assert_eq!(release.valid_until, Some(time("2025-08-08T09:00:00Z")));
        assert!(release.by_hash && !release.separate_all);
        assert_eq!(release.components, ["main", "extra"]);
        assert_eq!(release.files["main/binary-amd64/Packages.xz"], (Digest::of("x"), 12));
        assert_eq!(release.signers.len(), 1);
    }
    let plain = Release::verify(key.sign(&text(DATE, "")).as_bytes(), &key.keyring(), &wanted("trixie")).unwrap();
    assert!(plain.separate_all && plain.valid_until.is_none());
}

#[test]
fn other_suites_are_refused() {
    let key = TestKey::new();
    let check = |text: &str| Release::verify(key.sign(text).as_bytes(), &key.keyring(), &wanted("bookworm"));
    assert!(matches!(check(&text(DATE, "")), Err(ReleaseError::OtherSuite { .. })));
    let nameless = text(DATE, "").replace("Suite: stable\nCodename: trixie\n", "");
    assert!(matches!(check(&nameless), Err(ReleaseError::OtherSuite { .. })));
}

#[test]
fn dates_count() {
    let key = TestKey::new();
    let check = |text: &str, wanted: Wanted<'_>| Release::verify(key.sign(text).as_bytes(), &key.keyring(), &wanted);
    let expired = text(DATE, "Valid-Until: Fri, 01 Aug 2025 11:00:00 UTC\n");
    assert!(matches!(check(&expired, wanted("trixie")), Err(ReleaseError::Expired(_))));
    assert!(check(&expired, Wanted { check_valid_until: false, ..wanted("trixie") }).is_ok());
    let future = text("Fri, 01 Aug 2025 14:00:00 UTC", "");
    assert!(matches!(check(&future, wanted("trixie")), Err(ReleaseError::NotYet(_))));
    let floor = |text| Wanted { floor: Some(time(text)), ..wanted("trixie") };
    assert!(matches!(check(&text(DATE, ""), floor("2025-08-01T09:00:01Z")), Err(ReleaseError::Replay { .. })));
    assert!(check(&text(DATE, ""), floor("2025-08-01T09:00:00Z")).is_ok());
}

#[test]
fn damaged_texts_are_refused() {
    let key = TestKey::new();
    let good = text(DATE, "");
    let cases = [
        good.replace(DATE, "yesterday"),
        good.replace(DATE, "Fri, 01 Aug 2025 09:00:00 PST"),
        good.replace("Date:", "Dote:"),
        good.replace("SHA256:", "SHA1:"),
        good.replace(" 12 main", " twelve main"),
        good.replace(&Digest::of("x").hex(), "abc"),
        good.replace("Components", "\nComponents"),
        text(DATE, "Valid-Until: never\n"),
    ];
    for case in cases {
        let result = Release::verify(key.sign(&case).as_bytes(), &key.keyring(), &wanted("trixie"));
        assert!(matches!(result, Err(ReleaseError::Malformed(_))), "{case}");
    }
}
