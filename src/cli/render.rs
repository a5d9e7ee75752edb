//! Results as people read them, on standard output.

mod rescan;

pub(super) use rescan::rescan;

use crate::pipeline::{
    BuildReport, Changed, CommandDifference, CommandReasons, CopyReport, Difference, Findings, ImageReport, LockReport,
    Outcome, PlatformReport, PublishedReport, Reason, SharedReport, SolveReport, StepReason, TargetReport,
    VerificationReport,
};
use serde_json::Value;
use std::fmt::Write;

/// A number of bytes for people: `1.5 MB`.
pub(super) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// What a build made.
pub(super) fn build(report: &BuildReport) -> String {
    let mut out = String::new();
    for image in &report.images {
        // Writing to a string never fails.
        let _ = one_image(&mut out, image);
    }
    shared(&mut out, &report.shared);
    out
}

fn shared(out: &mut String, places: &[SharedReport]) {
    for SharedReport { place, results, .. } in places {
        let things = if *results == 1 { "result" } else { "results" };
        *out += &format!("shared       {results} {things} of commands in {place}\n");
    }
}

/// What building a stage by itself made.
pub(super) fn target(report: &TargetReport) -> String {
    let mut out = format!("stage {} ({})\n", report.stage, report.platform);
    out += &format!("  files      {}, {}\n", report.files, size(report.unpacked_size));
    for output in &report.outputs {
        let unchanged = if output.unchanged { " (unchanged)" } else { "" };
        out += &format!("  output     {}:{}{unchanged}\n", output.kind, output.path);
    }
    shared(&mut out, &report.shared);
    out
}

/// What solving a graph made.
pub(super) fn solve(report: &SolveReport) -> String {
    let mut out = format!("tree       {}\nfiles      {}, {}\n", report.tree, report.files, size(report.unpacked_size));
    for output in &report.outputs {
        let unchanged = if output.unchanged { " (unchanged)" } else { "" };
        out += &format!("output     {}:{}{unchanged}\n", output.kind, output.path);
    }
    out
}

/// What was found out about commands; of reasons, those of the commands whose names hold one of `wanted`.
pub(super) fn findings(findings: &Findings, wanted: &[String]) -> String {
    let mut out = String::new();
    let is_wanted = |name: &str| wanted.iter().any(|text| text == "all" || name.contains(text.as_str()));
    for CommandReasons { command, why } in findings.reasons.iter().filter(|reasons| is_wanted(&reasons.command)) {
        out += &format!("{command} ran:\n");
        why.iter().for_each(|reason| out += &format!("  {reason}\n"));
    }
    if out.is_empty() && !wanted.is_empty() {
        out += "no command of that name ran: earlier results were used\n";
    }
    for CommandDifference { command, path, what } in &findings.differences {
        out += &format!("{command}: two runs differ in {path}: {what}\n");
    }
    out
}

fn one_image(out: &mut String, image: &ImageReport) -> std::fmt::Result {
    writeln!(out, "{}", image.name)?;
    writeln!(out, "  digest     {}", image.digest)?;
    for platform in &image.platforms {
        one_platform(out, platform, image.platforms.len() > 1)?;
    }
    let whose = match (image.signer.local, image.signer.created) {
        (true, true) => " (a local key, made just now: this machine vouches for the image, nobody else)",
        (true, false) => " (this user's local key: this machine vouches for the image, nobody else)",
        (false, _) => "",
    };
    writeln!(out, "  signed by  {}{whose}", image.signer.key)?;
    for tag in &image.tags {
        writeln!(out, "  tag        {tag}")?;
    }
    for output in &image.outputs {
        let unchanged = if output.unchanged { " (unchanged)" } else { "" };
        writeln!(out, "  output     {}:{}{unchanged}", output.kind, output.path)?;
    }
    for place in &image.published {
        published(out, place)?;
    }
    if let Some(place) = image.published.first() {
        let key = image.signer.public_key.as_deref().unwrap_or("PUBLIC_KEY");
        writeln!(out, "  evidence   beside it; check it with")?;
        return writeln!(out, "             kiln verify {}@{} --key {key}", place.repository, place.digest);
    }
    if let Some(layout) = image.outputs.iter().find(|output| output.kind.starts_with("oci")) {
        let key = image.signer.public_key.as_deref().unwrap_or("PUBLIC_KEY");
        writeln!(out, "  evidence   in the same layout; check it with")?;
        writeln!(out, "             kiln verify {} --key {key}", layout.path)?;
    }
    Ok(())
}

fn published(out: &mut String, place: &PublishedReport) -> std::fmt::Result {
    let sent = match (place.sent, place.mounted) {
        (0, 0) => "all was there".to_owned(),
        (sent, 0) => format!("{} in {sent} blobs, {} were there", size(place.bytes), place.present),
        (sent, mounted) => {
            format!(
                "{} in {sent} blobs, {mounted} from other repositories, {} were there",
                size(place.bytes),
                place.present
            )
        }
    };
    writeln!(out, "  pushed     {}@{}", place.repository, place.digest)?;
    writeln!(out, "             {sent}{}", if place.verified { "; verified there" } else { "; not verified" })?;
    for tag in &place.tags {
        let what = match (&tag.from, tag.moved) {
            (Some(old), _) => format!(" (was {})", short(old)),
            (None, true) => " (new)".to_owned(),
            (None, false) => " (unchanged)".to_owned(),
        };
        writeln!(out, "  released   {}:{}{what}", place.repository, tag.tag)?;
    }
    Ok(())
}

/// What a copy did.
pub(super) fn copy(report: &CopyReport) -> String {
    let mut out = format!("{}\n", report.digest);
    for place in &report.published {
        // Writing to a string never fails.
        let _ = published(&mut out, place);
    }
    for output in &report.outputs {
        let unchanged = if output.unchanged { " (unchanged)" } else { "" };
        out.push_str(&format!("  output     {}:{}{unchanged}\n", output.kind, output.path));
    }
    out
}

fn one_platform(out: &mut String, platform: &PlatformReport, of_several: bool) -> std::fmt::Result {
    if of_several {
        writeln!(out, "  platform   {} {}", platform.platform, platform.digest)?;
    } else {
        writeln!(out, "  platform   {}", platform.platform)?;
    }
    let (packed, unpacked) = (size(platform.size), size(platform.unpacked_size));
    writeln!(out, "  size       {packed}, {unpacked} unpacked, {} files", platform.files)?;
    writeln!(out, "  packages   {}", platform.packages)?;
    writeln!(out, "  layers     {}", platform.layers.len())?;
    for layer in &platform.layers {
        writeln!(out, "    {} {:>9}  {}", short(&layer.digest), size(layer.size), layer.created_by)?;
    }
    for (format, digest) in &platform.sboms {
        writeln!(out, "  sbom       {format} {}", short(digest))?;
    }
    writeln!(out, "  attested   {} statements", platform.attestations.len())
}

fn short(digest: &crate::oci::Digest) -> String {
    format!("sha256:{}", &digest.hex()[..12])
}

/// What became of a lock.
pub(super) fn lock(report: &LockReport) -> String {
    match (&report.path, report.changed) {
        (None, _) => "nothing has to be pinned\n".to_owned(),
        (Some(path), true) => format!("wrote {path}\n"),
        (Some(path), false) => format!("{path} is up to date\n"),
    }
}

/// What was verified, and what was not.
pub(super) fn verification(report: &VerificationReport) -> String {
    let mut out = String::new();
    let mut subject = None;
    for check in &report.checks {
        if subject != Some(check.subject) {
            subject = Some(check.subject);
            out.push_str(&format!("{}\n", check.subject));
        }
        let mark = match check.result {
            Outcome::Passed => "passed  ",
            Outcome::Failed => "FAILED  ",
            Outcome::NotDone => "not done",
        };
        out.push_str(&format!("  {mark}  {}\n", check.what));
        if let Some(detail) = &check.detail {
            out.push_str(&format!("            {detail}\n"));
        }
    }
    for refused in &report.refused {
        out.push_str(&format!("  ignored   {}: {}\n", refused.referrer, refused.reason));
    }
    out.push_str(if report.verified { "verified\n" } else { "NOT VERIFIED\n" });
    out
}

/// The packages of a CycloneDX document, a line each; then those that were only built with.
pub(super) fn packages(document: &Value) -> String {
    let installed = package_lines(&document["components"]);
    let built_with = package_lines(&document["formulation"][0]["components"]);
    let mut out = installed.concat();
    if installed.is_empty() {
        out.push_str("no packages; `--format cyclonedx` and `--format spdx` list the files\n");
    }
    if !built_with.is_empty() {
        out.push_str("built with, and not in the image:\n");
        out.extend(built_with.iter().map(|line| format!("  {line}")));
    }
    harmless(&out)
}

fn package_lines(components: &Value) -> Vec<String> {
    let components = components.as_array().into_iter().flatten();
    let mut lines: Vec<String> = components
        .filter(|component| component["type"] == "library" || is_package(component))
        .map(|component| {
            let text = |name: &str| component[name].as_str().unwrap_or_default();
            let terms = &component["licenses"][0];
            let licence = terms["expression"].as_str().or_else(|| terms["license"]["name"].as_str());
            let licence = licence.unwrap_or("licence not known");
            let properties = || component["properties"].as_array().into_iter().flatten();
            let has = |name: &str| properties().any(|property| property["name"] == name);
            let remark = match (has("kiln:partial"), component["evidence"]["occurrences"][0]["location"].as_str()) {
                (true, _) => "  (some files of it)".to_owned(),
                (false, Some(place)) if has("kiln:found-by") => format!("  (in {place})"),
                _ => String::new(),
            };
            format!("{} {}  {licence}{remark}\n", text("name"), text("version"))
        })
        .collect();
    lines.sort();
    lines
}

/// Whether a component of any type is named by its package URL: kiln's own parts have names of their own.
fn is_package(component: &Value) -> bool {
    component["bom-ref"].as_str().is_some_and(|reference| reference.starts_with("pkg:"))
}

/// What a provenance predicate says.
pub(super) fn provenance(document: &Value) -> String {
    let definition = &document["buildDefinition"];
    let builder = &document["runDetails"]["builder"];
    let mut out = String::new();
    let mut line = |name: &str, value: &str| out.push_str(&format!("{name:<11} {value}\n"));
    line("build type", definition["buildType"].as_str().unwrap_or_default());
    line("builder", builder["id"].as_str().unwrap_or_default());
    for (name, value) in definition["externalParameters"].as_object().into_iter().flatten() {
        line(name, &plain(value));
    }
    for (name, value) in definition["internalParameters"].as_object().into_iter().flatten() {
        line(name, &plain(value));
    }
    let inputs = definition["resolvedDependencies"].as_array().into_iter().flatten();
    out.push_str("made from\n");
    for input in inputs {
        let what = input["uri"].as_str().or(input["name"].as_str()).unwrap_or_default();
        let digest = input["digest"].as_object().and_then(|d| d.iter().next());
        let digest = digest.map(|(name, value)| format!("{name}:{}", value.as_str().unwrap_or_default()));
        let stage = input["annotations"]["stage"].as_str().map(|stage| format!(" (only in {stage})"));
        out.push_str(&format!("  {what}{}\n    {}\n", stage.unwrap_or_default(), digest.unwrap_or_default()));
    }
    let steps = document["runDetails"]["kiln_steps"].as_array().into_iter().flatten();
    for (i, step) in steps.enumerate() {
        if i == 0 {
            out.push_str("by commands\n");
        }
        out.push_str(&command(step));
    }
    harmless(&out)
}

/// A command in a provenance predicate.
fn command(step: &Value) -> String {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let check = step["check"].as_str().map(|check| format!(", check {check}")).unwrap_or_default();
    let whose = step["stage"].as_str().map_or("in the image".to_owned(), |stage| format!("in the stage {stage}"));
    let mut out = format!("  {}\n    {whose}{check}, for {}\n", text("name").replace('\n', " "), text("platform"));
    out.push_str(&format!("    runs {} in {}\n", step["command"], text("workdir")));
    out.push_str(&format!("    user {}, network {}\n", text("user"), text("network")));
    for (list, what) in [("secrets", "secret"), ("sshAgents", "ssh agent"), ("caches", "cache")] {
        let names = step[list].as_array().into_iter().flatten();
        out.extend(names.filter_map(Value::as_str).map(|name| format!("    {what} {name}\n")));
    }
    for (list, what) in [("inputs", "saw "), ("outputs", "left")] {
        for material in step[list].as_array().into_iter().flatten() {
            let digest = material["digest"]["sha256"].as_str().unwrap_or_default();
            out.push_str(&format!("    {what} sha256:{digest} {}\n", material["name"].as_str().unwrap_or_default()));
        }
    }
    out
}

/// What others wrote, without what steers a terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Who put a path into an image.
pub(super) fn reason(reason: &Reason) -> String {
    let mut out = format!("{}\n", reason.path);
    if let Some(place) = &reason.leads_to {
        out.push_str(&format!("  is         {place}\n"));
    }
    if reason.folder && reason.owners.is_empty() {
        out.push_str("  is an empty folder\n");
    }
    for owner in &reason.owners {
        let files = if reason.folder { format!(" ({} files)", owner.files) } else { String::new() };
        out.push_str(&format!("  {:<10} {}{files}\n", owner.kind, owner.name));
        if owner.kind != "stage" && !owner.stages.is_empty() || owner.stages.len() > 1 {
            out.push_str(&format!("  taken from {}\n", owner.stages.join(" ← ")));
        }
        if let Some(made_by) = &owner.made_by {
            out.push_str(&format!("  made by    {made_by}\n"));
        }
        if let Some(step) = &owner.step {
            read_by(&mut out, step);
        }
        if owner.wanted_by.len() > 1 {
            out.push_str(&format!("  wanted by  {}\n", owner.wanted_by.join(" → ")));
        } else if !owner.wanted_by.is_empty() {
            out.push_str("  wanted by  the spec\n");
        }
    }
    for package in &reason.tells_of {
        out.push_str(&format!("  tells of   {}, {}\n", package.name, package.purl));
    }
    harmless(&out)
}

/// A command, with all that it could read.
fn read_by(out: &mut String, step: &StepReason) {
    out.push_str(&format!("  command    {}\n", step.command.replace('\n', "\n             ")));
    if step.network != "none" {
        out.push_str(&format!("  network    {}\n", step.network));
    }
    for (what, names) in [("source", &step.sources), ("stage", &step.stages), ("base", &step.bases)] {
        for name in names {
            out.push_str(&format!("  it read    {what} {name}\n"));
        }
    }
    let (asked, others): (Vec<_>, Vec<_>) = step.packages.iter().partition(|package| package.requested);
    for package in asked {
        out.push_str(&format!("  it read    package {}\n", package.name));
    }
    if !others.is_empty() {
        out.push_str(&format!("  it read    {} packages that these need\n", others.len()));
    }
}

/// What differs between two images.
pub(super) fn difference(difference: &Difference) -> String {
    let mut out = format!("old {}\nnew {}\n", difference.old, difference.new);
    if difference.same {
        out.push_str("they are the same\n");
        return out;
    }
    for (title, list) in
        [("packages", &difference.packages), ("files", &difference.files), ("config", &difference.config)]
    {
        if !list.is_empty() {
            out.push_str(&format!("{title}\n"));
        }
        for changed in list {
            out.push_str(&one_change(changed));
        }
    }
    if difference.packages.is_empty() && difference.files.is_empty() && difference.config.is_empty() {
        out.push_str("packages, files and config are the same; times, layers or annotations differ\n");
    }
    out
}

fn one_change(changed: &Changed) -> String {
    let reason = changed.reason.as_ref().map(|reason| format!("  ({reason})")).unwrap_or_default();
    match (&changed.old, &changed.new) {
        (None, Some(new)) => format!("  + {} {new}{reason}\n", changed.name),
        (Some(old), None) => format!("  - {} {old}{reason}\n", changed.name),
        (old, new) => {
            let side = |side: &Option<String>| side.clone().unwrap_or_default();
            format!("  ~ {} {} → {}{reason}\n", changed.name, side(old), side(new))
        }
    }
}

#[cfg(test)]
mod tests;
