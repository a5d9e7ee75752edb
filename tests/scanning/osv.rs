//! Databases of advisories as large as real ones: public data, and generated data of full size.

use kiln::advisories::database::{Database, compile};
use kiln::advisories::feed::Feed;
use kiln::advisories::hole::Hole;
use kiln::rules::Severity;
use kiln::store::Store;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The holes of one package.
fn holes(database: &Database, purl: &str) -> Vec<Hole> {
    database.find(&[purl]).unwrap().into_iter().map(|hit| hit.hole).collect()
}

fn feed(name: &str, file: File) -> Feed {
    Feed { name: name.into(), form: None, file }
}

/// The most memory that this process ever had, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}

/// The advisories of a zip.
fn documents(feed: &Feed) -> Vec<Value> {
    let mut archive = zip::ZipArchive::new(&feed.file).unwrap();
    (0..archive.len()).map(|index| serde_json::from_reader(archive.by_index(index).unwrap()).unwrap()).collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Versions at which an advisory says that something changes, as package URLs, and whether they are affected: by what is
/// written there, without any order of versions.
fn edges_of(advisory: &Value) -> Vec<(String, String, bool)> {
    let affected = advisory["affected"].as_array().unwrap();
    let mut edges = vec![];
    for told in affected {
        let name = &told["package"]["name"];
        let ranges = told["ranges"].as_array().unwrap();
        // Where several ranges speak of one package, each may say something else.
        if ranges.len() != 1 || affected.iter().filter(|other| other["package"]["name"] == *name).count() != 1 {
            continue;
        }
        let events = ranges[0]["events"].as_array().unwrap();
        let version = |event: &Value| text_of(event.as_object().unwrap().values().next().unwrap()).to_owned();
        for event in events {
            let at = version(event);
            if at == "0" || events.iter().filter(|other| version(other) == at).count() != 1 {
                continue;
            }
            let kind = if text_of(&told["package"]["ecosystem"]) == "Go" { "golang" } else { "cargo" };
            let purl = format!("pkg:{kind}/{}@{}", text_of(name), at.replace('+', "%2B"));
            edges.push((purl, text_of(&advisory["id"]).to_owned(), event.get("introduced").is_some()));
        }
    }
    edges
}

#[test]
#[ignore = "needs KILN_OSV_DATA: a folder with crates.io/all.zip and Go/all.zip"]
fn public_advisories_are_compiled_and_found() {
    let data = PathBuf::from(std::env::var_os("KILN_OSV_DATA").expect("KILN_OSV_DATA names a folder"));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let feeds = || {
        let open = |ecosystem: &str| feed(ecosystem, File::open(data.join(ecosystem).join("all.zip")).unwrap());
        [open("crates.io"), open("Go")]
    };
    let begun = Instant::now();
    let compiled = compile(&store, &feeds(), None).unwrap();
    let took = begun.elapsed();
    println!("compiled in {took:?} to {} bytes, {:?}, with at most {} MB", compiled.size, compiled.facts, peak());

    let mut edges = vec![];
    for feed in feeds() {
        let advisories = documents(&feed);
        let facts = compiled.facts.feeds.iter().find(|facts| facts.name == feed.name).unwrap();
        assert_eq!((facts.count, facts.skipped), (advisories.len() as u64, 0));
        let told = advisories.iter().filter(|advisory| advisory.get("withdrawn").is_none());
        let names = |advisory: &Value| {
            let packages = advisory["affected"].as_array().unwrap().iter();
            packages.map(|affected| text_of(&affected["package"]["name"]).to_lowercase()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(compiled.facts.records[&feed.name], told.clone().map(names).sum::<usize>() as u64);
        edges.extend(told.flat_map(edges_of));
    }

    let database = Database::open(&store, &compiled.digest).unwrap();
    let purls: Vec<&str> = edges.iter().map(|(purl, _, _)| purl.as_str()).collect();
    let mut found = vec![BTreeSet::new(); edges.len()];
    for hit in database.find(&purls).unwrap() {
        found[hit.package].extend(hit.hole.aliases);
        found[hit.package].insert(hit.hole.id);
    }
    println!("{} edges of ranges", edges.len());
    for ((purl, id, affected), names) in edges.iter().zip(found) {
        assert_eq!(names.contains(id), *affected, "{id} of {purl}");
    }
    let find = |purl: &str, id: &str| holes(&database, purl).into_iter().find(|hole| hole.id == id);
    let smallvec = find("pkg:cargo/smallvec@1.6.0", "CVE-2021-25900").unwrap();
    assert_eq!(smallvec.aliases, ["GHSA-43w2-9j62-hq99", "RUSTSEC-2021-0003"]);
    assert_eq!((smallvec.state.fixed(), smallvec.severity), (&["1.6.1".to_owned()][..], Some(Severity::Critical)));
    assert_eq!(find("pkg:cargo/smallvec@0.6.13", "CVE-2021-25900").unwrap().state.fixed(), ["0.6.14"]);
    for version in ["0.6.2", "0.6.14", "1.6.1"] {
        assert_eq!(find(&format!("pkg:cargo/smallvec@{version}"), "CVE-2021-25900"), None);
    }
    assert!(find("pkg:cargo/time@0.1.45", "CVE-2020-26235").is_none() == find("pkg:cargo/time@0.2.0", "CVE-2020-26235").is_some());
    let ansi = find("pkg:cargo/ansi_term@0.12.1", "RUSTSEC-2021-0139").unwrap();
    assert_eq!((ansi.notice.as_deref(), ansi.severity), (Some("unmaintained"), None));
    let net = find("pkg:golang/golang.org/x/net@v0.16.0", "CVE-2023-39325").unwrap();
    assert_eq!(net.state.fixed(), ["0.17.0"]);
    assert_eq!(find("pkg:golang/golang.org/x/net@v0.17.0", "CVE-2023-39325"), None);
    let stdlib = find("pkg:golang/stdlib@1.21.2", "CVE-2023-39325").unwrap();
    assert_eq!((stdlib.state.fixed(), stdlib.aliases.len()), (&["1.21.3".to_owned()][..], 2));
    for version in ["1.20.10", "1.21.3"] {
        assert_eq!(find(&format!("pkg:golang/stdlib@{version}"), "CVE-2023-39325"), None);
    }

    let again = compile(&store, &feeds(), None).unwrap();
    assert_eq!(again.digest, compiled.digest);
}

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
        "attacker", "buffer", "remote", "allows", "the", "of", "crafted", "request", "a", "via", "header", "parser",
        "memory", "code", "execution", "denial", "service", "input", "validation", "in", "versions", "before", "to", "is",
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
        let prefix = if ecosystem == "Maven" { "org.example:" } else if ecosystem == "Go" { "example.com/" } else { "" };
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
        table += &format!("CVE-{}-{},0.{:05},0.{:05}\n", 2010 + seed % 15, 1000 + seed, scatter(seed) % 100_000, seed % 100_000);
    }
    file.write_all(table.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
#[ignore = "a measurement"]
fn a_thousand_packages_are_looked_up_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let feeds = ECOSYSTEMS.iter().enumerate().map(|(at, (name, _))| feed(name, generated(at, name)));
    let feeds: Vec<Feed> = feeds.chain([feed("epss", likelihoods())]).collect();
    let (before, begun) = (peak(), Instant::now());
    let compiled = compile(&store, &feeds, None).unwrap();
    let unpacked = compiled.facts.records.values().sum::<u64>();
    println!("{unpacked} records in {:?}: {} bytes; memory {before} then {} MB", begun.elapsed(), compiled.size, peak());

    let purls: Vec<String> = (0..1000u64)
        .map(|at| {
            let (_, form) = ECOSYSTEMS[(at % 5) as usize];
            // One in twenty is a package of which much is told.
            let of = if at % 100 < 5 { 50 } else { PACKAGES };
            let version = format!("{}.{}.0", scatter(at + 1) % 20, scatter(at + 2) % 10);
            form.replace("NAME", &format!("package-{:x}", scatter(at) % of)).replace("VERSION", &version)
        })
        .collect();
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
    // Without optimisation it takes several times as long, and tells nothing.
    assert!(cfg!(debug_assertions) || best < Duration::from_millis(100), "{best:?}");
}
