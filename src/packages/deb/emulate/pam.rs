//! `pam-auth-update`: `/etc/pam.d/common-*` from the profiles that packages bring.
//!
//! All profiles that are on by default are used, the higher priorities first.

use crate::packages::deb::root::{Fault, Root};
use std::collections::{BTreeMap, BTreeSet};

const PROFILES: &str = "/usr/share/pam-configs";
const TEMPLATES: &str = "/usr/share/pam";
const CONFIGURATION: &str = "/etc/pam.d";
const STATE: &str = "/var/lib/pam";

/// The stacks: the name of the file, and what the fields of profiles begin with.
const STACKS: [(&str, &str); 5] = [
    ("auth", "Auth"),
    ("account", "Account"),
    ("password", "Password"),
    ("session", "Session"),
    ("session-noninteractive", "Session"),
];

/// A profile: its name and its fields.
struct Profile {
    name: String,
    fields: BTreeMap<String, String>,
}

impl Profile {
    fn get(&self, field: &str) -> &str {
        self.fields.get(field).map(String::as_str).unwrap_or_default()
    }

    fn priority(&self) -> i64 {
        self.get("Priority").parse().unwrap_or_default()
    }

    /// Its lines for a stack; the first module of a block has lines of its own.
    fn lines(&self, stack: &str, first: bool) -> Vec<String> {
        let initial = self.get(&format!("{stack}-Initial"));
        let text = if first && !initial.is_empty() { initial } else { self.get(stack) };
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// Makes the files.
pub(super) fn update(root: &mut Root) -> Result<(), Fault> {
    let profiles = profiles(root)?;
    for (file, stack) in STACKS {
        let target = format!("{CONFIGURATION}/common-{file}");
        let source =
            if root.stat(&target, true).is_some() { target.clone() } else { format!("{TEMPLATES}/common-{file}") };
        let template = String::from_utf8_lossy(&root.read(&source)?).into_owned();
        let used: Vec<&Profile> = profiles
            .iter()
            .filter(|profile| file != "session-noninteractive" || profile.get("Session-Interactive-Only") != "yes")
            .collect();
        let text = fill(&template, &used, stack).ok_or(Fault::Errno("a template of PAM's is not understood"))?;
        root.make_dirs(CONFIGURATION, 0o755)?;
        root.write(&target, text.as_bytes(), 0o644)?;
        root.make_dirs(STATE, 0o755)?;
        root.write(&format!("{STATE}/{file}"), state(&used, stack).as_bytes(), 0o644)?;
    }
    let seen: String = profiles.iter().map(|profile| format!("{}\n", profile.name)).collect();
    root.write(&format!("{STATE}/seen"), seen.as_bytes(), 0o644)
}

/// The profiles that are on, in their order.
fn profiles(root: &Root) -> Result<Vec<Profile>, Fault> {
    let mut found = Vec::new();
    for name in root.names(PROFILES) {
        let is_backup = name.starts_with('.') || name.ends_with('~') || name.contains(".dpkg-");
        let text = root.read(&format!("{PROFILES}/{name}"))?;
        let fields = parse(&String::from_utf8_lossy(&text));
        if !is_backup && fields.get("Default").is_some_and(|value| value == "yes") {
            found.push(Profile { name, fields });
        }
    }
    found.sort_by(|a, b| b.priority().cmp(&a.priority()).then_with(|| a.name.cmp(&b.name)));
    // Of two that cannot go together the higher one stays.
    let mut names = BTreeSet::new();
    found.retain(|profile| {
        let conflicts = profile.get("Conflicts").split(',').any(|other| names.contains(other.trim()));
        !conflicts && names.insert(profile.name.clone())
    });
    Ok(found)
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines() {
        match line.split_once(':') {
            Some((name, value)) if !line.starts_with([' ', '\t']) => {
                last = name.trim().to_owned();
                fields.insert(last.clone(), value.trim().to_owned());
            }
            _ => {
                let value: &mut String = fields.entry(last.clone()).or_default();
                value.push('\n');
                value.push_str(line.trim());
            }
        }
    }
    fields
}

/// What one block of a template needs to be known by.
struct Block {
    kind: &'static str,
    begin: &'static str,
    end: &'static str,
}

const BLOCKS: [Block; 2] = [
    Block {
        kind: "Primary",
        begin: "# here are the per-package modules (the \"Primary\" block)",
        end: "# here's the fallback if no module succeeds",
    },
    Block {
        kind: "Additional",
        begin: "# and here are more per-package modules (the \"Additional\" block)",
        end: "# end of pam-auth-update config",
    },
];

/// Puts the modules into a template; none where it lacks the marks.
fn fill(template: &str, profiles: &[&Profile], stack: &str) -> Option<String> {
    let mut out = String::new();
    let mut blocks = BLOCKS.iter();
    let mut next = blocks.next();
    let mut inside: Option<&Block> = None;
    for line in template.lines() {
        if let Some(block) = inside {
            if !line.starts_with(block.end) {
                continue;
            }
            inside = None;
        }
        out.push_str(line);
        out.push('\n');
        if let Some(block) = next.filter(|block| line.starts_with(block.begin)) {
            out.push_str(&modules(profiles, stack, block.kind));
            inside = Some(block);
            next = blocks.next();
        }
    }
    (inside.is_none() && next.is_none()).then_some(out)
}

fn lines_of(profiles: &[&Profile], stack: &str, kind: &str) -> Vec<String> {
    let of_kind = profiles.iter().filter(|profile| profile.get(&format!("{stack}-Type")) == kind);
    of_kind.enumerate().flat_map(|(i, profile)| profile.lines(stack, i == 0)).collect()
}

fn modules(profiles: &[&Profile], stack: &str, kind: &str) -> String {
    let name = stack.to_ascii_lowercase();
    let lines = lines_of(profiles, stack, kind);
    if kind == "Primary" && lines.is_empty() {
        return format!("{name}\t[default=1]\t\t\tpam_permit.so\n");
    }
    // `end` is behind the last line; in the second block there is nothing to jump over.
    let count = if kind == "Primary" { lines.len() } else { lines.len().saturating_sub(1) };
    let line = |(i, line): (usize, &String)| {
        let jump = format!("={}", count.saturating_sub(i));
        format!("{name}\t{}\n", line.replace("=end", &jump))
    };
    lines.iter().enumerate().map(line).collect()
}

/// What the next call of the real program compares with.
fn state(profiles: &[&Profile], stack: &str) -> String {
    let mut out = String::new();
    for (kind, fallback) in [("Primary", "Module: null\n[default=1]\t\t\tpam_permit.so\n"), ("Additional", "")] {
        let of_kind: Vec<_> = profiles.iter().filter(|p| p.get(&format!("{stack}-Type")) == kind).collect();
        if of_kind.is_empty() {
            out.push_str(fallback);
        }
        for (i, profile) in of_kind.into_iter().enumerate() {
            out.push_str(&format!("Module: {}\n", profile.name));
            profile.lines(stack, i == 0).iter().for_each(|line| out.push_str(&format!("{line}\n")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "head\n# here are the per-package modules (the \"Primary\" block)\n$auth_primary\n\
        # here's the fallback if no module succeeds\nauth\trequisite\tpam_deny.so\n\
        # and here are more per-package modules (the \"Additional\" block)\n$auth_additional\n\
        # end of pam-auth-update config\n";

    fn profile(name: &str, text: &str) -> Profile {
        Profile { name: name.into(), fields: parse(text) }
    }

    #[test]
    fn modules_jump_to_the_end_of_their_block() {
        let unix = profile(
            "unix",
            "Auth-Type: Primary\nAuth:\n\t[success=end]\tunix try\nAuth-Initial:\n\t[success=end]\tunix\n",
        );
        let ldap = profile("ldap", "Auth-Type: Primary\nAuth:\n\t[success=end]\tldap try\n");
        let cap = profile("cap", "Auth-Type: Additional\nAuth:\n\toptional\tcap\n");
        let text = fill(TEMPLATE, &[&unix, &ldap, &cap], "Auth").unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "head",
                "auth\t[success=2]\tunix",
                "auth\t[success=1]\tldap try",
                "auth\trequisite\tpam_deny.so",
                "auth\toptional\tcap"
            ]
        );
    }

    #[test]
    fn without_modules_the_stack_still_stands() {
        let text = fill(TEMPLATE, &[], "Auth").unwrap();
        assert!(text.contains("auth\t[default=1]\t\t\tpam_permit.so\n"));
        assert!(fill("no marks", &[], "Auth").is_none());
    }
}
