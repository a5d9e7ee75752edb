//! What became of published images.

use crate::pipeline::{HoleReport, ImageStanding, RescanReport, RescanTotals, RescannedImage};

/// Columns of the widest severity and two more.
const SEVERITY: usize = 12;
/// Columns of the name of a hole; longer ones push the rest of their line.
const HOLE: usize = 20;

/// The images of which there is something to tell, and in the last line the sums.
pub(in crate::cli) fn rescan(report: &RescanReport) -> String {
    let mut out = String::new();
    for image in report.images.iter().filter(|image| is_worth_telling(image)) {
        one_image(&mut out, image);
        out.push('\n');
    }
    for name in &report.unreadable {
        out += &format!("{}\n  UNREADABLE: {}\n\n", name.name, name.problem);
    }
    out += &last_line(report);
    out
}

fn is_worth_telling(image: &RescannedImage) -> bool {
    image.standing != ImageStanding::Passed
        || image.holes.iter().any(|hole| hole.new)
        || !(image.gone.is_empty() && image.findings.is_empty() && image.attached.is_empty())
        || image.problem.is_some()
        || image.not_attached.is_some()
}

fn one_image(out: &mut String, image: &RescannedImage) {
    let platform = image.platform.as_ref().map(|platform| format!("  {platform}")).unwrap_or_default();
    let tags = if image.tags.is_empty() { String::new() } else { format!("  {}", image.tags.join(", ")) };
    *out += &format!("{}@{}{platform}{tags}\n", image.repository, image.digest);
    *out += &format!("  {}\n", headline(image));
    if let Some(problem) = &image.problem {
        *out += &format!("  {problem}\n");
    }
    let (new, known): (Vec<_>, Vec<_>) = image.holes.iter().partition(|hole| hole.new);
    let (denied, known): (Vec<_>, Vec<_>) = known.into_iter().partition(|hole| hole.outcome == "denied");
    holes(out, "new", &new);
    holes(out, "known, and denied", &denied);
    for gone in &image.gone {
        let package = gone.package.as_deref().unwrap_or_default();
        *out += format!("  gone        {:HOLE$} {package}", gone.id).trim_end();
        out.push('\n');
    }
    if !known.is_empty() {
        *out += &format!("  known       {} holes more\n", known.len());
    }
    for finding in &image.findings {
        *out += &format!("  {:SEVERITY$}{}\n", finding.outcome, finding.title);
    }
    if !image.attached.is_empty() {
        *out += &format!("  attached    {} statements\n", image.attached.len());
    }
    if let Some(problem) = &image.not_attached {
        *out += &format!("  NOT ATTACHED: {problem}\n");
    }
}

fn headline(image: &RescannedImage) -> String {
    let standing = match image.standing {
        ImageStanding::Passed => "PASSED",
        ImageStanding::Denied => "DENIED",
        ImageStanding::Unjudged => return "UNJUDGED".to_owned(),
        ImageStanding::Unreadable => return "UNREADABLE".to_owned(),
    };
    let new = image.holes.iter().filter(|hole| hole.new).count();
    let counts = format!("{new} new, {} known, {} gone", image.holes.len() - new, image.gone.len());
    let last =
        image.last.as_ref().map_or("never judged before".to_owned(), |last| format!("last judged {}", last.time));
    let then = match image.passed_then {
        None => "",
        Some(true) => ", and passed then",
        Some(false) => ", and denied then",
    };
    format!("{standing}: {counts}; {last}{then}")
}

fn holes(out: &mut String, title: &str, holes: &[&HoleReport]) {
    if !holes.is_empty() {
        *out += &format!("  {title}\n");
    }
    for hole in holes {
        let repair = match hole.fixed.first() {
            Some(version) => format!("repaired in {version}"),
            None => "no repair yet".to_owned(),
        };
        let exploited = if hole.exploited.is_some() { ", exploited" } else { "" };
        let outcome = if hole.outcome == "noted" { String::new() } else { format!(", {}", hole.outcome) };
        let (severity, id, name, version) = (hole.severity, &hole.id, &hole.name, &hole.version);
        *out += &format!("    {severity:SEVERITY$}{id:HOLE$} {name} {version}, {repair}{exploited}{outcome}\n");
    }
}

fn last_line(report: &RescanReport) -> String {
    let RescanTotals { images, never_judged, denied, unjudged, unreadable, unattached, new, gone } = report.totals;
    let count = |number: usize, what: &str| match number {
        0 => String::new(),
        some => format!(", {some} {what}"),
    };
    format!(
        "{images} images on {}: {denied} denied, {new} new holes, {gone} gone{}{}{}{}{}; advisories of {}\n",
        report.day,
        count(never_judged, "never judged before"),
        count(unjudged, "unjudged"),
        count(unreadable, "unreadable"),
        count(unattached, "without their fresh verdict"),
        count(report.others, "tags of other things"),
        report.database.date,
    )
}
