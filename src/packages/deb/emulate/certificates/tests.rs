use super::*;
use crate::store::Store;
use crate::tree::Tree;

/// Made for this test; its subject has double spaces, capitals and letters beyond ASCII.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIB1zCCAX2gAwIBAgIUAk9mbuB5+cy84nlNZFK9mX+EacMwCgYIKoZIzj0EAwIw
QDELMAkGA1UEBhMCREUxEzARBgNVBAoMCktpbG4gIFRlc3QxHDAaBgNVBAMME0V4
YW1wbGUgICBSb290IMOEw5YwIBcNMjYxMTIyMTU1ODE1WhgPMjEyNjEwMjkxNTU4
MTVaMEAxCzAJBgNVBAYTAkRFMRMwEQYDVQQKDApLaWxuICBUZXN0MRwwGgYDVQQD
DBNFeGFtcGxlICAgUm9vdCDDhMOWMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
zjqHhGlnmjrlahKBO/s26AHniD6I1hoWR8VjUzThkbtp3FbXY+vWhrRpEPMgBZwt
wNv0n8RxsJ33ubNQHL4qd6NTMFEwHQYDVR0OBBYEFK6smOJicbJWAdUfXce0yJI9
XgakMB8GA1UdIwQYMBaAFK6smOJicbJWAdUfXce0yJI9XgakMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgFuy+1JSFudEFxte3cUOhgbNGcO1o/4IK
Z1b+JQMkoVMCIQDoNR7KMzkFXGiXmehwUXPOjJNRpb7m0p/izePyj7HaOA==
-----END CERTIFICATE-----
";

/// What `openssl x509 -hash` says of it.
const HASH: u32 = 0x8e20_fa71;

#[test]
fn subjects_have_openssls_hash() {
    let certificates = pem(CERTIFICATE.as_bytes());
    assert_eq!(subject_hash(&der::subject(&certificates[0]).unwrap()), HASH);
}

#[test]
fn damaged_certificates_are_no_certificates() {
    let whole = &pem(CERTIFICATE.as_bytes())[0];
    for length in 0..200 {
        der::subject(&whole[..length]);
    }
    for at in 0..200 {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        der::subject(&damaged);
    }
    assert!(der::subject(b"").is_none());
}

#[test]
fn links_hashes_and_the_bundle_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut root = Root::new(&Store::open(folder.path()).unwrap(), Tree::new());
    root.make_dirs("/usr/share/ca-certificates/mozilla", 0o755).unwrap();
    root.make_dirs("/usr/local/share/ca-certificates", 0o755).unwrap();
    let without_end = CERTIFICATE.trim_end();
    root.write("/usr/share/ca-certificates/mozilla/A_(x).crt", without_end.as_bytes(), 0o644).unwrap();
    root.write("/usr/share/ca-certificates/mozilla/off.crt", b"never", 0o644).unwrap();
    root.write("/usr/local/share/ca-certificates/own.crt", CERTIFICATE.as_bytes(), 0o644).unwrap();
    let list = "# comment\nmozilla/A_(x).crt\n!mozilla/off.crt\nmozilla/missing.crt\n";
    root.write(CONFIGURATION, list.as_bytes(), 0o644).unwrap();
    for _ in 0..2 {
        update(&mut root).unwrap();
        let link = |name: &str| root.stat(&format!("{FOLDER}/{name}"), false).unwrap().link_target().unwrap().to_vec();
        assert_eq!(link("A_=x=.pem"), b"/usr/share/ca-certificates/mozilla/A_(x).crt");
        assert_eq!(link("own.pem"), b"/usr/local/share/ca-certificates/own.crt");
        // The same certificate twice has one hash link, to the first by name.
        assert_eq!(link("8e20fa71.0"), b"A_=x=.pem");
        assert!(root.stat(&format!("{FOLDER}/8e20fa71.1"), false).is_none());
        assert_eq!(root.read(BUNDLE).unwrap(), [CERTIFICATE, CERTIFICATE].concat().into_bytes());
    }
}

#[test]
fn javas_store_has_its_magic_its_names_and_its_checksum() {
    let entries = BTreeMap::from([("debian:a.pem".to_owned(), vec![1, 2, 3])]);
    let store = keystore::encode(&entries, 5);
    assert_eq!(&store[..12], b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01");
    assert!(store.windows(12).any(|w| w == b"debian:a.pem"));
    assert_eq!(store.len(), 12 + 4 + 2 + 12 + 8 + 2 + 5 + 4 + 3 + 20);
}
