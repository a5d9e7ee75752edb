use super::*;
use std::fs::File;

fn both() -> (Channel, Channel) {
    let (one, other) = Channel::pair().unwrap();
    (one, Channel { socket: other.into() })
}

#[test]
fn messages_secrets_and_files_come_across() {
    let (mut one, mut other) = both();
    let file = File::open("/dev/null").unwrap();
    one.send(&("step", 7), &[file.as_fd(), file.as_fd()]).unwrap();
    one.send_secret(&b"\x00hush\xff".to_vec().into()).unwrap();
    let ((name, number), files): ((String, u32), _) = other.receive().unwrap();
    assert_eq!((name.as_str(), number, files.len()), ("step", 7, 2));
    assert!(rustix::io::fcntl_getfd(&files[0]).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    assert_eq!(other.receive_secret().unwrap().expose_secret(), b"\x00hush\xff");
    drop(one);
    assert_eq!(other.receive::<u32>().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn what_is_too_long_is_refused_on_both_sides() {
    let (mut one, mut other) = both();
    assert!(one.header(LONGEST + 1, &[]).is_err());
    one.socket.write_all(&u64::MAX.to_le_bytes()).unwrap();
    assert!(other.receive::<u32>().unwrap_err().to_string().contains("more than"));
    one.socket.write_all(&5_u64.to_le_bytes()).unwrap();
    one.socket.write_all(b"{").unwrap();
    drop(one);
    assert!(other.receive::<u32>().is_err());
}
