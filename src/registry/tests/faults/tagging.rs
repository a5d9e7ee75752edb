//! The last step of a release: the tag.

use super::super::super::fixtures::{Manner, What};
use super::*;

async fn ready(options: Options) -> (Release, Document) {
    let release = Release::to(options);
    release.push().await.unwrap();
    let document = release.contents.document(&release.outgoing.image);
    (release, document)
}

#[tokio::test]
async fn a_tag_says_what_became_of_it() {
    let (release, document) = ready(Options::default()).await;
    let run = async |name: &str, clobber| tag(&release.repository, name, &document, clobber).await;
    assert_eq!(run("v1", true).await.unwrap(), Moved::From(release.old));
    assert_eq!(run("v1", true).await.unwrap(), Moved::Already);
    assert_eq!(run("v1", false).await.unwrap(), Moved::Already);
    assert_eq!(run("v2", false).await.unwrap(), Moved::New);
    release.registry.set_tag(NAME, "v2", &release.old);
    let error = run("v2", false).await.unwrap_err();
    assert!(matches!(error, RegistryError::TagTaken { .. }), "{error}");
    assert_eq!(release.registry.tag(NAME, "v2"), Some(release.old));
}

#[tokio::test]
async fn a_tag_that_somebody_else_takes_meanwhile_is_left_to_them() {
    let (release, document) = ready(Options { preconditions: true, ..Options::default() }).await;
    let taken = Manner::ThenTag(NAME, "v2", release.old);
    release.registry.misbehave(Fault::on("HEAD", What::Manifest, taken).at("/v2"));
    let error = tag(&release.repository, "v2", &document, false).await.unwrap_err();
    assert!(matches!(error, RegistryError::TagTaken { .. }), "{error}");
    assert_eq!(release.registry.tag(NAME, "v2"), Some(release.old));
}

#[tokio::test]
async fn a_tag_that_is_lost_right_after_it_moved_is_an_error() {
    let (release, document) = ready(Options::default()).await;
    let other = release.registry.put_image(NAME, "linux/amd64", &[b"other"], &[]).digest;
    release.registry.misbehave(Fault::on("PUT", What::Manifest, Manner::ThenTag(NAME, "v1", other)).at("/v1"));
    let error = tag(&release.repository, "v1", &document, true).await.unwrap_err();
    assert!(matches!(error, RegistryError::TagLost { .. }) && error.is_of_service(), "{error}");
}

#[tokio::test]
async fn a_tag_whose_answer_is_lost_has_moved_all_the_same() {
    for clobber in [true, false] {
        let (release, document) = ready(Options { preconditions: true, ..Options::default() }).await;
        release.registry.misbehave(Fault::on("PUT", What::Manifest, Manner::Unanswered).at("/v3"));
        let moved = tag(&release.repository, "v3", &document, clobber).await.unwrap();
        assert_eq!(moved, Moved::New, "clobber: {clobber}");
        assert_eq!(release.registry.tag(NAME, "v3"), Some(document.descriptor.digest));
    }
}

#[tokio::test]
async fn a_tag_whose_manifest_breaks_off_at_any_byte_is_written_again() {
    let (release, document) = ready(Options::default()).await;
    for offset in (0..document.bytes.len()).step_by(37) {
        release.registry.set_tag(NAME, "v1", &release.old);
        release.registry.misbehave(Fault::on("PUT", What::Manifest, Manner::DropRequest(offset)).at("/v1"));
        let moved = tag(&release.repository, "v1", &document, true).await.unwrap();
        assert_eq!(moved, Moved::From(release.old), "{offset}");
        assert_eq!(release.registry.tag(NAME, "v1"), Some(document.descriptor.digest));
    }
    assert!(release.registry.has_misbehaved());
}
