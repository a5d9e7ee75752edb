//! Contents that are searched for secrets, as they are and packed in each other: the result does not depend on the pieces
//! in which they are read, and takes time in proportion to their size.
#![no_main]

use flate2::Compression;
use flate2::write::GzEncoder;
use kiln::secrets::{Leaks, MAX_LEAKS, place, search, search_text};
use kiln::tree::TreePath;
use kiln_fuzz::{Input, plant, within};
use libfuzzer_sys::fuzz_target;
use lzma_rust2::{XzOptions, XzWriter};
use std::io::{Cursor, Read, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

/// A file of each kind of place.
const PATHS: [&str; 20] = [
    "a",
    "a.yaml",
    ".env",
    ".bash_history",
    ".npmrc",
    ".pypirc",
    ".netrc",
    ".git-credentials",
    ".docker/config.json",
    ".kube/config",
    ".aws/credentials",
    ".boto",
    "adc.json",
    "a.tfstate",
    ".htpasswd",
    "etc/shadow",
    ".pgpass",
    "wireguard/wg0.conf",
    "server.key",
    "app.jar",
];

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let mut input = Input::new(input);
    let path = input.one_of(&PATHS);
    let layers = input.byte();
    // Two bits each: how it is packed, from the inside to the outside.
    let content = (0..4).fold(input.rest().to_vec(), |content, layer| packed(layers >> (2 * layer) & 3, path, content));
    within(96, || {
        let place = place(&TreePath::new(path).expect("a clean path"));
        let leaks = search(place, content.as_slice()).expect("memory can be read");
        check(&leaks);
        let slow = Slow { content: &content, turn: 0 };
        assert_eq!(search(place, slow).expect("memory can be read"), leaks, "by the pieces");
        assert!(search_text(input.rest(), place).len() <= MAX_LEAKS);
    });
});

fn check(leaks: &Leaks) {
    assert!(leaks.found.len() <= MAX_LEAKS);
    let in_content = |leak: &&kiln::secrets::Leak| leak.inside.is_empty();
    assert!(leaks.found.iter().filter(in_content).all(|leak| leak.line != Some(0) && leak.column != Some(0)));
    assert!(leaks.found.iter().all(|leak| !leak.shown.is_empty()));
}

fn packed(how: u8, path: &str, content: Vec<u8>) -> Vec<u8> {
    const WRITTEN: &str = "memory can be written";
    match how {
        0 => content,
        1 => {
            let mut encoder = GzEncoder::new(vec![], Compression::fast());
            encoder.write_all(&content).and_then(|()| encoder.finish()).expect(WRITTEN)
        }
        2 => {
            // A zip and a Zstandard stream, by whether there is an even number of bytes.
            if content.len() % 2 == 1 {
                return zstd::stream::encode_all(content.as_slice(), 1).expect(WRITTEN);
            }
            let mut writer = ZipWriter::new(Cursor::new(vec![]));
            writer.start_file(path, SimpleFileOptions::default()).expect("a name is a name");
            writer.write_all(&content).expect(WRITTEN);
            writer.finish().expect(WRITTEN).into_inner()
        }
        _ => {
            if content.len() % 2 == 1 {
                return xz(&content);
            }
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            let mut builder = tar::Builder::new(vec![]);
            builder.append_data(&mut header, path, content.as_slice()).expect(WRITTEN);
            builder.into_inner().expect(WRITTEN)
        }
    }
}

fn xz(content: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(vec![], XzOptions::with_preset(0)).expect("the options are good");
    writer.write_all(content).and_then(|()| writer.finish()).expect("memory can be written")
}

/// A content that comes in pieces of changing size.
struct Slow<'c> {
    content: &'c [u8],
    turn: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.turn += 1;
        let length = [1, 7, 4096, 3, 100_000][self.turn % 5].min(buffer.len()).min(self.content.len());
        let (piece, rest) = self.content.split_at(length);
        buffer[..length].copy_from_slice(piece);
        self.content = rest;
        Ok(length)
    }
}

/// Texts in which each kind of place has its secrets; tokens of services come from the dictionary.
fn seeds() -> Vec<Vec<u8>> {
    const TEXTS: [(&str, &str); 17] = [
        ("a", "x = 'ya29.abcdefghijklmnopqrstuvwxyz0123456789ABCD' https://me:tiger-7x-Q@example.com/a"),
        ("a.yaml", "database:\n  password: \"tiger-7x-Qz\"\n  api_key: 9f8e7d6c5b4a39281706\n"),
        (".env", "SECRET_KEY=tiger-7x-Qz\nexport TOKEN='9f8e7d6c5b4a3928'\n"),
        (".bash_history", "mysql -u root -ptiger-7x-Qz\ncurl -H 'Authorization: Bearer 9f8e7d6c5b4a3928' x\n"),
        (".npmrc", "//registry.example.com/:_authToken=9f8e7d6c5b4a39281706\n_password=dGlnZXI3eFF6\n"),
        (".pypirc", "[pypi]\nusername = __token__\npassword = tiger-7x-Qz\n"),
        (".netrc", "machine example.com login me password tiger-7x-Qz\n"),
        (".git-credentials", "https://me:tiger-7x-Qz@example.com\n"),
        (".docker/config.json", "{\"auths\":{\"example.com\":{\"auth\":\"bWU6dGlnZXItN3gtUXo=\"}}}"),
        (".kube/config", "users:\n- user:\n    token: 9f8e7d6c5b4a39281706\n    client-key-data: LS0tLS1CRUdJTg==\n"),
        (".aws/credentials", "[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzzz\n"),
        ("a.tfstate", "{\"resources\":[{\"instances\":[{\"attributes\":{\"password\":\"tiger-7x-Qz\"}}]}]}"),
        (".htpasswd", "me:$apr1$abcdefgh$0123456789abcdefghijkl\n"),
        ("etc/shadow", "root:$6$abcdefgh$0123456789abcdefghijklmnopqrstuvwxyz:19000:0:99999:7:::\n"),
        (".pgpass", "example.com:5432:db:me:tiger-7x-Qz\n"),
        ("wireguard/wg0.conf", "[Interface]\nPrivateKey = aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd28=\n"),
        ("a", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
    ];
    let number = |path: &str| PATHS.iter().position(|one| *one == path).unwrap_or_default() as u8;
    let seed = |packing: u8| move |(path, text): (&str, &str)| [&[number(path), packing], text.as_bytes()].concat();
    let utf16 = TEXTS[1].1.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<u8> = [1, 0, 0xff, 0xfe].into_iter().chain(utf16).collect();
    [0, 0b0000_0001, 0b0000_1110, 0b0111_1001]
        .into_iter()
        .flat_map(|packing| TEXTS.map(seed(packing)))
        .chain([utf16])
        .collect()
}
