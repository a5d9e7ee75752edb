//! An image together with the bases of kiln's own that it stands on.

use super::own::own_base;
use crate::diagnostic::{Diagnostics, Sources};
use crate::spec::{self, Base, Image, Spec};
use std::collections::BTreeMap;

/// One of the images that stand on one another: a base of kiln's own, or the image itself.
#[derive(Debug, Clone)]
pub struct Level {
    /// The name of a base of kiln's own; none for the image that is built.
    pub own: Option<String>,
    /// The spec that says what the level is made of.
    pub spec: Spec,
    /// The image of that spec.
    pub image: Image,
}

/// Why the levels of an image cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// No base of this name is built in.
    #[error("kiln has no base called `{0}`")]
    NoSuchBase(String),
    /// A base that is built in is wrong, which its tests should have found.
    #[error("the built-in base {name} is wrong: {mistakes}")]
    BrokenBase {
        /// The base.
        name: String,
        /// What is wrong with it.
        mistakes: Diagnostics,
    },
}

impl Level {
    /// The level's name for people.
    pub fn name(&self) -> String {
        match &self.own {
            Some(own) => format!("base {own}"),
            None => self.image.name.value.to_string(),
        }
    }
}

/// The bases that were read so far, by name: each is read once, so that it has one text.
pub type Bases = BTreeMap<String, Level>;

/// The levels of `image`, the lowest first and the image itself last.
///
/// The texts of bases that are not among `bases` yet are added to `sources`, which the spans of their specs point into.
pub fn levels(spec: &Spec, image: &Image, sources: &mut Sources, bases: &mut Bases) -> Result<Vec<Level>, LevelError> {
    let mut levels = vec![Level { own: None, spec: spec.clone(), image: image.clone() }];
    while let Some(Base::Own(name)) = levels.last().and_then(|l| l.image.base.as_ref()).map(|base| &base.value) {
        let name = name.clone();
        if let Some(known) = bases.get(&name) {
            levels.push(known.clone());
            continue;
        }
        let base = own_base(&name).ok_or_else(|| LevelError::NoSuchBase(name.clone()))?;
        let file = format!("base-images/{name}/kiln.kdl");
        let texts = BTreeMap::from([(file.clone(), base.spec.to_owned())]);
        let broken = |mistakes| LevelError::BrokenBase { name: name.clone(), mistakes };
        let loaded = spec::load_beside(&texts, &file, &BTreeMap::new(), std::mem::take(sources)).map_err(broken)?;
        *sources = loaded.sources;
        let image = loaded.spec.images.first().cloned().ok_or_else(|| LevelError::NoSuchBase(name.clone()))?;
        let level = Level { own: Some(name.clone()), spec: loaded.spec, image };
        bases.insert(name, level.clone());
        levels.push(level);
    }
    levels.reverse();
    Ok(levels)
}
