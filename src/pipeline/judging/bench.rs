//! By what images are judged: policies, a database of advisories, a day.

use super::super::error::Error;
use super::super::locking::Locked;
use super::super::project::{Project, locate};
use super::super::session::Session;
use super::trust::Trust;
use crate::advisories::database::Database;
use crate::diagnostic::Sources;
use crate::evidence::vex;
use crate::oci::{Digest, Reference};
use crate::plan::PlanError;
use crate::policy::{self, PolicyText, Reached, Standing, Told, Vex};
use crate::spec::{self, Loader as _, Policy};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};

/// What the command line says of judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JudgeOptions {
    /// A policy that stands above the spec's own.
    pub policy: Option<PathBuf>,
    /// The database in place of the lock's.
    pub database: Option<Digest>,
    /// The day of the judgement; none for today.
    pub day: Option<Date>,
    /// Whether somebody waits for verdicts, so that there must be something that judges.
    pub wanted: bool,
}

/// By what images are judged.
pub(in super::super) struct Bench {
    policies: Vec<(Standing, Policy)>,
    /// What documents that the policies name say of holes.
    vex: Vec<Vex>,
    /// The digests of these documents, and of the keys of builders.
    documents: Vec<Digest>,
    /// Whom the policies trust to build.
    pub(in super::super) trust: Trust,
    /// The texts of the policies, beside those of the spec.
    pub(super) sources: Sources,
    /// What is known of holes, where a policy asks for that.
    pub(in super::super) database: Option<Database>,
    /// The day of the judgement.
    pub(in super::super) day: Date,
}

/// The rules that need a database.
const OF_DATABASE: [&str; 3] = ["old-database", "unmaintained", "vulnerability"];

/// Whether any clause of these policies is about holes.
pub(in super::super) fn asks_for_holes<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> bool {
    let clauses = policies.into_iter().flat_map(|policy| &policy.clauses);
    clauses.into_iter().any(|clause| OF_DATABASE.contains(&clause.rule.value.id))
}

/// The repository that these policies name for the database, the first of them.
pub(in super::super) fn repository<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> Option<&'p Reference> {
    policies.into_iter().find_map(|policy| policy.database.as_ref()).map(|reference| &reference.value)
}

impl Bench {
    /// The bench of a build; none where nothing judges it.
    pub(in super::super) fn of_build(
        session: &Session<'_>,
        project: &Project,
        sources: &Sources,
        locked: &Locked,
        options: &JudgeOptions,
    ) -> Result<Option<Self>, Error> {
        let own = project.spec.policies.iter().cloned().map(|policy| (Standing::Own, policy));
        let (above, sources) = above(options.policy.as_deref(), sources.clone())?;
        let policies: Vec<_> = own.chain(above.into_iter().map(|policy| (Standing::Above, policy))).collect();
        if policies.is_empty() {
            let nothing = "nothing judges the images: write a `policy` into the spec, or name one with `--policy FILE`";
            return if options.wanted { Err(Error::Usage(nothing.to_owned())) } else { Ok(None) };
        }
        let pinned = options.database.or(locked.lock.advisories.as_ref().map(|locked| locked.sha256));
        let folders = Folders { own: Some(&project.folder), above: options.policy.as_deref() };
        let asked = asks_for_holes(policies.iter().map(|(_, policy)| policy)) || pinned.is_some();
        let open = || super::super::advisories::open(session, Some(project), pinned, chosen(&policies));
        let database = asked.then(open).transpose()?;
        Bench::new(session, policies, sources, database, options, &folders).map(Some)
    }

    /// The bench of a scan: of what stands in the file, if one is named.
    pub(in super::super) fn of_scan(session: &Session<'_>, options: &JudgeOptions) -> Result<Self, Error> {
        let (above, sources) = above(options.policy.as_deref(), Sources::default())?;
        let asked = asks_for_holes(&above) || options.database.is_some();
        let database = match asked {
            true => Some(super::super::advisories::open(session, None, options.database, repository(&above))?),
            // A scan without a policy tells of all that it can find.
            false if above.is_empty() => advisories_at_hand(session)?,
            false => None,
        };
        Bench::above_all(session, above, sources, database, options)
    }

    /// The bench of what bills of materials tell, of which nothing can be said without a database.
    pub(in super::super) fn of_bills(session: &Session<'_>, options: &JudgeOptions) -> Result<Self, Error> {
        let (above, sources) = above(options.policy.as_deref(), Sources::default())?;
        let database = super::super::advisories::open(session, None, options.database, repository(&above))?;
        Bench::above_all(session, above, sources, Some(database), options)
    }

    /// A bench of nothing but policies that stand above specs.
    fn above_all(
        session: &Session<'_>,
        above: Vec<Policy>,
        sources: Sources,
        database: Option<Database>,
        options: &JudgeOptions,
    ) -> Result<Self, Error> {
        let policies = above.into_iter().map(|policy| (Standing::Above, policy)).collect();
        let folders = Folders { own: None, above: options.policy.as_deref() };
        Bench::new(session, policies, sources, database, options, &folders)
    }

    fn new(
        session: &Session<'_>,
        policies: Vec<(Standing, Policy)>,
        sources: Sources,
        database: Option<Database>,
        options: &JudgeOptions,
        folders: &Folders<'_>,
    ) -> Result<Self, Error> {
        let day = options.day.unwrap_or_else(|| session.settings.now.to_zoned(TimeZone::UTC).date());
        let vex = policies.iter().map(|(standing, policy)| documents(*standing, policy, folders));
        let (vex, mut documents): (_, Vec<Digest>) = vex.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().unzip();
        let mut trust = Trust::default();
        for (standing, policy) in &policies {
            trust.add(*standing, policy, folders.of(*standing))?;
        }
        documents.extend(trust.keys.iter().map(|key| Digest::of(key.hint())));
        Ok(Bench { database, day, vex, documents, trust, sources, policies })
    }

    /// The policies, each with who made it.
    pub(super) fn policies(&self) -> Vec<(Standing, &Policy)> {
        self.policies.iter().map(|(standing, policy)| (*standing, policy)).collect()
    }

    /// The repository that the policies name for the database.
    pub(super) fn repository(&self) -> Option<&Reference> {
        chosen(&self.policies)
    }

    /// The files in which the policies stand.
    pub(in super::super) fn texts(&self) -> Vec<PolicyText> {
        policy::texts(&self.policies(), &self.sources)
    }

    /// What documents say of holes.
    pub(super) fn vex(&self) -> &[Vex] {
        &self.vex
    }

    /// The level of SLSA that provenance of a build will reach; `key` tells by which key it will be signed, and is asked
    /// only where that matters.
    pub(in super::super) fn reached_by_build(
        &self,
        builder: String,
        key: impl FnOnce() -> Result<String, Error>,
    ) -> Result<Option<Reached>, Error> {
        let key = if self.trust.keys.is_empty() { String::new() } else { key()? };
        let told = Told { builder, is_kiln: true, keys: [key.clone()].into() };
        Ok(self.trust.reached(&[told], &key))
    }

    /// The level that a verdict tells: whom a spec trusts counts only where nothing stands above it.
    pub(in super::super) fn told_level(&self, reached: Reached) -> u8 {
        let is_above = self.policies.iter().any(|(standing, _)| *standing == Standing::Above);
        reached.by(if is_above { Standing::Above } else { Standing::Own })
    }

    /// Whether a clause is about a rule; where there is no policy at all, everything is of interest.
    pub(super) fn asks_for(&self, rule: &str) -> bool {
        let mut clauses = self.policies.iter().flat_map(|(_, policy)| &policy.clauses);
        self.policies.is_empty() || clauses.any(|clause| clause.rule.value.id == rule)
    }

    /// Whether all that the clauses are about is in bills of materials, so that who passes by these passes.
    pub(in super::super) fn sees_all_in_bills(&self) -> bool {
        let mut clauses = self.policies.iter().flat_map(|(_, policy)| &policy.clauses);
        clauses.all(|clause| OF_DATABASE.contains(&clause.rule.value.id))
    }

    /// Whether something must be attached to an image.
    pub(in super::super) fn asks_for_proofs(&self) -> bool {
        self.policies.iter().any(|(_, policy)| !policy.requires.is_empty())
    }

    /// Whether anything judges, beside the database.
    pub(in super::super) fn has_policy(&self) -> bool {
        !self.policies.is_empty()
    }

    /// The digest of all that decides a verdict beside the image.
    pub(super) fn identity(&self) -> Digest {
        let texts = self.policies.iter().map(|(standing, policy)| {
            let file = self.sources.file(policy.span.file);
            format!("{standing:?} {} {}", file.name(), Digest::of(file.text()))
        });
        let texts: Vec<String> = texts.chain(self.documents.iter().map(Digest::to_string)).collect();
        let database = self.database.as_ref().map(|database| database.digest().to_string()).unwrap_or_default();
        Digest::of(format!("{}\n{database}\n{}", texts.join("\n"), self.day))
    }
}

/// The repository of the database. What stands above says where it is before the spec does: a spec cannot name an emptier one.
fn chosen(policies: &[(Standing, Policy)]) -> Option<&Reference> {
    let of = |wanted: Standing| policies.iter().filter(move |(by, _)| *by == wanted).map(|(_, policy)| policy);
    repository(of(Standing::Above).chain(of(Standing::Own)))
}

/// The newest database of this store; where there is none, that is said.
fn advisories_at_hand(session: &Session<'_>) -> Result<Option<Database>, Error> {
    match super::super::advisories::open(session, None, None, None) {
        Ok(database) => Ok(Some(database)),
        Err(Error::Plan(PlanError::NoAdvisories)) => {
            session
                .warn("nobody looks for holes, as there is no database of advisories: make one with `kiln db update`");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Where the files are that policies name.
struct Folders<'a> {
    own: Option<&'a Path>,
    /// The file of the policy that stands above.
    above: Option<&'a Path>,
}

impl Folders<'_> {
    /// The folder of the policies of somebody.
    fn of(&self, standing: Standing) -> &Path {
        let folder = match standing {
            Standing::Own => self.own,
            Standing::Above => self.above.and_then(Path::parent),
        };
        folder.unwrap_or(Path::new(""))
    }
}

/// The largest VEX document, in bytes.
const MAX_VEX: u64 = 64 << 20;

/// The VEX documents that a policy names.
fn documents(standing: Standing, policy: &Policy, folders: &Folders<'_>) -> Result<Vec<(Vex, Digest)>, Error> {
    let folder = folders.of(standing);
    let read = |named: &spec::Spanned<String>| {
        let path = folder.join(&named.value);
        let unreadable = |source| Error::Unreadable { what: "the VEX document", path: path.clone(), source };
        let content = super::super::read_bounded(&path, MAX_VEX).map_err(unreadable)?;
        let vex::Document { statements, .. } =
            vex::read(&content).map_err(|error| unreadable(std::io::Error::other(error.to_string())))?;
        Ok((Vex { standing, span: named.span, of: None, statements }, Digest::of(&content)))
    };
    policy.vex.iter().map(read).collect()
}

/// The policies in a file, with its texts added to others.
pub(in super::super) fn above(path: Option<&Path>, sources: Sources) -> Result<(Vec<Policy>, Sources), Error> {
    let Some(path) = path else { return Ok((Vec::new(), sources)) };
    let (folder, file) = locate(path)?;
    let unreadable = |error: spec::LoadError| Error::Unreadable {
        what: "the policy",
        path: path.to_owned(),
        source: std::io::Error::other(error.to_string()),
    };
    let files = spec::Folder::new(&folder).map_err(unreadable)?;
    let (policies, sources) = spec::load_policy(&files, &file, sources).map_err(Error::Spec)?;
    // A verdict is told to others, and where the file lies here is not.
    let prefix = files.shown("");
    Ok((policies, sources.renamed(|name| name.strip_prefix(&prefix).unwrap_or(name).to_owned())))
}
