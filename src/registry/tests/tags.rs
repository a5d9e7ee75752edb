use super::memory::{Manners, Memory};
use super::*;
use crate::http::fixtures::Reply;

fn two() -> (Document, Document) {
    let mut shelf = Shelf::default();
    let (one, two) = (shelf.index(Vec::new()), shelf.image(Platform::linux("amd64", None), &[]));
    (shelf.document(&one), shelf.document(&two))
}

#[tokio::test]
async fn a_tag_is_moved_once_and_only_where_it_may() {
    let (one, two) = two();
    let memory = Memory::start(Manners::default());
    let repository = memory.repository("app");
    assert_eq!(tag(&repository, "v1", &one, false).await.unwrap(), Moved::New);
    assert_eq!(tag(&repository, "v1", &one, false).await.unwrap(), Moved::Already);
    assert_eq!(memory.requests("PUT"), 1);
    let error = tag(&repository, "v1", &two, false).await.unwrap_err();
    assert!(matches!(error, RegistryError::TagTaken { .. }) && !error.is_of_service(), "{error}");
    assert_eq!(memory.requests("PUT"), 1);
    assert_eq!(tag(&repository, "v1", &two, true).await.unwrap(), Moved::From(one.descriptor.digest));
    assert_eq!(repository.by_tag("v1").await.unwrap(), Some(two));
}

#[tokio::test]
async fn of_two_that_may_not_move_a_tag_the_second_is_told() {
    let (one, two) = two();
    let other = two.clone();
    // Between the question and the answer somebody else is faster.
    let memory = Memory::with(Manners { versions: true, ..Manners::default() }, move |seen, state| {
        if seen.method == "PUT" {
            let content = (other.descriptor.media_type.clone(), other.bytes.clone());
            state.manifests.insert(("app".into(), "v1".into()), content);
        }
        None
    });
    let error = tag(&memory.repository("app"), "v1", &one, false).await.unwrap_err();
    assert!(matches!(error, RegistryError::TagTaken { named, .. } if named == two.descriptor.digest), "{error}");
}

#[tokio::test]
async fn a_tag_that_somebody_else_moves_is_noticed() {
    let (one, two) = two();
    let other = two.clone();
    let memory = Memory::with(Manners::default(), move |seen, state| {
        (seen.method == "PUT").then(|| {
            let content = (other.descriptor.media_type.clone(), other.bytes.clone());
            state.manifests.insert(("app".into(), "v1".into()), content);
            Reply::new(201, "")
        })
    });
    let error = tag(&memory.repository("app"), "v1", &one, true).await.unwrap_err();
    assert!(matches!(error, RegistryError::TagLost { .. }), "{error}");
    assert!(error.to_string().contains("somebody else"), "{error}");
}
