use super::fixtures::{CREATED, TestKey};
use super::*;
use pgp::composed::KeyType;
use pgp::crypto::hash::HashAlgorithm;

const TEXT: &str = "Origin: Test\n- a dash\nDate: now\n-- and two\n";
const NOW: i64 = CREATED as i64 + 1000;

fn refusal(keyring: &Keyring, text: &str) -> String {
    keyring.verify(text.as_bytes(), NOW).unwrap_err().to_string()
}

#[test]
fn debians_keys_are_the_ones_that_they_should_be() {
    let expected = [
        "04B54C3CDCA79751B16BC6B5225629DF75B188BD",
        "05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0",
        "41587F7DB8C774BCCF131416762F67A0B2C39DE4",
        "4D64FEC119C2029067D6E791F8D2585B8783D481",
        "5E04A1E3223A19A20706E20F9904613D4CCE68C6",
        "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8",
    ];
    assert_eq!(Keyring::debian().fingerprints(), expected);
}

#[test]
fn a_signed_text_is_read_back_as_it_was_signed() {
    for key in [TestKey::new(), TestKey::new().with_subkey(), TestKey::of_kind(KeyType::Rsa(2048))] {
        let signed = key.keyring().verify(key.sign(TEXT).as_bytes(), NOW).unwrap();
        assert_eq!(signed.text, TEXT);
        assert_eq!(signed.signers.len(), 1);
        assert_eq!(vec![signed.signers[0].primary.clone()], key.keyring().fingerprints());
    }
}

#[test]
fn line_ends_and_white_space_before_them_do_not_matter() {
    let key = TestKey::new();
    let signed = key.sign(TEXT).replace('\n', "\r\n").replace("dash", "dash \t");
    assert_eq!(key.keyring().verify(signed.as_bytes(), NOW).unwrap().text, TEXT);
}

#[test]
fn one_good_signature_suffices() {
    let (ours, other, mut expired) = (TestKey::new(), TestKey::new(), TestKey::new());
    let both = other.sign_together(&ours, TEXT);
    assert_eq!(ours.keyring().verify(both.as_bytes(), NOW).unwrap().signers.len(), 1);
    expired.lasts = 10;
    let both = expired.sign_together(&ours, TEXT);
    let keys = format!("{}and one more\n{}", expired.certificate(), ours.certificate());
    let keyring = Keyring::parse(keys.as_bytes()).unwrap();
    assert_eq!(keyring.fingerprints().len(), 2);
    assert_eq!(keyring.verify(both.as_bytes(), NOW).unwrap().signers.len(), 1);
}

#[test]
fn unsigned_and_foreign_texts_are_refused() {
    let (key, other) = (TestKey::new(), TestKey::new());
    let keyring = key.keyring();
    assert!(refusal(&keyring, TEXT).contains("does not begin with"));
    assert!(refusal(&keyring, "").contains("does not begin with"));
    assert!(refusal(&keyring, &other.sign(TEXT)).contains("which the keyring does not hold"));
    let without = key.sign(TEXT).split("\n-----BEGIN PGP SIGNATURE").next().unwrap().to_owned();
    assert!(refusal(&keyring, &without).contains("no signature"));
}

#[test]
fn every_changed_byte_of_the_text_is_noticed() {
    let key = TestKey::new();
    let (keyring, signed) = (key.keyring(), key.sign(TEXT));
    let start = signed.find("Origin").unwrap();
    for position in start..start + TEXT.len() - 1 {
        for bit in [0, 5] {
            let mut bytes = signed.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            let Ok(accepted) = keyring.verify(&bytes, NOW) else { continue };
            // Only white space at line ends may differ, and it is not handed on.
            assert_eq!(accepted.text, TEXT, "{position} {bit}");
        }
    }
}

#[test]
fn text_outside_of_the_signed_part_is_refused() {
    let key = TestKey::new();
    let (keyring, signed) = (key.keyring(), key.sign(TEXT));
    assert!(keyring.verify(signed.as_bytes(), NOW).is_ok());
    let cases = [
        format!("Origin: Evil\n{signed}"),
        format!("\n{signed}"),
        format!("{signed}Origin: Evil\n"),
        format!("{signed}\n{signed}"),
        signed.replacen("Hash: SHA256\n", "Hash: SHA256\nOrigin: Evil\n", 1),
        signed.replacen("\n\n", "\n \nOrigin: Evil\n", 1),
        signed.replacen("- - a dash", "- a dash\r- a dash", 1),
        signed.replacen("Origin: Test\n", "Origin: Test\r", 1),
        signed.replacen("- - a dash", "-a dash", 1),
    ];
    for case in cases {
        assert!(keyring.verify(case.as_bytes(), NOW).is_err(), "{case}");
    }
}

#[test]
fn keys_that_are_not_in_order_do_not_count() {
    let expect = |change: &dyn Fn(&mut TestKey), with_subkey: bool, reason: &str| {
        let mut key = if with_subkey { TestKey::new().with_subkey() } else { TestKey::new() };
        change(&mut key);
        let text = refusal(&key.keyring(), &key.sign(TEXT));
        assert!(text.contains(reason), "{text}");
    };
    for with_subkey in [false, true] {
        expect(&|key| key.lasts = 10, with_subkey, "expired on 2025-07-01");
        expect(&|key| key.revoked = true, with_subkey, "revoked");
        expect(&|key| key.created = CREATED + 90_000, with_subkey, "nothing valid binds it");
    }
    expect(&|key| key.signing = false, false, "not meant for signing");
    expect(&|key| key.subkey_signing = false, true, "not meant for signing");
    expect(&|key| key.subkey_lasts = 10, true, "expired on 2025-07-01");
    expect(&|key| key.subkey_revoked = true, true, "revoked");
    expect(&|key| key.back_signature = false, true, "nothing valid binds it");
}

#[test]
fn weak_keys_and_hashes_do_not_count() {
    let key = TestKey::of_kind(KeyType::Rsa(1024));
    assert!(refusal(&key.keyring(), &key.sign(TEXT)).contains("RSA with 1024 bits"));
    let mut key = TestKey::of_kind(KeyType::Rsa(2048));
    key.hash = HashAlgorithm::Sha1;
    assert!(refusal(&key.keyring(), &key.sign(TEXT)).contains("nothing valid binds it"));
    for hash in [HashAlgorithm::Sha1, HashAlgorithm::Md5, HashAlgorithm::Ripemd160] {
        let text = refusal(&key.keyring(), &key.sign_with(TEXT, hash, 0));
        assert!(text.contains("broken or unknown"), "{text}");
    }
}

#[test]
fn signatures_count_in_their_time_only() {
    let key = TestKey::new();
    let keyring = key.keyring();
    assert!(refusal(&keyring, &key.sign_with(TEXT, HashAlgorithm::Sha256, 10)).contains("has run out"));
    assert!(keyring.verify(key.sign(TEXT).as_bytes(), i64::from(CREATED) - 90_000).is_err());
}

#[test]
fn keyrings_may_be_binary_and_hold_several_keys() {
    let (one, two) = (TestKey::new(), TestKey::new().with_subkey());
    let keyring = Keyring::parse(&[one.binary_certificate(), two.binary_certificate()].concat()).unwrap();
    assert_eq!(keyring.fingerprints().len(), 2);
    for key in [&one, &two] {
        assert!(keyring.verify(key.sign(TEXT).as_bytes(), NOW).is_ok());
    }
}

#[test]
fn what_is_no_keyring_says_so() {
    for bad in ["", "no keys here", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----"]
    {
        assert!(matches!(Keyring::parse(bad.as_bytes()), Err(KeyringError::NoKeys { .. })), "{bad}");
    }
    assert!(matches!(Keyring::parse(&[0xff; 100]), Err(KeyringError::NoKeys { .. })));
    assert!(matches!(Keyring::parse(&vec![b'x'; 5 << 20]), Err(KeyringError::TooLarge)));
}
