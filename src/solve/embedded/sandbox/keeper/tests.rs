use super::*;

/// Something with the life of its thread, whose end is told.
fn begin() -> (Coming<(Life, thread::ThreadId)>, mpsc::Receiver<()>) {
    thread_local! {
        static END: std::cell::RefCell<Option<mpsc::Sender<()>>> = const { std::cell::RefCell::new(None) };
    }
    let (alive, ended) = mpsc::channel();
    let coming = Coming::begin(|life| {
        END.set(Some(alive));
        (life, thread::current().id())
    });
    (coming.unwrap(), ended)
}

#[test]
fn the_thread_lives_as_long_as_what_it_made() {
    let (coming, ended) = begin();
    let (life, id) = coming.wait().unwrap();
    assert_ne!(id, thread::current().id());
    assert_eq!(ended.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(life);
    assert_eq!(ended.recv(), Err(mpsc::RecvError));
}

#[test]
fn what_nobody_takes_goes_with_its_thread() {
    let (coming, ended) = begin();
    drop(coming);
    assert_eq!(ended.recv(), Err(mpsc::RecvError));
}

#[test]
fn a_panic_is_an_error() {
    let coming = Coming::<()>::begin(|_| panic!("on purpose"));
    assert!(coming.unwrap().wait().is_err());
}
