use super::memory::{Manners, Memory};
use super::*;
use crate::http::fixtures::Reply;
use crate::registry::upload::received;

fn large(bytes: usize) -> (Shelf, Descriptor, Vec<u8>) {
    let layer: Vec<u8> = (0..bytes).map(|n| (n / 7 % 251) as u8).collect();
    let mut shelf = Shelf::default();
    let image = shelf.image(Platform::linux("amd64", None), &[&layer]);
    (shelf, image, layer)
}

/// Pushes an image with one layer to a registry with these manners and whims.
async fn push_to(memory: &Memory, shelf: &Shelf, image: &Descriptor) -> Result<Pushed, RegistryError> {
    let counted = Counted::default();
    let pushed = push(&memory.repository("team/app"), &outgoing(image, &[]), shelf, &Place::new().0, &counted).await?;
    assert_eq!(counted.0.into_inner(), counted.1.into_inner());
    Ok(pushed)
}

fn arrived(memory: &Memory, layer: &[u8]) -> bool {
    let key = ("team/app".into(), Digest::of(layer).to_string());
    memory.state.lock().unwrap().blobs.get(&key).is_some_and(|content| content == layer)
}

#[test]
fn how_far_an_upload_came_is_read_with_its_ambiguity() {
    for (text, bytes) in [("0-9", Some(10)), ("bytes=0-9", Some(10)), (" bytes 0-1 ", Some(2)), ("0-1", Some(2))] {
        assert_eq!(received(text), bytes, "{text}");
    }
    for text in ["0-0", "", "-", "1-9", "0-", "0-x", "9", "0-18446744073709551615", "0--1"] {
        assert_eq!(received(text), None, "{text}");
    }
}

#[tokio::test]
async fn a_blob_is_sent_by_one_put() {
    let (shelf, image, layer) = large(3 << 20);
    let memory = Memory::start(Manners::default());
    let pushed = push_to(&memory, &shelf, &image).await.unwrap();
    assert_eq!((pushed.sent, pushed.mounted, pushed.present), (2, 0, 0));
    assert!(arrived(&memory, &layer));
    assert_eq!((memory.requests("POST"), memory.requests("PUT"), memory.requests("PATCH")), (2, 3, 0));
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_where_it_stopped() {
    let (shelf, image, layer) = large(3 << 20);
    let (size, kept) = (layer.len(), 1_000_000);
    let memory = Memory::with(Manners::default(), move |seen, state| {
        let first = seen.method == "PUT" && seen.before == 0 && seen.body.len() == size;
        first.then(|| {
            let id = seen.target.split('?').next().unwrap().rsplit('/').next().unwrap();
            *state.uploads.get_mut(id).unwrap() = seen.body[..kept].to_vec();
            Reply::new(503, "")
        })
    });
    push_to(&memory, &shelf, &image).await.unwrap();
    assert!(arrived(&memory, &layer));
    let patch = memory.server.seen().into_iter().find(|seen| seen.method == "PATCH").unwrap();
    assert_eq!(patch.headers["content-range"], format!("{kept}-{}", size - 1));
    assert_eq!(patch.body.len(), size - kept);
}

#[tokio::test]
async fn an_upload_that_is_lost_begins_anew() {
    let (shelf, image, layer) = large(100_000);
    let memory = Memory::with(Manners::default(), |seen, state| {
        let first = seen.method == "PUT" && seen.target.contains("uploads/1?");
        first.then(|| {
            state.uploads.remove("1");
            Reply::new(404, "")
        })
    });
    push_to(&memory, &shelf, &image).await.unwrap();
    assert!(arrived(&memory, &layer));
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_but_a_question() {
    let (shelf, image, layer) = large(100_000);
    let content = layer.clone();
    let memory = Memory::with(Manners::default(), move |seen, state| {
        let first = seen.method == "PUT" && seen.body == content;
        first.then(|| {
            state.uploads.clear();
            state.blobs.insert(("team/app".into(), Digest::of(&content).to_string()), content.clone());
            Reply::new(502, "")
        })
    });
    push_to(&memory, &shelf, &image).await.unwrap();
    let sent = memory.server.seen().into_iter().filter(|seen| seen.body == layer).count();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn an_upload_that_never_works_ends_in_one_error() {
    let (shelf, image, _) = large(100_000);
    let memory = Memory::with(Manners::default(), |seen, _| (seen.method == "PUT").then(|| Reply::new(503, "")));
    let error = push_to(&memory, &shelf, &image).await.unwrap_err();
    assert!(error.is_of_service() && error.to_string().contains("status 503"), "{error}");
    assert!(memory.requests("PUT") < 12);
}

#[tokio::test]
async fn what_is_too_large_goes_in_pieces() {
    let (shelf, image, layer) = large(20 << 20);
    let memory = Memory::start(Manners { largest: Some(10 << 20), ..Manners::default() });
    push_to(&memory, &shelf, &image).await.unwrap();
    assert!(arrived(&memory, &layer));
    let pieces: Vec<usize> =
        memory.server.seen().iter().filter(|seen| seen.method == "PATCH").map(|seen| seen.body.len()).collect();
    assert_eq!(pieces, [20 << 20, 8 << 20, 8 << 20, 4 << 20]);

    let memory = Memory::start(Manners { largest: Some(10 << 20), chunk_min: Some(16 << 20), ..Manners::default() });
    let error = push_to(&memory, &shelf, &image).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { .. }) && error.is_of_service(), "{error}");
    let memory = Memory::start(Manners { largest: Some(1 << 20), ..Manners::default() });
    let error = push_to(&memory, &shelf, &image).await.unwrap_err();
    assert!(error.to_string().contains("even in pieces of 8388608 bytes"), "{error}");
}

#[tokio::test]
async fn a_registry_without_a_location_is_one_clear_error() {
    let (shelf, image) = tiny();
    let memory = Memory::with(Manners::default(), |seen, _| (seen.method == "POST").then(|| Reply::new(202, "")));
    let error = push_to(&memory, &shelf, &image).await.unwrap_err();
    assert!(error.to_string().contains("`Location`") && error.is_of_service(), "{error}");
    for location in ["file:///etc/passwd", "ftp://example.com/x", "http://["] {
        let memory = Memory::with(Manners::default(), move |seen, _| {
            (seen.method == "POST").then(|| Reply::new(202, "").with("Location", location))
        });
        let error = push_to(&memory, &shelf, &image).await.unwrap_err();
        assert!(matches!(error, RegistryError::Protocol { .. }), "{error}");
    }
}

#[tokio::test]
async fn blobs_of_other_repositories_are_taken_over() {
    let (shelf, image) = tiny();
    let (memory, place) = (Memory::start(Manners::default()), Place::new());
    push(&memory.repository("team/app"), &outgoing(&image, &[]), &shelf, &place.0, &()).await.unwrap();
    let counted = Counted::default();
    let pushed = push(&memory.repository("other"), &outgoing(&image, &[]), &shelf, &place.0, &counted).await.unwrap();
    assert_eq!((pushed.sent, pushed.mounted, pushed.present), (0, 3, 0));
    assert_eq!(counted.0.into_inner(), counted.1.into_inner());
    // Where the other repository has lost it, the session that the registry opens instead is used.
    memory.state.lock().unwrap().blobs.clear();
    let posts = memory.requests("POST");
    let pushed = push(&memory.repository("third"), &outgoing(&image, &[]), &shelf, &place.0, &()).await.unwrap();
    assert_eq!((pushed.sent, pushed.mounted, memory.requests("POST") - posts), (3, 0, 3));
}

#[tokio::test]
async fn a_registry_that_finds_a_digest_wrong_makes_us_look_again() {
    let (mut shelf, image, layer) = large(100_000);
    let whim = |seen: &crate::http::fixtures::Seen, _: &mut super::memory::State| {
        let said = r#"{"errors":[{"code":"DIGEST_INVALID","message":"other"}]}"#;
        (seen.method == "PUT").then(|| Reply::new(400, said))
    };
    let memory = Memory::with(Manners::default(), whim);
    let error = push_to(&memory, &shelf, &image).await.unwrap_err();
    assert!(error.is_of_service() && error.to_string().contains("what was sent is right"), "{error}");
    shelf.0.insert(Digest::of(&layer), vec![0; layer.len()]);
    let error = push_to(&Memory::start(Manners::default()), &shelf, &image).await.unwrap_err();
    assert!(!error.is_of_service() && error.to_string().contains("damaged"), "{error}");
}

#[tokio::test]
async fn what_the_registry_says_is_shown_short_and_without_control_signs() {
    let (shelf, image) = tiny();
    let said = format!(r#"{{"errors":[{{"code":"DENIED","message":"no\u001b[31m {}"}}]}}"#, "x".repeat(5000));
    let memory =
        Memory::with(Manners::default(), move |seen, _| (seen.method == "POST").then(|| Reply::new(403, said.clone())));
    let error = push_to(&memory, &shelf, &image).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, RegistryError::Denied { .. }), "{text}");
    assert!(text.contains("DENIED: no") && !text.contains('\u{1b}') && text.len() < 500, "{text}");
}
