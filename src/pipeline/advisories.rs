//! The database of advisories: compiled from feeds, moved through registries, found for a judgement.

use super::error::Error;
use super::place::{self, Transfer};
use super::project::Project;
use super::publish::{Release, publish};
use super::session::Session;
use super::verifying::Subjects;
use crate::advisories::database::{ARTIFACT, Compiled, Database, Facts, compile};
use crate::advisories::feed::{Feed, Skipped};
use crate::http::{self, Url};
use crate::image::layout::Layout;
use crate::oci::{Descriptor, Digest, Reference, document, media_type};
use crate::plan::LockedAdvisories;
use crate::registry::{Name, Registries, RegistryError, Repository, Want, pull};
use crate::store::StoreError;
use jiff::civil::Date;
use serde::Serialize;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// The kind of record that says which database is this store's newest.
pub(super) const RECORD: &str = "advisories";

/// What stands before the reference of a database in place of a feed.
const ARTIFACT_SCHEME: &str = "oci:";

/// The largest feed, in bytes: Debian's tracker has some hundred megabytes, OSV's exports several.
const MAX_FEED: u64 = 4 << 30;

/// From what a database is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateOptions {
    /// Where feeds are: addresses, or paths of files; none for the public ones. `oci:` and a reference, alone, is a database
    /// that somebody else made of them.
    pub feeds: Vec<String>,
    /// The ecosystems whose public feeds are taken; none for all that kiln knows packages of.
    pub ecosystems: Vec<String>,
    /// The date of the database; none for the newest time that a feed names.
    pub date: Option<String>,
}

/// A database that was made, brought, sent or looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatabaseReport {
    /// Its digest.
    pub digest: Digest,
    /// How old what it knows is: RFC 3339.
    pub date: String,
    /// Its size in bytes.
    pub size: u64,
    /// How many records it has of each ecosystem.
    pub records: std::collections::BTreeMap<String, u64>,
    /// What it was made of.
    pub feeds: Vec<crate::advisories::database::FeedFacts>,
    /// Documents of feeds that were passed over, the first of each feed, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Where it was sent, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
}

/// The ecosystems whose public feeds are taken: those whose packages kiln finds.
const ECOSYSTEMS: [&str; 12] = [
    "AlmaLinux",
    "Alpine",
    "Go",
    "Maven",
    "NuGet",
    "Packagist",
    "PyPI",
    "Rocky Linux",
    "RubyGems",
    "Ubuntu",
    "crates.io",
    "npm",
];

/// OSV's exports, below which each ecosystem has a folder.
const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";

/// What is known of Debian's packages and of CVEs.
const OTHERS: [&str; 3] = [
    "https://security-tracker.debian.org/tracker/data/json",
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
];

/// Makes a database of feeds, and takes it for this store's newest.
///
/// # Errors
/// [`Error::Usage`] where a database in a registry is named beside feeds: it is taken as it is.
pub fn database_update(session: &Session<'_>, options: &UpdateOptions) -> Result<DatabaseReport, Error> {
    if let Some(reference) = options.feeds.iter().find_map(|feed| feed.strip_prefix(ARTIFACT_SCHEME)) {
        if options.feeds.len() > 1 || !options.ecosystems.is_empty() || options.date.is_some() {
            let alone = format!("{ARTIFACT_SCHEME}{reference} is a database, which is taken as it is: name it alone");
            return Err(Error::Usage(alone));
        }
        let reference = reference.parse().map_err(|error| Error::Usage(format!("{reference}: {error}")))?;
        return database_pull(session, &reference);
    }
    session.phase("fetching");
    let addresses = addresses(options);
    let feeds = addresses.iter().map(|address| fetch(session, address)).collect::<Result<Vec<_>, _>>()?;
    session.phase("compiling");
    let Compiled { digest, facts, size, skipped, .. } = compile(&session.store, &feeds, options.date.as_deref())?;
    take(session, &digest)?;
    let skipped = skipped.into_iter().map(|Skipped { feed, document, reason }| format!("{feed}: {document}: {reason}"));
    Ok(DatabaseReport { skipped: skipped.collect(), ..report(digest, &facts, size) })
}

fn addresses(options: &UpdateOptions) -> Vec<String> {
    let ecosystems: Vec<&str> = match options.ecosystems.as_slice() {
        [] => ECOSYSTEMS.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    let public = ecosystems.into_iter().map(|name| format!("{OSV}/{}/all.zip", name.replace(' ', "%20")));
    match options.feeds.as_slice() {
        [] if options.ecosystems.is_empty() => public.chain(OTHERS.map(str::to_owned)).collect(),
        [] => public.collect(),
        feeds if options.ecosystems.is_empty() => feeds.to_vec(),
        feeds => public.chain(feeds.iter().cloned()).collect(),
    }
}

/// A feed's file, of this machine or of another.
fn fetch(session: &Session<'_>, address: &str) -> Result<Feed, Error> {
    if !address.contains("://") {
        let path = Path::new(address);
        let unreadable = |source| Error::Unreadable { what: "the feed", path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(unreadable(std::io::Error::other("it is no regular file")));
        }
        // The database is given to others, and where the file lay is not.
        let name = own_name(path);
        return Ok(Feed { name, form: None, file });
    }
    let url: Url = address.parse().map_err(|error| Error::Usage(format!("the address of a feed: {error}")))?;
    let name = if url.is_file() { own_name(Path::new(url.path())) } else { url.to_string() };
    let mut writer = session.store.writer()?;
    session.wait(session.client()?.download(http::Request::get(url).limit(MAX_FEED), None, &mut writer))?;
    writer.flush().map_err(StoreError::from)?;
    let (digest, _) = writer.commit()?;
    let file = session.store.reader(&digest)?.into_file().map_err(StoreError::from)?;
    Ok(Feed { name, form: None, file })
}

/// A file's name; of OSV's exports, which are all called alike, with the folder's that is named by the ecosystem.
fn own_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().and_then(Path::file_name).filter(|_| name == "all.zip");
    folder.map_or_else(|| name.clone(), |folder| format!("{}/{name}", folder.to_string_lossy()))
}

/// Brings a database out of a registry, and takes it for this store's newest.
pub fn database_pull(session: &Session<'_>, reference: &Reference) -> Result<DatabaseReport, Error> {
    let digest = bring(session, session.registries()?, reference)?;
    take(session, &digest)?;
    shown(session, &digest)
}

/// Sends a database to a registry; none for this store's newest.
pub fn database_push(
    session: &Session<'_>,
    reference: &Reference,
    digest: Option<Digest>,
) -> Result<DatabaseReport, Error> {
    let report = database_show(session, digest)?;
    let bytes = session.store.read(&report.digest, document::MAX_SIZE)?;
    let mut row = Descriptor::new(media_type::MANIFEST, report.digest, bytes.len() as u64);
    row.artifact_type = Some(ARTIFACT.to_owned());
    let layout = Layout::of_store(&session.store, vec![row.clone()]);
    let targets = [place::with_tag(reference.clone())];
    let subjects = || Ok(Subjects { index: None, manifests: Vec::new() });
    let release =
        Release { layout: &layout, image: &row, targets: &targets, clobber: true, key: None, subjects: &subjects };
    publish(session, session.registries()?, &[release])?;
    Ok(DatabaseReport { sent: Some(targets[0].to_string()), ..report })
}

/// What a database holds; none for this store's newest.
pub fn database_show(session: &Session<'_>, digest: Option<Digest>) -> Result<DatabaseReport, Error> {
    let digest = digest.map_or_else(|| newest_here(session), Ok)?;
    shown(session, &digest)
}

fn shown(session: &Session<'_>, digest: &Digest) -> Result<DatabaseReport, Error> {
    let database = Database::open(&session.store, digest)?;
    Ok(report(*digest, database.facts(), database.size()))
}

fn report(digest: Digest, facts: &Facts, size: u64) -> DatabaseReport {
    let (date, records, feeds) = (facts.date.clone(), facts.records.clone(), facts.feeds.clone());
    DatabaseReport { digest, date, size, records, feeds, skipped: Vec::new(), sent: None }
}

/// The database that is pinned, or else the newest: of a repository, or of this store.
pub(super) fn open(
    session: &Session<'_>,
    project: Option<&Project>,
    pinned: Option<Digest>,
    repository: Option<&Reference>,
) -> Result<Database, Error> {
    let registries = || project.map_or_else(|| session.registries(), |project| session.registries_of(project));
    let digest = match (pinned, repository) {
        (Some(digest), Some(repository)) if !session.store.has(&digest) => {
            let reference = Reference { tag: None, digest: Some(digest), ..repository.clone() };
            bring(session, registries()?, &reference)?
        }
        (Some(digest), _) => digest,
        (None, Some(repository)) => bring(session, registries()?, repository)?,
        (None, None) => newest_here(session)?,
    };
    if !session.store.has(&digest) {
        return Err(Error::NoDatabase(digest));
    }
    Ok(Database::open(&session.store, &digest)?)
}

/// The database that a lock should pin.
pub(super) fn newest(
    session: &Session<'_>,
    project: &Project,
    repository: Option<&Reference>,
) -> Result<LockedAdvisories, Error> {
    let database = open(session, Some(project), None, repository)?;
    let date = database.facts().date.get(..10).and_then(|day| day.parse::<Date>().ok());
    let date = date.ok_or_else(|| Error::Mistake("a database of advisories without a date was opened".into()))?;
    Ok(LockedAdvisories { reference: repository.map(ToString::to_string), sha256: *database.digest(), date })
}

/// Brings a database into the store; its digest.
fn bring(session: &Session<'_>, registries: &Registries, reference: &Reference) -> Result<Digest, Error> {
    let reference = match reference.digest {
        Some(_) => reference.clone(),
        None => place::with_tag(reference.clone()),
    };
    let repository = registries.repository(&reference)?;
    session.phase("fetching");
    session.wait(pulled(session, &repository, &reference))
}

async fn pulled(session: &Session<'_>, repository: &Repository, reference: &Reference) -> Result<Digest, Error> {
    let name = place::name_of(reference);
    let document = match &name {
        Name::Digest(digest) => repository.by_digest(digest).await?,
        Name::Tag(tag) => repository.by_tag(tag).await?,
    };
    let document = document.ok_or_else(|| RegistryError::NoSuchImage(reference.clone()))?;
    let digest = document.descriptor.digest;
    // An image of gigabytes is not fetched to find out that it is none.
    let manifest = document::manifest(&document.bytes, &document.descriptor.media_type).ok();
    if manifest.and_then(|manifest| manifest.artifact_type).as_deref() != Some(ARTIFACT) {
        return Err(Error::NotThere(format!("{reference} is no database of advisories: `kiln db push` writes one")));
    }
    let want = Want { layers: true, ..Want::default() };
    pull(repository, &Name::Digest(digest), want, &session.store, &Transfer(session)).await?;
    Ok(digest)
}

/// Takes a database for this store's newest.
fn take(session: &Session<'_>, digest: &Digest) -> Result<(), Error> {
    Ok(session.store.set_record(RECORD, &place_of_newest(), digest.to_string().as_bytes())?)
}

fn newest_here(session: &Session<'_>) -> Result<Digest, Error> {
    let record = session.store.record(RECORD, &place_of_newest())?;
    let known = record.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse::<Digest>().ok());
    known.filter(|digest| session.store.has(digest)).ok_or(Error::Plan(crate::plan::PlanError::NoAdvisories))
}

fn place_of_newest() -> Digest {
    Digest::of("newest")
}
