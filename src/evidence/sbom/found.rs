//! Packages that files of the image tell of, beside those that the inventory knows from elsewhere.

use super::graph::InventoryError;
use crate::catalog::{self, Cataloguer, Kind};
use crate::evidence::inventory::{File, Inventory, path_text};
use std::collections::BTreeMap;

/// A package that files tell of.
pub(super) struct Told<'a> {
    pub(super) package: &'a catalog::Package,
    /// Where, in order; once at least.
    pub(super) shown: Vec<Shown<'a>>,
}

/// A file that tells of a package.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) file: &'a File,
    /// The place in it.
    pub(super) place: &'a catalog::Place,
}

impl Shown<'_> {
    /// Where the package is, with the way through archives behind the path of the outermost.
    pub(super) fn location(&self) -> String {
        let inside = self.place.inside.iter().map(String::as_str);
        std::iter::once(self.file.path.as_str()).chain(inside).collect::<Vec<_>>().join("!/")
    }

    /// Whether the package is in the file; else the file describes what stands around it.
    pub(super) fn is_inside(&self) -> bool {
        use Cataloguer::{CargoAuditable, ElfPackageNote, GoBuildInfo, JavaArchive, VersionString};
        matches!(self.place.by, CargoAuditable | ElfPackageNote | GoBuildInfo | JavaArchive | VersionString)
    }
}

/// The packages that files tell of. What a file of an installed package tells is not repeated: it is that package, or
/// comes with it.
pub(super) fn told(inventory: &Inventory) -> Result<Vec<Told<'_>>, InventoryError> {
    let packages = &inventory.catalogued.packages;
    let paths = packages.iter().flat_map(|package| &package.places).map(|place| path_text(place.path.as_bytes()));
    let mut files: BTreeMap<String, Option<&File>> = paths.map(|path| (path, None)).collect();
    for file in &inventory.files {
        if let Some(known) = files.get_mut(&file.path) {
            *known = Some(file);
        }
    }
    let mut all = Vec::new();
    for package in packages {
        let mut shown = Vec::new();
        for place in &package.places {
            let path = path_text(place.path.as_bytes());
            let file = files.get(&path).copied().flatten();
            let file = file.ok_or_else(|| InventoryError::NoSuchFile { package: package.purl.clone(), path })?;
            if !file.owner.is_package() {
                shown.push(Shown { file, place });
            }
        }
        if !shown.is_empty() {
            all.push(Told { package, shown });
        }
    }
    Ok(all)
}

/// Whether a package is one of a distribution.
pub(super) fn is_of_system(package: &catalog::Package) -> bool {
    matches!(package.kind, Kind::Deb | Kind::Apk | Kind::Rpm)
}
