//! What a user asked a frontend for, in the words that BuildKit's clients have for Dockerfiles.

use super::FrontendOptions;
use crate::oci::{Digest, Platform, Reference};
use crate::pipeline::error::Error;
use crate::pipeline::locking::{Buildable, Leveled};
use crate::pipeline::project::{Project, SPEC_FILE};
use crate::pipeline::{find_image, is_called, target};
use std::collections::{BTreeMap, BTreeSet};

/// What clients hand on with every build, and no spec asks for.
const AMBIENT: [&str; 5] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/// The build argument with the mirror that packages come from.
const MIRROR: &str = "KILN_DEBIAN_MIRROR";

/// A layout that the client lends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lent {
    /// What it is called in the session.
    pub store: String,
    /// The image in it that is meant.
    pub image: Digest,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// The session in which the user's files are.
    pub session: String,
    /// The spec's file.
    pub file: String,
    /// The name of the folder that it is in.
    pub spec_folder: String,
    /// The name of the folder that contexts are in.
    pub context: String,
    /// The names of folders that were given for contexts, by the spec's names for these.
    pub contexts: BTreeMap<String, String>,
    /// The layouts that were given, by the names of the spec's sources.
    pub layouts: BTreeMap<String, Lent>,
    /// The values of the spec's args.
    pub args: BTreeMap<String, String>,
    /// The mirror of Debian.
    pub mirror: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The image or the stage.
    pub target: Option<String>,
    /// The platforms; those of this machine where there are none.
    pub platforms: Vec<Platform>,
    /// Whether nothing that was made before counts.
    pub no_cache: bool,
    /// The image of this program.
    pub frontend: Reference,
}

impl Asked {
    pub(super) fn of(given: &FrontendOptions) -> Result<Self, Error> {
        let options = &given.options;
        let get = |name: &str| options.get(name).filter(|value| !value.is_empty()).cloned();
        let wrong = |what: String| Err(Error::Usage(what));
        if options.contains_key("requestid") {
            return wrong("this frontend builds images, and answers no other questions about a spec".into());
        }
        if let Some(remote) = get("context") {
            return wrong(format!("the context must be a folder: `{remote}` cannot be used"));
        }
        let after = |prefix: &'static str| {
            options.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())))
        };
        let (mut contexts, mut layouts) = (BTreeMap::new(), BTreeMap::new());
        for (name, place) in after("context:") {
            // With a platform behind it, it is for that platform alone, which these never are.
            let source = name.split("::").next().unwrap_or_default().to_owned();
            match (place.strip_prefix("local:"), place.strip_prefix("oci-layout://").and_then(lent)) {
                (Some(folder), _) => drop(contexts.insert(source, folder.to_owned())),
                (None, Some(layout)) => drop(layouts.insert(source, layout)),
                (None, None) => {
                    return wrong(format!(
                        "the context `{name}` must be a folder or a layout: `{place}` cannot be used"
                    ));
                }
            }
        }
        let is_of_spec = |name: &str| {
            let ambient = AMBIENT.iter().any(|known| known.eq_ignore_ascii_case(name));
            !ambient && name != MIRROR && name != "SOURCE_DATE_EPOCH" && !name.starts_with("BUILDKIT_")
        };
        let platforms = get("platform").unwrap_or_default();
        let platforms = platforms.split(',').filter(|text| !text.is_empty());
        let platforms = platforms.map(|text| text.trim().parse().map_err(|e| Error::Usage(format!("{e}"))));
        let frontend = get("source").unwrap_or_default();
        Ok(Asked {
            session: given.session.clone(),
            file: file(get("filename"))?,
            spec_folder: get("dockerfilekey").unwrap_or_else(|| "dockerfile".into()),
            context: get("contextkey").unwrap_or_else(|| "context".into()),
            contexts,
            layouts,
            args: after("build-arg:").filter(|(name, _)| is_of_spec(name)).collect(),
            mirror: get(&format!("build-arg:{MIRROR}")),
            labels: after("label:").collect(),
            target: get("target"),
            platforms: platforms.collect::<Result<_, _>>()?,
            no_cache: options.contains_key("no-cache"),
            frontend: frontend
                .parse()
                .map_err(|e| Error::Usage(format!("the frontend's own image has no usable name: {e}")))?,
        })
    }

    /// What is built for which platform.
    pub(super) fn targets<'b, 'a>(
        &self,
        project: &'a Project,
        buildable: &'b Buildable<'a>,
    ) -> Result<Vec<(&'b Leveled<'a>, &'b Platform)>, Error> {
        let image = match (&self.target, project.spec.images.as_slice()) {
            (Some(name), images) if images.iter().any(|image| is_called(image, name)) => find_image(project, name)?,
            (Some(name), _) => return self.stage(project, buildable, name),
            (None, [only]) => only,
            (None, images) => {
                let names: Vec<String> = images.iter().map(|image| image.name.value.to_string()).collect();
                let names = names.join(", ");
                return Err(Error::Usage(format!("the spec has several images: choose one with `--target`: {names}")));
            }
        };
        let leveled = buildable.images.iter().find(|leveled| std::ptr::eq(leveled.image, image));
        let leveled = leveled.ok_or_else(|| Error::Mistake(format!("image {} has no levels", image.name.value)))?;
        let known: Vec<&Platform> = leveled.image.platforms.iter().map(|platform| &platform.value).collect();
        let find = |asked: &Platform| known.iter().copied().find(|platform| platform.matches(asked));
        if self.platforms.is_empty() {
            let first = find(&Platform::host()).or_else(|| known.first().copied());
            return Ok(first.into_iter().map(|platform| (leveled, platform)).collect());
        }
        let mut seen = BTreeSet::new();
        let mut targets = Vec::new();
        for asked in self.platforms.iter().filter(|asked| seen.insert(*asked)) {
            let name = &image.name.value;
            let missing = || Error::Usage(format!("{name} is not for {asked}: add it to its `platform`"));
            targets.push((leveled, find(asked).ok_or_else(missing)?));
        }
        Ok(targets)
    }

    fn stage<'b, 'a>(
        &self,
        project: &'a Project,
        buildable: &'b Buildable<'a>,
        name: &str,
    ) -> Result<Vec<(&'b Leveled<'a>, &'b Platform)>, Error> {
        let asked: Vec<Option<&Platform>> = match self.platforms.as_slice() {
            [] => vec![None],
            asked => asked.iter().map(Some).collect(),
        };
        asked.into_iter().map(|platform| target::stage(project, buildable, name, platform)).collect()
    }
}

/// A layout as clients name it: `STORE[:TAG]@DIGEST`.
fn lent(text: &str) -> Option<Lent> {
    let (name, image) = text.rsplit_once('@')?;
    let store = name.split(':').next().filter(|store| !store.is_empty())?;
    Some(Lent { store: store.to_owned(), image: image.parse().ok()? })
}

/// The file of the spec: a plain name, as clients give it.
fn file(given: Option<String>) -> Result<String, Error> {
    let file = given.unwrap_or_else(|| SPEC_FILE.into());
    match file.contains(['/', '\0']) || matches!(file.as_str(), "." | "..") {
        true => Err(Error::Usage(format!("`{file}` is no name of a spec"))),
        false => Ok(file),
    }
}

#[cfg(test)]
mod tests;
