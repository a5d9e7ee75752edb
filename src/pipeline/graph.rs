//! The graph that a spec compiles to.

use super::dependencies;
use super::error::Error;
use super::inputs::prepare;
use super::locking::{self, LockMode};
use super::project::Project;
use super::session::Session;
use crate::llb::render;
use crate::oci::Platform;
use crate::plan::Refresh;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The forms of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphForm {
    /// What `buildctl build` reads on standard input.
    Llb,
    /// For programs.
    Json,
    /// For Graphviz.
    Dot,
    /// For Mermaid.
    Mermaid,
}

/// Which graph is meant, and how it is wanted.
#[derive(Debug, Clone)]
pub struct GraphOptions {
    /// The spec: a file, or a folder with a `kiln.kdl`.
    pub spec: PathBuf,
    /// The values that `--arg` sets.
    pub args: BTreeMap<String, String>,
    /// How the lock may be used.
    pub lock: LockMode,
    /// The image; none where the spec has only one.
    pub image: Option<String>,
    /// The platform; none for the image's first.
    pub platform: Option<Platform>,
    /// The folder for a layout with what the graph takes out of the store, which it then takes from there; none where
    /// the graph is for kiln itself.
    pub deps: Option<PathBuf>,
    /// The form.
    pub form: GraphForm,
}

/// The graph of an image for a platform.
///
/// Its packages are fetched and unpacked for it: they stand in the graph by the digest of what they are. With a folder for
/// them, the graph is one that any BuildKit solves.
pub fn graph(session: &Session<'_>, options: &GraphOptions) -> Result<Vec<u8>, Error> {
    let project = Project::load(&options.spec, &options.args)?;
    let mut sources = project.sources.clone();
    let buildable = locking::buildable(&project, &mut sources)?;
    let locked = locking::ensure(session, &project, &buildable, options.lock, &Refresh::Nothing)?;
    let name = match (&options.image, project.spec.images.as_slice()) {
        (Some(name), _) => super::find_image(&project, name)?.name.value.to_string(),
        (None, [only]) => only.name.value.to_string(),
        (None, _) => return Err(Error::Usage("the spec has several images: choose one with `--image`".into())),
    };
    let leveled = buildable.images.iter().find(|leveled| leveled.image.name.value.to_string() == name);
    let leveled = leveled.ok_or_else(|| Error::Mistake(format!("image {name} has no levels")))?;
    let platforms: Vec<&Platform> = leveled.image.platforms.iter().map(|platform| &platform.value).collect();
    let platform = match &options.platform {
        None => platforms[0],
        Some(asked) => platforms
            .iter()
            .find(|platform| **platform == asked)
            .ok_or_else(|| Error::Usage(format!("{name} is not for {asked}: add it to its `platform`")))?,
    };
    let prepared = prepare(session, &project, &buildable, leveled, platform, &locked.lock)?;
    let compiled = prepared.compile(leveled, platform, &sources)?;
    let definition = match &options.deps {
        Some(folder) => dependencies::write(session, &project, platform, &compiled, &sources, folder)?,
        None => compiled.graph,
    };
    let graph = definition.graph()?;
    Ok(match options.form {
        GraphForm::Llb => definition.encode(),
        GraphForm::Json => render::json(&graph).into_bytes(),
        GraphForm::Dot => render::dot(&graph).into_bytes(),
        GraphForm::Mermaid => render::mermaid(&graph).into_bytes(),
    })
}
