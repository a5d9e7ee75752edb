use super::fixtures::{Daemon, detail};
use super::{Answer, Gateway, GatewayError, Place};
use crate::oci::{Digest, Platform};
use bollard_buildkit_proto::moby::buildkit::v1::frontend::result;
use std::os::unix::net::UnixStream;

/// A daemon, and the frontend's view of it.
fn connected(daemon: &Daemon) -> (tokio::runtime::Runtime, Gateway) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    let daemon = daemon.clone();
    runtime.spawn(async move {
        let (input, output) = tokio::net::UnixStream::from_std(far).unwrap().into_split();
        daemon.serve(input, output).await;
    });
    let gateway = Gateway::connect(runtime.handle().clone(), near.try_clone().unwrap(), near).unwrap();
    (runtime, gateway)
}

#[test]
fn graphs_are_solved_and_files_read() {
    let daemon = Daemon { files: [("a".into(), b"0123456789".to_vec())].into(), ..Daemon::default() };
    let (_runtime, gateway) = connected(&daemon);
    let made = gateway.solve(Default::default(), true).unwrap();
    assert_eq!(gateway.read(&made, "a", 100).unwrap().unwrap(), b"0123456789");
    // A file that is too long is told by a byte more.
    assert_eq!(gateway.read(&made, "a", 4).unwrap().unwrap(), b"01234");
    assert_eq!(gateway.read(&made, "b", 4).unwrap(), None);
    let solved = daemon.solved.lock().unwrap();
    assert!(solved[0].evaluate && solved[0].allow_result_return);
}

#[test]
fn several_platforms_are_told_by_their_names() {
    let daemon = Daemon::default();
    let (_runtime, gateway) = connected(&daemon);
    let answer = |architecture: &str| Answer {
        platform: Platform::linux(architecture, None),
        files: gateway.solve(Default::default(), false).unwrap(),
        config: architecture.as_bytes().to_vec(),
    };
    gateway.succeed(vec![answer("amd64"), answer("arm64")]).unwrap();
    let told = daemon.told.lock().unwrap().take().unwrap().result.unwrap();
    assert_eq!(told.metadata["containerimage.config/linux/arm64"], b"arm64");
    let platforms: serde_json::Value = serde_json::from_slice(&told.metadata["refs.platforms"]).unwrap();
    assert_eq!(platforms["Platforms"][0]["ID"], "linux/amd64");
    assert_eq!(platforms["Platforms"][1]["Platform"], serde_json::json!({ "architecture": "arm64", "os": "linux" }));
    let Some(result::Result::Refs(refs)) = told.result else { panic!("{:?}", told.result) };
    assert_eq!(refs.refs["linux/arm64"].id, "result-2");

    gateway.succeed(vec![answer("amd64")]).unwrap();
    let told = daemon.told.lock().unwrap().take().unwrap().result.unwrap();
    assert_eq!(told.metadata["containerimage.config"], b"amd64");
    assert!(matches!(told.result, Some(result::Result::Ref(made)) if made.id == "result-3"));
}

#[test]
fn what_the_daemon_refuses_goes_back_with_all_that_it_knows() {
    let daemon = Daemon { refusal: Some("exit code: 2\u{1b}[2J".into()), ..Daemon::default() };
    let (_runtime, gateway) = connected(&daemon);
    let error: GatewayError = gateway.solve(Default::default(), false).unwrap_err();
    assert_eq!(error.to_string(), "exit code: 2[2J");
    gateway.fail(error.to_string(), Some(&error)).unwrap();
    let told = daemon.told.lock().unwrap().take().unwrap().error.unwrap();
    assert_eq!((told.message.as_str(), told.details), ("exit code: 2[2J", vec![detail()]));
    gateway.fail("the spec is wrong".into(), None).unwrap();
    let told = daemon.told.lock().unwrap().take().unwrap().error.unwrap();
    assert_eq!((told.message.as_str(), told.details), ("the spec is wrong", vec![]));
}

#[test]
fn configurations_are_those_of_the_digest() {
    let daemon = Daemon { config: b"{}".to_vec(), ..Daemon::default() };
    let (_runtime, gateway) = connected(&daemon);
    let (digest, platform) = (Digest::of("a"), Platform::linux("amd64", None));
    for place in [Place::Registry, Place::Layout { session: "the-session", store: "the-store" }] {
        assert_eq!(gateway.image_config("example.com/a", &digest, place, &platform).unwrap(), b"{}");
    }
    let asked = daemon.configured.lock().unwrap();
    let places: Vec<_> =
        asked.iter().map(|asked| (asked.resolver_type, asked.session_id.as_str(), asked.store_id.as_str())).collect();
    assert_eq!(places, [(0, "", ""), (1, "the-session", "the-store")]);
    assert!(asked.iter().all(|asked| asked.r#ref == format!("example.com/a@{digest}")));
}

#[test]
fn nobody_at_the_other_end_is_an_error() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let gone = Gateway::connect(runtime.handle().clone(), std::io::empty(), std::io::sink());
    assert!(gone.is_err());
}
