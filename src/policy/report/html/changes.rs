//! Findings on the page: those to do something about, by what to change, and those that are accepted.

use super::markup::{Html, prose, tag, text};
use super::{chip, table, word};
use crate::evidence::scan::{Finding, Place, Weight};
use crate::policy::report::advisory::{advisory, newest, percent, score};
use crate::policy::report::group::{Group, hole};
use crate::policy::report::text::place;
use crate::policy::{Because, Judged, Outcome};
use crate::rules::Severity;
use std::collections::BTreeSet;

/// What to change, and a choice of severities above it.
pub(super) fn section(groups: &[&Group<'_>]) -> Html {
    if groups.is_empty() {
        return tag("p").class("quiet").text("Nothing was found.");
    }
    let severities: BTreeSet<Option<Severity>> =
        groups.iter().flat_map(|group| &group.findings).map(|judged| judged.finding.severity).collect();
    let choices = severities.into_iter().rev().map(word);
    let choice = |name: &'static str| {
        let id = format!("show-{name}");
        let input = tag("input").with("type", "radio").with("name", "show").with("id", &id);
        let input = if name == "all" { input.with("checked", "") } else { input };
        input.void().and(tag("label").with("for", id).text(name))
    };
    let choices: Html = std::iter::once("all").chain(choices).map(choice).collect();
    let filter = tag("fieldset").of(tag("legend").text("Severity").and(choices));
    filter.and(groups.iter().map(|group| article(group)).collect())
}

fn article(group: &Group<'_>) -> Html {
    let severities: BTreeSet<&str> = group.findings.iter().map(|judged| word(judged.finding.severity)).collect();
    let classes: Vec<String> = severities.into_iter().map(|name| format!("has-{name}")).collect();
    let mut place_words: Vec<String> = group.at.iter().map(place).collect();
    place_words.extend((!group.through.is_empty()).then(|| format!("because of {}", group.through.join(" → "))));
    let head = chip(group.severity)
        .and(mark(group.outcome))
        .and(tag("h3").text(group.change.subject()))
        .and(tag("span").class("where mono").text(place_words.join(", ")));
    let sentence = tag("p").class("do").of(prose(&group.change.sentence()));
    let by = group.by().map(|by| {
        let told = text("clause: ").and(tag("code").text(&by.clause));
        tag("p").class("quiet").of(told.text(format!(", {}", place(&by.at))))
    });
    let rows = group.findings.iter().map(|judged| row(judged, group));
    let holes = group.findings.iter().any(|judged| hole(&judged.finding).is_some());
    let columns: &[&'static str] =
        if holes { &["Severity", "Hole", "CVSS", "EPSS", "What it is"] } else { &["Severity", "What it is", "Where"] };
    let table = table("Findings", columns, rows);
    tag("article").class(format!("group {}", classes.join(" "))).of(tag("div")
        .of(head)
        .and(sentence)
        .and(table)
        .and(by.unwrap_or_default()))
}

fn mark(outcome: Outcome) -> Html {
    tag("span").class(format!("mark {}", outcome.name())).text(outcome.name())
}

fn row(judged: &Judged, group: &Group<'_>) -> Html {
    let finding = &judged.finding;
    let severity = tag("td").class("short").of(chip(finding.severity));
    let mut notes = Html::default();
    if judged.outcome != group.outcome {
        notes = notes.text(" ").and(mark(judged.outcome));
    }
    if let Some(expired) = &judged.expired {
        let told = format!("accepted until {} at {}", expired.until, place(&expired.at));
        notes = notes.text(" ").and(tag("span").class("mark").text(told));
    }
    let cells = match hole(finding) {
        Some(hole) => hole_cells(hole, finding, notes),
        None => {
            let places = finding.places.iter().map(|at| tag("div").class("mono").text(told(at))).collect();
            tag("td").of(prose(&finding.title).and(notes)).and(tag("td").of(places))
        }
    };
    tag("tr").with("data-severity", word(finding.severity)).of(severity.and(cells))
}

fn hole_cells(hole: &Weight, finding: &Finding, notes: Html) -> Html {
    let name = name(hole);
    let score = tag("td").class("number").text(newest(hole).map(score).unwrap_or_default());
    let epss = tag("td").class("number").text(hole.epss.map(percent).unwrap_or_default());
    let mut about = text(if hole.summary.is_empty() { &finding.title } else { &hole.summary }).and(notes);
    if let Some(since) = &hole.exploited {
        let ransom = if hole.ransomware { " for ransom" } else { "" };
        let mark = tag("span").class("mark exploited").text(format!("exploited{ransom} since {since}"));
        about = mark.text(" ").and(about);
    }
    let fixed = match hole.fixed.first() {
        Some(version) => format!("repaired in {version}"),
        None => hole.state.clone().unwrap_or_else(|| "not repaired yet".to_owned()),
    };
    about = about.text(" ").and(tag("span").class("quiet").text(fixed));
    tag("td").class("short").of(name).and(score).and(epss).and(tag("td").of(about))
}

fn name(hole: &Weight) -> Html {
    match advisory(&hole.id).page {
        Some(page) => tag("a").to(&page).text(&hole.id),
        None => text(&hole.id),
    }
}

/// A place in words.
fn told(at: &Place) -> String {
    let mut words: Vec<String> = Vec::new();
    let line = at.line.map(|line| format!(":{line}")).unwrap_or_default();
    words.extend(
        at.path.as_ref().map(|path| [std::slice::from_ref(path), &at.inside].concat().join("!") + line.as_str()),
    );
    words.extend(at.part.clone());
    words.extend(at.origin.owner.as_ref().map(|owner| format!("brought by {owner}")));
    words.extend(at.origin.stages.first().map(|stage| format!("from stage {stage}")));
    words.join(", ")
}

/// What is accepted, folded: whoever looks for what to do passes it over.
pub(super) fn accepted(groups: &[&Group<'_>]) -> Html {
    if groups.is_empty() {
        return Html::default();
    }
    let rows = groups.iter().flat_map(|group| &group.findings).map(|judged| accepted_row(judged));
    let count: usize = groups.iter().map(|group| group.findings.len()).sum();
    let columns = ["Severity", "What", "Why", "Until", "Accepted by"];
    let summary = tag("summary").text(format!("{count} accepted, with reasons"));
    tag("details").of(summary.and(table("Accepted findings", &columns, rows)))
}

fn accepted_row(judged: &Judged) -> Html {
    let finding = &judged.finding;
    let what = match hole(finding) {
        Some(hole) => name(hole).text(format!(" in {} {}", hole.name, hole.version)),
        None => prose(&finding.title),
    };
    let each = |told: &dyn Fn(&Because) -> String| -> Html {
        judged.because.iter().map(|because| tag("div").text(told(because))).collect()
    };
    let reason = each(&|because| because.reason.clone().unwrap_or_default());
    let until = each(&|because| because.until.map_or("no end".to_owned(), |until| until.to_string()));
    let at = each(&|because| place(&because.at));
    tag("tr").of(tag("td")
        .class("short")
        .of(chip(finding.severity))
        .and(tag("td").of(what))
        .and(tag("td").of(reason))
        .and(tag("td").class("short").of(until))
        .and(tag("td").class("mono").of(at)))
}
