use super::*;
use crate::evidence::fixtures::{FaultySigner, key};
use crate::evidence::statement::{STATEMENT_0_1, predicate};
use crate::evidence::verify::{Refusal, check_signed};
use secrecy::SecretString;
use std::os::unix::fs::PermissionsExt as _;

macro_rules! testdata {
    ($name:literal) => {
        include_bytes!(concat!("testdata/", $name))
    };
}

fn passphrase(text: &str) -> SecretString {
    SecretString::from(text)
}

#[test]
fn the_key_file_of_cosign_is_read_and_is_that_of_its_public_key() {
    let file = testdata!("cosign.key");
    assert!(needs_passphrase(file));
    let key = LocalKey::from_pem(file, Some(&passphrase("correct horse"))).unwrap();
    assert_eq!(*key.public_key(), PublicKey::from_pem(testdata!("cosign.pub")).unwrap());
    assert_eq!(key.public_key().to_pem().as_bytes(), testdata!("cosign.pub"));
    let old = String::from_utf8(file.to_vec()).unwrap().replace("SIGSTORE", "COSIGN");
    assert!(LocalKey::from_pem(old.as_bytes(), Some(&passphrase("correct horse"))).is_ok());
}

#[test]
fn a_wrong_or_missing_passphrase_opens_nothing() {
    let file = testdata!("cosign.key");
    assert!(matches!(LocalKey::from_pem(file, None), Err(KeyError::NoPassphrase)));
    assert!(matches!(LocalKey::from_pem(file, Some(&passphrase("wrong"))), Err(KeyError::Passphrase)));
    assert!(matches!(LocalKey::from_pem(file, Some(&passphrase(""))), Err(KeyError::Passphrase)));
}

#[test]
fn plain_keys_are_read_in_both_forms_and_public_keys_with_either_point() {
    let pkcs8 = LocalKey::from_pem(testdata!("prime256v1.pem"), None).unwrap();
    let sec1 = LocalKey::from_pem(testdata!("prime256v1.sec1"), None).unwrap();
    let public = PublicKey::from_pem(testdata!("prime256v1.pub")).unwrap();
    assert_eq!((pkcs8.public_key(), sec1.public_key()), (&public, &public));
    assert_eq!(PublicKey::from_pem(testdata!("comp.pub")).unwrap(), public);
    assert!(!needs_passphrase(testdata!("prime256v1.pem")));
}

#[test]
fn other_kinds_of_keys_are_refused_by_name() {
    let public: [(&[u8], &str); 5] = [
        (testdata!("secp224r1.pub"), "ECDSA P-224"),
        (testdata!("secp384r1.pub"), "ECDSA P-384"),
        (testdata!("secp256k1.pub"), "ECDSA secp256k1"),
        (testdata!("rsa.pub"), "RSA"),
        (testdata!("ed.pub"), "Ed25519"),
    ];
    for (file, name) in public {
        assert!(matches!(PublicKey::from_pem(file), Err(KeyError::Kind(kind)) if kind == name), "{name}");
    }
    let private: [(&[u8], &str); 2] = [(testdata!("secp224r1.pem"), "ECDSA P-224"), (testdata!("ed.pem"), "Ed25519")];
    for (file, name) in private {
        assert!(matches!(LocalKey::from_pem(file, None), Err(KeyError::Kind(kind)) if kind == name), "{name}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let public = testdata!("prime256v1.pub");
    assert!(matches!(PublicKey::from_pem(b""), Err(KeyError::NotPem)));
    assert!(matches!(PublicKey::from_pem(b"\xff\x00"), Err(KeyError::NotPem)));
    assert!(matches!(PublicKey::from_pem(testdata!("prime256v1.pem")), Err(KeyError::Label { .. })));
    assert!(matches!(LocalKey::from_pem(public, None), Err(KeyError::Label { .. })));
    for length in 0..public.len() - 1 {
        assert!(PublicKey::from_pem(&public[..length]).is_err(), "{length}");
    }
    // A point that is not on the curve.
    let text = String::from_utf8(public.to_vec()).unwrap();
    let other = text.replacen("EYV9w5", "EYV9w6", 1);
    assert_ne!(other, text);
    assert!(PublicKey::from_pem(other.as_bytes()).is_err());
}

/// cosign's file with its JSON changed.
fn with_json(change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    use p256::pkcs8::{LineEnding, der::pem};
    let (label, content) = pem::decode_vec(testdata!("cosign.key")).unwrap();
    let mut json = serde_json::from_slice(&content).unwrap();
    change(&mut json);
    pem::encode_string(label, LineEnding::LF, &serde_json::to_vec(&json).unwrap()).unwrap().into_bytes()
}

#[test]
fn a_key_file_cannot_ask_for_more_memory_or_less_work_than_cosign_does() {
    let open = |file: Vec<u8>| LocalKey::from_pem(&file, Some(&passphrase("correct horse"))).map(|_| ());
    assert!(open(with_json(|_| {})).is_ok());
    for (name, value) in [("N", 2u32), ("N", 1 << 20), ("N", 65537), ("N", 0), ("r", 0), ("r", 1 << 20), ("p", 2)] {
        let refused = open(with_json(|json| json["kdf"]["params"][name] = value.into()));
        assert!(matches!(refused, Err(KeyError::Parameters(_))), "{name}={value}");
    }
    assert!(matches!(open(with_json(|json| json["kdf"]["name"] = "none".into())), Err(KeyError::Parameters(_))));
    assert!(matches!(open(with_json(|json| json["cipher"]["name"] = "none".into())), Err(KeyError::Parameters(_))));
    assert!(matches!(open(with_json(|json| json["cipher"]["nonce"] = "AAAA".into())), Err(KeyError::Malformed(_))));
    assert!(matches!(open(with_json(|json| json["ciphertext"] = "AAAA".into())), Err(KeyError::Passphrase)));
    assert!(matches!(open(with_json(|json| json["ciphertext"] = "*".into())), Err(KeyError::Malformed(_))));
    assert!(matches!(open(with_json(|json| *json = 1.into())), Err(KeyError::Malformed(_))));
}

#[test]
fn new_keys_are_read_again_and_no_two_are_the_same() {
    let secret = passphrase("päss");
    let (one, two) = (generate(&secret), generate(&secret));
    assert_ne!(one.public_pem, two.public_pem);
    let key = LocalKey::from_pem(one.private_pem.as_bytes(), Some(&secret)).unwrap();
    assert_eq!(key.public_key().to_pem(), one.public_pem);
    assert!(one.private_pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    assert!(!format!("{key:?}").contains("BEGIN"));
}

#[test]
fn key_files_are_private_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (private, public) = (folder.path().join("a/b/k.key"), folder.path().join("a/b/k.pub"));
    let pair = generate(&passphrase("x"));
    write_key_pair(&pair, &private, &public).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&private), mode(private.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read(&public).unwrap(), pair.public_pem.as_bytes());
    assert_eq!(std::fs::read_dir(private.parent().unwrap()).unwrap().count(), 2);

    let other = generate(&passphrase("x"));
    assert!(matches!(write_key_pair(&other, &private, &public), Err(KeyError::Exists(path)) if path == private));
    assert_eq!(std::fs::read(&private).unwrap(), pair.private_pem.as_bytes());
    // Neither does half a pair stay behind, nor is a link followed.
    std::fs::remove_file(&private).unwrap();
    assert!(matches!(write_key_pair(&other, &private, &public), Err(KeyError::Exists(path)) if path == public));
    assert!(!private.exists());
    std::fs::remove_file(&public).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &private).unwrap();
    assert!(matches!(write_key_pair(&other, &private, &public), Err(KeyError::Exists(_))));
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn the_same_statement_gets_the_same_bytes() {
    let statement = Statement::signature(&Digest::of("image"));
    let signed = sign(&key(1), &statement).unwrap();
    assert_eq!(signed, sign(&key(1), &statement).unwrap());
    assert_eq!(signed.predicate_type, predicate::SIGNATURE);
    let bundle = Bundle::from_json(&signed.bundle).unwrap();
    let payload = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{{}}}}"#,
        Digest::of("image").hex()
    );
    assert_eq!(String::from_utf8(bundle.payload.clone()).unwrap(), payload);
    assert_eq!(bundle.to_json(), signed.bundle);
}

#[test]
fn a_signer_that_lies_is_found_out_at_once() {
    let statement = Statement::signature(&Digest::of("image"));
    let other = key(2).sign(&pre_authentication_digest(media_type::IN_TOTO, b"something else")).unwrap();
    for answer in [other, vec![], vec![0x30; 72]] {
        let signer = FaultySigner { claims: key(1), answer: Ok(answer) };
        assert!(matches!(sign(&signer, &statement), Err(SignError::Rejected(_))));
    }
    let signer = FaultySigner { claims: key(1), answer: Err("no".into()) };
    assert!(matches!(sign(&signer, &statement), Err(SignError::Signer(reason)) if reason == "no"));
}

#[test]
fn a_bundle_of_cosign_is_read_and_verified() {
    let key = PublicKey::from_pem(testdata!("cosign.pub")).unwrap();
    let json = testdata!("cosign-bundle.json");
    let statement = check_signed(json, &key).unwrap();
    assert!(statement.is_about(&Digest::of(testdata!("blob"))));
    assert_eq!(statement.predicate_type, predicate::SIGNATURE);
    assert!(String::from_utf8_lossy(&statement.payload).contains(STATEMENT_0_1));
    let bundle = Bundle::from_json(json).unwrap();
    assert_eq!(bundle.signer, Identity::Key { hint: key.hint() });
    assert_eq!(String::from_utf8(bundle.to_json()).unwrap(), String::from_utf8(json.to_vec()).unwrap());
    assert!(matches!(check_signed(json, super::tests::key(1).public_key()), Err(Refusal::Signature)));
}

#[test]
fn type_and_payload_cannot_be_mistaken_for_each_other() {
    // The example of the DSSE specification.
    let encoded = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert_eq!(pre_authentication_digest("http://example.com/HelloWorld", b"hello world"), Digest::of(encoded));
    assert_ne!(pre_authentication_digest("a", b"b c"), pre_authentication_digest("a b", b"c"));
}
