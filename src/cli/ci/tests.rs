use super::*;
use crate::oci::Digest;
use crate::pipeline::{LockReport, PublishedReport, SignerReport, TagReport};

fn image(name: &str, released: bool) -> ImageReport {
    let digest = Digest::of(name);
    let tags = vec![TagReport { tag: "1.0".into(), moved: true, from: None }];
    let published = PublishedReport {
        repository: name.into(),
        digest,
        tags,
        sent: 1,
        bytes: 10,
        mounted: 0,
        present: 2,
        verified: true,
    };
    ImageReport {
        name: name.into(),
        digest,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        descriptor_size: 7,
        tags: vec![format!("{name}:latest")],
        platforms: vec![],
        attestations: vec![],
        signer: SignerReport { key: "k".into(), public_key: None, local: false, created: false },
        outputs: vec![],
        published: if released { vec![published] } else { vec![] },
    }
}

fn report(images: Vec<ImageReport>) -> BuildReport {
    BuildReport {
        verdicts: Vec::new(),
        report: 1,
        kiln: "0".into(),
        epoch: 0,
        lock: LockReport { path: None, changed: false },
        images,
        shared: Vec::new(),
        findings: Default::default(),
        phases: vec![],
        started_on: 0,
        finished_on: 0,
        warnings: vec![],
    }
}

#[test]
fn metadata_has_the_form_that_buildx_has() {
    let name = "registry.example.com/acme/hello";
    let digest = Digest::of(name).to_string();
    let expected = json!({
        "containerimage.digest": digest,
        "containerimage.descriptor": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 7
        },
        "image.name": "registry.example.com/acme/hello:1.0",
    });
    assert_eq!(metadata_of(&report(vec![image(name, true)])), expected);
    let two = metadata_of(&report(vec![image(name, true), image("registry.example.com/b", false)]));
    assert_eq!(two[name], expected);
    assert_eq!(two["registry.example.com/b"]["image.name"], "registry.example.com/b:latest");
}

#[test]
fn variables_name_the_image_where_it_is() {
    let name = "registry.example.com/acme/hello-world";
    let digest = Digest::of(name);
    let one = variables(&report(vec![image(name, true)]));
    let expected =
        [("digest", digest.to_string()), ("image", format!("{name}@{digest}")), ("tags", format!("{name}:1.0"))];
    assert_eq!(one, expected.map(|(name, value)| (name.to_owned(), value)));
    let two = variables(&report(vec![image(name, true), image("registry.example.com/b", true)]));
    let names: Vec<&str> = two.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "digest",
        "digest_hello_world",
        "image",
        "image_hello_world",
        "tags",
        "tags_hello_world",
        "digest_b",
        "image_b",
        "tags_b",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_summary_claims_no_release_that_was_none() {
    let name = "registry.example.com/acme/hello";
    assert!(summary(&report(vec![image(name, true)])).contains("verified before the tags moved"));
    assert!(!summary(&report(vec![image(name, false)])).contains("verified"));
}
