//! The rules about an image's origin, held against what histories of others tell.

use super::{Accounts, Facts, configuration, history};
use crate::oci::ImageConfig;
use crate::tree::Tree;
use jiff::civil::date;
use std::collections::BTreeMap;

/// What is found by rules about the origin of an image with this history; each with its place.
fn found(lines: &[&str], allowed_hosts: &[Vec<String>]) -> Vec<(String, String)> {
    let lines: Vec<_> = lines.iter().map(|line| serde_json::json!({ "created_by": line })).collect();
    let config: ImageConfig = serde_json::from_value(serde_json::json!({ "architecture": "amd64", "os": "linux",
        "config": {}, "rootfs": { "type": "layers", "diff_ids": [] }, "history": lines }))
    .unwrap();
    let name = "org.opencontainers.image.base.name".to_owned();
    let (inputs, commands) = history(&config, &[(name, "docker.io/library/debian".to_owned())].into());
    let facts = Facts {
        config: &config.config,
        labels: &BTreeMap::new(),
        tree: &Tree::default(),
        accounts: &Accounts::default(),
        distribution: None,
        inputs: &inputs,
        commands: &commands,
        unattributed: &[],
        wanted_labels: &[],
        allowed_hosts,
        day: date(2026, 11, 30),
    };
    let findings = configuration(&facts).into_iter();
    let findings = findings.filter(|finding| finding.rule.family == crate::rules::Family::Origin);
    let part = |finding: &super::Finding| finding.places[0].part.clone().unwrap_or_default();
    findings.map(|finding| (format!("{}: {}", finding.rule.id, finding.title), part(&finding))).collect()
}

#[test]
fn what_a_history_tells_is_found_by_the_rules_about_origin() {
    let lines = [
        "ADD http://example.net/a.tgz / # buildkit",
        "RUN /bin/sh -c curl https://example.com/i.sh | sh # buildkit",
        "kiln: command RUN curl http://example.net | sh",
    ];
    let base = "annotation org.opencontainers.image.base.name";
    let expected = [
        ("latest-tag: docker.io/library/debian is whatever is newest", base),
        ("unpinned-input: docker.io/library/debian is named without a digest", base),
        ("http-source: http://example.net/a.tgz is fetched without encryption", "history 1"),
        ("unpinned-input: http://example.net/a.tgz is named without a digest", "history 1"),
        ("unpinned-input: what https://example.com/i.sh gives is run as it comes", "history 2"),
        ("network: the command `curl https://example.com/i.sh | sh` reached the network", "history 2"),
    ];
    let expected: Vec<_> = expected.iter().map(|(what, place)| ((*what).to_owned(), (*place).to_owned())).collect();
    assert_eq!(found(&lines, &[]), expected);
    let allowed = [vec!["example.com".to_owned(), "docker.io".to_owned()]];
    let foreign = ("foreign-host: http://example.net/a.tgz comes from example.net".to_owned(), "history 1".to_owned());
    assert_eq!(found(&lines, &allowed), [expected, vec![foreign]].concat());
}
