//! Compression is found by the first bytes, whatever stands in several parts is read whole.

use super::attacks::{gzip, xz};
use super::*;
use std::io::Read;

fn all(input: &[u8]) -> (Compression, std::io::Result<Vec<u8>>) {
    let mut decoder = decompress(input, 1 << 20).unwrap();
    let mut out = Vec::new();
    let result = decoder.read_to_end(&mut out);
    (decoder.compression(), result.map(|_| out))
}

#[test]
fn every_form_is_found_and_read_to_its_end() {
    let archive = Archive::new().file("a", "x").finish();
    let zstd = |content: &[u8]| zstd::encode_all(content, 3).unwrap();
    let (one, two) = archive.split_at(700);
    let cases = [
        (Compression::None, archive.clone()),
        (Compression::Gzip, gzip(&archive)),
        (Compression::Gzip, [gzip(one), gzip(two)].concat()),
        (Compression::Zstd, zstd(&archive)),
        (Compression::Zstd, [zstd(one), b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), zstd(two)].concat()),
        (Compression::Xz, xz(&archive)),
        (Compression::Xz, [xz(one), xz(two)].concat()),
    ];
    for (compression, bytes) in cases {
        let (found, content) = all(&bytes);
        assert_eq!((found, content.unwrap()), (compression, archive.clone()));
    }
    assert_eq!(all(b"").1.unwrap(), b"");
}

#[test]
fn cut_or_damaged_streams_fail() {
    let content: Vec<u8> = (0..50_000u32).flat_map(|i| (i * i).to_le_bytes()).collect();
    for whole in [gzip(&content), xz(&content), zstd::encode_all(&content[..], 3).unwrap()] {
        for cut in [7, whole.len() / 2, whole.len() - 1] {
            assert!(all(&whole[..cut]).1.is_err(), "{:?} cut at {cut}", all(&whole).0);
        }
        let junk = [&whole[..], b"junk behind the end"].concat();
        assert!(all(&junk).1.is_err(), "{:?} with junk", all(&whole).0);
    }
    for whole in [gzip(&content), xz(&content)] {
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 0x10;
        assert!(all(&flipped).1.is_err(), "{:?} flipped", all(&whole).0);
    }
}

#[test]
fn a_dictionary_beyond_reason_is_refused() {
    // A small stream whose block header is made to ask for a dictionary of 4 GiB.
    let mut bomb = xz(b"x");
    let at = bomb.windows(3).position(|w| w[0] == 0x21 && w[1] == 0x01).unwrap() + 2;
    bomb[at] = 40;
    let end = 12 + 4 * (usize::from(bomb[12]) + 1);
    let crc = crc32(&bomb[12..end - 4]);
    bomb[end - 4..end].copy_from_slice(&crc.to_le_bytes());
    let error = all(&bomb).1.unwrap_err().to_string();
    assert!(error.contains("mem"), "{error}");
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn media_types_of_layers() {
    use crate::oci::media_type;
    assert_eq!(Compression::of_media_type(media_type::LAYER_ZSTD), Some(Compression::Zstd));
    assert_eq!(Compression::of_media_type(media_type::DOCKER_LAYER_GZIP), Some(Compression::Gzip));
    assert_eq!(Compression::of_media_type("application/vnd.oci.image.layer.nondistributable.v1.tar"), None);
}
