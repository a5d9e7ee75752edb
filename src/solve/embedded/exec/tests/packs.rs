//! Results as they travel between machines.

use super::super::pack::{PackError, pack, unpack};
use super::*;
use crate::oci::Digest;

/// A result, its key and its pack.
fn packed() -> (Bench, Output, Digest, Vec<u8>) {
    let mut bench = Bench::new(|shell| {
        shell.write("/out", "what the command leaves");
        GOOD
    });
    let target = bench.run(None, &["make"]);
    let key = bench.solve(target).ran[0].key;
    let (digest, size) = pack(&bench.store, &key).unwrap().unwrap();
    let bytes = bench.store.read(&digest, 1 << 20).unwrap();
    assert_eq!(bytes.len() as u64, size);
    assert_eq!(pack(&bench.store, &key).unwrap(), Some((digest, size)), "the same pack again");
    (bench, target, key, bytes)
}

fn bring(store: &Store, key: &Digest, bytes: &[u8]) -> Result<(), PackError> {
    unpack(store, key, &store.put(bytes).unwrap())
}

#[test]
fn a_result_that_was_brought_is_found() {
    let (bench, target, key, bytes) = packed();
    let mut other = Bench::new(|_| panic!("it need not run"));
    assert_eq!(other.run(None, &["make"]), target);
    bring(&other.store, &key, &bytes).unwrap();
    assert_eq!(other.solve(target).results, bench.solve(target).results);
    assert!(pack(&other.store, &Digest::of(b"another")).unwrap().is_none());
}

#[test]
fn a_pack_that_is_cut_or_changed_brings_nothing() {
    let (_bench, target, key, bytes) = packed();
    let plain = zstd::decode_all(bytes.as_slice()).unwrap();
    let again = |plain: &[u8]| zstd::encode_all(plain, 1).unwrap();
    let at = plain.windows(4).position(|window| window == b"what").unwrap();
    let with = |at: usize, byte: u8| {
        let mut plain = plain.clone();
        plain[at] ^= byte;
        again(&plain)
    };
    let long = [plain.as_slice(), b"x"].concat();
    let huge = [&plain[..14], &u64::MAX.to_le_bytes(), &plain[22..]].concat();
    let cuts = (0..plain.len()).step_by(7).map(|length| again(&plain[..length]));
    let wrong = [with(0, 1), with(at, 1), with(at - 40, 1), again(&long), again(&huge), b"no zstd".to_vec()];
    for pack in cuts.chain(wrong).chain([bytes[..bytes.len() - 1].to_vec()]) {
        // Each in a store of its own: what is there already is not brought, and not looked at.
        let mut other = Bench::new(|shell| {
            shell.write("/out", "made here");
            GOOD
        });
        other.run(None, &["make"]);
        assert!(bring(&other.store, &key, &pack).is_err());
        assert!(!other.solve(target).ran[0].cached);
    }
}
