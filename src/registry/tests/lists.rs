use super::memory::{Manners, Memory};
use super::*;
use crate::registry::referrers::{list_tag, merge};
use serde_json::{Value, json};
use std::time::Duration;

fn row(n: u8) -> Descriptor {
    let mut row = Descriptor::new(media_type::MANIFEST, Digest::from_bytes([n; 32]), 10);
    row.artifact_type = Some("application/vnd.test".into());
    row.annotations = BTreeMap::from([("n".into(), n.to_string())]);
    row
}

#[test]
fn rows_of_others_stay_as_they_are() {
    let foreign = json!({
        "mediaType": "x/y", "digest": "sha512:ffff", "size": 3, "urls": ["https://example.com"], "own": { "b": 1.5 },
    });
    let twice = json!({ "mediaType": "x/y", "digest": row(4).digest, "size": 1 });
    let list = json!({
        "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [foreign, row(3), twice, twice],
        "annotations": { "kept": "yes" },
    });
    let merged = merge(Some(&list), &[row(9), row(1), row(3), row(9)]).unwrap();
    let rows = merged["manifests"].as_array().unwrap();
    assert_eq!(rows[..], [json!(row(1)), json!(row(3)), twice, json!(row(9)), foreign]);
    assert_eq!(merged["annotations"], list["annotations"]);
    assert_eq!(merge(Some(&merged), &[row(9), row(1)]), None);
    // A row that does not say all about our manifest is completed.
    let ours = Descriptor { size: 1, media_type: "x/y".into(), ..row(4) };
    assert_eq!(merge(Some(&merged), std::slice::from_ref(&ours)).unwrap()["manifests"][2], json!(ours));
    assert_eq!(merge(None, &[row(2)]).unwrap()["manifests"], json!([row(2)]));
    assert_eq!(merge(None, &[]), None);
}

#[tokio::test]
async fn where_the_registry_lists_referrers_no_tag_is_written() {
    let (mut shelf, image) = tiny();
    let (sbom, signature) = (shelf.referrer(&image, "sbom"), shelf.referrer(&image, "signature"));
    let (memory, place) = (Memory::start(Manners { referrers: true, ..Manners::default() }), Place::new());
    let repository = memory.repository("app");
    push(&repository, &outgoing(&image, &[&sbom, &signature]), &shelf, &place.0, &()).await.unwrap();
    let mut rows = vec![sbom, signature];
    rows.sort_by_key(|row| row.digest);
    assert_eq!(repository.referrers(&image.digest).await.unwrap(), rows);
    assert!(memory.state.lock().unwrap().manifests.keys().all(|(_, name)| name.starts_with("sha256:")));
}

#[tokio::test]
async fn where_it_does_not_a_tag_stands_for_the_list() {
    let (mut shelf, image) = tiny();
    let (sbom, signature) = (shelf.referrer(&image, "sbom"), shelf.referrer(&image, "signature"));
    let (memory, place) = (Memory::start(Manners::default()), Place::new());
    let repository = memory.repository("app");
    push(&repository, &outgoing(&image, &[&sbom]), &shelf, &place.0, &()).await.unwrap();
    push(&repository, &outgoing(&image, &[&signature]), &shelf, &place.0, &()).await.unwrap();
    let mut rows = vec![sbom.clone(), signature.clone()];
    rows.sort_by_key(|row| row.digest);
    assert_eq!(repository.referrers(&image.digest).await.unwrap(), rows);
    let puts = memory.requests("PUT");
    let pushed = push(&repository, &outgoing(&image, &[&sbom, &signature]), &shelf, &place.0, &()).await.unwrap();
    assert_eq!((pushed.sent, pushed.present, memory.requests("PUT")), (0, 6, puts));
}

/// All of these write to one list at the same time, each from a machine of its own.
async fn written_at_once(manners: Manners) -> (Vec<String>, Vec<String>) {
    let memory = Memory::start(manners);
    let (mut shelf, image) = tiny();
    let rows: Vec<Descriptor> = (0..8).map(|n| shelf.referrer(&image, &n.to_string())).collect();
    let writers = rows.iter().map(|row| {
        let patient = crate::http::Settings { back_off: Duration::from_millis(200), ..settings() };
        let repository = client_with(patient, "app", memory.server.address());
        let (shelf, image) = (shelf.clone(), image.clone());
        async move {
            let place = Place::new();
            push(&repository, &outgoing(&image, &[row]), &shelf, &place.0, &()).await
        }
    });
    for written in futures_util::future::join_all(writers).await {
        written.unwrap();
    }
    let list = memory.manifest("app", &list_tag(&image.digest)).unwrap();
    let text = |row: &Value| row["digest"].as_str().unwrap().to_owned();
    let mut wanted: Vec<String> = rows.iter().map(|row| row.digest.to_string()).collect();
    wanted.sort();
    (list["manifests"].as_array().unwrap().iter().map(text).collect(), wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_time_lose_no_rows() {
    let (found, wanted) = written_at_once(Manners::default()).await;
    assert_eq!(found, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_time_lose_no_rows_where_the_registry_knows_conditions() {
    let (found, wanted) = written_at_once(Manners { versions: true, ..Manners::default() }).await;
    assert_eq!(found, wanted);
}
