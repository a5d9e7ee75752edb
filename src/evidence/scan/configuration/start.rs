//! How the program starts: user, entry point, ports, health, labels.

use super::{Facts, rule};
use crate::evidence::scan::finding::{Detail, Finding};
use crate::evidence::scan::place::Place;

pub(super) fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(user(facts));
    findings.extend(shell(facts));
    findings.extend(ports(facts));
    findings.extend(health(facts));
    findings.extend(labels(facts));
    findings
}

fn user(facts: &Facts<'_>) -> Vec<Finding> {
    let written = facts.config.user.as_deref().unwrap_or_default();
    let (user, group) = written.split_once(':').map_or((written, None), |(user, group)| (user, Some(group)));
    let root = |title: &str| vec![Finding::plain(rule("root-user"), title, vec![Place::part("user")])];
    if user.is_empty() {
        return root("the image names no user, so its program runs as root");
    }
    let number = user.parse::<u32>().ok().or_else(|| facts.accounts.users.get(user).copied());
    if number == Some(0) || (user == "root" && number.is_none()) {
        return root(&format!("the program runs as root (user {written})"));
    }
    let mut findings = Vec::new();
    let mut unknown = |what: &str, name: &str, file: &str| {
        let title = format!("{file} has no {what} {name}, so the program does not start");
        findings.push(Finding::plain(rule("unknown-user"), title, vec![Place::part("user")]));
    };
    if number.is_none() {
        unknown("user", user, "/etc/passwd");
    }
    if let Some(group) =
        group.filter(|group| group.parse::<u32>().is_err() && !facts.accounts.groups.contains_key(*group))
    {
        unknown("group", group, "/etc/group");
    }
    findings
}

/// Whether a shell stands between the runtime and the program.
fn shell(facts: &Facts<'_>) -> Option<Finding> {
    let (entrypoint, cmd) = (facts.config.entrypoint.as_deref(), facts.config.cmd.as_deref());
    let command: Vec<&str> = entrypoint.into_iter().chain(cmd).flatten().map(String::as_str).collect();
    let program = command.first()?.rsplit('/').next()?;
    let reads_text = command.get(1).is_some_and(|flag| flag.starts_with('-') && flag.ends_with('c'));
    let is_shell = super::programs::SHELLS.contains(&program) && reads_text;
    let title = format!("the program is started by {program}, which gets its signals");
    is_shell.then(|| Finding::plain(rule("shell-entrypoint"), title, vec![Place::part("entrypoint")]))
}

fn ports(facts: &Facts<'_>) -> Vec<Finding> {
    let ports = facts.config.exposed_ports.iter().flatten().filter_map(|(written, _)| {
        let number = written.split('/').next()?;
        let first = number.split('-').next()?.parse::<u32>().ok()?;
        (1..1024).contains(&first).then_some((written, first))
    });
    let found = ports.map(|(written, first)| {
        let title =
            format!("port {first} is below 1024: only root may listen there, where the kernel is not told otherwise");
        Finding::plain(rule("privileged-port"), title, vec![Place::part(format!("port {written}"))])
    });
    found.collect()
}

fn health(facts: &Facts<'_>) -> Option<Finding> {
    let says_none = |test: &[String]| test.is_empty() || test.first().is_some_and(|word| word == "NONE");
    let missing = facts.config.healthcheck.as_ref().is_none_or(|check| says_none(&check.test));
    let place = vec![Place::part("healthcheck")];
    missing.then(|| Finding::plain(rule("missing-healthcheck"), "nothing tells whether the program is well", place))
}

fn labels(facts: &Facts<'_>) -> Vec<Finding> {
    let missing = facts.wanted_labels.iter().filter(|name| facts.labels.get(*name).is_none_or(String::is_empty));
    let found = missing.map(|name| {
        let rule = rule("missing-label");
        let detail = Detail::Label { name: name.clone() };
        let mut finding = Finding::new(
            rule,
            Some(rule.severity),
            format!("the label {name} is missing"),
            detail,
            vec![Place::part(format!("label {name}"))],
        );
        finding.remedy = format!("add it: `label \"{name}\"=\"…\"`");
        finding
    });
    found.collect()
}
