//! The main job: lock, solve, assemble, describe, sign, write.

use super::assemble::{self, Assembled};
use super::attest::{self, Attested};
use super::epoch::{self, Revision};
use super::error::Error;
use super::identity::{Identity, KeySettings};
use super::inputs::{Realised, realise};
use super::inventory;
use super::locking::{self, Leveled, LockMode, Locked};
use super::output::{self, OutputSpec};
use super::project::Project;
use super::provenance;
use super::report::{
    AttestationReport, BuildReport, ImageReport, LayerReport, PhaseReport, PlatformReport, SignerReport,
};
use super::session::Session;
use crate::compile::{Compiled, compile};
use crate::diagnostic::Sources;
use crate::image::assemble::Image;
use crate::oci::{Descriptor, Platform, Reference};
use crate::plan::Refresh;
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
    /// `SOURCE_DATE_EPOCH`.
    pub epoch: Option<i64>,
    /// With what it is signed.
    pub keys: KeySettings<'a>,
    /// Whether the provenance tells when this run began and ended.
    pub record_run: bool,
}

/// How often a build begins anew because the store had lost or damaged something.
const ATTEMPTS: usize = 3;

/// Builds the images of a spec.
///
/// Where content of the store turns out to be missing or damaged, it is made anew.
pub fn build(session: &Session<'_>, options: &BuildOptions<'_>) -> Result<BuildReport, Error> {
    let mut attempt = 1;
    loop {
        match build_once(session, options) {
            Err(error) if error.is_lost_content() && attempt < ATTEMPTS => {
                session.progress.warn(&format!("{error}; making it anew"));
                session.forget_results()?;
                attempt += 1;
            }
            other => return other,
        }
    }
}

fn build_once(session: &Session<'_>, options: &BuildOptions<'_>) -> Result<BuildReport, Error> {
    let started_on = session.clock();
    session.phase("reading the spec");
    let project = Project::load(&options.spec, &options.args)?;
    let project = selected(project, options)?;
    let mut sources = project.sources.clone();
    let images = locking::leveled(&project, &mut sources)?;
    let outputs = output::plan(&project, &options.outputs)?;
    let identity = Identity::find(&project, &options.keys)?;
    let revision = epoch::revision(session, &project, options.epoch);
    let locked = locking::ensure(session, &project, &images, options.lock, &Refresh::Nothing)?;
    let build = Build { session, options, project: &project, sources: &sources, identity, revision, locked, started_on };
    let images = images.iter().map(|image| build.image(image, &outputs)).collect::<Result<Vec<_>, _>>()?;
    let phases = session.durations().into_iter().map(|(name, seconds)| PhaseReport { name, seconds }).collect();
    Ok(BuildReport {
        report: 1,
        kiln: env!("CARGO_PKG_VERSION").into(),
        epoch: build.revision.epoch,
        lock: build.locked.report,
        images,
        phases,
        started_on,
        finished_on: session.clock(),
        warnings: session.warnings(),
    })
}

/// The project with the images and platforms that the command line asks for.
fn selected(mut project: Project, options: &BuildOptions<'_>) -> Result<Project, Error> {
    for name in &options.images {
        super::find_image(&project, name)?;
    }
    if !options.images.is_empty() {
        let wanted = |image: &crate::spec::Image| options.images.iter().any(|name| super::is_called(image, name));
        project.spec.images.retain(wanted);
    }
    if options.tags.len() > 0 && project.spec.images.len() > 1 {
        return Err(Error::Usage("several images cannot have the same tag: choose one with `--image`".into()));
    }
    if !options.platforms.is_empty() {
        for image in &mut project.spec.images {
            let span = image.name.span;
            let of = |platform: &Platform| crate::spec::Spanned::new(platform.clone(), span);
            image.platforms = options.platforms.iter().map(of).collect();
        }
    }
    Ok(project)
}

struct Build<'a> {
    session: &'a Session<'a>,
    options: &'a BuildOptions<'a>,
    project: &'a Project,
    sources: &'a Sources,
    identity: Identity<'a>,
    revision: Revision,
    locked: Locked,
    started_on: i64,
}

/// An image for one platform with all that is said about it.
struct Finished {
    image: Image,
    assembled: Assembled,
    attested: Attested,
}

impl Build<'_> {
    fn image(&self, leveled: &Leveled<'_>, outputs: &[OutputSpec]) -> Result<ImageReport, Error> {
        let platforms = leveled.image.platforms.iter();
        let finished: Vec<Finished> =
            platforms.map(|platform| self.platform(leveled, &platform.value)).collect::<Result<_, _>>()?;
        let (subject, of_index) = self.subject(leveled, &finished)?;
        self.session.phase("writing");
        let reference = &leveled.image.name.value;
        let tags = self.tags(reference);
        let bundle = output::Bundle {
            name: reference,
            tags: &tags,
            subject: &subject,
            images: finished.iter().map(|f| (&f.image, f.assembled.tree)).collect(),
            attested: finished.iter().map(|f| &f.attested).chain(&of_index).collect(),
            epoch: self.revision.epoch,
        };
        let several = self.project.spec.images.len() > 1;
        let outputs = outputs.iter().map(|output| output.write(self.session, &bundle, several));
        Ok(ImageReport {
            name: reference.to_string(),
            digest: subject.digest,
            media_type: subject.media_type.clone(),
            tags: tags.iter().map(ToString::to_string).collect(),
            platforms: finished.iter().map(platform_report).collect(),
            attestations: of_index.iter().flat_map(attestations).collect(),
            outputs: outputs.collect::<Result<_, _>>()?,
            signer: self.signer()?,
        })
    }

    fn platform(&self, leveled: &Leveled<'_>, platform: &Platform) -> Result<Finished, Error> {
        let realised = realise(self.session, self.project, leveled, platform, &self.locked.lock)?;
        let compiled = compile(&leveled.levels, platform, &realised.inputs, self.sources)?;
        let made = assemble::image(self.session, self.project, leveled, &compiled, &realised, &self.revision)?;
        let subject = made.image.manifest.clone();
        self.session.phase("signing");
        let about = self.provenance(leveled, std::slice::from_ref(platform), &[(&realised, &made.assembled, &compiled)])?;
        let attested = attest::platform(self.session, &self.identity, &subject, &about, || {
            let place = inventory::Place { session: self.session, project: self.project, sources: self.sources };
            let solved = made.solved(self.session, self.project, &compiled, &realised)?;
            inventory::take(&place, leveled, &compiled, &realised, &made, &solved, &self.locked, &self.revision)
        })?;
        Ok(Finished { image: made.image, assembled: made.assembled, attested })
    }

    /// What the image's digest names: its manifest, or the index of several platforms.
    fn subject(&self, leveled: &Leveled<'_>, finished: &[Finished]) -> Result<(Descriptor, Option<Attested>), Error> {
        if let [only] = finished {
            return Ok((only.image.manifest.clone(), None));
        }
        let images: Vec<Image> = finished.iter().map(|f| f.image.clone()).collect();
        let annotations = assemble::annotations(leveled, &self.revision);
        let epoch = self.revision.epoch;
        let index = crate::image::assemble::assemble_index(&images, &annotations, &self.session.store, epoch)?;
        let platforms: Vec<Platform> = leveled.image.platforms.iter().map(|p| p.value.clone()).collect();
        let about = self.provenance(leveled, &platforms, &[])?;
        let attested = attest::index(self.session, &self.identity, &index, &about)?;
        Ok((index, Some(attested)))
    }
}
