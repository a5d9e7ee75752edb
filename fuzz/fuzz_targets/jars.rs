//! Zip files in zip files whose headers lie, as Java archives and as archives that are searched for secrets.
#![no_main]

use kiln::catalog::{Question, answer};
use kiln::secrets::{Place, search};
use kiln_fuzz::catalog::samples::{MANIFEST, POM_PROPERTIES, POM_XML};
use kiln_fuzz::zipped::hostile;
use kiln_fuzz::{Input, part, plant, within};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let mut input = Input::new(input);
    let zip = hostile(&mut input);
    // Archives that are nested are held whole, within a bound of their own.
    within(192, || {
        let found = || answer(Question::JavaArchive, b"app-1.0.jar", &mut Cursor::new(&zip), zip.len() as u64);
        let (first, second) = (found(), found());
        assert_eq!(first.ok(), second.ok(), "another answer");
        search(Place::Plain, zip.as_slice()).expect("memory can be read");
    });
});

fn seeds() -> Vec<Vec<u8>> {
    let file = |name: u8, content: &[u8]| [&[name, 2], part(content).as_slice(), &[1, 0]].concat();
    let jar = [file(0, MANIFEST), file(1, POM_PROPERTIES), file(2, POM_XML), file(7, b"PASSWORD=tiger-7x\n")].concat();
    let flat = [&[4], jar.as_slice(), &[0, 0]].concat();
    let nested = |inner: &[u8], name: u8| [&[1, name, 0], inner, &[1, 0, 0, 0]].concat();
    let deep = (0..12).fold(flat.clone(), |inner, _| nested(&inner, 4));
    let swelling = [&[2, 4, 1, 0, 20, 1, 0], file(2, POM_XML).as_slice(), &[0, 0]].concat();
    let overlapping = [&[4], jar.as_slice(), &[0xf0, 0]].concat();
    // The size that the directory tells of the first file, and where it says that the file is.
    let lying = |offset: u8| [&[4], jar.as_slice(), &[0, 1, 1, 0, offset, 1, 0xf0]].concat();
    let mut seeds: Vec<Vec<u8>> = [16, 20, 24, 42].map(lying).into();
    seeds.extend([nested(&flat, 3), flat, deep, swelling, overlapping]);
    seeds
}
