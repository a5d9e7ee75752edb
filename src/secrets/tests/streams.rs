//! How a content is cut, encoded and ended does not matter.

use super::{Place, none, one};
use crate::secrets::fixtures::{Fill, Random, label, pem, pkcs8, secret};
use crate::secrets::{SearchError, search};
use proptest::prelude::*;
use std::io::{self, Read};

/// Gives as many bytes at once as it is told.
struct Pieces<'a> {
    content: &'a [u8],
    sizes: Vec<usize>,
    next: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()].clamp(1, buffer.len().max(1));
        self.next += 1;
        let count = size.min(self.content.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.content[..count]);
        self.content = &self.content[count..];
        Ok(count)
    }
}

/// Text without secrets in which lines have different lengths.
fn filler(random: &mut Random, size: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(size + 80);
    while text.len() < size {
        let words = random.number() % 12;
        for _ in 0..words {
            text.extend_from_slice(&b"lorem ipsum dolor "[..(random.number() % 18) as usize]);
        }
        text.push(b'\n');
    }
    text.truncate(size);
    text
}

#[test]
fn a_secret_is_found_at_every_place_around_the_end_of_a_piece() {
    let random = &mut Random::new(1);
    let token = secret("gh|p_{a30}{crc62}", random, Fill::Random);
    let key = pem(&label("RSA"), "", &pkcs8(random));
    let text = filler(random, 300 << 10);
    // Pieces have 256 KiB, of which the last 16 are searched with the next one.
    for border in [240 << 10, 256 << 10] {
        for shift in (0..1200).step_by(31) {
            let at = border - 600 + shift;
            for (secret, rule) in [(&token, "github-token"), (&key, "private-key")] {
                let content = [&text[..at], b"\n", secret.as_bytes(), b"\n", &text[at..]].concat();
                let leak = one("usr/share/x", &content, rule, secret.trim_end());
                let lines = content[..at + 1].iter().filter(|b| **b == b'\n').count();
                assert_eq!((leak.offset, leak.line, leak.column), (at as u64 + 1, Some(lines as u32 + 1), Some(1)));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_sizes_of_reads_do_not_matter(seed in 1u64.., at in 0usize..400_000, sizes in prop::collection::vec(1usize..100_000, 1..8)) {
        let random = &mut Random::new(seed);
        let token = secret("np|m_{a30}{crc62}", random, Fill::Random);
        let text = filler(random, 400_000);
        let content = [&text[..at], b" ", token.as_bytes(), b" ", &text[at..]].concat();
        let whole = search(Place::Plain, &content[..]).unwrap();
        let pieces = search(Place::Plain, Pieces { content: &content, sizes, next: 0 }).unwrap();
        prop_assert_eq!(&whole, &pieces);
        prop_assert_eq!(whole.found.len(), 1);
        prop_assert_eq!(whole.found[0].offset, at as u64 + 1);
    }

    #[test]
    fn nothing_makes_it_panic(content in prop::collection::vec(any::<u8>(), 0..2000), place in 0usize..20) {
        let all = [
            Place::Plain, Place::Settings, Place::Variables, Place::Command, Place::Label, Place::Npmrc, Place::Pypirc, Place::Netrc,
            Place::GitCredentials, Place::DockerConfig, Place::Kubeconfig, Place::AwsCredentials, Place::Boto, Place::GoogleCredentials,
            Place::TerraformState, Place::Htpasswd, Place::Shadow, Place::Pgpass, Place::Wireguard, Place::KeyStore,
        ];
        search(all[place], &content[..]).unwrap();
    }

    /// Texts of what rules look at, in any order.
    #[test]
    fn nothing_of_its_own_makes_it_panic(pieces in prop::collection::vec(0usize..40, 0..200), place in 0usize..4) {
        const PIECES: [&str; 40] = [
            "-----BEGIN ", "PRIVATE KEY", "-----", "-----END ", "://", "@", ":", "=", "\"", "'", "\\n", "\\", "\n", "\r\n", " ", "password",
            "token", "eyJ", ".", "8Q~", "Key=", "Account", "sig=", "sv=20", "AKIA", "ghp_", "xoxb-", "LS0tLS1CRUdJTi", "PuTTY-User-Key-File-3:",
            "aws_secret_access_key", "$", "%", "{", "}", "abcdefghijklmnopqrstuvwxyz0123", "ABCDEF0123456789", "\u{e9}", "<", ">", "-u",
        ];
        let text: String = pieces.iter().map(|i| PIECES[*i]).collect();
        let places = [Place::Plain, Place::Settings, Place::Variables, Place::Command];
        search(places[place], text.as_bytes()).unwrap();
    }
}

#[test]
fn utf16_is_read() {
    let token = secret("gl|pat-{n19}9", &mut Random::new(2), Fill::Random);
    let text = format!("[settings]\r\nurl = https://corp.net/\u{1f511}\r\ntoken = {token}\r\n");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
    for content in [marked(b"\xff\xfe", &little), marked(b"\xfe\xff", &big), little, big] {
        let leak = one("app/settings.bin", &content, "gitlab-token", &token);
        assert_eq!((leak.line, leak.column), (Some(3), Some(9)));
    }
}

#[test]
fn secrets_in_programs_have_no_line() {
    let random = &mut Random::new(3);
    let token = secret("gh|p_{a30}{crc62}", random, Fill::Random);
    let content =
        [&b"\x7fELF\x02\x01\x01\0\0"[..], &random.bytes(300_000), b"\0", token.as_bytes(), &random.bytes(1000)]
            .concat();
    let leak = one("usr/bin/tool", &content, "github-token", &token);
    assert_eq!((leak.line, leak.column, leak.offset), (None, None, 300_010));
}

#[test]
fn an_input_that_fails_is_an_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let SearchError::Read(error) = search(Place::Plain, Failing).unwrap_err();
    assert_eq!(error.to_string(), "the disk is gone");
    // Inside of an archive it is none of the archive's.
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x";
    assert!(search(Place::Plain, zip.chain(Failing)).is_err());
    none("x", "");
}
