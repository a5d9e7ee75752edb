//! Uploads that break off.

use super::super::super::fixtures::{Manner, What};
use super::*;

/// A release whose first layer is the only large blob.
fn release() -> Release {
    Release::of(Options::default(), &[&noise(4, 100_000)])
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off_at_any_byte() {
    for offset in offsets(100_000) {
        // The first upload is that of the largest blob.
        let release = release().with([Fault::on("PUT", What::Upload, Manner::DropRequest(offset))]);
        let release = release.succeeds(&format!("at {offset}")).await;
        assert!(release.registry.has_misbehaved());
        let received: u64 = release.registry.log().iter().map(|seen| seen.received).sum();
        let most = if offset > 1 { 110_000 } else { 210_000 };
        assert!(received < most, "at {offset}: {received} bytes\n{:#?}", story(&release.registry));
    }
}

#[tokio::test]
async fn an_upload_that_breaks_again_and_again_goes_on_as_long_as_it_comes_further() {
    let faults = [
        Fault::on("PUT", What::Upload, Manner::DropRequest(70_000)),
        Fault::on("PATCH", What::Upload, Manner::DropRequest(10_000)),
    ];
    release().with(faults).succeeds("two breaks").await;
}

#[tokio::test]
async fn an_upload_that_always_breaks_ends_in_an_error() {
    for offset in [0, 1, 1_000] {
        let faults =
            ["PUT", "PATCH"].map(|method| Fault::on(method, What::Upload, Manner::DropRequest(offset)).always());
        release().with(faults).fails(&format!("always at {offset}")).await;
    }
}

#[tokio::test]
async fn an_upload_whose_answer_is_lost_is_not_sent_again() {
    let release = release().with([Fault::on("PUT", What::Upload, Manner::Unanswered)]);
    let release = release.succeeds("lost answer").await;
    let received: u64 = release.registry.log().iter().map(|seen| seen.received).sum();
    assert!(received < 110_000, "{received} bytes\n{:#?}", story(&release.registry));
}

#[tokio::test]
async fn an_upload_that_the_registry_forgets_begins_anew() {
    let once = [Fault::on("PUT", What::Upload, Manner::Forget)];
    release().with(once).succeeds("forgotten").await;
    let broken =
        [Fault::on("PUT", What::Upload, Manner::DropRequest(50_000)), Fault::on("GET", What::Upload, Manner::Forget)];
    release().with(broken).succeeds("forgotten after it broke").await;
    let broken =
        [Fault::on("PUT", What::Upload, Manner::DropRequest(50_000)), Fault::on("PATCH", What::Upload, Manner::Forget)];
    release().with(broken).succeeds("forgotten while it goes on").await;
    let always = ["PUT", "PATCH"].map(|method| Fault::on(method, What::Upload, Manner::Forget).always());
    release().with(always).fails("always forgotten").await;
}

#[tokio::test]
async fn a_registry_that_does_not_say_how_far_it_is_gets_all_again() {
    for manner in
        [Manner::Status(404), Manner::Status(500), Manner::Without("range"), Manner::With("range", "x".into())]
    {
        let case = format!("{manner:?}");
        let faults = [
            Fault::on("PUT", What::Upload, Manner::DropRequest(50_000)),
            Fault::on("GET", What::Upload, manner).always(),
        ];
        release().with(faults).succeeds(&case).await;
    }
    // Nor is it believed that it has more than there is, or more than was sent.
    for range in ["0-99999999", "0-18446744073709551615", "5-9", "0-99998"] {
        let faults = [
            Fault::on("PUT", What::Upload, Manner::DropRequest(50_000)),
            Fault::on("GET", What::Upload, Manner::With("range", range.into())),
        ];
        let _ = release().with(faults).run(range).await;
    }
}

#[tokio::test]
async fn a_blob_that_is_too_large_as_a_whole_goes_in_pieces() {
    for manner in [Manner::Status(413), Manner::Early(413)] {
        let case = format!("{manner:?}");
        let release = release().with([Fault::on("PUT", What::Upload, manner)]).succeeds(&case).await;
        assert!(!release.registry.seen("PATCH", What::Upload).is_empty());
    }
    let always = ["PUT", "PATCH"].map(|method| Fault::on(method, What::Upload, Manner::Status(413)).always());
    let error = release().with(always).fails("always too large").await;
    assert!(error.to_string().contains("413"), "{error}");
}

#[tokio::test]
async fn pieces_are_taken_up_where_the_registry_says() {
    for manner in [Manner::Status(416), Manner::Status(503), Manner::Unanswered, Manner::DropRequest(30_000)] {
        let case = format!("{manner:?}");
        let faults = [Fault::on("PUT", What::Upload, Manner::Status(413)), Fault::on("PATCH", What::Upload, manner)];
        release().with(faults).succeeds(&case).await;
    }
    // The address may stay what it was, as far as we are told.
    for manner in [Manner::Without("range"), Manner::With("range", "0-99999".into())] {
        let case = format!("{manner:?}");
        let faults = [Fault::on("PUT", What::Upload, Manner::Status(413)), Fault::on("PATCH", What::Upload, manner)];
        release().with(faults).succeeds(&case).await;
    }
}

#[tokio::test]
async fn content_that_the_registry_calls_wrong_is_read_again_here_and_sent_once_more() {
    let says = |times| {
        let invalid = r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#;
        Fault::on("PUT", What::Upload, Manner::Saying(400, invalid)).times(times)
    };
    release().with([says(1)]).succeeds("once").await;
    release().with([says(usize::MAX)]).fails("always").await;
}

#[tokio::test]
async fn content_that_changes_here_is_never_pushed() {
    let mut release = release();
    let layer = release.contents.0.iter().max_by_key(|(_, content)| content.len()).map(|(digest, _)| *digest);
    release.contents.0.insert(layer.unwrap(), noise(5, 100_000));
    let error = release.push().await.unwrap_err();
    assert!(matches!(error, RegistryError::Content { .. }), "{error}");
    assert_eq!(release.registry.tag(NAME, "v1"), Some(release.old));
    assert!(!release.registry.manifests(NAME).contains(&release.outgoing.image.digest));
}
