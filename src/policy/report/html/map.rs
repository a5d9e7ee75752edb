//! The map of what takes room, with the worst that was found in each part.

use super::markup::{Html, tag};
use super::treemap::{Area, squarify};
use super::{bytes, table, word};
use crate::policy::Outcome;
use crate::policy::report::Share;
use crate::policy::report::group::hole;
use crate::policy::report::tidy::Tidy;
use crate::rules::Severity;
use std::collections::BTreeMap;

/// Units of the map; a unit is a pixel on a wide screen.
const MAP: Area = Area { x: 0, y: 0, width: 1160, height: 400 };
/// Parts with an area of their own; what is smaller is together.
const MAX_PARTS: usize = 100;
/// Width of a letter and height of a line of the labels.
const LETTER: (u32, u32) = (7, 18);

/// The worst severity of a package's open holes, and their number.
type Worst<'a> = BTreeMap<&'a str, (Option<Severity>, usize)>;

/// A rectangle of the map before it is drawn.
struct Part<'a> {
    name: String,
    size: u64,
    class: &'static str,
    holes: usize,
    purl: Option<&'a str>,
}

pub(super) fn section(tidy: &Tidy<'_>) -> Html {
    let worst = worst(tidy);
    let mut shares: Vec<&Share> = tidy.shares.iter().filter(|share| share.size > 0).collect();
    if shares.is_empty() {
        return Html::default();
    }
    shares.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| (&a.name, &a.purl).cmp(&(&b.name, &b.purl))));
    let total: u128 = shares.iter().map(|share| u128::from(share.size)).sum();
    let mut parts: Vec<Part<'_>> = shares.iter().take(MAX_PARTS).map(|share| part(share, &worst)).collect();
    let small = shares.get(MAX_PARTS..).unwrap_or_default();
    if !small.is_empty() {
        let size = small.iter().fold(0, |sum: u64, share| sum.saturating_add(share.size));
        let name = format!("{} smaller ones", small.len());
        parts.push(Part { name, size, class: "other", holes: 0, purl: None });
        parts.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
    }
    let sizes: Vec<u64> = parts.iter().map(|part| part.size).collect();
    let areas = squarify(&sizes, MAP);
    let drawn = parts.iter().zip(&areas).filter(|(_, area)| area.width > 0 && area.height > 0);
    let label = format!("{} parts, {} in all", shares.len(), bytes(u64::try_from(total).unwrap_or(u64::MAX)));
    let svg = tag("svg")
        .with("viewBox", format!("0 0 {} {}", MAP.width, MAP.height))
        .with("role", "img")
        .with("aria-label", format!("Map of the image: {label}; the same as a table below"))
        .of(drawn.map(|(part, area)| draw(part, area)).collect());
    let rows = parts.iter().map(|part| row(part, total));
    let columns = ["Part", "Size", "Share", "Worst", "Holes"];
    let details = tag("summary").text("as a table").and(table("Parts of the image by size", &columns, rows));
    let about = "The colour tells the worst hole that is open in a package; the number behind a name counts them.";
    tag("p").class("quiet").text(format!("{label}. {about}")).and(svg).and(tag("details").of(details))
}

fn worst<'a>(tidy: &'a Tidy<'_>) -> Worst<'a> {
    let mut worst = Worst::new();
    for (judged, _) in tidy.findings().filter(|(judged, _)| judged.outcome != Outcome::Accepted) {
        if let Some(hole) = hole(&judged.finding) {
            let (severity, count) = worst.entry(&hole.package).or_default();
            *severity = (*severity).max(judged.finding.severity);
            *count += 1;
        }
    }
    worst
}

fn part<'a>(share: &'a Share, worst: &Worst<'_>) -> Part<'a> {
    let purl = share.purl.as_deref();
    let found = purl.and_then(|purl| worst.get(purl));
    let class = found.map_or("none", |(severity, _)| word(*severity));
    Part { name: share.name.clone(), size: share.size, class, holes: found.map_or(0, |(_, count)| *count), purl }
}

fn draw(part: &Part<'_>, area: &Area) -> Html {
    let number = |value: u32| value.to_string();
    let rect = tag("rect")
        .class(part.class)
        .with("x", number(area.x))
        .with("y", number(area.y))
        .with("width", number(area.width))
        .with("height", number(area.height))
        .of(Html::default());
    let holes = if part.holes > 0 { format!(", {} holes, worst {}", part.holes, part.class) } else { String::new() };
    let title = tag("title").text(format!("{}: {}{holes}", part.purl.unwrap_or(&part.name), bytes(part.size)));
    let label = if part.holes > 0 { format!("{} · {}", part.name, part.holes) } else { part.name.clone() };
    let (letter, line) = LETTER;
    let room = usize::try_from(area.width.saturating_sub(12) / letter).unwrap_or_default();
    // The beginning of a name still says which, that of a size would say another.
    let size = Some(bytes(part.size)).filter(|size| size.chars().count() <= room);
    let lines = std::iter::once(shortened(&label, room)).chain(size).enumerate().filter_map(|(i, label)| {
        let at = line * (u32::try_from(i).ok()? + 1);
        let fits = room > 3 && area.height >= at + 6;
        fits.then(|| tag("text").with("x", number(area.x + 6)).with("y", number(area.y + at)).text(label))
    });
    tag("g").of(title.and(rect).and(lines.collect()))
}

fn shortened(label: &str, room: usize) -> String {
    if label.chars().count() <= room {
        return label.to_owned();
    }
    label.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn row(part: &Part<'_>, total: u128) -> Html {
    let tenths = (u128::from(part.size) * 1000).checked_div(total).unwrap_or_default();
    let share = format!("{}.{} %", tenths / 10, tenths % 10);
    let worst = if part.holes > 0 { part.class } else { "" };
    let holes = if part.holes > 0 { part.holes.to_string() } else { String::new() };
    tag("tr").of(tag("td")
        .text(&part.name)
        .and(tag("td").class("short").text(bytes(part.size)))
        .and(tag("td").class("short").text(share))
        .and(tag("td").text(worst))
        .and(tag("td").text(holes)))
}
