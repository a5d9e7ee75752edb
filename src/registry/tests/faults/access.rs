//! Passwords and tokens, and who must not see them.

use super::super::super::fixtures::{Auth, Manner, Tls, To, What};
use super::*;
use futures_util::future::join_all;

fn guarded(auth: Auth) -> Options {
    Options { auth, ..Options::default() }
}

async fn pull_all(repository: &Repository, place: &Place) -> Result<Pulled, RegistryError> {
    pull(repository, &Name::Tag("v1".into()), ALL, &place.0, &()).await
}

/// Nothing that a host has seen tells a secret.
fn assert_told_nothing(case: &str, host: &Registry) {
    let log = host.log();
    assert!(log.iter().all(|seen| !seen.headers.contains_key("authorization")), "{case}: {log:#?}");
    let Options { password, identity_token, .. } = Options::default();
    let told = format!("{log:?}");
    assert!(!told.contains(&password) && !told.contains(&identity_token), "{case}");
}

#[tokio::test]
async fn credentials_open_what_is_guarded() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let release = Release::to(guarded(auth)).succeeds(&format!("{auth:?}")).await;
        pull_all(&release.repository, &Place::new()).await.unwrap();
        let refused = release.registry.log().iter().filter(|seen| seen.status == Some(401)).count();
        assert!(refused < 20, "{auth:?}: {:#?}", story(&release.registry));
    }
}

#[tokio::test]
async fn an_identity_token_opens_what_is_guarded() {
    let mut release = Release::to(guarded(Auth::Bearer));
    let mut settings = settings(&release.registry);
    let secret = Secret::Identity { user: None, token: Options::default().identity_token.into() };
    settings.credentials.given = Some(Given { registry: release.registry.host(), secret });
    release.repository = repository_with(settings, &release.registry, NAME);
    let release = release.succeeds("identity").await;
    assert!(!release.registry.seen("POST", What::Token).is_empty());
}

#[tokio::test]
async fn wrong_credentials_and_none_are_told_from_each_other_without_a_secret() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let mut texts = BTreeSet::new();
        for password in [Some("clay-and-water"), None] {
            let mut release = Release::to(guarded(auth));
            let mut settings = settings(&release.registry);
            settings.credentials.given = password.map(|password| {
                let secret = Secret::Password { user: "potter".into(), password: password.into() };
                Given { registry: release.registry.host(), secret }
            });
            release.repository = repository_with(settings, &release.registry, NAME);
            let host = release.registry.host();
            let case = format!("{auth:?} {password:?}");
            let place = Place::new();
            let error = pull_all(&release.repository, &place).await.unwrap_err();
            assert_clear(&case, &error);
            let error = release.fails(&case).await.to_string();
            assert!(!error.contains("clay-and-water"), "{error}");
            texts.insert(error.replace(&host, "HOST"));
        }
        assert_eq!(texts.len(), 2, "{texts:?}");
    }
}

#[tokio::test]
async fn what_everybody_may_read_is_read_without_credentials_and_not_written() {
    let mut release = Release::to(Options { anonymous_pull: true, ..guarded(Auth::Bearer) });
    let mut settings = settings(&release.registry);
    settings.credentials.given = None;
    release.repository = repository_with(settings, &release.registry, NAME);
    pull_all(&release.repository, &Place::new()).await.unwrap();
    let error = release.fails("to write").await;
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
}

/// Questions and uploads wait for the same token, more of both than go at a time.
#[tokio::test]
async fn many_blobs_that_nobody_may_write_or_whose_tokens_end_leave_nobody_waiting() {
    let layers: Vec<Vec<u8>> = (0..24).map(|seed| noise(seed, 500)).collect();
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    for _ in 0..10 {
        let mut release = Release::of(Options { anonymous_pull: true, ..guarded(Auth::Bearer) }, &layers);
        let mut settings = settings(&release.registry);
        settings.credentials.given = None;
        release.repository = repository_with(settings, &release.registry, NAME);
        release.fails("to write").await;
        let expires = Fault::on("POST", What::Upload, Manner::Expire).after(3);
        Release::of(guarded(Auth::Bearer), &layers).with([expires]).succeeds("a token that ends").await;
    }
}

#[tokio::test]
async fn a_token_that_expires_midway_is_renewed() {
    let requests = [
        ("HEAD", What::Blob),
        ("POST", What::Upload),
        ("PUT", What::Upload),
        ("HEAD", What::Manifest),
        ("PUT", What::Manifest),
    ];
    let mut cases = vec![];
    for (method, what) in requests {
        for after in [0, 1] {
            let release = Release::to(guarded(Auth::Bearer));
            let release = release.with([Fault::on(method, what, Manner::Expire).after(after)]);
            cases.push(async move {
                let release = release.succeeds(&format!("{method} {what:?} after {after}")).await;
                assert!(release.registry.has_misbehaved());
            });
        }
    }
    join_all(cases).await;
    let short = Options { token_life: Duration::from_millis(20), ..guarded(Auth::Bearer) };
    Release::to(short).succeeds("a short life").await;
    for requests in [7, 12, 20] {
        let few = Options { token_requests: Some(requests), ..guarded(Auth::Bearer) };
        Release::to(few).succeeds(&format!("{requests} requests")).await;
    }
}

#[tokio::test]
async fn a_token_that_expires_while_a_layer_comes_is_renewed() {
    let registry = Registry::start(guarded(Auth::Bearer));
    let layer = noise(11, 50_000);
    registry.put_image(NAME, "linux/amd64", &[&layer], &["v1"]);
    let of_layer = Digest::of(&layer);
    registry.misbehave(Fault::on("GET", What::Blob, Manner::DropAnswer(20_000)).at(of_layer));
    registry.misbehave(Fault::on("GET", What::Blob, Manner::Expire).at(of_layer).after(1));
    pull_all(&repository(&registry, NAME), &Place::new()).await.unwrap();
    assert!(registry.has_misbehaved());
}

#[tokio::test]
async fn a_registry_that_refuses_every_token_is_left() {
    let release = Release::to(Options { token_requests: Some(0), ..guarded(Auth::Bearer) });
    let error = release.fails("no token is good").await;
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
}

#[tokio::test]
async fn a_token_server_that_misbehaves_is_outlived_or_ends_the_release() {
    for manner in [Manner::Status(503), Manner::Status(429), Manner::Unanswered] {
        let case = format!("{manner:?}");
        let fault = Fault::on("GET", What::Token, manner);
        Release::to(guarded(Auth::Bearer)).with([fault]).succeeds(&case).await;
    }
    let manners = [
        Manner::Status(401),
        Manner::Status(403),
        Manner::Status(404),
        Manner::Status(500),
        Manner::Silent,
        Manner::Unanswered,
        Manner::OtherBytes,
        Manner::OtherLength(-3),
        Manner::Endless,
        Manner::Redirect(To::Itself),
        Manner::DropAnswer(10),
        Manner::Saying(200, "{}"),
        Manner::Saying(200, r#"{"token":""}"#),
        Manner::Saying(200, r#"{"token":"a\r\nb: c"}"#),
    ];
    let cases = manners.into_iter().map(|manner| async move {
        let case = format!("{manner:?}");
        let faults = ["GET", "POST"].map(|method| Fault::on(method, What::Token, manner.clone()).always());
        drop(Release::to(guarded(Auth::Bearer)).with(faults).fails(&case).await);
    });
    join_all(cases).await;
}

#[tokio::test]
async fn another_host_that_a_pull_is_sent_to_is_told_no_secret() {
    let layer = noise(12, 10_000);
    for auth in [Auth::Basic, Auth::Bearer] {
        for what in [What::Blob, What::Manifest] {
            let case = format!("{auth:?} {what:?}");
            let (registry, other) = (Registry::start(guarded(auth)), Registry::start(Options::default()));
            for registry in [&registry, &other] {
                registry.put_image(NAME, "linux/amd64", &[&layer], &["v1"]);
            }
            let there = To::Host(other.url("").trim_end_matches('/').into());
            registry.misbehave(Fault::on("GET", what, Manner::Redirect(there)).always());
            let place = Place::new();
            pull_all(&repository(&registry, NAME), &place).await.unwrap();
            assert!(!other.log().is_empty(), "{case}: nobody came");
            assert_told_nothing(&case, &other);
        }
    }
}

#[tokio::test]
async fn another_host_that_asks_for_credentials_gets_none() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let (registry, other) = (Registry::start(guarded(Auth::Basic)), Registry::start(guarded(auth)));
        for registry in [&registry, &other] {
            registry.put_image(NAME, "linux/amd64", &[b"layer"], &["v1"]);
        }
        let there = To::Host(other.url("").trim_end_matches('/').into());
        registry.misbehave(Fault::on("GET", What::Blob, Manner::Redirect(there)).always());
        let error = pull_all(&repository(&registry, NAME), &Place::new()).await.unwrap_err();
        assert_clear(&format!("{auth:?}"), &error);
        assert_told_nothing(&format!("{auth:?}"), &other);
    }
}

#[tokio::test]
async fn another_host_that_a_push_is_sent_to_is_told_no_secret() {
    for auth in [Auth::Basic, Auth::Bearer] {
        for (method, what) in [("POST", What::Upload), ("PUT", What::Upload), ("PUT", What::Manifest)] {
            let case = format!("{auth:?} {method} {what:?}");
            let other = Registry::start(Options::default());
            let there = To::Host(other.url("").trim_end_matches('/').into());
            let fault = Fault::on(method, what, Manner::Redirect(there)).always();
            // It may or may not work out; nothing may be told.
            let _ = Release::to(guarded(auth)).with([fault]).push().await;
            assert_told_nothing(&case, &other);
        }
        let other = Registry::start(Options::default());
        let elsewhere = Manner::With("location", other.url("/v2/acme/app/blobs/uploads/there?_state=0"));
        let fault = Fault::on("POST", What::Upload, elsewhere).always();
        Release::to(guarded(auth)).with([fault]).fails("an upload elsewhere").await;
        assert_told_nothing(&format!("{auth:?}: Location"), &other);
    }
}

#[tokio::test]
async fn a_token_server_that_sends_us_on_does_not_give_our_password_away() {
    let other = Registry::start(Options::default());
    let there = To::Host(other.url("").trim_end_matches('/').into());
    let fault = Fault::on("GET", What::Token, Manner::Redirect(there)).always();
    Release::to(guarded(Auth::Bearer)).with([fault]).fails("tokens elsewhere").await;
    assert_told_nothing("token", &other);
}

#[tokio::test]
async fn mounts_are_allowed_by_a_token_for_both_repositories() {
    let mut release = Release::to(guarded(Auth::Bearer));
    release.place = Arc::new(Place::new());
    let first = repository(&release.registry, "acme/first");
    push(&first, &release.outgoing, &release.contents, &release.place.0, &()).await.unwrap();
    release.registry.clear_log();
    let release = release.succeeds("mount").await;
    assert!(release.registry.seen("PUT", What::Upload).is_empty(), "{:#?}", story(&release.registry));
}

#[tokio::test]
async fn certificates_of_ones_own_open_a_registry_that_demands_them() {
    for (tls, with_own) in [(Tls::Server, false), (Tls::Mutual, true), (Tls::Mutual, false)] {
        let mut release = Release::to(Options { tls, ..guarded(Auth::Bearer) });
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(release.registry.host());
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("ca.crt"), release.registry.ca()).unwrap();
        if with_own {
            let (certificate, key) = release.registry.client_certificate();
            std::fs::write(own.join("client.cert"), certificate).unwrap();
            std::fs::write(own.join("client.key"), key).unwrap();
        }
        let mut settings = settings(&release.registry);
        settings.plain_http.clear();
        settings.certificates = vec![folder.path().into()];
        release.repository = repository_with(settings, &release.registry, NAME);
        let case = format!("{tls:?}, own: {with_own}");
        if tls == Tls::Mutual && !with_own {
            release.fails(&case).await;
        } else {
            release.succeeds(&case).await;
        }
    }
}
