use super::*;

/// An agent that answers each request with itself.
fn echo(folder: &Path) -> PathBuf {
    let path = folder.join("agent");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map(Result::unwrap) {
            std::thread::spawn(move || {
                let mut client = client;
                while let Ok(Some(request)) = receive(&mut client) {
                    send(&mut client, &request).unwrap();
                }
            });
        }
    });
    path
}

fn lent() -> (tempfile::TempDir, LentAgent, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let agent = LentAgent::new(&echo(folder.path()), folder.path(), "lent").unwrap();
    let path = folder.path().join("lent");
    (folder, agent, path)
}

fn ask(client: &mut UnixStream, request: &[u8]) -> Vec<u8> {
    send(client, request).unwrap();
    receive(client).unwrap().expect("an answer")
}

fn extension(name: &str) -> Vec<u8> {
    [&[EXTENSION], &u32::try_from(name.len()).unwrap().to_be_bytes()[..], name.as_bytes(), b"rest"].concat()
}

#[test]
fn keys_can_be_listed_and_used_and_nothing_else_is_passed_on() {
    let (_folder, _agent, path) = lent();
    let mut client = UnixStream::connect(path).unwrap();
    let allowed = [vec![REQUEST_IDENTITIES], vec![SIGN_REQUEST, 1, 2, 3], extension("session-bind@openssh.com")];
    for request in allowed {
        assert_eq!(ask(&mut client, &request), request);
    }
    let adding = [17, 25, 20, 26].map(|kind| vec![kind, 0]);
    let others = [vec![], vec![18], vec![19], vec![22], extension("other"), vec![EXTENSION, 0, 0, 0, 9, b'q']];
    for request in adding.into_iter().chain(others) {
        assert_eq!(ask(&mut client, &request), [FAILURE], "{request:?}");
    }
}

#[test]
fn a_message_that_is_too_long_closes_the_connection_and_no_other() {
    let (_folder, _agent, path) = lent();
    let (mut long, mut other) = (UnixStream::connect(&path).unwrap(), UnixStream::connect(&path).unwrap());
    long.write_all(&u32::MAX.to_be_bytes()).unwrap();
    assert_eq!(receive(&mut long).unwrap(), None);
    assert_eq!(ask(&mut other, &[REQUEST_IDENTITIES]), [REQUEST_IDENTITIES]);
}

#[test]
fn connections_end_with_what_was_lent() {
    let (_folder, agent, path) = lent();
    let mut client = UnixStream::connect(&path).unwrap();
    assert_eq!(ask(&mut client, &[REQUEST_IDENTITIES]), [REQUEST_IDENTITIES]);
    drop(agent);
    assert_eq!(receive(&mut client).unwrap(), None);
    assert!(UnixStream::connect(&path).is_err());
}

#[test]
fn too_many_connections_are_closed() {
    let (_folder, _agent, path) = lent();
    let mut clients: Vec<_> = (0..MOST).map(|_| UnixStream::connect(&path).unwrap()).collect();
    clients.iter_mut().for_each(|client| assert_eq!(ask(client, &[REQUEST_IDENTITIES]), [REQUEST_IDENTITIES]));
    assert_eq!(receive(&mut UnixStream::connect(&path).unwrap()).unwrap(), None);
    assert_eq!(ask(&mut clients[0], &[REQUEST_IDENTITIES]), [REQUEST_IDENTITIES]);
}

#[test]
fn an_agent_that_is_not_there_is_an_error_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let error = LentAgent::new(&folder.path().join("none"), folder.path(), "lent").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}
