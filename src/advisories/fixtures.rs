//! Small feeds, made by code.

use super::database::{Compiled, Database, compile};
use super::feed::Feed;
use super::hole::Hole;
use crate::store::Store;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Seek, Write};

/// A store of its own, which is gone with the folder.
pub fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    (folder, store)
}

/// A file with some content.
pub fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    file
}

/// A feed of some content, whose form must be found out.
pub fn feed(name: &str, content: impl AsRef<[u8]>) -> Feed {
    Feed { name: name.into(), form: None, file: file(content.as_ref()) }
}

/// A zip of files in the order that they are given.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1));
    for (name, content) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A feed of advisories in OSV's form, as a zip.
pub fn osv(advisories: &[Value]) -> Feed {
    let files: Vec<(String, Vec<u8>)> = advisories
        .iter()
        .enumerate()
        .map(|(at, advisory)| {
            (format!("{at}-{}.json", advisory["id"].as_str().unwrap_or("x")), advisory.to_string().into_bytes())
        })
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    feed("osv", zip(&files))
}

/// An advisory about one package with one range of events: `[("introduced", "0"), ("fixed", "2")]`.
pub fn advisory(id: &str, ecosystem: &str, name: &str, events: &[(&str, &str)]) -> Value {
    let events: Vec<Value> = events.iter().map(|(kind, version)| json!({ *kind: version })).collect();
    json!({
        "schema_version": "1.7.0",
        "id": id,
        "modified": "2025-02-01T00:00:00Z",
        "published": "2025-01-01T00:00:00Z",
        "summary": format!("About {name}"),
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
        }],
    })
}

/// What Debian's tracker says of one package: holes with the state in each release.
pub fn tracker(package: &str, holes: Value) -> Feed {
    feed("tracker", json!({ package: holes }).to_string())
}

/// The catalogue of exploited holes.
pub fn kev(cves: &[&str]) -> Feed {
    let row = |cve: &&str| json!({ "cveID": cve, "dateAdded": "2025-03-01", "dueDate": "2025-03-22", "knownRansomwareCampaignUse": "Known" });
    let rows: Vec<Value> = cves.iter().map(row).collect();
    let catalogue = json!({
        "title": "CISA Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": "2025.03.01",
        "dateReleased": "2025-03-01T15:00:00.1234Z",
        "count": rows.len(),
        "vulnerabilities": rows,
    });
    feed("kev", catalogue.to_string())
}

/// A table of likelihoods.
pub fn epss(rows: &[(&str, &str, &str)]) -> String {
    let mut table = "#model_version:v2025.03.14,score_date:2025-03-02T00:00:00+0000\ncve,epss,percentile\n".to_owned();
    for (cve, score, percentile) in rows {
        table.push_str(&format!("{cve},{score},{percentile}\n"));
    }
    table
}

/// A database of some feeds.
pub fn database(feeds: &[Feed]) -> (tempfile::TempDir, Compiled, Database) {
    let (folder, store) = store();
    let compiled = compile(&store, feeds, None).unwrap();
    let database = Database::open(&store, &compiled.digest).unwrap();
    (folder, compiled, database)
}

/// The holes of one package.
pub fn holes(database: &Database, purl: &str) -> Vec<Hole> {
    database.find(&[purl]).unwrap().into_iter().map(|hit| hit.hole).collect()
}
