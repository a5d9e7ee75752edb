//! What one source says of one package: the unit that parts of a database consist of.

use super::feed::{MAX_NAMES, MAX_REFERENCES, MAX_SUMMARY, MAX_WEAKNESSES};
use super::wire::{Malformed, Reader, Writer};

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Debian's security tracker. It stands first: its word goes before that of others about the same hole.
    DebianTracker,
    /// An advisory in OSV's form.
    Osv,
}

/// An advisory about one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which versions are affected, for each release of a distribution, or once with an empty release. Nothing where the
    /// advisory was withdrawn, which no finished database has.
    pub affected: Vec<Affected>,
    /// What is told of the hole itself.
    pub description: Description,
}

/// Which versions of a package are affected in one release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// What stands behind the first colon of the ecosystem: `13` of `Debian:13`. Empty where there is none.
    pub release: String,
    /// Versions are affected in any of these.
    pub ranges: Vec<Range>,
    /// And these, which no range holds.
    pub versions: Vec<String>,
    /// The distribution's own word for how urgent it is.
    pub urgency: Option<String>,
    /// What the distribution means to do.
    pub stance: Stance,
    /// Why, in the distribution's words.
    pub note: Option<String>,
    /// CVSS vectors for this package only.
    pub vectors: Vec<String>,
    /// What of the package has the hole, where that is told: functions with their paths.
    pub functions: Vec<String>,
}

/// Events on the line of versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// In the order of the source; they need not be sorted.
    pub events: Vec<Event>,
}

/// Where something changes on the line of versions (OSV schema, `affected[].ranges[].events`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// From here on affected; `0` is before all versions.
    Introduced(String),
    /// From here on not affected.
    Fixed(String),
    /// Behind this one not affected.
    LastAffected(String),
    /// Only versions before this one, or before another limit, are spoken of; `*` is behind all versions.
    Limit(String),
}

/// What a distribution means to do about a hole that it has not closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stance {
    /// It says nothing.
    #[default]
    Open,
    /// It will be repaired with something else, later.
    Deferred,
    /// It will not be repaired in this release.
    WontFix,
    /// The release or the package is no longer cared for.
    EndOfLife,
    /// The package has no such hole here, whatever others say. Never in a finished database.
    NotAffected,
}

/// What is told of a hole, without the packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Who says it.
    pub source: Source,
    /// The advisory's own name.
    pub id: String,
    /// Other names of the same hole.
    pub aliases: Vec<String>,
    /// The holes upstream that a distribution's advisory is about.
    pub upstream: Vec<String>,
    /// When it was first said; RFC 3339, UTC, whole seconds.
    pub published: Option<String>,
    /// When it was last changed.
    pub modified: Option<String>,
    /// A line about it.
    pub summary: String,
    /// CVSS vectors.
    pub vectors: Vec<String>,
    /// The database's own word for how bad it is.
    pub word: Option<String>,
    /// It is no hole but this: `unmaintained`.
    pub notice: Option<String>,
    /// CWE identifiers.
    pub weaknesses: Vec<String>,
    /// Addresses, the most telling first.
    pub references: Vec<String>,
}

impl Record {
    /// The record's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.list(&self.affected, |writer, affected| {
            writer.text(&affected.release);
            writer.bytes(&affected.to_bytes());
        });
        self.description.write(&mut writer);
        writer.into_bytes()
    }

    /// Whether the record with these bytes affects anything: one that was withdrawn does not.
    pub fn affects(bytes: &[u8]) -> bool {
        Reader::new(bytes).number().is_ok_and(|releases| releases > 0)
    }

    /// Reads a whole record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let affected = read_affected(&mut reader, |_| true)?;
        Ok(Record { affected, description: Description::read(&mut reader)? })
    }
}

/// Reads what stands before a description, of that only the releases that are wanted.
pub fn read_affected(reader: &mut Reader<'_>, wanted: impl Fn(&str) -> bool) -> Result<Vec<Affected>, Malformed> {
    let all = reader.list(|reader| {
        let (release, body) = (reader.text()?, reader.bytes()?);
        wanted(release).then(|| Affected::read(release, body)).transpose()
    })?;
    Ok(all.into_iter().flatten().collect())
}

impl Affected {
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.list(&self.ranges, |writer, range| writer.list(&range.events, |writer, event| event.write(writer)));
        writer.texts(&self.versions);
        writer.optional(self.urgency.as_deref());
        writer.number(self.stance as u64);
        writer.optional(self.note.as_deref());
        writer.texts(&self.vectors);
        writer.texts(&self.functions);
        writer.into_bytes()
    }

    fn read(release: &str, body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Affected {
            release: release.to_owned(),
            ranges: reader.list(|reader| Ok(Range { events: reader.list(Event::read)? }))?,
            versions: reader.texts()?,
            urgency: reader.optional()?,
            stance: Stance::of(reader.number()?)?,
            note: reader.optional()?,
            vectors: reader.texts()?,
            functions: reader.texts()?,
        })
    }
}

impl Event {
    fn write(&self, writer: &mut Writer) {
        let (kind, version) = match self {
            Event::Introduced(version) => (0, version),
            Event::Fixed(version) => (1, version),
            Event::LastAffected(version) => (2, version),
            Event::Limit(version) => (3, version),
        };
        writer.number(kind);
        writer.text(version);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (kind, version) = (reader.number()?, reader.text()?.to_owned());
        match kind {
            0 => Ok(Event::Introduced(version)),
            1 => Ok(Event::Fixed(version)),
            2 => Ok(Event::LastAffected(version)),
            3 => Ok(Event::Limit(version)),
            _ => Err(Malformed),
        }
    }
}

impl Stance {
    fn of(number: u64) -> Result<Self, Malformed> {
        let all = [Stance::Open, Stance::Deferred, Stance::WontFix, Stance::EndOfLife, Stance::NotAffected];
        all.into_iter().find(|stance| *stance as u64 == number).ok_or(Malformed)
    }
}

impl Description {
    fn write(&self, writer: &mut Writer) {
        writer.number(self.source as u64);
        writer.text(&self.id);
        writer.texts(&self.aliases);
        writer.texts(&self.upstream);
        writer.optional(self.published.as_deref());
        writer.optional(self.modified.as_deref());
        writer.text(&self.summary);
        writer.texts(&self.vectors);
        writer.optional(self.word.as_deref());
        writer.optional(self.notice.as_deref());
        writer.texts(&self.weaknesses);
        writer.texts(&self.references);
    }

    /// Reads what stands behind the releases of a record.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let source = match reader.number()? {
            0 => Source::DebianTracker,
            1 => Source::Osv,
            _ => return Err(Malformed),
        };
        let description = Description {
            source,
            id: reader.text()?.to_owned(),
            aliases: reader.texts()?,
            upstream: reader.texts()?,
            published: reader.optional()?,
            modified: reader.optional()?,
            summary: reader.text()?.to_owned(),
            vectors: reader.texts()?,
            word: reader.optional()?,
            notice: reader.optional()?,
            weaknesses: reader.texts()?,
            references: reader.texts()?,
        };
        if reader.is_empty() && description.is_bounded() { Ok(description) } else { Err(Malformed) }
    }

    /// Whether it is no more than is taken from feeds: what is told of a hole is copied for each CVE that a bulletin names.
    fn is_bounded(&self) -> bool {
        let lists = [
            (&self.aliases, MAX_NAMES),
            (&self.upstream, MAX_NAMES),
            (&self.vectors, MAX_REFERENCES),
            (&self.weaknesses, MAX_WEAKNESSES),
            (&self.references, MAX_REFERENCES),
        ];
        // The mark of what was cut stands behind it.
        let is_line = self.summary.chars().count() <= MAX_SUMMARY + 1;
        is_line && lists.into_iter().all(|(texts, limit)| texts.len() <= limit)
    }

    /// The CVEs that it names, sorted: by its own name, `DEBIAN-CVE-…` and its like included, as aliases and as what is upstream.
    pub fn cves(&self) -> Vec<&str> {
        let own = self.id.find("CVE-").filter(|at| *at == 0 || self.id[..*at].ends_with('-'));
        let own = own.map(|at| &self.id[at..]);
        let others = self.aliases.iter().chain(&self.upstream).map(String::as_str);
        let mut cves: Vec<&str> = own.into_iter().chain(others.filter(|name| name.starts_with("CVE-"))).collect();
        cves.sort_unstable();
        cves.dedup();
        cves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let affected = Affected {
            release: "13".into(),
            ranges: vec![Range {
                events: vec![
                    Event::Introduced("0".into()),
                    Event::Fixed("2".into()),
                    Event::LastAffected("3".into()),
                    Event::Limit("*".into()),
                ],
            }],
            versions: vec!["9".into()],
            urgency: Some("low".into()),
            stance: Stance::EndOfLife,
            note: Some("old".into()),
            vectors: vec!["AV:N".into()],
            functions: vec!["a::b".into()],
        };
        let description = Description {
            source: Source::Osv,
            id: "DEBIAN-CVE-2024-1".into(),
            aliases: vec!["X-1".into()],
            upstream: vec!["CVE-2024-1".into(), "CVE-2024-0".into()],
            published: Some("2024-01-01T00:00:00Z".into()),
            modified: None,
            summary: "ü".into(),
            vectors: vec![],
            word: Some("HIGH".into()),
            notice: None,
            weaknesses: vec!["CWE-79".into()],
            references: vec!["https://example.com".into()],
        };
        Record { affected: vec![Affected::default(), affected], description }
    }

    #[test]
    fn records_come_back() {
        let record = record();
        let bytes = record.to_bytes();
        assert_eq!(Record::from_bytes(&bytes), Ok(record.clone()));
        assert!(Record::affects(&bytes));
        assert!(!Record::affects(&Record { affected: vec![], ..record.clone() }.to_bytes()));
        let mut reader = Reader::new(&bytes);
        assert_eq!(read_affected(&mut reader, |release| release == "13"), Ok(record.affected[1..].to_vec()));
        assert_eq!(Description::read(&mut reader), Ok(record.description));
    }

    #[test]
    fn no_bytes_are_a_panic() {
        let bytes = record().to_bytes();
        for end in 0..bytes.len() {
            assert_eq!(Record::from_bytes(&bytes[..end]), Err(Malformed), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                let _ = Record::from_bytes(&bytes);
            }
        }
    }

    #[test]
    fn no_record_tells_more_than_a_feed_may() {
        let refused = |change: &dyn Fn(&mut Description)| {
            let mut record = record();
            change(&mut record.description);
            assert_eq!(Record::from_bytes(&record.to_bytes()), Err(Malformed));
        };
        let names = |count| (0..count).map(|at| format!("CVE-2024-{at}")).collect::<Vec<_>>();
        refused(&|description| description.summary = "x".repeat(MAX_SUMMARY + 2));
        refused(&|description| description.aliases = names(MAX_NAMES + 1));
        refused(&|description| description.upstream = names(MAX_NAMES + 1));
        refused(&|description| description.vectors = names(MAX_REFERENCES + 1));
        refused(&|description| description.weaknesses = names(MAX_WEAKNESSES + 1));
        refused(&|description| description.references = names(MAX_REFERENCES + 1));
    }

    #[test]
    fn the_cves_of_an_advisory_are_those_that_it_names() {
        let mut description = record().description;
        assert_eq!(description.cves(), ["CVE-2024-0", "CVE-2024-1"]);
        description.upstream.clear();
        description.id = "BITCVE-2024-1".into();
        assert!(description.cves().is_empty());
    }
}
