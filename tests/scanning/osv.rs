//! Public data, read whole: advisories of RustSec and of Go, as OSV exports them.

use kiln::advisories::database::{Database, compile};
use kiln::advisories::feed::Feed;
use kiln::advisories::hole::Hole;
use kiln::rules::Severity;
use kiln::store::Store;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

/// The holes of one package.
fn holes(database: &Database, purl: &str) -> Vec<Hole> {
    database.find(&[purl]).unwrap().into_iter().map(|hit| hit.hole).collect()
}

pub(super) fn feed(name: &str, file: File) -> Feed {
    Feed { name: name.into(), form: None, file }
}

/// The most memory that this process ever had, in MB.
pub(super) fn peak() -> u64 {
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
    assert!(
        find("pkg:cargo/time@0.1.45", "CVE-2020-26235").is_none()
            == find("pkg:cargo/time@0.2.0", "CVE-2020-26235").is_some()
    );
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
