//! Files of advisories in every form and packing: compiled to a database, which is the same in whichever order they are
//! read, and asked for packages.
#![no_main]

use flate2::Compression;
use flate2::write::GzEncoder;
use kiln::advisories::database::{Database, compile};
use kiln::advisories::feed::{Feed, Form};
use kiln::store::Store;
use kiln_fuzz::asked::PACKAGES;
use kiln_fuzz::{Input, part, plant, samples, with_store, within};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Seek, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

/// The date of all databases; feeds need not name one.
const DATE: &str = "2025-01-01";

/// A feed as the input gives it.
struct Given {
    form: Option<Form>,
    content: Vec<u8>,
}

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let mut input = Input::new(input);
    let given = given(&mut input);
    within(256, || with_store(|store| check(store, &given)));
});

fn given(input: &mut Input<'_>) -> Vec<Given> {
    const FORMS: [Option<Form>; 5] =
        [None, Some(Form::Osv), Some(Form::DebianTracker), Some(Form::Kev), Some(Form::Epss)];
    let mut given = vec![];
    while !input.is_empty() && given.len() < 3 {
        let form = input.one_of(&FORMS);
        let content = match input.byte() % 4 {
            0 => input.part().to_vec(),
            1 => gzip(input.part()),
            2 => {
                let count = input.byte() % 8;
                zip(&(0..count).map(|_| input.part()).collect::<Vec<_>>())
            }
            _ => kiln_fuzz::zipped::hostile(input),
        };
        given.push(Given { form, content });
    }
    given
}

fn check(store: &Store, given: &[Given]) {
    let Ok(compiled) = compile(store, &feeds(given.iter()), Some(DATE)) else { return };
    let other = compile(store, &feeds(given.iter().rev()), Some(DATE)).expect("what was read once can be read again");
    assert_eq!(other.facts.records, compiled.facts.records, "the order of feeds");
    assert_eq!(other.digest, compiled.digest, "the order of feeds");
    let database = Database::open(store, &compiled.digest).expect("what was compiled can be opened");
    let hits = database.find(&PACKAGES).expect("what was compiled can be read");
    for hit in hits {
        assert!(hit.package < PACKAGES.len() && !hit.hole.id.is_empty() && !hit.hole.advisories.is_empty(), "{hit:?}");
    }
}

fn feeds<'g>(given: impl Iterator<Item = &'g Given>) -> Vec<Feed> {
    let feed = |given: &Given| {
        let mut file = tempfile::tempfile().expect("there is room for a file");
        file.write_all(&given.content).and_then(|()| file.rewind()).expect("there is room for a feed");
        Feed { name: "feed".into(), form: given.form, file }
    };
    given.map(feed).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(content).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn zip(files: &[&[u8]]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    for (number, content) in files.iter().enumerate() {
        writer.start_file(format!("{number}.json"), SimpleFileOptions::default()).expect("a name is a name");
        writer.write_all(content).expect("memory can be written");
    }
    writer.finish().expect("memory can be written").into_inner()
}

fn seeds() -> Vec<Vec<u8>> {
    let plain = |form: u8, content: &[u8]| [&[form, 0], part(content).as_slice()].concat();
    let [tracker, kev, epss] = [samples::tracker(), samples::kev(), samples::epss()];
    let mut seeds: Vec<Vec<u8>> = [&tracker, &kev, &epss].map(|content| plain(0, content)).into();
    for advisory in samples::advisories() {
        seeds.push(plain(1, &advisory));
        seeds.push(plain(1, &[b"[", advisory.as_slice(), b",", &advisory, b"]"].concat()));
        seeds.push([&[0, 2, 2], part(&advisory).as_slice(), &part(&advisory)].concat());
        seeds.push([plain(0, &advisory), plain(0, &tracker), plain(0, &epss)].concat());
    }
    seeds.push([&[4, 1], part(&epss).as_slice()].concat());
    seeds
}
