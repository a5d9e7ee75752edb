//! Packages that files tell of, as components: what shows them, and how sure that is.

use super::super::contact;
use super::super::found::Shown;
use super::super::graph::Component;
use super::part::{
    Evidence, Identity, Method, NamedLicence, Occurrence, Organisation, Part, Property, Terms, property,
};
use crate::catalog::{self, Cataloguer, Kind};
use crate::evidence::licence;
use std::collections::BTreeSet;

/// A package that nobody speaks of but files of the image.
pub(super) fn found_part<'a>(component: &Component<'a>, package: &'a catalog::Package, bare: Part<'a>) -> Part<'a> {
    let supplier = package.supplier.as_deref().map(|supplier| {
        let contact = contact(supplier);
        Organisation { name: contact.name, contact: contact.email.map(|_| contact).into_iter().collect() }
    });
    Part {
        kind: if package.kind == Kind::Binary { "application" } else { "library" },
        supplier,
        name: &package.name,
        version: (!package.version.is_empty()).then_some(&package.version),
        licenses: package.licence.as_deref().map(terms),
        purl: Some(package.purl.clone()),
        evidence: shown(component, &package.purl),
        properties: finders(component).collect(),
        ..bare
    }
}

/// A licence as far as SPDX knows it, else in its own words.
fn terms(words: &str) -> [Terms<'_>; 1] {
    match licence::from_words(words) {
        Some(expression) => Terms::declared(expression),
        None => [Terms::Named { license: NamedLicence { name: words, acknowledgement: "declared" } }],
    }
}

/// The readers that found a component.
pub(super) fn finders(component: &Component<'_>) -> impl Iterator<Item = Property> {
    found_by(component).into_iter().map(|by| property("found-by", by.name()))
}

fn found_by(component: &Component<'_>) -> BTreeSet<Cataloguer> {
    component.shown.iter().map(|shown| shown.place.by).collect()
}

/// What shows that a component is there, where files do.
pub(super) fn shown<'a>(component: &Component<'_>, purl: &str) -> Option<Evidence<'a>> {
    let methods: Vec<Method> = found_by(component).into_iter().map(method).collect();
    (!methods.is_empty()).then(|| Evidence {
        identity: Identity::of(purl.to_owned(), methods),
        occurrences: component.shown.iter().map(occurrence).collect(),
    })
}

fn occurrence<'a>(shown: &Shown<'_>) -> Occurrence<'a> {
    let build_id = shown.place.build_id.as_ref().map(|id| format!("build-id {id}"));
    Occurrence { location: shown.location().into(), additional_context: build_id }
}

fn method(by: Cataloguer) -> Method {
    let (technique, confidence) = technique(by);
    Method { technique, confidence, value: by.name().to_owned() }
}

/// How a reader looks, in CycloneDX's words, and how sure its answers are. What a linker or a package manager wrote about
/// its own work is certain. Metadata beside a package may be copied without it, and names of Java archives are partly put
/// together from names of files. A version that only stands in a program may be that of something else in it.
fn technique(by: Cataloguer) -> (&'static str, f64) {
    use Cataloguer::*;
    match by {
        DpkgStatus | DpkgFiles | ApkInstalled | RpmDatabase => ("manifest-analysis", 1.0),
        CargoAuditable | GoBuildInfo | ElfPackageNote => ("binary-analysis", 1.0),
        PythonMetadata | NpmPackage | Gemspec | ComposerInstalled | DotnetDeps | JvmRelease | GoToolchain => {
            ("manifest-analysis", 0.9)
        }
        JavaArchive => ("manifest-analysis", 0.8),
        VersionString => ("binary-analysis", 0.6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_how_sure_each_reader_is() {
        use Cataloguer::*;
        let page = include_str!("../../../../specs/bills.md");
        let all = [
            DpkgStatus,
            ApkInstalled,
            RpmDatabase,
            CargoAuditable,
            GoBuildInfo,
            ElfPackageNote,
            VersionString,
            PythonMetadata,
            NpmPackage,
            JavaArchive,
            JvmRelease,
            Gemspec,
            ComposerInstalled,
            DotnetDeps,
            GoToolchain,
        ];
        for by in all {
            let (how, confidence) = technique(by);
            let row = page.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{}`", by.name())));
            let cells: Vec<&str> = row.unwrap_or_default().split('|').map(str::trim).collect();
            let [_, _, named, sure, _] = cells[..] else { panic!("{} is not on the page", by.name()) };
            let sure = sure.split(':').next().unwrap_or_default();
            assert_eq!((named, sure), (format!("`{how}`").as_str(), confidence.to_string().as_str()), "{}", by.name());
        }
    }
}
