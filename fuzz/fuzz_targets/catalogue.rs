//! Contents of files that packages and runtimes are found by: ELF files, archives, databases of package managers, and texts.
#![no_main]

use kiln::advisories::Identity;
use kiln::catalog::{OsRelease, Question, answer, assemble};
use kiln::tree::TreePath;
use kiln_fuzz::catalog::samples::samples;
use kiln_fuzz::{Input, plant, within};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

/// What is asked, of a file with which name.
const ASKED: [(Question, &str); 18] = [
    (Question::DpkgStatus, "status"),
    (Question::DpkgFiles, "libc6:amd64.list"),
    (Question::DpkgFiles, "libc6.md5sums"),
    (Question::ApkInstalled, "installed"),
    (Question::RpmDatabase, "rpmdb.sqlite"),
    (Question::RpmManifest, "container-manifest-2"),
    (Question::PythonMetadata, "METADATA"),
    (Question::NpmPackage, "package.json"),
    (Question::JavaArchive, "app-1.0.war"),
    (Question::JvmRelease, "release"),
    (Question::Gemspec, "rake-13.1.0.gemspec"),
    (Question::ComposerInstalled, "installed.json"),
    (Question::DotnetDeps, "app.deps.json"),
    (Question::DotnetRuntime, "app.runtimeconfig.json"),
    (Question::GoToolchain, "VERSION"),
    (Question::Elf, "libcrypto.so.3"),
    (Question::Elf, "python3.12"),
    (Question::Elf, "node"),
];

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let mut input = Input::new(input);
    let (question, name) = input.one_of(&ASKED);
    let content = input.rest();
    within(96, || {
        let size = content.len() as u64;
        let Ok(found) = answer(question, name.as_bytes(), &mut Cursor::new(content), size) else { return };
        let again = answer(question, name.as_bytes(), &mut Cursor::new(content), size);
        assert!(again.is_ok_and(|again| again == found), "another answer");
        let path = TreePath::new(format!("usr/lib/{name}")).expect("a clean path");
        let os = OsRelease::parse(b"ID=debian\nVERSION_ID=13\n").expect("a system");
        for package in assemble([(&path, found)], Some(&os), |_| false) {
            // Whoever matches advisories, or reads the bill of materials, must understand it; nobody should crash.
            let _ = Identity::of(&package.purl);
            assert!(!package.name.is_empty() && !package.name.contains(char::is_control), "{package:?}");
            assert!(!package.places.is_empty(), "{package:?}");
        }
    });
});

fn seeds() -> Vec<Vec<u8>> {
    let number = |question| ASKED.iter().position(|(asked, _)| *asked == question).expect("all are asked") as u8;
    let seed = |(question, _, content): (Question, &str, Vec<u8>)| [&[number(question)], content.as_slice()].concat();
    samples().into_iter().map(seed).collect()
}
