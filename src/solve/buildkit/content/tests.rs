use super::{CHUNK, Contents, InfoRequest, Piece, ReadRequest};
use crate::oci::Digest;
use crate::store::Store;
use tokio_stream::StreamExt;
use tonic::{Code, Status};

/// A store with one content that is offered and one that is not.
fn contents(content: &[u8]) -> (tempfile::TempDir, Contents, Digest, Digest) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (offered, other) = (store.put(content).unwrap(), store.put(b"not for daemons").unwrap());
    (folder, Contents::new(store, move |digest| *digest == offered), offered, other)
}

fn read(contents: &Contents, digest: &str, offset: i64, size: i64) -> Result<Vec<Piece>, Status> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let pieces = contents.read(&ReadRequest { digest: digest.to_owned(), offset, size })?;
        pieces.collect().await
    })
}

#[test]
fn what_is_offered_can_be_read_from_anywhere_in_it() {
    let whole: Vec<u8> = (0..u8::MAX).cycle().take(CHUNK as usize + 10).collect();
    let (_folder, contents, digest, _) = contents(&whole);
    let info = contents.info(&InfoRequest { digest: digest.to_string() }).unwrap().info.unwrap();
    assert_eq!((info.digest, info.size), (digest.to_string(), whole.len() as i64));
    let digest = digest.to_string();
    for (offset, size, expected) in [
        (0, 0, &whole[..]),
        (3, 4, &whole[3..7]),
        (CHUNK as i64 - 1, 2, &whole[CHUNK as usize - 1..=CHUNK as usize]),
        (CHUNK as i64, i64::MAX, &whole[CHUNK as usize..]),
        (whole.len() as i64, 0, &[]),
    ] {
        let pieces = read(&contents, &digest, offset, size).unwrap();
        let mut at = offset;
        for piece in &pieces {
            assert_eq!(piece.offset, at);
            at += piece.data.len() as i64;
        }
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.data.to_vec()).collect();
        assert_eq!(bytes, expected, "{offset} {size}");
    }
}

#[test]
fn nothing_else_is_there() {
    let (_folder, contents, digest, other) = contents(b"abc");
    for unknown in
        [other.to_string(), Digest::of(b"never stored").to_string(), "../../etc/passwd".into(), String::new()]
    {
        assert_eq!(contents.info(&InfoRequest { digest: unknown.clone() }).unwrap_err().code(), Code::NotFound);
        assert_eq!(read(&contents, &unknown, 0, 0).unwrap_err().code(), Code::NotFound);
    }
    let digest = digest.to_string();
    assert_eq!(read(&contents, &digest, 4, 0).unwrap_err().code(), Code::OutOfRange);
    assert_eq!(read(&contents, &digest, -1, 0).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(read(&contents, &digest, 0, -1).unwrap_err().code(), Code::InvalidArgument);
}
