//! Releases to a registry that misbehaves.

use super::super::super::fixtures::{Manner, To, What};
use super::*;
use futures_util::future::join_all;

/// What a release asks for and writes.
const REQUESTS: [(&str, What, &str); 8] = [
    ("HEAD", What::Blob, ""),
    ("POST", What::Upload, ""),
    ("PUT", What::Upload, ""),
    ("HEAD", What::Manifest, "sha256:"),
    ("PUT", What::Manifest, "sha256:"),
    ("GET", What::Referrers, ""),
    ("HEAD", What::Manifest, "/v1"),
    ("PUT", What::Manifest, "/v1"),
];

fn plain() -> Release {
    Release::to(Options::default())
}

/// Whether it makes no difference that a question gets this answer.
fn is_harmless(method: &str, what: What, status: u16) -> bool {
    match (method, what) {
        // Not there, or not to be found out: it is sent.
        ("HEAD", What::Blob | What::Manifest) => status == 404,
        // No interface for referrers, so a tag stands for the list; or nobody asks, as the registry has listed them.
        (_, What::Referrers) => true,
        _ => false,
    }
}

#[tokio::test]
async fn a_release_outlives_what_passes() {
    let mut cases = vec![];
    for (method, what, part) in REQUESTS {
        let manners = NOT_NOW.map(Manner::Status).into_iter().chain([Manner::Unanswered]);
        for manner in manners {
            let case = format!("{method} {what:?} {part} {manner:?}");
            let release = plain().with([Fault::on(method, what, manner).at(part)]);
            cases.push(async move { drop(release.succeeds(&case).await) });
        }
    }
    join_all(cases).await;
}

#[tokio::test]
async fn a_release_ends_where_the_answer_stays_no() {
    for (method, what, part) in REQUESTS {
        for status in NO.into_iter().chain(NOT_NOW) {
            let case = format!("{method} {what:?} {part} {status}");
            let release = plain().with([Fault::on(method, what, Manner::Status(status)).at(part).always()]);
            if is_harmless(method, what, status) {
                // After the tag was moved, a look at it that finds nothing is an error.
                let _ = release.run(&case).await;
                continue;
            }
            let error = release.fails(&case).await;
            assert!(error.to_string().contains(&status.to_string()), "{case}: {error}");
        }
    }
}

#[tokio::test]
async fn a_no_that_is_said_once_is_an_error_or_overcome() {
    for (method, what, part) in REQUESTS {
        for status in NO {
            let case = format!("{method} {what:?} {part} {status}");
            let release = plain().with([Fault::on(method, what, Manner::Status(status)).at(part)]);
            let _ = release.run(&case).await;
            // The next run does the rest.
            release.registry.behave();
            if release.registry.tag(NAME, "v1") == Some(release.old) {
                release.registry.clear_log();
                release.succeeds(&case).await;
            }
        }
    }
}

#[tokio::test]
async fn a_release_waits_as_long_as_it_is_told_but_not_for_ever() {
    let wait = |seconds: &str| Manner::StatusWith(429, vec![("Retry-After", seconds.into())]);
    for (method, what) in [("PUT", What::Upload), ("PUT", What::Manifest)] {
        let begun = std::time::Instant::now();
        plain().with([Fault::on(method, what, wait("1"))]).succeeds("a second").await;
        assert!(begun.elapsed() >= Duration::from_secs(1), "{what:?}");
        let begun = std::time::Instant::now();
        let error = plain().with([Fault::on(method, what, wait("3600")).always()]).fails("an hour").await;
        assert!(begun.elapsed() < Duration::from_secs(2) && error.to_string().contains("429"), "{error}");
    }
}

#[tokio::test]
async fn who_takes_nothing_or_says_nothing_is_given_up_and_asked_again() {
    let mut cases = vec![];
    for (method, what, part) in REQUESTS.into_iter().filter(|(method, ..)| *method != "HEAD") {
        for manner in [Manner::Silent, Manner::StallRequest(0), Manner::StallRequest(1_000)] {
            if !matches!(manner, Manner::Silent) && (method, what) != ("PUT", What::Upload) {
                continue;
            }
            let case = format!("{method} {what:?} {part} {manner:?}");
            let once = plain().with([Fault::on(method, what, manner.clone()).at(part)]);
            let always = plain().with([Fault::on(method, what, manner).at(part).always()]);
            cases.push(async move {
                // Nobody has to ask for a list of what the registry has listed.
                let never = async {
                    match what {
                        What::Referrers => drop(always.run(&case).await),
                        _ => drop(always.fails(&case).await),
                    }
                };
                tokio::join!(once.succeeds(&case), never);
            });
        }
    }
    join_all(cases).await;
}

#[tokio::test]
async fn a_registry_that_says_where_to_go_on_is_needed() {
    let error = plain().with([Fault::on("POST", What::Upload, Manner::Without("location")).always()]);
    let error = error.fails("no Location").await;
    assert!(error.to_string().contains("Location"), "{error}");
    // What was stored has an address that nobody needs.
    for what in [What::Upload, What::Manifest] {
        plain().with([Fault::on("PUT", what, Manner::Without("location")).always()]).succeeds("no Location").await;
    }
}

#[tokio::test]
async fn what_the_registry_takes_for_something_else_is_an_error() {
    let other = Digest::of("other").to_string();
    for what in [What::Upload, What::Manifest] {
        let fault = Fault::on("PUT", what, Manner::With("docker-content-digest", other.clone())).always();
        let release = plain().with([fault]);
        let error = release.fails(&format!("{what:?}")).await;
        assert!(error.to_string().contains(&other), "{error}");
    }
}

#[tokio::test]
async fn an_upload_elsewhere_is_followed_unless_anybody_could_read_it() {
    let other = Registry::start(Options::default());
    for location in [other.url("/elsewhere?x=1"), "file:///tmp/x".into(), "http://[".into()] {
        let fault = Fault::on("POST", What::Upload, Manner::With("location", location.clone())).always();
        plain().with([fault]).fails(&location).await;
    }
}

#[tokio::test]
async fn redirects_of_uploads_are_followed_but_not_in_circles() {
    for (method, what) in [("POST", What::Upload), ("PUT", What::Upload), ("PUT", What::Manifest)] {
        let fault = Fault::on(method, what, Manner::Redirect(To::Itself)).always();
        plain().with([fault]).fails(&format!("{method} {what:?}")).await;
        // The same body goes where the redirect leads.
        let fault = Fault::on(method, what, Manner::Redirect(To::Itself));
        plain().with([fault]).succeeds(&format!("{method} {what:?}")).await;
    }
}

#[tokio::test]
async fn what_another_repository_has_is_taken_over_or_sent() {
    for (mounts, refused) in [(true, None), (false, None), (true, Some(404)), (true, Some(405))] {
        let case = format!("{mounts} {refused:?}");
        let mut release = Release::to(Options { mounts, ..Options::default() });
        release.place = Arc::new(Place::new());
        let first = repository(&release.registry, "acme/first");
        push(&first, &release.outgoing, &release.contents, &release.place.0, &()).await.unwrap();
        release.registry.clear_log();
        if let Some(status) = refused {
            release.registry.misbehave(Fault::on("POST", What::Upload, Manner::Status(status)).at("mount=").always());
        }
        let release = release.succeeds(&case).await;
        let sent = release.registry.seen("PUT", What::Upload).len();
        assert_eq!(sent == 0, mounts && refused.is_none(), "{case}");
    }
}

#[tokio::test]
async fn a_second_release_sends_nothing() {
    let release = plain().succeeds("first").await;
    release.registry.clear_log();
    let pushed = release.push().await.unwrap();
    assert_eq!((pushed.sent, pushed.mounted, pushed.bytes), (0, 0, 0));
    assert!(release.registry.log().iter().all(|seen| matches!(seen.method.as_str(), "HEAD" | "GET")));
}
