//! The main job: lock, solve, assemble, describe, sign, write.

use super::advisories;
use super::assemble::{self, Assembly, Made, Solution};
use super::attest::{self, Attested};
use super::commands;
use super::endorsed;
use super::entrusted;
use super::epoch::{self, Revision};
use super::error::Error;
use super::given;
use super::identity::{Identity, KeySettings};
use super::inputs::{Prepared, prepare};
use super::inventory::Taking;
use super::judging::{self, Bench, JudgeOptions, Taken};
use super::locking::{self, Buildable, Leveled, LockMode, Locked};
use super::opened::files_of;
use super::output::{self, Bundle};
use super::place::with_tag;
use super::project::Project;
use super::provenance::Used;
use super::publish::{Release, publish};
use super::report::{
    AttestationReport, BuildReport, ImageReport, LayerReport, PhaseReport, PlatformReport, SharedReport, SignerReport,
    VerdictReport,
};
use super::session::Session;
use super::sharing::{self, Sharing, SharingOptions};
use super::verifying::Subjects;
use crate::diagnostic::Sources;
use crate::evidence::provenance::{BuiltStage, UsedImage};
use crate::evidence::test_result::{Checked, TestResult, Verdict};
use crate::evidence::{PREDICATE_TYPE, Subject, predicate};
use crate::git;
use crate::image::assemble::{Image, assemble_index};
use crate::image::layout::Layout;
use crate::image::output::Output;
use crate::oci::{Descriptor, Digest, Platform, Reference};
use crate::plan::Refresh;
use crate::policy::{Proofs, Reached};
use crate::store::Store;
use crate::tree::Tree;
use jiff::Timestamp;
use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is to be built.
pub struct BuildOptions<'a> {
    /// The spec: a file, or a folder with a `kiln.kdl`.
    pub spec: PathBuf,
    /// The values that `--arg` sets.
    pub args: BTreeMap<String, String>,
    /// How the lock may be used.
    pub lock: LockMode,
    /// The images of the spec that are wanted; none for all.
    pub images: Vec<String>,
    /// The platforms that are wanted in place of the spec's; none for these.
    pub platforms: Vec<Platform>,
    /// Names for the image in the outputs.
    pub tags: Vec<Reference>,
    /// Where the image goes, `KIND:PATH`; none for the default.
    pub outputs: Vec<String>,
    /// Whether it is released to the registries that its names name.
    pub push: bool,
    /// Whether a daemon makes the image and pushes it by itself; it is released then, and goes nowhere else.
    pub engine_output: bool,
    /// Whether tags there may be moved from other images.
    pub clobber: bool,
    /// `SOURCE_DATE_EPOCH`.
    pub epoch: Option<i64>,
    /// With what it is signed.
    pub keys: KeySettings<'a>,
    /// Whether the provenance tells when this run began and ended.
    pub record_run: bool,
    /// How results of commands are shared with other machines.
    pub sharing: SharingOptions,
    /// By what images are judged beside the spec's own policy.
    pub judge: JudgeOptions,
}

/// How often a build begins anew because the store had lost or damaged something.
const ATTEMPTS: usize = 3;

/// Builds the images of a spec.
///
/// Where content of the store turns out to be missing or damaged, it is made anew.
pub fn build(session: &Session<'_>, options: &BuildOptions<'_>) -> Result<BuildReport, Error> {
    retried(session, || build_once(session, options))
}

/// Does some work, and does it again where content of the store turned out to be missing or damaged.
pub(super) fn retried<T>(session: &Session<'_>, work: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        let losses = session.store.losses();
        match work() {
            Err(error) if lost(&session.store, losses) => {
                session.store.verify()?;
                session.warn(&format!("content of the store was missing or damaged and is made anew ({error})"));
                session.store.forget(&KEPT_RECORDS)?;
            }
            other => return other,
        }
    }
    work()
}

/// Whether content of the store was found missing or damaged since, now that what was not read to its end is too.
fn lost(store: &Store, before: u64) -> bool {
    store.settle_doubts();
    store.losses() > before
}

/// What is remembered of the outside world and not made from content: it stays when results are made anew.
const KEPT_RECORDS: [&str; 4] = ["deb-release", advisories::RECORD, endorsed::RECORD, git::RECORD];

fn build_once(session: &Session<'_>, options: &BuildOptions<'_>) -> Result<BuildReport, Error> {
    let started_on = session.clock();
    session.phase("reading the spec");
    let project = Project::load(&options.spec, &options.args)?.under(options.judge.policy.as_deref())?;
    check_choice(&project, options)?;
    let sharing = Sharing::read(&options.sharing)?;
    check_inline(&sharing, options)?;
    if options.engine_output {
        session.daemons()?;
    }
    given::check(session, &project)?;
    let mut sources = project.sources.clone();
    let buildable = locking::buildable(&project, &mut sources)?;
    let identity = Identity::find(&project, &options.keys)?;
    let revision = epoch::revision(session, &project, options.epoch);
    let locked = locking::ensure(session, &project, &buildable, options.lock, &Refresh::Nothing)?;
    let bench = Bench::of_build(session, &project, &sources, &locked, &options.judge)?;
    session.use_offers(sharing::offers(session, &project, &identity, &sharing)?);
    let build = Build {
        session,
        options,
        sharing: &sharing,
        project: &project,
        sources: &sources,
        buildable: &buildable,
        identity: &identity,
        revision: &revision,
        locked: &locked,
        bench: bench.as_ref(),
        started_on,
    };
    let wanted = |leveled: &&Leveled<'_>| {
        options.images.is_empty() || options.images.iter().any(|name| super::is_called(leveled.image, name))
    };
    let made = buildable.images.iter().filter(wanted).map(|image| build.make(image)).collect::<Result<Vec<_>, _>>()?;
    let verdicts: Vec<VerdictReport> = made.iter().flat_map(Unwritten::verdicts).collect();
    let mut shared = sharing::share(session, &project, &identity, &sharing)?;
    // What is denied goes nowhere, and neither does what was built with it.
    let denied = verdicts.iter().any(|verdict| !verdict.judgement.verdict.passed);
    let made = if denied { Vec::new() } else { made };
    let built = made.into_iter().map(|image| build.write(image)).collect::<Result<Vec<_>, _>>()?;
    let inline: Vec<_> = built.iter().map(|image| image.shared.clone()).collect();
    let images = build.publish(built)?;
    let went = |image: &ImageReport| !image.published.is_empty() || !image.outputs.is_empty();
    shared.extend(images.iter().zip(inline).filter(|(image, _)| went(image)).filter_map(|(_, shared)| shared));
    let phases = session.durations().into_iter().map(|(name, seconds)| PhaseReport { name, seconds }).collect();
    Ok(BuildReport {
        report: 1,
        kiln: env!("CARGO_PKG_VERSION").into(),
        epoch: revision.epoch,
        lock: locked.report.clone(),
        images,
        verdicts,
        shared,
        phases,
        started_on: started_on.as_second(),
        finished_on: session.clock().as_second(),
        findings: session.findings(),
        warnings: session.warnings(),
    })
}

/// Checks that the spec has the images and platforms that the command line asks for.
///
/// A platform that the spec does not name is refused: the lock would change with every command line.
fn check_choice(project: &Project, options: &BuildOptions<'_>) -> Result<(), Error> {
    for name in &options.images {
        super::find_image(project, name)?;
    }
    let chosen = match options.images.len() {
        0 => project.spec.images.len(),
        some => some,
    };
    if !options.tags.is_empty() && chosen > 1 {
        return Err(Error::Usage("several images cannot have the same name: choose one with `--image`".into()));
    }
    for platform in &options.platforms {
        let has = |image: &crate::spec::Image| image.platforms.iter().any(|p| p.value == *platform);
        if !project.spec.images.iter().any(has) {
            return Err(Error::Usage(format!("no image of the spec is for {platform}: add it to its `platform`")));
        }
    }
    Ok(())
}

/// Checks that an image with which results go goes somewhere that has room for them.
fn check_inline(sharing: &Sharing, options: &BuildOptions<'_>) -> Result<(), Error> {
    let is_layout = |output: &String| output.starts_with("oci:") || output.starts_with("oci-archive:");
    let has_room = options.push || options.outputs.is_empty() || options.outputs.iter().any(is_layout);
    match sharing.is_inline() && !has_room {
        false => Ok(()),
        true => Err(Error::Usage(
            "`--cache-to type=inline` lets results of commands go with the image, to a registry or a layout: add `--push` \
             or `-o oci:DIR`"
                .into(),
        )),
    }
}

/// A build under way.
pub(super) struct Build<'a> {
    pub session: &'a Session<'a>,
    pub options: &'a BuildOptions<'a>,
    pub sharing: &'a Sharing,
    pub project: &'a Project,
    pub sources: &'a Sources,
    pub buildable: &'a Buildable<'a>,
    pub identity: &'a Identity<'a>,
    pub revision: &'a Revision,
    pub locked: &'a Locked,
    /// What judges the images; none where no policy does.
    pub bench: Option<&'a Bench>,
    pub started_on: Timestamp,
}

/// An image for one platform with all that is said about it.
struct Finished {
    made: Made,
    images: BTreeMap<String, UsedImage>,
    stages: Vec<BuiltStage>,
    packages: usize,
    judged: Option<VerdictReport>,
    attested: Attested,
}

impl Finished {
    /// The verdict that will be attached.
    fn verdict(&self) -> Option<&Descriptor> {
        let is_verdict =
            |row: &&Descriptor| row.annotations.get(PREDICATE_TYPE).is_some_and(|kind| kind == predicate::VERDICT);
        self.attested.referrers.iter().find(is_verdict)
    }
}

/// An image that was made for all its platforms and is nowhere yet.
struct Unwritten<'a> {
    leveled: &'a Leveled<'a>,
    outputs: Vec<Output>,
    finished: Vec<Finished>,
}

impl Unwritten<'_> {
    fn verdicts(&self) -> Vec<VerdictReport> {
        self.finished.iter().filter_map(|finished| finished.judged.clone()).collect()
    }
}

/// An image that was built and written, with what a release of it needs.
struct Built {
    report: ImageReport,
    subject: Descriptor,
    tags: Vec<Reference>,
    /// What refers to it and to its platforms' manifests.
    referrers: Vec<Descriptor>,
    /// The manifests of its platforms with their file systems, stored.
    trees: Vec<(Digest, Digest)>,
    /// The results of commands that go with it.
    shared: Option<SharedReport>,
}

impl Built {
    /// What must be verified of it.
    fn subjects(&self, store: &Store) -> Result<Subjects, Error> {
        let is_index = self.trees.iter().all(|(manifest, _)| *manifest != self.subject.digest);
        let files = self.trees.iter().map(|(manifest, tree)| Ok((*manifest, files_of(&Tree::load(store, tree)?))));
        let manifests = files.collect::<Result<_, Error>>()?;
        Ok(Subjects { index: is_index.then_some(self.subject.digest), manifests })
    }
}

impl Build<'_> {
    /// Releases images, where that was asked for and no command left different files in two runs; gives their reports.
    fn publish(&self, built: Vec<Built>) -> Result<Vec<ImageReport>, Error> {
        let differs = !self.session.findings().differences.is_empty();
        if self.options.push && differs {
            self.session.warn("nothing is pushed, as two runs of a command left different files");
        }
        if !self.options.push || differs {
            return Ok(built.into_iter().map(|image| image.report).collect());
        }
        let store = &self.session.store;
        let key = self.identity.public_key()?;
        let rows = |image: &Built| std::iter::once(&image.subject).chain(&image.referrers).cloned().collect();
        let layouts: Vec<Layout> = built.iter().map(|image| Layout::of_store(store, rows(image))).collect();
        let subjects: Vec<_> = built.iter().map(|image| || image.subjects(store)).collect();
        let releases = built.iter().zip(&layouts).zip(&subjects).map(|((image, layout), subjects)| Release {
            layout,
            image: &image.subject,
            targets: &image.tags,
            clobber: self.options.clobber,
            key: Some(&key),
            subjects,
        });
        let published =
            publish(self.session, self.session.registries_of(self.project)?, &releases.collect::<Vec<_>>())?;
        let reports = built.into_iter().map(|image| image.report);
        Ok(reports.zip(published).map(|(report, published)| ImageReport { published, ..report }).collect())
    }

    fn make<'l>(&self, leveled: &'l Leveled<'l>) -> Result<Unwritten<'l>, Error> {
        // What is released needs no layout beside the spec.
        let outputs = match self.options.push && self.options.outputs.is_empty() {
            true => Vec::new(),
            false => output::plan(self.project, leveled.image, &self.options.outputs)?,
        };
        let platforms = self.platforms(leveled)?;
        let finished = platforms.iter().map(|platform| self.platform(leveled, platform));
        let finished = finished.collect::<Result<Vec<Finished>, _>>()?;
        Ok(Unwritten { leveled, outputs, finished })
    }

    fn write(&self, Unwritten { leveled, outputs, finished }: Unwritten<'_>) -> Result<Built, Error> {
        let (subject, of_index) = self.subject(leveled, &finished)?;
        let (results, shared) = sharing::inline(self.session, self.identity, self.sharing, &subject)?.unzip();
        let results = results.unwrap_or_default();
        self.session.phase("writing");
        let reference = &leveled.image.name.value;
        let tags = self.tags(leveled);
        let bundle = Bundle {
            subject: &subject,
            tags: &tags,
            images: finished.iter().map(|f| (&f.made.image, f.made.facts.tree)).collect(),
            attested: finished.iter().map(|f| &f.attested).chain(&of_index).collect(),
            results: &results,
            epoch: self.revision.epoch,
        };
        let outputs = outputs.iter().map(|output| output::write(self.session, output, &bundle));
        let outputs = outputs.collect::<Result<_, _>>()?;
        let referrers = bundle.referrers().cloned().collect();
        let trees = bundle.images.iter().map(|(image, tree)| (image.manifest.digest, *tree)).collect();
        let report = ImageReport {
            name: reference.to_string(),
            digest: subject.digest,
            media_type: subject.media_type.clone(),
            descriptor_size: subject.size,
            tags: tags.iter().map(ToString::to_string).collect(),
            platforms: finished.iter().map(platform_report).collect(),
            attestations: of_index.iter().flat_map(attestations).collect(),
            signer: self.signer(),
            outputs,
            published: Vec::new(),
        };
        Ok(Built { report, subject, tags, referrers, trees, shared })
    }

    /// What the image is called where it goes: one name at least.
    fn tags(&self, leveled: &Leveled<'_>) -> Vec<Reference> {
        match self.options.tags.as_slice() {
            [] => vec![with_tag(leveled.image.name.value.clone())],
            tags => tags.iter().cloned().map(with_tag).collect(),
        }
    }

    /// The image's platforms, or those of them that were asked for.
    fn platforms(&self, leveled: &Leveled<'_>) -> Result<Vec<Platform>, Error> {
        let all = leveled.image.platforms.iter().map(|platform| platform.value.clone());
        let asked = &self.options.platforms;
        let wanted: Vec<Platform> = all.filter(|platform| asked.is_empty() || asked.contains(platform)).collect();
        match wanted.is_empty() {
            false => Ok(wanted),
            true => Err(Error::Usage(format!(
                "{} is for none of the platforms that were asked for: choose images with `--image`",
                leveled.image.name.value
            ))),
        }
    }

    fn platform(&self, leveled: &Leveled<'_>, platform: &Platform) -> Result<Finished, Error> {
        let (session, project) = (self.session, self.project);
        let prepared = prepare(session, project, self.buildable, leveled, platform, &self.locked.lock)?;
        let compiled = prepared.compile(leveled, platform, self.sources)?;
        let Prepared { image: realised, stages } = prepared;
        let graph = compiled.graph.graph()?;
        let (sources, revision) = (self.sources, self.revision);
        let assembly =
            Assembly { session, project, sources, leveled, compiled: &compiled, realised: &realised, revision };
        let taking = Taking { of: assembly, stages: &stages, graph: &graph, locked: self.locked };
        let files = |solved: &Solution| taking.files(solved);
        let (made, solved) = match self.options.engine_output {
            true => {
                let (made, solved) = entrusted::image(assembly, &graph, &self.tags(leveled)[0])?;
                let files = files(&solved)?;
                (made, Some((solved, files)))
            }
            false => assembly.image(files)?,
        };
        session.phase("describing");
        let built = self.stages(&stages, &compiled, &graph, &made)?;
        let used = Used { contexts: &made.contexts, images: &realised.used, stages: &built };
        let told = self.told(leveled, std::slice::from_ref(platform), &[used])?;
        let checked = commands::checked(&compiled, &graph, &made, sources, &session.store)?;
        let (known, taken) = (Cell::new(solved), OnceCell::new());
        // Everything in the image is looked at where something new is to be said of it, and once.
        let take = || -> Result<&Taken, Error> {
            if let Some(taken) = taken.get() {
                return Ok(taken);
            }
            let (solved, files) = match known.take() {
                Some(known) => known,
                None => {
                    let solved = assembly.solve(&made.read)?;
                    let files = files(&solved)?;
                    (solved, files)
                }
            };
            session.phase("describing");
            let inventory = taking.take(&made, &solved, files)?;
            let base = realised.base.as_ref().map(|base| base.flat(session)).transpose()?;
            let hidden = judging::hidden(&solved, &made.image.layers, base.as_deref());
            Ok(taken.get_or_init(|| Taken { inventory, hidden }))
        };
        let judged = match self.bench {
            Some(bench) => {
                let key = || Ok(self.identity.public_key()?.hint());
                let proofs = proofs(&checked, bench.reached_by_build(told.builder.id(), key)?);
                let case = judging::Built { of: &assembly, made: &made, stages: &stages, told: &told, proofs: &proofs };
                let judgement = bench.judge_build(&case, take)?;
                Some(VerdictReport {
                    image: leveled.image.name.value.to_string(),
                    platform: platform.clone(),
                    digest: made.image.manifest.digest,
                    spec: self.project.file.clone(),
                    level: proofs.provenance.map(|reached| bench.told_level(reached)),
                    attestations: Vec::new(),
                    signatures: Vec::new(),
                    judgement,
                })
            }
            None => None,
        };
        let subject = &made.image.manifest;
        let about = [Subject::new(&subject.digest).named(&told.image)];
        let said = |evidence: &Attested| match &judged {
            Some(judged) => judging::statements(&evidence.told_in(judged.clone()), &about),
            None => Vec::new(),
        };
        let inventory = || Ok(&take()?.inventory);
        let attested = attest::platform(session, self.identity, subject, &told, &checked, &said, inventory)?;
        let judged = judged.map(|judged| attested.told_in(judged));
        let packages = realised.locked.as_ref().map_or(0, |set| set.packages.len());
        Ok(Finished { made, images: realised.used, stages: built, packages, judged, attested })
    }

    /// What the image's digest names: its manifest, or the index of several platforms.
    fn subject(&self, leveled: &Leveled<'_>, finished: &[Finished]) -> Result<(Descriptor, Option<Attested>), Error> {
        if let [only] = finished {
            return Ok((only.made.image.manifest.clone(), None));
        }
        let images: Vec<Image> = finished.iter().map(|f| f.made.image.clone()).collect();
        let annotations = assemble::annotations(leveled, self.revision);
        let index = assemble_index(&images, &annotations, &self.session.store, self.revision.epoch)?;
        let platforms: Vec<Platform> = images.iter().map(|image| image.platform.clone()).collect();
        let used: Vec<Used<'_>> = finished
            .iter()
            .map(|f| Used { contexts: &f.made.contexts, images: &f.images, stages: &f.stages })
            .collect();
        let told = self.told(leveled, &platforms, &used)?;
        let verdicts: Vec<&VerdictReport> = finished.iter().filter_map(|finished| finished.judged.as_ref()).collect();
        let about = [Subject::new(&index.digest).named(&told.image)];
        let said = |evidence: &Attested| {
            let rows = evidence.referrers.iter().chain(finished.iter().filter_map(Finished::verdict));
            let attached: Vec<Digest> = rows.map(|row| row.digest).collect();
            judging::statement_of_index(&verdicts, &about, &index.digest, &attached).into_iter().collect()
        };
        let attested = attest::index(self.session, self.identity, &index, &told, &said)?;
        Ok((index, Some(attested)))
    }

    fn signer(&self) -> SignerReport {
        SignerReport {
            key: self.identity.path.display().to_string(),
            public_key: self.identity.public_path.as_ref().map(|path| path.display().to_string()),
            local: self.identity.local,
            created: self.identity.created,
        }
    }
}

/// What will be attached to an image when it is released.
fn proofs(checked: &[Checked], provenance: Option<Reached>) -> Proofs {
    let passed = |check: &Checked| (check.name().to_owned(), TestResult::of(check).result == Verdict::Passed);
    Proofs { signature: true, sbom: true, provenance, checks: checked.iter().map(passed).collect() }
}

fn platform_report(finished: &Finished) -> PlatformReport {
    let Made { image, facts, .. } = &finished.made;
    let layers = image.layers.iter().zip(&facts.created_by).map(|(layer, created_by)| LayerReport {
        digest: layer.descriptor.digest,
        diff_id: layer.diff_id,
        size: layer.descriptor.size,
        created_by: created_by.clone(),
    });
    let blobs: u64 = image.layers.iter().map(|layer| layer.descriptor.size).sum();
    PlatformReport {
        platform: image.platform.to_string(),
        digest: image.manifest.digest,
        size: image.manifest.size + image.config.size + blobs,
        unpacked_size: facts.unpacked_size,
        layers: layers.collect(),
        packages: finished.packages,
        files: facts.files,
        sboms: finished.attested.sboms.clone(),
        attestations: attestations(&finished.attested).collect(),
    }
}

fn attestations(attested: &Attested) -> impl Iterator<Item = AttestationReport> + '_ {
    attested.referrers.iter().map(|referrer| AttestationReport {
        predicate_type: referrer.annotations.get(PREDICATE_TYPE).cloned().unwrap_or_default(),
        digest: referrer.digest,
    })
}
