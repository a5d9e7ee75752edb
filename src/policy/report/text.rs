//! Plain text for a terminal: what is denied first, a line for each finding, and then what to do.

use super::advisory::{newest, percent, score};
use super::group::{Change, Group, groups, hole};
use super::tidy::Tidy;
use crate::evidence::scan::{Finding, SpecLine, Weight};
use crate::policy::{Judged, Outcome};
use crate::rules::Severity;

/// Columns of a page.
pub(super) const WIDTH: usize = 100;
/// Columns of the widest severity and two more.
const SEVERITY: usize = 12;
/// Columns of the name of a hole; longer ones push the rest of their line.
const HOLE: usize = 20;

pub(super) fn page(tidy: &Tidy<'_>) -> String {
    let mut page = Page(String::new());
    page.line(&format!("{}  {}", tidy.name, tidy.report.platform));
    page.line(&tidy.report.digest.to_string());
    page.line(&headline(tidy));
    let groups = groups(&tidy.verdict);
    let mut outcome = None;
    if !tidy.verdict.missing.is_empty() {
        page.heading("missing");
        for missing in &tidy.verdict.missing {
            page.ends(&missing.what, &place(&missing.at));
        }
    }
    for group in &groups {
        if outcome != Some(group.outcome) {
            page.heading(group.outcome.name());
            outcome = Some(group.outcome);
        } else {
            page.line("");
        }
        write_group(&mut page, group);
    }
    if !tidy.verdict.unused.is_empty() {
        page.heading("acceptances that nothing needed");
        for unused in &tidy.verdict.unused {
            page.ends(&unused.clause, &place(&unused.at));
        }
    }
    page.line("");
    match &tidy.database {
        Some(database) => page.line(&format!("advisories: {}, made {}", database.name, database.updated)),
        None => page.line("advisories: none; nobody looked for holes"),
    }
    page.0
}

/// The verdict in a line.
pub(super) fn headline(tidy: &Tidy<'_>) -> String {
    let verdict = if tidy.verdict.passed { "PASSED" } else { "DENIED" };
    let counts = [Outcome::Denied, Outcome::Warned, Outcome::Accepted, Outcome::Noted];
    let counts: Vec<String> = counts.map(|outcome| format!("{} {}", tidy.count(outcome), outcome.name())).into();
    let missing = match tidy.verdict.missing.len() {
        0 => String::new(),
        count => format!(", {count} missing"),
    };
    format!("{verdict} on {}: {}{missing}", tidy.verdict.day, counts.join(", "))
}

fn write_group(page: &mut Page, group: &Group<'_>) {
    let mut end: Vec<String> = group.at.iter().map(place).collect();
    end.extend((!group.through.is_empty()).then(|| format!("because of {}", group.through.join(" → "))));
    page.ends(&group.change.subject(), &end.join(", "));
    for judged in &group.findings {
        page.line(&finding_line(judged, group));
        if let Some(expired) = &judged.expired {
            page.line(&format!("  {:SEVERITY$}accepted until {}, {}", "", expired.until, place(&expired.at)));
        }
    }
    if let Some(by) = group.by() {
        page.line(&format!("  clause: {}, {}", by.clause, place(&by.at)));
    }
    if !matches!(group.change, Change::Nothing { .. }) {
        page.wrapped("  → ", &group.change.sentence());
    }
}

fn finding_line(judged: &Judged, group: &Group<'_>) -> String {
    let finding = &judged.finding;
    let severity = finding.severity.map_or("unknown", Severity::name);
    let other = if judged.outcome == group.outcome { String::new() } else { format!("({}) ", judged.outcome.name()) };
    let until = match (judged.outcome, judged.because.first().and_then(|because| because.until)) {
        (Outcome::Accepted, Some(until)) => format!("until {until}  "),
        _ => String::new(),
    };
    let about = match (hole(finding), &group.change) {
        (Some(hole), Change::Nothing { .. }) => format!("{:HOLE$} {other}{} {}", hole.id, hole.name, hole.version),
        (Some(hole), _) => {
            let facts = facts(hole);
            let facts = if facts.is_empty() { facts } else { facts + "  " };
            let summary = if hole.summary.is_empty() { &finding.title } else { &hole.summary };
            format!("{:HOLE$} {other}{facts}{summary}", hole.id)
        }
        (None, _) => format!("{other}{}{}", finding.title, found_at(finding)),
    };
    format!("  {severity:SEVERITY$}{until}{about}")
}

/// What makes a hole urgent, in a few words.
pub(super) fn facts(hole: &Weight) -> String {
    let mut facts: Vec<String> = Vec::new();
    facts.extend(newest(hole).map(|tenths| format!("{:>4}", score(tenths))));
    facts.extend(
        hole.exploited.is_some().then(|| if hole.ransomware { "exploited for ransom" } else { "exploited" }.to_owned()),
    );
    // Below a percent it says nothing.
    facts.extend(hole.epss.filter(|share| *share >= 10_000).map(|share| format!("EPSS {}", percent(share))));
    facts.join("  ")
}

/// Where it is in the image, unless its title says so.
fn found_at(finding: &Finding) -> String {
    let named = |path: &&str| !finding.title.contains(*path);
    let mut places = finding.places.iter().filter_map(|place| place.path.as_deref().or(place.part.as_deref()));
    match places.next().filter(named) {
        None => String::new(),
        Some(first) => match places.count() {
            0 => format!(": {first}"),
            more => format!(": {first} and {more} more"),
        },
    }
}

pub(super) fn place(at: &SpecLine) -> String {
    format!("{}:{}", at.file, at.line)
}

/// Lines of at most [`WIDTH`] columns.
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0 += cut(text, WIDTH).trim_end();
        self.0.push('\n');
    }

    fn heading(&mut self, name: &str) {
        self.line("");
        self.line(&format!("{name} {}", "─".repeat(WIDTH.saturating_sub(columns(name) + 1))));
    }

    /// A text at the left and one at the right border.
    fn ends(&mut self, left: &str, right: &str) {
        let right = cut(right, WIDTH / 2);
        let left = cut(left, WIDTH.saturating_sub(columns(&right) + 2));
        let between = WIDTH.saturating_sub(columns(&left) + columns(&right));
        self.line(&format!("{left}{}{right}", " ".repeat(between)));
    }

    /// A text in as many lines as it needs, those after the first as far in as `start` is wide.
    fn wrapped(&mut self, start: &str, text: &str) {
        let indent = " ".repeat(columns(start));
        let mut line = start.to_owned();
        let mut words = false;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if words && columns(&line) + 1 + columns(word) > WIDTH {
                self.line(&line);
                (line, words) = (indent.clone(), false);
            }
            if words {
                line.push(' ');
            }
            line += word;
            words = true;
        }
        self.line(&line);
    }
}

fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let room = left.checked_sub(wide(*c));
        left = room.unwrap_or(left);
        room.is_some()
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

fn columns(text: &str) -> usize {
    text.chars().map(wide).sum()
}

/// How many columns a character takes: the blocks of Unicode whose characters are wide (UAX #11) take two.
fn wide(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe10}'..='\u{fe1f}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => 2,
        '\u{ffe0}'..='\u{ffe6}' | '\u{1f000}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
