//! Files of this machine that may hold secrets.

use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// No such file is larger.
const LARGEST: u64 = 1 << 20;

/// Reads a regular file of at most 1 MiB.
pub(super) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    // With room for all of it: a buffer that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(metadata.len().min(LARGEST) as usize + 1));
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut content)?;
    match content.len() as u64 > LARGEST {
        true => Err(io::Error::other(format!("it is larger than {LARGEST} bytes"))),
        false => Ok(content),
    }
}
