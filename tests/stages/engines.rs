//! Commands that are to run elsewhere, and cannot.

use super::Site;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

const SPEC: &str = "stage \"s\" { base \"tools\"; run \"write /x y\" }\nimage \"x\" { base \"s\" }\n";

#[test]
fn what_is_no_engine_is_a_mistake() {
    let site = Site::new(SPEC);
    let said = "error: `docker` is no engine: write embedded, buildkit or buildkit:ADDRESS\n";
    site.build(&["--engine", "docker"]).run().code(2).warns(said);
    site.build(&[]).env("KILN_ENGINE", "docker").run().code(2).warns(said);
    site.build(&["--engine", "embedded"]).env("KILN_ENGINE", "docker").run().done();
}

#[test]
fn a_daemon_that_is_not_there_or_is_none_ends_the_build_and_leaves_nothing() {
    let site = Site::new(SPEC);
    let socket = site.world.path("home/daemon.sock");
    let engine = format!("buildkit:unix://{}", socket.display());
    let build = || {
        let outcome = site.build(&["--engine", &engine, "-o", "oci:layout", "--progress", "json"]).run().code(4);
        assert!(!site.world.project().join("layout").exists());
        let last: serde_json::Value = serde_json::from_str(outcome.stderr.lines().last().unwrap()).unwrap();
        last["message"].as_str().unwrap().to_owned()
    };
    let said = "the BuildKit daemon at unix://[root]/home/daemon.sock: ";
    let message = build();
    assert!(message.contains(&format!("{said}No such file or directory")), "{message}");
    let listener = UnixListener::bind(&socket).unwrap();
    let answers = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let read = connection.read(&mut [0; 16]).unwrap();
        connection.write_all(b"SSH-2.0-something else\r\n").unwrap();
        read
    });
    let message = build();
    assert!(message.contains(&format!("{said}it begins no session: ")), "{message}");
    assert_eq!(answers.join().unwrap(), 16);
}

#[test]
fn a_daemon_that_is_to_push_needs_something_to_push_to_and_nothing_else() {
    let site = Site::new(SPEC);
    let build = |arguments: &[&str]| site.build(&[&["--engine-output"], arguments].concat()).run().code(2).stderr;
    let said = build(&[]);
    assert!(said.starts_with("error: the following required arguments were not provided:\n  --push\n"), "{said}");
    for (others, shown) in [
        (&["-o", "oci:out"][..], "--output <KIND:PATH>"),
        (&["--cache-to", "oci:out"], "--cache-to <PLACE>"),
        (&["--cache-from", "oci:out"], "--cache-from <PLACE>"),
        (&["--check-reproducible"], "--check-reproducible"),
        (&["--why", "all"], "--why <STEP>"),
    ] {
        let said = build(&[&["--push"], others].concat());
        let expected = format!("error: the argument '--engine-output' cannot be used with '{shown}'\n");
        assert!(said.starts_with(&expected), "{said}");
    }
    let said = site.build(&["--target", "s", "--engine-output"]).run().code(2).stderr;
    assert!(said.contains("cannot be used with"), "{said}");
    let said =
        "error: `--engine-output` leaves the image to a BuildKit daemon: name one with `--engine buildkit:ADDRESS`\n";
    site.build(&["--engine-output", "--push", "--engine", "embedded", "--progress", "quiet"]).run().code(2).warns(said);
}
