//! What the verdict stands on: claims, signatures, database and policies; packages and layers.

use super::markup::{Html, tag};
use super::{bytes, table};
use crate::evidence::scan::Component;
use crate::oci::Digest;
use crate::policy::report::text::place;
use crate::policy::report::tidy::Tidy;

pub(super) fn section(tidy: &Tidy<'_>) -> Html {
    let mut rows: Vec<Html> = Vec::new();
    rows.extend(tidy.signatures.iter().map(|signature| {
        let kind = match signature.verified {
            None => "signature",
            Some(true) => "signature of the key",
            Some(false) => "signature, not of the key",
        };
        row(kind, &signature.by, &signature.digest)
    }));
    rows.extend(tidy.attestations.iter().map(|claim| {
        let kind = match claim.verified {
            None => "attestation",
            Some(true) => "attestation, signed by the key",
            Some(false) => "attestation, not signed by the key",
        };
        row(kind, &claim.predicate, &claim.digest)
    }));
    rows.extend(tidy.verdict.policies.iter().map(|policy| row("policy", &policy.name, &policy.digest)));
    if let Some(database) = &tidy.database {
        let made = format!("{}, made {}", database.name, database.updated);
        rows.push(row("advisories", &made, &database.digest));
    }
    let evidence = if rows.is_empty() { Html::default() } else { table("Evidence", &["Kind", "What", "Digest"], rows) };
    evidence.and(feeds(tidy)).and(unused(tidy))
}

fn row(kind: &'static str, what: &str, digest: &Digest) -> Html {
    let digest = tag("td").class("mono").text(digest.to_string());
    tag("tr").of(tag("td").class("short").text(kind).and(tag("td").text(what)).and(digest))
}

fn feeds(tidy: &Tidy<'_>) -> Html {
    let feeds = tidy.database.iter().flat_map(|database| &database.feeds);
    let rows: Vec<Html> = feeds
        .map(|(name, count)| tag("tr").of(tag("td").text(name).and(tag("td").class("number").text(count.to_string()))))
        .collect();
    if rows.is_empty() {
        return Html::default();
    }
    let summary = tag("summary").text(format!("{} feeds of advisories", rows.len()));
    tag("details").of(summary.and(table("Feeds", &["Feed", "Advisories"], rows)))
}

fn unused(tidy: &Tidy<'_>) -> Html {
    let rows = tidy.verdict.unused.iter().map(|unused| {
        let reason = tag("td").text(unused.reason.as_deref().unwrap_or_default());
        tag("tr").of(tag("td")
            .class("mono")
            .text(&unused.clause)
            .and(reason)
            .and(tag("td").class("mono").text(place(&unused.at))))
    });
    if rows.len() == 0 {
        return Html::default();
    }
    let summary = tag("summary").text(format!("{} acceptances that nothing needed", rows.len()));
    tag("details").of(summary.and(table("Acceptances that nothing needed", &["Acceptance", "Why", "Where"], rows)))
}

pub(super) fn packages(tidy: &Tidy<'_>) -> Html {
    let mut components: Vec<&Component> = tidy.components.iter().collect();
    if components.is_empty() {
        return Html::default();
    }
    components.sort();
    let rows = components.iter().map(|component| {
        let licence = tag("td").text(component.licence.as_deref().unwrap_or_default());
        let purl = tag("td").class("mono").text(&component.purl);
        tag("tr").of(tag("td").text(&component.name).and(tag("td").text(&component.version)).and(licence).and(purl))
    });
    let summary = tag("summary").text(format!("{} packages", components.len()));
    tag("details").of(summary.and(table("Packages", &["Name", "Version", "Licence", "Package URL"], rows)))
}

pub(super) fn layers(tidy: &Tidy<'_>) -> Html {
    let rows = tidy.layers.iter().map(|layer| {
        let about = tag("td").text(&layer.about);
        let size = tag("td").class("short").text(bytes(layer.size));
        tag("tr").of(tag("td").class("mono").text(layer.digest.to_string()).and(size).and(about))
    });
    if rows.len() == 0 { Html::default() } else { table("Layers", &["Digest", "Size", "What it holds"], rows) }
}
