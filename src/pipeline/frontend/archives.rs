//! Where a daemon downloads the archives of packages.
//!
//! A mirror drops what is no longer the newest, and a daemon's download has one address. So all are tried at the first place
//! that may have them, and only those that do not come from there at the next one, at last the snapshot.

use super::Building;
use super::pieces::Pieces;
use crate::llb::{Builder, Note, Output, attr};
use crate::oci::{Digest, Platform};
use crate::packages::deb::{self, MirrorConfig};
use crate::pipeline::error::Error;
use crate::pipeline::inputs::{date_of, mirrors_of};
use std::path::Path;

/// The archives of all packages of one target.
pub(super) struct Archives(Vec<Archive>);

struct Archive {
    name: String,
    digest: Digest,
    /// Where it may be, in the order in which the places are tried.
    places: Vec<crate::http::Url>,
    /// The position of the place that is tried now.
    now: usize,
}

impl Archives {
    /// Lists them, each at its first place.
    pub(super) fn list(building: &Building<'_>, pieces: &Pieces<'_>) -> Result<Self, Error> {
        let mirrors = MirrorConfig::read(Path::new("/"), building.asked.mirror.as_deref());
        let mirrors = mirrors.map_err(|e| Error::Usage(format!("KILN_DEBIAN_MIRROR cannot be used: {e}")))?;
        let mut all = Vec::new();
        for (digest, (package, request)) in &pieces.archives {
            let mirrors = mirrors_of(&mirrors, package, request)?;
            let wanted = deb::Wanted { package, mirrors: &mirrors, date: date_of(package, building.lock) };
            let places = wanted.places()?;
            if places.is_empty() {
                return Err(Error::Usage(format!("nobody says where {} is", package.name)));
            }
            let name = format!("{} {}", package.name, package.version);
            all.push(Archive { name, digest: *digest, places, now: 0 });
        }
        Ok(Archives(all))
    }

    /// Whether some may be at another place than the one that is tried now.
    pub(super) fn have_other_places(&self) -> bool {
        self.0.iter().any(Archive::has_other_place)
    }

    /// A tree with all of them, which the daemon downloads and checks; none where there are none.
    pub(super) fn tree(&self, builder: &mut Builder) -> Option<Output> {
        let all: Vec<Output> = self.0.iter().map(|archive| archive.download(builder)).collect();
        builder.merge(&all, Note::named("[internal] archives of packages"))
    }

    /// Goes on to the next place with those that the daemon cannot download. False where that changes nothing.
    pub(super) fn move_on(&mut self, building: &Building<'_>) -> Result<bool, Error> {
        let mut downloads = Vec::new();
        for archive in &self.0 {
            let mut builder = Builder::new(Platform::host());
            let download = archive.download(&mut builder);
            downloads.push(builder.finish_without_places(download)?.message().clone());
        }
        let came = building.gateway.solve_each(downloads);
        let lost = self.0.iter_mut().zip(came).filter(|(_, came)| came.is_err()).map(|(archive, _)| archive);
        let mut moved = false;
        for archive in lost.filter(|archive| archive.has_other_place()) {
            archive.now += 1;
            moved = true;
        }
        Ok(moved)
    }
}

impl Archive {
    fn has_other_place(&self) -> bool {
        self.now + 1 < self.places.len()
    }

    fn download(&self, builder: &mut Builder) -> Output {
        let mut attrs = attr::http(&self.digest, Some(&self.digest.hex()), Some(0o644));
        // For a daemon, downloads with one checksum are one, and where one has failed all have, unless the files differ.
        if self.now > 0 {
            attrs.insert(attr::HTTP_UID.to_owned(), self.now.to_string());
        }
        let note = Note::named(format!("fetch {}", self.name));
        builder.source(self.places[self.now].secret().as_str(), attrs, note)
    }
}
