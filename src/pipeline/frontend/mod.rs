//! kiln as a frontend of BuildKit: what `docker build` runs where a spec begins with `// syntax=`.
//!
//! A daemon starts this program with no network and no store, and tells it what the user asked for. The spec and its lock
//! are read through the daemon, and compiled to the same graph as ever; the lock must fit, for there is nobody here who
//! could change it. What kiln itself makes of packages and commits becomes operations too (`pieces`, `commits`): BuildKit
//! downloads archives and checks out commits, and this program, run once more as a command without network, makes trees of
//! them.

mod archives;
mod asked;
mod bring;
mod check_out;
mod commits;
mod files;
mod images;
mod pieces;
mod program;
mod sources;

pub use bring::{BringOptions, bring};
pub use check_out::{CheckOutOptions, check_out};

use self::archives::Archives;
use self::asked::Asked;
use self::pieces::Pieces;
use self::sources::Sources;
use super::error::Error;
use super::locking::{self, Leveled};
use super::portable::portable;
use super::project::Project;
use super::session::Session;
use crate::compile::{self, Compiled, User};
use crate::diagnostic;
use crate::llb::{Adopted, Builder, Output, pb};
use crate::oci::{Config, ImageConfig, Platform, RootFs, to_json};
use crate::plan::Lock;
use crate::solve::gateway::{Answer, Gateway};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// What a daemon tells a frontend.
#[derive(Debug, Clone, Default)]
pub struct FrontendOptions {
    /// What the user asked for: `build-arg:NAME`, `target`, `platform` and their like.
    pub options: BTreeMap<String, String>,
    /// The session in which the user's files are.
    pub session: String,
}

/// Answers the daemon that started this program: with files and configuration of an image, or with why there are none, in
/// the words of `explain`. False where there are none.
///
/// # Errors
/// Where the daemon cannot be told.
pub fn frontend(
    session: &Session<'_>,
    options: &FrontendOptions,
    (input, output): (impl Read + Send + 'static, impl Write + Send + 'static),
    explain: &dyn Fn(Error) -> String,
) -> Result<bool, Error> {
    let gateway = Gateway::connect(session.runtime(), input, output)?;
    let folder = session.store.scratch_folder()?;
    let answered = answer(&gateway, options, &folder);
    // What cannot be removed goes with the container.
    let _ = crate::store::remove_folder(&folder);
    let said = match answered {
        Ok(answers) => gateway.succeed(answers).map(|()| true),
        Err(Error::Gateway(cause)) => gateway.fail(cause.to_string(), Some(&cause)).map(|()| false),
        // Where files lie here is nothing to the user.
        Err(error) => {
            let message = explain(error).replace(&format!("{}/", folder.display()), "");
            gateway.fail(message, None).map(|()| false)
        }
    };
    Ok(said?)
}

fn answer(gateway: &Gateway, options: &FrontendOptions, folder: &Path) -> Result<Vec<Answer>, Error> {
    let asked = Asked::of(options)?;
    let project = files::load(gateway, &asked, folder)?;
    let mut texts = project.sources.clone();
    let buildable = locking::buildable(&project, &mut texts)?;
    let lock = locking::unseen(&project, &buildable)?;
    let targets = asked.targets(&project, &buildable)?;
    let building = Building { gateway, asked: &asked, project: &project, lock: &lock, folder, texts: &texts };
    // Each waits for the daemon, which can do all of it at once.
    targets.into_par_iter().map(|(target, platform)| building.build(&buildable, target, platform)).collect()
}

/// What all platforms share.
struct Building<'a> {
    gateway: &'a Gateway,
    asked: &'a Asked,
    project: &'a Project,
    lock: &'a Lock,
    folder: &'a Path,
    texts: &'a diagnostic::Sources,
}

impl Building<'_> {
    fn build(
        &self,
        buildable: &locking::Buildable<'_>,
        target: &Leveled<'_>,
        platform: &Platform,
    ) -> Result<Answer, Error> {
        let mut pieces = Pieces::plan(self.project, buildable, target, platform, self.lock)?;
        for subject in &mut pieces.subjects {
            subject.inputs.base_config = self.base_config(subject.leveled, subject.platform)?;
        }
        let compiled = pieces.compile(self.texts)?;
        let (builder, adopted) = self.portable(&pieces, target, platform, &compiled)?;
        for check in compiled.checked() {
            self.solve(&builder, adopted.output(check), true)?;
        }
        let files = self.solve(&builder, adopted.output(compiled.graph.output()), false)?;
        let mut config = Config { user: Some(user(compiled.recipe.user)), ..compiled.recipe.config };
        config.labels.get_or_insert_default().extend(self.asked.labels.clone());
        let config = ImageConfig {
            created: None,
            author: None,
            platform: platform.clone(),
            config,
            rootfs: RootFs { kind: "layers".into(), diff_ids: Vec::new() },
            history: Vec::new(),
        };
        Ok(Answer { platform: platform.clone(), files, config: to_json(&config) })
    }

    /// The graph as the daemon takes it, with places for archives of packages from which it has them.
    fn portable(
        &self,
        pieces: &Pieces<'_>,
        target: &Leveled<'_>,
        platform: &Platform,
        compiled: &Compiled,
    ) -> Result<(Builder, Adopted), Error> {
        let mut archives = Archives::list(self, pieces)?;
        loop {
            let mut sources =
                Sources { building: self, pieces, target, platform, archives: &archives, made: Vec::new() };
            let (builder, adopted) = portable(&compiled.graph, Builder::new(platform.clone()), &mut sources)?;
            // Who has one place for everything learns nothing by asking.
            let made = sources.made.first().filter(|_| archives.have_other_places());
            let Some(made) = made else { return Ok((builder, adopted)) };
            match self.solve(&builder, *made, true) {
                Ok(_) => return Ok((builder, adopted)),
                // Whatever else is wrong stays so.
                Err(error) if !archives.move_on(self)? => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// The configuration of a base that is not kiln's own.
    fn base_config(&self, leveled: &Leveled<'_>, platform: &Platform) -> Result<Option<Config>, Error> {
        let Some(image) = images::base(self, leveled)? else { return Ok(None) };
        let bytes = self.gateway.image_config(&image.name, &image.digest, image.place, image.platform(platform))?;
        let config = serde_json::from_slice::<ImageConfig>(&bytes);
        let config =
            config.map_err(|e| Error::Usage(format!("{}@{} has no configuration: {e}", image.name, image.digest)))?;
        Ok(Some(config.config))
    }

    fn solve(
        &self,
        builder: &Builder,
        output: Output,
        evaluated: bool,
    ) -> Result<crate::solve::gateway::Reference, Error> {
        let mut definition: pb::Definition = builder.finish(output, self.texts)?.message().clone();
        if self.asked.no_cache {
            definition.metadata.values_mut().for_each(|metadata| metadata.ignore_cache = true);
        }
        Ok(self.gateway.solve(definition, evaluated)?)
    }
}

/// A name is looked up where the image runs.
fn user(user: User) -> String {
    match user {
        User::Fixed(user) | User::Named(user) => user,
    }
}

/// What a compiled subject is named in the graph: an image or a stage.
fn subject<'a>(subject: &'a pieces::Subject<'a>) -> compile::Subject<'a> {
    compile::Subject { levels: &subject.leveled.levels, platform: subject.platform, inputs: &subject.inputs }
}
