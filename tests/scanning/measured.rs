//! What matching takes against a database of full size: 300,000 advisories of five ecosystems, which are generated. Times are
//! told and, but for a rescan's, not judged.

use super::osv::{feed, peak};
use super::rescan_bills::{bundle, statement};
use crate::support::program::World;
use crate::support::registry::{Options, Registry};
use kiln::advisories::database::{Database, compile};
use kiln::advisories::feed::Feed;
use kiln::oci::media_type;
use kiln::store::Store;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Seek, Write};
use std::time::{Duration, Instant};

/// Ecosystems of the generated database: their names, and the package URL of a package.
const ECOSYSTEMS: [(&str, &str); 5] = [
    ("npm", "pkg:npm/NAME@VERSION"),
    ("PyPI", "pkg:pypi/NAME@VERSION"),
    ("Maven", "pkg:maven/org.example/NAME@VERSION"),
    ("Go", "pkg:golang/example.com/NAME@vVERSION"),
    ("Debian:13", "pkg:deb/debian/NAME@VERSION?distro=debian-13"),
];
/// Advisories of each.
const ADVISORIES: u64 = 60_000;
/// Packages of each.
const PACKAGES: u64 = 20_000;

/// Numbers that look random, the same in each run.
fn scatter(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn text(seed: u64, words: u64) -> String {
    const WORDS: [&str; 24] = [
        "attacker",
        "buffer",
        "remote",
        "allows",
        "the",
        "of",
        "crafted",
        "request",
        "a",
        "via",
        "header",
        "parser",
        "memory",
        "code",
        "execution",
        "denial",
        "service",
        "input",
        "validation",
        "in",
        "versions",
        "before",
        "to",
        "is",
    ];
    let word = |at| WORDS[(scatter(seed.wrapping_mul(1000) + at) % 24) as usize];
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}

/// A package's name; a few packages have most of the advisories, as in life.
fn package(advisory: u64) -> u64 {
    let random = scatter(advisory);
    match random % 4 {
        0 => scatter(random) % 50,
        _ => scatter(random) % PACKAGES,
    }
}

fn generated(base: usize, ecosystem: &str) -> File {
    let mut writer = zip::ZipWriter::new(tempfile::tempfile().unwrap());
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1));
    for at in 0..ADVISORIES {
        let seed = at + base as u64 * ADVISORIES;
        let (a, b) = (scatter(seed + 7) % 20, scatter(seed + 8) % 30);
        let prefix = if ecosystem == "Maven" {
            "org.example:"
        } else if ecosystem == "Go" {
            "example.com/"
        } else {
            ""
        };
        let hex = |part: u64| format!("{:04x}", scatter(seed + part) & 0xffff);
        let advisory = serde_json::json!({
            "schema_version": "1.7.0", "id": format!("GHSA-{}-{}-{seed:06}", hex(1), hex(2)),
            "modified": format!("2025-{:02}-{:02}T00:00:00Z", seed % 12 + 1, seed % 28 + 1), "published": "2024-05-05T10:00:00Z",
            "aliases": [format!("CVE-{}-{}", 2010 + seed % 15, 1000 + seed)],
            "summary": text(seed, 12), "details": text(seed + 1, 150),
            "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
            "affected": [{
                "package": { "ecosystem": ecosystem, "name": format!("{prefix}package-{:x}", package(seed)) },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": format!("{a}.0.0") }, { "fixed": format!("{a}.{b}.1") }] }],
                "versions": (0..b).map(|minor| format!("{a}.{minor}.0")).collect::<Vec<_>>(),
            }],
            "references": [
                { "type": "ADVISORY", "url": format!("https://github.com/advisories/GHSA-{}", hex(3)) },
                { "type": "FIX", "url": format!("https://github.com/example/repository/commit/{:x}{:x}", scatter(seed), scatter(seed + 9)) },
                { "type": "PACKAGE", "url": "https://github.com/example/repository" },
            ],
            "database_specific": { "severity": "HIGH", "cwe_ids": [format!("CWE-{}", seed % 900)] },
        });
        writer.start_file(format!("{at}.json"), options).unwrap();
        writer.write_all(advisory.to_string().as_bytes()).unwrap();
    }
    writer.finish().unwrap()
}

/// Likelihoods for all that is generated.
fn likelihoods() -> File {
    let mut file = tempfile::tempfile().unwrap();
    let mut table = "#model_version:v1,score_date:2025-05-01T00:00:00+0000\ncve,epss,percentile\n".to_owned();
    for seed in 0..ADVISORIES * 5 {
        table += &format!(
            "CVE-{}-{},0.{:05},0.{:05}\n",
            2010 + seed % 15,
            1000 + seed,
            scatter(seed) % 100_000,
            seed % 100_000
        );
    }
    file.write_all(table.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

/// The package URL of a package of many.
fn purl(at: u64) -> String {
    let (_, form) = ECOSYSTEMS[(at % 5) as usize];
    // One in twenty is a package of which much is told.
    let of = if at % 100 < 5 { 50 } else { PACKAGES };
    let version = format!("{}.{}.0", scatter(at + 1) % 20, scatter(at + 2) % 10);
    form.replace("NAME", &format!("package-{:x}", scatter(at) % of)).replace("VERSION", &version)
}

#[test]
#[ignore = "a measurement: benches/README.md"]
fn a_thousand_packages_are_looked_up_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let feeds = ECOSYSTEMS.iter().enumerate().map(|(at, (name, _))| feed(name, generated(at, name)));
    let feeds: Vec<Feed> = feeds.chain([feed("epss", likelihoods())]).collect();
    let (before, begun) = (peak(), Instant::now());
    let compiled = compile(&store, &feeds, None).unwrap();
    let unpacked = compiled.facts.records.values().sum::<u64>();
    println!(
        "{unpacked} records in {:?}: {} bytes; memory {before} then {} MB",
        begun.elapsed(),
        compiled.size,
        peak()
    );

    let purls: Vec<String> = (0..1000).map(purl).collect();
    let purls: Vec<&str> = purls.iter().map(String::as_str).collect();
    // Another stay in the store, so that nothing counts as checked.
    let store = Store::open(folder.path().join("store")).unwrap();
    let mut best = Duration::MAX;
    for round in 0..10 {
        let begun = Instant::now();
        let database = Database::open(&store, &compiled.digest).unwrap();
        let hits = database.find(&purls).unwrap();
        let took = begun.elapsed();
        println!("round {round}: {} holes in {took:?}", hits.len());
        assert!(hits.len() > 500);
        best = best.min(took);
    }
    println!("best: {best:?} for {} packages", purls.len());
}

/// A bill of materials of two hundred packages that no other one has.
fn bill(image: u64) -> Value {
    let component = |at: u64| {
        let purl = purl(image * 200 + at);
        json!({ "type": "library", "name": format!("package {at}"), "version": "1", "purl": purl })
    };
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": (0..200).map(component).collect::<Vec<_>>() })
}

#[test]
#[ignore = "a measurement: benches/README.md"]
fn a_thousand_bills_of_materials_are_judged_again() {
    let registry = Registry::start(Options::default());
    let repositories: Vec<String> = (0..50).map(|at| format!("acme/app-{at}")).collect();
    for at in 0..1000u64 {
        let repository = &repositories[(at % 50) as usize];
        let image = registry.put_image(repository, "linux/amd64", &[&at.to_le_bytes()], &[&format!("1.{at}")]);
        let bundle = bundle(statement(&image.digest, "https://cyclonedx.org/bom", bill(at)));
        registry.put_referrer(repository, &image, media_type::SIGSTORE_BUNDLE, &bundle);
    }
    let world = World::new();
    let feeds = ECOSYSTEMS.iter().enumerate().map(|(at, (name, _))| feed(name, generated(at, name)));
    let feeds: Vec<Feed> = feeds.chain([feed("epss", likelihoods())]).collect();
    let database = compile(&Store::open(world.path("store")).unwrap(), &feeds, None).unwrap().digest.to_string();
    let names: Vec<String> = repositories.iter().map(|name| format!("{}/{name}", registry.host())).collect();
    for round in ["all is fetched", "all is here"] {
        let arguments = ["rescan", "--progress", "quiet", "--db", &database, "--as-of", "2026-11-30"];
        let begun = Instant::now();
        let outcome = world.kiln(arguments.into_iter().chain(names.iter().map(String::as_str))).run().done();
        let took = begun.elapsed();
        println!("{round}: {took:?}: {}", outcome.stdout.lines().last().unwrap_or_default());
        assert!(outcome.stdout.contains("1000 images") && took < Duration::from_secs(20), "{took:?}");
    }
}
