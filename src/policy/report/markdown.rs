//! Markdown for the page of a job: GitHub's dialect, which GitLab and others read too.
//!
//! Texts of others are escaped: they make no element, no link, no picture, no mention of anybody and no row of a table.

use super::advisory::advisory;
use super::group::{Change, Group, groups, hole};
use super::text::{facts, headline, place};
use super::tidy::{Tidy, line};
use crate::policy::{Judged, Outcome};
use crate::rules::Severity;

/// GitHub takes 1 MiB for a step, GitLab as much for a comment; the end and the page around it need room too.
const MAX: usize = 900_000;
/// Findings of one group that are told in its row.
const MAX_ROW: usize = 30;
/// Characters of a text in a table.
const CELL: usize = 200;

pub(super) fn page(tidy: &Tidy<'_>) -> String {
    let groups = groups(&tidy.verdict);
    let mark = if tidy.verdict.passed { "✅" } else { "❌" };
    let mut page = format!("## {mark} {}\n\n", escape(&headline(tidy)));
    page += &format!(
        "{} · {}\n\n",
        code(&format!("{}@{}", tidy.name, tidy.report.digest)),
        code(&tidy.report.platform.to_string())
    );
    if !tidy.verdict.missing.is_empty() {
        page += "**Missing**\n\n";
        for missing in &tidy.verdict.missing {
            page += &format!("- {} ({})\n", escape(&missing.what), code(&place(&missing.at)));
        }
        page.push('\n');
    }
    for outcome in [Outcome::Denied, Outcome::Warned, Outcome::Noted, Outcome::Accepted] {
        let of: Vec<&Group<'_>> = groups.iter().filter(|group| group.outcome == outcome).collect();
        if of.is_empty() {
            continue;
        }
        let findings: usize = of.iter().map(|group| group.findings.len()).sum();
        let folded = matches!(outcome, Outcome::Accepted | Outcome::Noted);
        page += &if folded {
            format!("<details><summary>{} ({findings})</summary>\n\n", heading(outcome))
        } else {
            format!("### {} ({findings})\n\n", heading(outcome))
        };
        page += match outcome {
            Outcome::Accepted => "| Accepted | Why | Where |\n|---|---|---|\n",
            _ => "| Severity | What to change | Where | What it is |\n|---|---|---|---|\n",
        };
        table(&mut page, &of);
        page += if folded { "\n</details>\n\n" } else { "\n" };
    }
    if let Some(database) = &tidy.database {
        page += &format!("Advisories: {}, made {}.\n", code(&database.name), database.updated);
    }
    page
}

fn heading(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Denied => "Denied",
        Outcome::Warned => "Warned",
        Outcome::Accepted => "Accepted",
        Outcome::Noted => "Noted",
    }
}

fn table(page: &mut String, groups: &[&Group<'_>]) {
    for (i, group) in groups.iter().enumerate() {
        let row = row(group);
        if page.len() + row.len() > MAX {
            *page += &format!("\nand {} more that have no room here\n", groups.len() - i);
            return;
        }
        *page += &row;
    }
}

fn row(group: &Group<'_>) -> String {
    let at = group.at.as_ref().map(|at| code(&place(at))).unwrap_or_default();
    let through = match group.through.as_slice() {
        [] => String::new(),
        chain => format!("<br>because of {}", code(&chain.join(" → "))),
    };
    let findings: Vec<String> = group.findings.iter().take(MAX_ROW).map(|judged| finding(judged, group)).collect();
    let more = group.findings.len() - findings.len();
    let more = if more > 0 { format!("<br>and {more} more") } else { String::new() };
    let findings = format!("{}{more}", findings.join("<br>"));
    if let Change::Nothing { reason } = &group.change {
        return format!("| {findings} | {} | {at} |\n", cell(reason));
    }
    let severity = group.severity.map_or("unknown", Severity::name);
    let change = group.change.sentence();
    let by = group.by().map(|by| format!("<br>clause: {}", code(&by.clause))).unwrap_or_default();
    format!(
        "| {severity} | **{}**<br>{}{by} | {at}{through} | {findings} |\n",
        cell(&group.change.subject()),
        cell(&change)
    )
}

fn finding(judged: &Judged, group: &Group<'_>) -> String {
    let finding = &judged.finding;
    let other = if judged.outcome == group.outcome { String::new() } else { format!(" ({})", judged.outcome.name()) };
    let until = match (judged.outcome, judged.because.first().and_then(|because| because.until)) {
        (Outcome::Accepted, Some(until)) => format!(" until {until}"),
        _ => String::new(),
    };
    let Some(hole) = hole(finding) else { return format!("{}{until}{other}", cell(&finding.title)) };
    let name = match advisory(&hole.id).page {
        // An address that is built here, of a name without a sign that could end it.
        Some(page) => format!("[{}]({page})", escape(&hole.id)),
        None => code(&hole.id),
    };
    let about = match &group.change {
        Change::Nothing { .. } => code(&format!("{} {}", hole.name, hole.version)),
        _ => format!("{} {}", escape(facts(hole).trim()).replace("  ", " · "), cell(&hole.summary)),
    };
    format!("{name} {}{until}{other}", about.trim())
}

/// A text in a table. What stands between backquotes, as names do in kiln's own sentences, is code.
fn cell(text: &str) -> String {
    let text = line(text, CELL);
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return escape(&text);
    }
    let piece = |(i, piece): (usize, &&str)| match (i % 2, *piece) {
        (0, piece) => escape(piece),
        (_, "") => "\\`\\`".to_owned(),
        (_, piece) => code(piece),
    };
    pieces.iter().enumerate().map(piece).collect()
}

/// A text that is nothing but text. Into what would mention somebody, or link a number or an address, comes a word
/// joiner (U+2060): escaping does not help there, as these are looked for in the finished page.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '@' => out += "@\u{2060}",
            '#' => out += "\\#\u{2060}",
            ':' if rest.peek() == Some(&'/') => out += ":\u{2060}",
            '.' if ends_with_www(&out) => out += "\u{2060}.",
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '+' | '!' | '|' | '~' | '"' | '\'' | '=' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn ends_with_www(text: &str) -> bool {
    text.len().checked_sub(3).and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// A name in the letters of code.
pub(super) fn code(text: &str) -> String {
    let text = line(text, 2 * CELL);
    // What could end the code or the cell around it is escaped as text is.
    if text.contains(['|', '`', '\\', '<', '>', '&']) {
        format!("<code>{}</code>", escape(&text))
    } else {
        format!("`{text}`")
    }
}
