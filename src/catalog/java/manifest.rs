//! `MANIFEST.MF` (JAR file specification): its main section.

/// The values of the main section that matter, by their names.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    values: Vec<(&'static str, String)>,
}

/// What is kept.
const KNOWN: &[&str] = &[
    "Automatic-Module-Name",
    "Bundle-License",
    "Bundle-Name",
    "Bundle-SymbolicName",
    "Bundle-Vendor",
    "Bundle-Version",
    "Extension-Name",
    "Group-Id",
    "Implementation-Title",
    "Implementation-Vendor",
    "Implementation-Vendor-Id",
    "Implementation-Version",
    "Plugin-Version",
    "Short-Name",
    "Specification-Version",
];

impl Manifest {
    /// Reads the main section, which ends at the first empty line. A line that begins with a space goes on with the
    /// line before it.
    pub(super) fn parse(text: &str) -> Self {
        let mut manifest = Manifest::default();
        let mut is_kept = false;
        for line in text.lines() {
            if line.is_empty() {
                break;
            }
            if let Some(more) = line.strip_prefix(' ') {
                if let Some((_, value)) = manifest.values.last_mut().filter(|_| is_kept) {
                    value.push_str(more);
                }
                continue;
            }
            let known = line.split_once(':').and_then(|(name, value)| {
                let name = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name.trim()))?;
                Some((*name, value.trim_start().to_owned())).filter(|(name, _)| manifest.get(name).is_none())
            });
            is_kept = known.is_some();
            manifest.values.extend(known);
        }
        manifest
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.trim())
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// What the archive calls itself.
    pub(super) fn name(&self) -> Option<String> {
        self.first(&["Bundle-Name", "Short-Name", "Extension-Name", "Implementation-Title"])
    }

    /// Its version. `${…}` is a value that the build forgot to put in.
    pub(super) fn version(&self) -> Option<String> {
        let names = ["Implementation-Version", "Specification-Version", "Plugin-Version", "Bundle-Version"];
        names.iter().find_map(|name| self.first(&[name]).filter(|version| !version.contains("${")))
    }

    /// The Maven group that its names suggest.
    pub(super) fn group(&self, name: &str) -> Option<String> {
        let names =
            ["Group-Id", "Implementation-Vendor-Id", "Bundle-SymbolicName", "Extension-Name", "Automatic-Module-Name"];
        let candidates = names.iter().filter_map(|field| self.get(field));
        candidates.filter_map(|value| group_of(value, name)).next()
    }

    /// Who made it.
    pub(super) fn vendor(&self) -> Option<String> {
        self.first(&["Implementation-Vendor", "Bundle-Vendor"])
    }

    /// Its licence: mostly an address.
    pub(super) fn licence(&self) -> Option<String> {
        let licence = self.first(&["Bundle-License"])?;
        Some(licence.split([';', ',']).next()?.trim().trim_matches('"').to_owned())
    }
}

/// `org.apache.commons` of `org.apache.commons.io;singleton:=true` for an archive called `io`.
fn group_of(value: &str, name: &str) -> Option<String> {
    let value = value.split(';').next()?.trim();
    let group = value.strip_suffix(name).and_then(|rest| rest.strip_suffix('.'));
    let value = group.filter(|group| group.contains('.')).unwrap_or(value);
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    (value.contains('.') && value.split('.').all(is_part)).then(|| value.to_owned())
}
