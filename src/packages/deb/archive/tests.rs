use super::*;
use crate::packages::deb::fixtures::ar;

fn walk(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ArchiveError> {
    let mut archive = Archive::open(bytes, bytes.len() as u64)?;
    archive.control()?;
    let mut control = Vec::new();
    archive.read_to_end(&mut control).map_err(ArchiveError::Read)?;
    archive.data()?;
    let mut data = Vec::new();
    archive.read_to_end(&mut data).map_err(ArchiveError::Read)?;
    archive.finish()?;
    Ok((control, data))
}

fn refused(bytes: &[u8]) -> String {
    walk(bytes).expect_err("this is no package").to_string()
}

const VERSION: (&str, &[u8]) = ("debian-binary", b"2.0\n");

#[test]
fn members_come_in_order_with_their_bytes() {
    let deb = ar(&[VERSION, ("control.tar", b"abc"), ("data.tar.xz", b"de")]);
    assert_eq!(walk(&deb).unwrap(), (b"abc".to_vec(), b"de".to_vec()));
}

#[test]
fn private_members_are_passed_over() {
    let deb = ar(&[VERSION, ("_a", b"x"), ("control.tar/", b"abc"), ("_b", b""), ("data.tar", b"de"), ("_gpg", b"y")]);
    assert_eq!(walk(&deb).unwrap().1, b"de");
}

#[test]
fn missing_doubled_and_foreign_members_are_refused() {
    type Member = (&'static str, &'static [u8]);
    let cases: &[(&[Member], &str)] = &[
        (&[], "the end stands where debian-binary should"),
        (&[("control.tar", b"")], "`control.tar` stands where debian-binary should"),
        (&[VERSION], "the end stands where control.tar should"),
        (&[VERSION, ("data.tar", b"")], "`data.tar` stands where control.tar should"),
        (&[VERSION, ("control.tar", b"")], "the end stands where data.tar should"),
        (&[VERSION, ("control.tar", b""), ("control.tar.gz", b"")], "`control.tar.gz` stands where data.tar should"),
        (
            &[VERSION, ("control.tar", b""), ("data.tar", b""), ("data.tar.gz", b"")],
            "`data.tar.gz` stands where the end",
        ),
        (&[VERSION, ("control.tarx", b"")], "`control.tarx` stands where control.tar should"),
        (&[VERSION, ("control.tar.bz2", b"")], "compressed in a way that kiln does not read"),
        (&[("debian-binary", b"3.0\n")], "format version `3.0\\n` is not supported"),
    ];
    for (members, message) in cases {
        let actual = refused(&ar(members));
        assert!(actual.contains(message), "{actual}");
    }
}

#[test]
fn a_long_row_of_private_members_is_given_up() {
    let mut members = vec![VERSION];
    members.extend(std::iter::repeat_n(("_x", b"".as_slice()), 1000));
    assert!(refused(&ar(&members)).contains("a long row"));
}

#[test]
fn sizes_that_lie_are_refused() {
    let deb = ar(&[VERSION, ("control.tar", b"abcd")]);
    let at = 8 + 60 + 4 + 48;
    for size in ["9999999999", "-1        ", "          ", "0x10      ", "5         ", "1 2       "] {
        let mut lying = deb.clone();
        lying[at..at + 10].copy_from_slice(size.as_bytes());
        let message = refused(&lying);
        assert!(message.contains("claims more bytes") || message.contains("no proper size"), "{size}: {message}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let deb = ar(&[VERSION, ("control.tar", b"abc"), ("data.tar", b"def")]);
    // The byte of padding at the very end may be missing.
    for length in 0..deb.len() - 1 {
        assert!(walk(&deb[..length]).is_err(), "{length}");
    }
    assert!(walk(&deb[..deb.len() - 1]).is_ok());
}

#[test]
fn a_file_that_is_longer_or_shorter_than_stated_is_refused() {
    let deb = ar(&[VERSION, ("control.tar", b"ab"), ("data.tar", b"cd")]);
    let open = |stated: u64| {
        let mut archive = Archive::open(deb.as_slice(), stated)?;
        archive.control()?;
        archive.data()?;
        archive.finish()
    };
    assert!(open(deb.len() as u64).is_ok());
    assert!(open(deb.len() as u64 - 1).is_err());
    assert!(open(deb.len() as u64 + 1).is_err());
}

#[test]
fn names_are_plain() {
    for name in ["../../x", "a b", "a\nb", ""] {
        let deb = ar(&[VERSION, (name, b"")]);
        assert!(refused(&deb).contains("no proper name"), "{name:?}");
    }
}
