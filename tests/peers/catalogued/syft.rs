//! Whole images, against syft: package URLs with all their parts.

use super::differences::{By, Difference, agree};
use super::images::{Image, Told, decoded, text};
use super::installed::{run, syft};
use serde_json::Value;
use std::process::Command;

/// All worlds of packages.
const ALL: [&str; 7] = ["cargo", "deb", "gem", "generic", "golang", "maven", "npm"];

fn found(image: &Image) -> Told {
    let mut program = Command::new(syft());
    program.env("SYFT_CHECK_FOR_APP_UPDATE", "false").env("SYFT_FILE_METADATA_SELECTION", "none");
    let output = run(program.arg(format!("oci-dir:{}", image.bare_layout().display())).args(["--quiet", "-o", "json"]));
    let document: Value = serde_json::from_str(&output).unwrap();
    let packages = document["artifacts"].as_array().unwrap().iter().map(|package| {
        let places = package["locations"].as_array().unwrap().iter();
        let places: Vec<&str> = places.map(|place| text(place, "path")).collect();
        let name = match text(package, "purl") {
            "" => format!("{}:{}@{}", text(package, "type"), text(package, "name"), text(package, "version")),
            purl => decoded(purl),
        };
        (name, places.join(" "))
    });
    packages.collect()
}

fn compare(image: &Image, explained: &[Difference]) {
    let kiln = image.told(&[ALL.as_slice(), &["pypi"]].concat());
    agree(image.name, &kiln, &found(image), explained);
}

const fn only(by: By, what: &'static str, reason: &'static str) -> Difference {
    Difference { by, what, reason }
}

#[test]
#[ignore = "needs a Debian mirror, and syft from the Python package index"]
fn in_images_of_debian_syft_finds_the_same() {
    compare(Image::python(), &[]);
    compare(Image::nginx(), &[]);
    let of_java = [only(
        By::Other,
        r"^pkg:maven/\S+ /usr/(lib/jvm|share/ca-certificates-java)/\S+\.jar$",
        "the file is of a Debian package, which is told, and which mends what is in it",
    )];
    compare(Image::java(), &of_java);
}

#[test]
#[ignore = "needs a Debian mirror, root, and syft from the Python package index"]
fn in_an_image_that_dpkg_installed_syft_finds_the_same() {
    compare(Image::postgresql(), &[]);
}

#[test]
#[ignore = "installs packages from the registries of Python, npm and Rust"]
fn in_projects_syft_finds_the_same() {
    let explained = [only(
        By::Other,
        r"^pkg:nuget/Simple Launcher@\S+ (/srv/python/\S+/distlib/\S+\.exe ?)+$",
        "a version resource of a program for Windows: it starts Python scripts and is no package of NuGet",
    )];
    compare(Image::projects(), &explained);
}

#[test]
#[ignore = "needs a Debian mirror, and syft from the Python package index"]
fn in_programs_and_archives_that_nobody_owns_syft_finds_the_same() {
    let explained = [
        only(
            By::Kiln,
            r"^pkg:deb/debian/\S+\?distro=debian-\d+ ",
            "a program's note names its package but not the distribution's vendor: kiln takes that from os-release",
        ),
        only(By::Other, r"^pkg:deb/[^/\s]+@\S+ ", "the same without a distribution, under which no hole is listed"),
        only(
            By::Kiln,
            r"^pkg:generic/(expat|glibc|zlib)@\S+ /usr/lib/\S+\.so\S*$",
            "libraries with versions in them that holes are reported of; syft looks for other programs",
        ),
        only(
            By::Kiln,
            r"^pkg:generic/(perl|php-cli|ruby)@\S+ /usr/\S+",
            "syft knows the texts of the builds of Docker's official images, kiln those of Debian's too",
        ),
        only(
            By::Kiln,
            r"^pkg:maven/(xerces/xercesImpl|xml-apis/xml-apis(-ext)?)@\S+ \S+\.jar$",
            "the group under which the artefact is published, and its holes are listed",
        ),
        only(
            By::Other,
            r"^pkg:maven/(org\.apache\.xerces/xercesImpl|org\.apache\.xmlcommons\.Version/xml-apis(-ext)?)@\S+ ",
            "the same artefacts, with words of the manifest in place of their groups",
        ),
        only(
            By::Kiln,
            r"^pkg:maven/org\.mongodb/(bson|mongo-java-driver)@\S+ \S+\.jar$",
            "the manifest's name of the bundle without the artefact's: the group under which it is published",
        ),
        only(
            By::Other,
            r"^pkg:maven/org\.mongodb\.(bson/bson|mongo-java-driver/mongo-java-driver)@\S+ ",
            "the same artefacts, with the whole name of the bundle for their group",
        ),
        only(By::Kiln, r"^pkg:maven/javax\.inject/\S+ \S+\.jar$", "the group by the manifest's name of the bundle"),
        only(By::Other, r"^pkg:maven/atinject-jsr330-api/\S+ ", "the same artefact, with its name for its group"),
        only(
            By::Other,
            r"^pkg:maven/[^@\s]*/error-prone-[a-z-]+ \S+\.jar$",
            "the archive beside the artefact that is in it, which both tell of: they are the same",
        ),
    ];
    compare(Image::parts(), &explained);
}
