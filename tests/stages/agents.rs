//! The caller's ssh agent, lent to commands.

use super::Site;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

const SPEC: &str = r#"
stage "s" {
    base "tools"
    ssh "deploy"
    run "agent $SSH_AUTH_SOCK 11; agent $SSH_AUTH_SOCK 13; agent $SSH_AUTH_SOCK 17; agent $SSH_AUTH_SOCK 19; write /tmp/done x"
}
image "x" { copy "/tmp/done" from="s" to="/" }
"#;

/// Answers each message of one byte with success, as an agent does that was told to forget a key.
fn agent(path: &Path) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map(Result::unwrap) {
            let mut request = [0; 5];
            while client.read_exact(&mut request).is_ok() {
                client.write_all(&[0, 0, 0, 1, 6]).unwrap();
            }
        }
    });
}

#[test]
fn an_agent_answers_every_user_and_is_not_changed() {
    for user in ["", "user 1000\n    "] {
        let site = Site::new(&SPEC.replace("ssh \"deploy\"", &format!("{user}ssh \"deploy\"")));
        let path = site.world.path("agent");
        agent(&path);
        let given = format!("deploy={}", path.display());
        let outcome = site.build(&["--ssh", &given, "--progress", "plain"]).run().done();
        let answers: Vec<_> = outcome.stderr.lines().filter_map(|line| line.strip_prefix("  [1] answer ")).collect();
        assert_eq!(answers, ["6", "6", "5", "5"], "{}", outcome.stderr);
    }
}

#[test]
fn an_agent_that_does_not_answer_is_an_error_that_names_it() {
    let site = Site::new(SPEC);
    let path = site.world.path("gone");
    drop(UnixListener::bind(&path).unwrap());
    let outcome = site.build(&["--ssh", &format!("deploy={}", path.display())]).run().code(4);
    let said = outcome.stderr.replace("\n  │ ", " ");
    assert!(said.contains("cannot reach the ssh agent at"), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
}
