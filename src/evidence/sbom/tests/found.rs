//! Packages that files tell of.

use super::{broken, documents};
use crate::catalog::{Cataloguer, Kind};
use crate::evidence::claims::{ClaimedPackage, Claims, packages_of_document};
use crate::evidence::fixtures::{catalogued, found};
use crate::evidence::inventory::Inventory;
use crate::oci::Digest;
use serde_json::{Value, json};

const REQUESTS: &str = "pkg:pypi/requests@2.31.0";
const LANG: &str = "pkg:maven/org.apache.commons/commons-lang3@3.12.0";
const ZLIB: &str = "pkg:deb/debian/zlib1g@1:1.3?arch=amd64&distro=debian-13";

struct Read {
    cyclonedx: Value,
    spdx: Value,
}

impl Read {
    fn of(inventory: &Inventory) -> Self {
        let (cyclonedx, spdx) = documents(inventory);
        Read { cyclonedx: serde_json::from_str(&cyclonedx).unwrap(), spdx: serde_json::from_str(&spdx).unwrap() }
    }

    /// The components with a package URL.
    fn components(&self, purl: &str) -> Vec<&Value> {
        let all = self.cyclonedx["components"].as_array().unwrap();
        all.iter().filter(|component| component["purl"] == purl).collect()
    }

    fn component(&self, purl: &str) -> &Value {
        let [only] = self.components(purl)[..] else { panic!("{purl} is not there once") };
        only
    }

    /// What a component depends on.
    fn needs(&self, reference: &str) -> &Value {
        let rows = self.cyclonedx["dependencies"].as_array().unwrap();
        &rows.iter().find(|row| row["ref"] == reference).unwrap()["dependsOn"]
    }

    /// The package of an SPDX document with a package URL.
    fn package(&self, purl: &str) -> &Value {
        let all = self.spdx["packages"].as_array().unwrap().iter();
        let has = |package: &&Value| {
            package["externalRefs"].as_array().into_iter().flatten().any(|link| link["referenceLocator"] == purl)
        };
        let [only] = all.filter(has).collect::<Vec<_>>()[..] else { panic!("{purl} is not there once") };
        only
    }

    /// The files that tell of a package, with the kind of the relationship.
    fn tellers(&self, purl: &str) -> Vec<(String, String)> {
        let id = &self.package(purl)["SPDXID"];
        let files = self.spdx["files"].as_array().unwrap();
        let rows = self.spdx["relationships"].as_array().unwrap().iter().filter(|row| row["relatedSpdxElement"] == *id);
        let teller = |row: &Value| {
            let file = files.iter().find(|file| file["SPDXID"] == row["spdxElementId"])?;
            Some((file["fileName"].as_str()?.to_owned(), row["relationshipType"].as_str()?.to_owned()))
        };
        rows.filter_map(teller).collect()
    }
}

#[test]
fn each_is_one_component_with_all_its_places() {
    let read = Read::of(&catalogued());
    let requests = read.component(REQUESTS);
    assert_eq!((&requests["type"], &requests["bom-ref"]), (&json!("library"), &json!(REQUESTS)));
    let places =
        json!([{ "location": "/opt/requests.egg-info" }, { "location": "/srv/lib/requests.dist-info/METADATA" }]);
    assert_eq!(requests["evidence"]["occurrences"], places);
    assert_eq!(requests["evidence"]["identity"]["methods"][0]["technique"], "manifest-analysis");
    let named = json!([{ "license": { "name": "Apache 2", "acknowledgement": "declared" } }]);
    assert_eq!(requests["licenses"], named, "SPDX does not know it");
    assert_eq!(requests["supplier"]["contact"][0]["email"], "some.body@example.com");
    let lang = read.component(LANG);
    assert_eq!(lang["licenses"][0]["expression"], "Apache-2.0");
    assert_eq!(lang["evidence"]["occurrences"][0]["location"], "/srv/app.war!/WEB-INF/lib/commons-lang3.jar");
    let net = read.component("pkg:golang/golang.org/x/net@v0.1.0");
    assert!(net["evidence"]["occurrences"][0]["additionalContext"].as_str().unwrap().starts_with("build-id abab"));
    assert_eq!(read.component("pkg:generic/redis")["type"], "application");
}

#[test]
fn they_hang_below_whoever_put_the_files_there() {
    let read = Read::of(&catalogued());
    assert_eq!(read.needs("source:app"), &json!([LANG, REQUESTS]));
    assert_eq!(read.needs("spec:team/common.kdl"), &json!(["pkg:generic/redis"]));
    let base = format!("base:../base@{}", Digest::of("base"));
    // What is installed as well is not the base's.
    assert_eq!(read.needs(&base), &json!([ZLIB, "pkg:golang/golang.org/x/net@v0.1.0", REQUESTS]));
    // The image needs what it needed before, and through that the rest.
    let roots = read.needs("image").as_array().unwrap();
    assert!(!roots.iter().any(|root| [REQUESTS, LANG, ZLIB].contains(&root.as_str().unwrap())), "{roots:?}");
}

#[test]
fn what_is_installed_or_claimed_is_there_once() {
    let mut inventory = catalogued();
    let purls = |read: &Read, name: &str| {
        let all = read.cyclonedx["components"].as_array().unwrap();
        all.iter().filter(|component| component["name"] == name).count()
    };
    let read = Read::of(&inventory);
    assert_eq!([purls(&read, "libssl3t64"), purls(&read, "base-files"), purls(&read, "debian")], [1, 1, 1]);

    // A base's own bill names its package in another spelling.
    let spelt = "pkg:deb/debian/zlib1g@1%3A1.3?distro=debian-13.1&arch=amd64";
    let zlib = ClaimedPackage { name: "zlib1g".into(), version: Some("1:1.3".into()), purl: Some(spelt.into()) };
    inventory.bases[0].claims = Some(Claims {
        document: Digest::of("document"),
        form: "https://spdx.dev/Document".into(),
        signed: true,
        packages: vec![zlib],
    });
    let read = Read::of(&inventory);
    assert_eq!((purls(&read, "zlib1g"), read.components(ZLIB).len()), (1, 0));
    let zlib = read.component(spelt);
    assert_eq!(zlib["evidence"]["occurrences"], json!([{ "location": "/var/lib/dpkg/status" }]), "proof of the claim");
    assert_eq!(read.tellers(spelt), [("./var/lib/dpkg/status".to_owned(), "METAFILE_OF".to_owned())]);
}

#[test]
fn spdx_says_which_files_contain_them_and_which_describe_them() {
    let read = Read::of(&catalogued());
    let teller = |path: &str, kind: &str| (format!(".{path}"), kind.to_owned());
    let mut of_requests = read.tellers(REQUESTS);
    of_requests.sort();
    assert_eq!(
        of_requests,
        [
            teller("/opt/requests.egg-info", "METAFILE_OF"),
            teller("/srv/lib/requests.dist-info/METADATA", "METAFILE_OF"),
        ]
    );
    assert_eq!(read.tellers(LANG), [teller("/srv/app.war", "CONTAINS")]);
    let requests = read.package(REQUESTS);
    assert_eq!(requests["supplier"], "Person: Some Body (some.body@example.com)");
    assert_eq!((&requests["licenseDeclared"], &requests["versionInfo"]), (&json!("NOASSERTION"), &json!("2.31.0")));
    assert_eq!(requests["licenseComments"], "in the package's own words: Apache 2");
    assert_eq!(read.package(LANG)["licenseDeclared"], "Apache-2.0");
    assert_eq!(read.package(LANG)["supplier"], "NOASSERTION");
}

#[test]
fn what_cannot_be_read_is_said_and_the_image_is_not_called_complete() {
    let read = Read::of(&catalogued());
    let app = read.cyclonedx["components"].as_array().unwrap().iter().find(|c| c["bom-ref"] == "source:app").unwrap();
    let broken = app["components"].as_array().unwrap().iter().find(|file| file["name"] == "/srv/broken.jar").unwrap();
    let why = json!({ "name": "kiln:not-catalogued", "value": "it ends too early" });
    assert!(broken["properties"].as_array().unwrap().contains(&why), "{broken}");
    let of_image = |read: &Read| {
        let all = read.cyclonedx["compositions"].as_array().unwrap();
        let row = all.iter().find(|row| row["assemblies"].as_array().unwrap().contains(&json!("image")));
        row.unwrap()["aggregate"].clone()
    };
    assert_eq!(of_image(&read), "incomplete");
    let file =
        read.spdx["files"].as_array().unwrap().iter().find(|file| file["fileName"] == "./srv/broken.jar").unwrap();
    assert!(file["comment"].as_str().unwrap().contains("is not known: it ends too early"), "{file}");
    let mut inventory = catalogued();
    inventory.catalogued.unread.clear();
    assert_eq!(of_image(&Read::of(&inventory)), "complete");
}

#[test]
fn both_forms_tell_scanners_the_same_packages() {
    let (cyclonedx, spdx) = documents(&catalogued());
    let purls = |document: &str| {
        let packages = packages_of_document(document.as_bytes()).unwrap().unwrap();
        packages.into_iter().filter_map(|package| package.purl).collect::<Vec<_>>()
    };
    assert_eq!(purls(&cyclonedx), purls(&spdx));
    for purl in [REQUESTS, LANG, ZLIB, "pkg:generic/redis"] {
        assert!(purls(&spdx).iter().any(|known| known == purl), "{purl}");
    }
}

#[test]
fn a_package_needs_a_file_that_tells_of_it() {
    let mut inventory = catalogued();
    inventory.catalogued.packages.push(found(
        Kind::Npm,
        Cataloguer::NpmPackage,
        "pkg:npm/left@1",
        "/srv/package.json",
        &[],
    ));
    let told = "`pkg:npm/left@1` is told of by `/srv/package.json`, which the inventory does not have";
    assert_eq!(broken(&inventory).as_deref(), Some(told));
}
