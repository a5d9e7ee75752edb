use super::*;
use crate::evidence::fixtures::key;
use crate::evidence::sign::Signer as _;
use serde_json::{Value, json};

fn document(image: &Digest) -> Value {
    json!({
        "critical": {
            "identity": { "docker-reference": "registry.example.com/acme/base" },
            "image": { "docker-manifest-digest": image.to_string() },
            "type": "cosign container image signature"
        },
        "optional": null
    })
}

fn signed(document: &[u8]) -> String {
    STANDARD.encode(key(1).sign(&Digest::of(document)).unwrap())
}

#[test]
fn a_signature_of_the_key_over_the_image_is_good() {
    let image = Digest::of("image");
    let document = document(&image).to_string();
    let signature = signed(document.as_bytes());
    check_simple(document.as_bytes(), &signature, key(1).public_key(), &image).unwrap();
}

#[test]
fn nothing_else_is() {
    let image = Digest::of("image");
    let good = document(&image);
    let mut other_type = good.clone();
    other_type["critical"]["type"] = json!("atomic container signature");
    let cases: [(Value, u8, &str); 5] = [
        (good.clone(), 2, "not one of this key"),
        (document(&Digest::of("other")), 1, "not about this image"),
        (other_type, 1, "something else"),
        (json!({ "critical": {} }), 1, "no signature of an image"),
        (json!([]), 1, "no signature of an image"),
    ];
    for (document, by, reason) in cases {
        let document = document.to_string();
        let signature = signed(document.as_bytes());
        let refusal = check_simple(document.as_bytes(), &signature, key(by).public_key(), &image).unwrap_err();
        assert!(refusal.to_string().contains(reason), "{refusal}");
    }
    let document = good.to_string();
    for signature in ["", "=", "AAAA", &signed(b"another document")] {
        assert!(check_simple(document.as_bytes(), signature, key(1).public_key(), &image).is_err());
    }
}
