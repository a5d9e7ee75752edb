//! Contents that were made to take long. Each has a bound of time that is far above what linear work takes.

use super::{Place, leaks};
use crate::secrets::fixtures::{Fill, Random, secret};
use crate::secrets::{MAX_LEAKS, search};
use std::io::Read;
use std::time::{Duration, Instant};

/// Bytes of each content.
const SIZE: usize = 192 << 10;

#[test]
fn repeated_marks_take_time_in_proportion_to_their_number() {
    let long_name = "x".repeat(300);
    let key_of_nothing = format!("-----BEGIN RSA {} KEY-----\n", "PRIVATE");
    for piece in [
        "AKIA",
        "AKIAIAAAAAAAAAAAAAAA ",
        "-----BEGIN ",
        "-----BEGIN",
        key_of_nothing.as_str(),
        "://",
        "://a:b@",
        "x://u:p1a2b3c4d5@h ",
        "eyJ",
        "eyJ-",
        "eyJhbGciOiJIUzI1NiJ9.",
        "-eyJhbGciOiJIUzI1NiJ9.eyJ",
        "/LS0tLS1CRUdJTiBS",
        "8Q~",
        "Key=",
        "AccountKey=",
        "sig=",
        "sv=20se=20sig=",
        "ghp_",
        "-pypi-AgE",
        "sk-",
        "T3BlbkFJ",
        "xoxb-1234567890-",
        "-us1",
        "=",
        ":",
        "a=",
        "password=",
        "\"password\":\"",
        "<password>",
        "\\",
        "\\\"",
        "a:b:c:d:",
        "hvs.",
        "glc_",
        "ops_eyJ",
        "PuTTY-User-Key-File-3:",
        "aws_secret_access_key=",
        "0123456789abcdef",
        " ",
        "\n",
        "a",
        "xAZDO",
        ".",
        long_name.as_str(),
    ] {
        let content = piece.repeat(SIZE / piece.len());
        for place in [Place::Plain, Place::Settings] {
            let started = Instant::now();
            let leaks = search(place, content.as_bytes()).unwrap();
            let took = started.elapsed();
            assert!(took < Duration::from_secs(4), "{piece:?} at {}: {took:?}", place.name());
            assert_eq!(leaks.found, [], "{piece:?}");
        }
        // What is small enough is read as a whole.
        let small = &content.as_bytes()[..64 << 10];
        for place in [
            Place::Settings,
            Place::Variables,
            Place::Command,
            Place::Netrc,
            Place::Pgpass,
            Place::Shadow,
            Place::KeyStore,
            Place::TerraformState,
        ] {
            let started = Instant::now();
            search(place, small).unwrap();
            let took = started.elapsed();
            assert!(took < Duration::from_secs(4), "{piece:?} as {}: {took:?}", place.name());
        }
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_read_as_it_comes() {
    let token = secret("gh|p_{a30}{crc62}", &mut Random::new(1), Fill::Random);
    let line = std::io::repeat(b'A').take(100_000_000).chain(token.as_bytes());
    let leaks = search(Place::Plain, line).unwrap();
    assert_eq!(leaks.found.len(), 1);
    assert_eq!(
        (leaks.found[0].line, leaks.found[0].column, leaks.found[0].offset),
        (Some(1), Some(100_000_001), 100_000_000)
    );
}

#[test]
fn more_secrets_than_are_told_end_the_search() {
    let random = &mut Random::new(2);
    let all: String = (0..5000).map(|_| secret("gh|p_{a30}{crc62}", random, Fill::Random) + "\n").collect();
    let leaks = leaks("x", all);
    assert_eq!((leaks.found.len(), leaks.more), (MAX_LEAKS, true));
    assert_eq!(leaks.found[0].line, Some(1));
}
