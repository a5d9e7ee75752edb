//! A stage that is wanted by itself.

use super::assemble;
use super::build::retried;
use super::epoch;
use super::error::Error;
use super::given;
use super::identity::{Identity, KeySettings};
use super::inputs::prepare;
use super::locking::{self, Buildable, Leveled, LockMode};
use super::output;
use super::project::Project;
use super::report::{OutputReport, TargetReport};
use super::session::Session;
use super::sharing::{self, Sharing, SharingOptions};
use crate::oci::Platform;
use crate::plan::Refresh;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which stage is wanted, and how.
pub struct TargetOptions<'a> {
    /// The spec: a file, or a folder with a `kiln.kdl`.
    pub spec: PathBuf,
    /// The values that `--arg` sets.
    pub args: BTreeMap<String, String>,
    /// A policy that stands above the spec's own.
    pub policy: Option<PathBuf>,
    /// How the lock may be used.
    pub lock: LockMode,
    /// The stage.
    pub stage: String,
    /// What it is built for; none for the first platform that the spec wants it for.
    pub platform: Option<Platform>,
    /// Where its files go: `tree:DIR` or `tar:FILE`.
    pub outputs: Vec<String>,
    /// `SOURCE_DATE_EPOCH`.
    pub epoch: Option<i64>,
    /// How results of commands are shared with other machines.
    pub sharing: SharingOptions,
    /// With what shared results are signed.
    pub keys: KeySettings<'a>,
}

/// Builds a stage with all that it uses, runs the checks among it, and writes its files.
pub fn target(session: &Session<'_>, options: &TargetOptions<'_>) -> Result<TargetReport, Error> {
    retried(session, || target_once(session, options))
}

fn target_once(session: &Session<'_>, options: &TargetOptions<'_>) -> Result<TargetReport, Error> {
    session.phase("reading the spec");
    let project = Project::load(&options.spec, &options.args)?.under(options.policy.as_deref())?;
    given::check(session, &project)?;
    let sharing = Sharing::read(&options.sharing)?;
    if sharing.is_inline() {
        return Err(Error::Usage(
            "`--cache-to type=inline` needs an image, and a stage is none: name another place".into(),
        ));
    }
    let outputs = output::plan_files(&project, &options.outputs)?;
    let mut sources = project.sources.clone();
    let buildable = locking::buildable(&project, &mut sources)?;
    let revision = epoch::revision(session, &project, options.epoch);
    let locked = locking::ensure(session, &project, &buildable, options.lock, &Refresh::Nothing)?;
    let identity = sharing.is_wanted().then(|| Identity::find(&project, &options.keys)).transpose()?;
    if let Some(identity) = &identity {
        session.use_offers(sharing::offers(session, &project, identity, &sharing)?);
    }
    let (leveled, platform) = stage(&project, &buildable, &options.stage, options.platform.as_ref())?;
    let prepared = prepare(session, &project, &buildable, leveled, platform, &locked.lock)?;
    let compiled = prepared.compile(leveled, platform, &sources)?;
    let solved = assemble::file_system(session, &project, &sources, &compiled)?;
    let shared = match &identity {
        Some(identity) => sharing::share(session, &project, identity, &sharing)?,
        None => Vec::new(),
    };
    session.phase("writing");
    let outputs = outputs.iter().map(|output| output::write_files(session, output, &solved.tree, revision.epoch));
    let outputs = outputs.collect::<Result<Vec<OutputReport>, Error>>()?;
    Ok(TargetReport {
        stage: options.stage.clone(),
        platform: platform.to_string(),
        tree: solved.tree_digest,
        files: solved.tree.iter().filter(|(_, entry)| !entry.is_dir()).count(),
        unpacked_size: solved.tree.iter().map(|(_, entry)| entry.size()).sum(),
        outputs,
        shared,
        findings: session.findings(),
        warnings: session.warnings(),
    })
}

/// The stage of a project that `name` means, with what it is built for.
pub(super) fn stage<'b, 'a>(
    project: &'a Project,
    buildable: &'b Buildable<'a>,
    name: &str,
    platform: Option<&Platform>,
) -> Result<(&'b Leveled<'a>, &'b Platform), Error> {
    let Some(stage) = buildable.stages.get(name) else {
        let near = crate::diagnostic::nearest(name, buildable.stages.keys().copied());
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let known: Vec<&str> = buildable.stages.keys().copied().collect();
        return Err(Error::Usage(match known.as_slice() {
            [] => format!("the spec has no stage `{name}`: it has no stages at all"),
            known => format!("the spec has no stage `{name}`, only {}{hint}", known.join(", ")),
        }));
    };
    let platforms = buildable.platforms_of(project, stage);
    let found = match platform {
        None => platforms.first().copied(),
        Some(asked) => platforms.iter().copied().find(|known| *known == asked),
    };
    let found = found.ok_or_else(|| {
        let list: Vec<String> = platforms.iter().map(ToString::to_string).collect();
        Error::Usage(format!("the stage `{name}` is not built for that platform, only for {}", list.join(", ")))
    });
    Ok((stage, found?))
}
