//! One HTML page that needs nothing else: no script, no picture, no address that it would load, and a policy for the
//! browser that forbids them.

mod changes;
mod evidence;
mod map;
mod markup;
mod treemap;

use super::group::groups;
use super::text::place;
use super::tidy::Tidy;
use crate::oci::Digest;
use crate::policy::Outcome;
use crate::rules::Severity;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use markup::{Html, tag, text};

/// The one style of the page.
const STYLE: &str = include_str!("style.css");

pub(super) fn page(tidy: &Tidy<'_>) -> String {
    let groups = groups(&tidy.verdict);
    let (accepted, open): (Vec<_>, Vec<_>) = groups.iter().partition(|group| group.outcome == Outcome::Accepted);
    let sections = [
        ("missing", "Missing", missing(tidy)),
        ("changes", "What to change", changes::section(&open)),
        ("map", "What takes room", map::section(tidy)),
        ("accepted", "Accepted", changes::accepted(&accepted)),
        ("evidence", "Evidence", evidence::section(tidy)),
        ("packages", "Packages", evidence::packages(tidy)),
        ("layers", "Layers", evidence::layers(tidy)),
    ];
    let there = || sections.iter().filter(|(_, _, body)| !body.is_empty());
    let link =
        |(id, name, _): &(&str, &'static str, Html)| tag("li").of(tag("a").with("href", format!("#{id}")).text(name));
    let nav = tag("nav").with("aria-label", "Sections").of(tag("ul").of(there().map(link).collect()));
    let head = head(tidy);
    let header = header(tidy);
    let body = sections.into_iter().filter(|(_, _, body)| !body.is_empty()).map(|(id, name, body)| {
        let heading = tag("h2").with("id", format!("{id}-name")).text(name);
        tag("section").with("id", id).with("aria-labelledby", format!("{id}-name")).of(heading.and(body))
    });
    let main = tag("main").with("id", "main").of(body.collect());
    let skip = tag("a").class("skip").with("href", "#main").text("Skip to the findings");
    let body = skip.and(header).and(nav).and(main).and(footer(tidy));
    let page = tag("html").with("lang", "en").of(head.and(tag("body").of(body)));
    Html::raw("<!doctype html>\n").and(page).and(Html::raw("\n")).into_string()
}

fn head(tidy: &Tidy<'_>) -> Html {
    let verdict = if tidy.verdict.passed { "passed" } else { "denied" };
    [
        tag("meta").with("charset", "utf-8").void(),
        tag("meta").with("http-equiv", "Content-Security-Policy").with("content", policy()).void(),
        tag("meta").with("name", "viewport").with("content", "width=device-width,initial-scale=1").void(),
        tag("meta").with("name", "referrer").with("content", "no-referrer").void(),
        tag("title").text(format!("{} {verdict}", tidy.name)),
        tag("style").of(Html::raw(STYLE)),
    ]
    .into_iter()
    .collect()
}

/// Nothing may be loaded, sent or run, and no style counts but the one that stands in the page, by its digest (CSP
/// Level 3, section 2.3.1).
fn policy() -> String {
    let style = BASE64_STANDARD.encode(Digest::of(STYLE).as_bytes());
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

fn header(tidy: &Tidy<'_>) -> Html {
    let (word, class) =
        if tidy.verdict.passed { ("PASSED", "verdict passed") } else { ("DENIED", "verdict denied-verdict") };
    let verdict = tag("span").class(class).text(word);
    let day = text(" ").and(tag("span").class("quiet").text(format!("judged on {}", tidy.verdict.day)));
    let image = tag("p")
        .class("quiet")
        .of(tag("code").text(tidy.report.digest.to_string()).text(format!(" · {}", tidy.report.platform)));
    let tile = |count: usize, what: &str| tag("li").of(tag("b").text(count.to_string()).text(what));
    let missing = (!tidy.verdict.missing.is_empty()).then(|| tile(tidy.verdict.missing.len(), "missing"));
    let outcomes = [Outcome::Denied, Outcome::Warned, Outcome::Accepted, Outcome::Noted];
    let outcomes = outcomes.map(|outcome| tile(tidy.count(outcome), outcome.name()));
    let packages = tile(tidy.components.len(), "packages");
    let tiles = tag("ul").class("tiles").of(missing.into_iter().chain(outcomes).chain([packages]).collect());
    tag("header").of(verdict.and(day).and(tag("h1").text(&tidy.name)).and(image).and(tiles))
}

fn missing(tidy: &Tidy<'_>) -> Html {
    let item = |missing: &crate::policy::Missing| {
        tag("li").of(text(&missing.what).text(" ").and(tag("code").class("quiet").text(place(&missing.at))))
    };
    match tidy.verdict.missing.as_slice() {
        [] => Html::default(),
        all => tag("ul").of(all.iter().map(item).collect()),
    }
}

fn footer(tidy: &Tidy<'_>) -> Html {
    tag("footer").text(format!("Written by kiln {}.", tidy.report.version))
}

/// The word for a severity, which is its class too.
fn word(severity: Option<Severity>) -> &'static str {
    severity.map_or("unknown", Severity::name)
}

fn chip(severity: Option<Severity>) -> Html {
    tag("span").class(format!("chip {}", word(severity))).text(word(severity))
}

/// A table with a caption for those who do not see it, in a box that scrolls.
fn table(label: &'static str, columns: &[&'static str], rows: impl IntoIterator<Item = Html>) -> Html {
    let columns = columns.iter().map(|name| tag("th").with("scope", "col").text(name)).collect();
    let head = tag("thead").of(tag("tr").of(columns));
    let table = tag("table").with("aria-label", label).of(head.and(tag("tbody").of(rows.into_iter().collect())));
    tag("div").class("wide").of(table)
}

/// Bytes in the unit that suits them.
fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if size < 1024 {
        return format!("{size} B");
    }
    let mut tenths = u128::from(size) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1024, unit + 1);
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}
