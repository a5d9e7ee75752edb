use super::*;
use crate::evidence::fixtures::{catalogued, staged};
use crate::evidence::sbom::Graph;

fn bill() -> Bill {
    let inventory = staged();
    let document = serde_json::to_value(Graph::new(&inventory).unwrap().cyclonedx()).unwrap();
    Bill::read(&document).unwrap()
}

fn of(bill: &Bill, path: &str) -> OwnerReason {
    reason(bill, &bill.files[path])
}

#[test]
fn a_built_file_leads_to_its_command_and_to_all_that_it_read() {
    let hello = of(&bill(), "/usr/bin/hello");
    assert_eq!(
        (hello.kind, hello.name.as_str(), hello.stages.as_slice()),
        ("stage", "compile", &["compile".to_owned()][..])
    );
    assert_eq!(hello.made_by.as_deref(), Some("kiln.kdl:28 ← kiln.kdl:13"));
    let step = hello.step.unwrap();
    assert_eq!((step.command.as_str(), step.network.as_str()), ("/bin/sh -c 'make hello'", "none"));
    // Not the data, which only the check saw.
    assert_eq!((step.sources, step.stages), (vec!["app".to_owned()], vec!["toolchain".to_owned()]));
    let packages: Vec<_> = step.packages.iter().map(|package| (package.name.as_str(), package.requested)).collect();
    assert_eq!(
        packages,
        [("base-files 13.8+deb13u1", true), ("gcc-14 14.2.0-19", true), ("libgcc-s1 14.2.0-19", false)]
    );
}

#[test]
fn a_command_of_the_image_read_the_image_and_what_is_behind_its_stages() {
    let index = of(&bill(), "/var/lib/index");
    assert_eq!((index.kind, index.name.as_str()), ("run", "index /mnt"));
    let step = index.step.unwrap();
    assert_eq!(
        (step.sources, step.stages),
        (vec!["app".to_owned(), "data".into()], vec!["compile".into(), "toolchain".into()])
    );
    assert!(step.packages.iter().any(|package| package.name.starts_with("libssl3t64")));
}

#[test]
fn what_was_only_taken_from_a_stage_keeps_its_owner() {
    let bill = bill();
    let library = of(&bill, "/usr/lib/libgcc_s.so.1");
    assert_eq!((library.kind, library.name.as_str()), ("package", "libgcc-s1 14.2.0-19"));
    assert_eq!(library.stages, ["compile", "toolchain"]);
    assert_eq!((library.step, library.wanted_by), (None, vec![]));
    assert_eq!(of(&bill, "/usr/share/doc/hello").kind, "source");
    assert_eq!(of(&bill, "/etc/hello").made_by.as_deref(), Some("kiln.kdl:28 ← kiln.kdl:16"));
    assert_eq!(of(&bill, "/usr/share/lint").kind, "base");
    let plain = of(&bill, "/usr/lib/libssl.so.3");
    assert_eq!((plain.stages, plain.made_by, plain.wanted_by), (vec![], None, vec!["libssl3t64".to_owned()]));
}

#[test]
fn a_document_that_leads_in_circles_or_nowhere_ends() {
    let document = serde_json::json!({
        "components": [{ "type": "application", "bom-ref": "stage:a", "name": "a", "components": [
            { "type": "file", "name": "/x", "properties": [{ "name": "kiln:step", "value": "task:stage:a:1" }] },
            { "type": "file", "name": "/y", "properties": [{ "name": "kiln:step", "value": "nowhere" }] },
        ] }],
        "formulation": [{ "workflows": [
            { "bom-ref": "workflow:a", "resourceReferences": [{ "ref": "stage:b" }], "tasks": [
                { "bom-ref": "task:stage:a:1", "inputs": [{ "properties": [{ "name": "kiln:from", "value": "stage:a" }] }] },
            ] },
            { "bom-ref": "workflow:b", "resourceReferences": [{ "ref": "stage:a" }, { "ref": "stage:nobody" }] },
        ] }],
    });
    let bill = Bill::read(&document).unwrap();
    assert_eq!(of(&bill, "/x").step.unwrap().stages, ["a", "b", "nobody"]);
    assert_eq!(of(&bill, "/y").step, None);
}

#[test]
fn files_and_folders_tell_of_packages() {
    let document = serde_json::to_value(Graph::new(&catalogued()).unwrap().cyclonedx()).unwrap();
    let bill = Bill::read(&document).unwrap();
    let names = |path: &str| told_by(&bill, path).into_iter().map(|package| package.name).collect::<Vec<_>>();
    assert_eq!(names("/srv/lib/requests.dist-info/METADATA"), ["requests 2.31.0"]);
    assert_eq!(names("/srv/app.war"), ["commons-lang3 3.12.0"], "inside of an archive");
    assert_eq!(names("/srv"), ["commons-lang3 3.12.0", "requests 2.31.0"]);
    assert_eq!(names("/opt/redis"), ["redis"], "without a version");
    assert!(names("/srv/app").is_empty() && names("/usr/lib/libssl.so.3").is_empty());
    assert_eq!(names("/").len(), 5);
    // They belong to nobody's files, and no command found them there.
    assert_eq!(of(&bill, "/srv/app.war").kind, "source");
    assert!(bill.packages["pkg:pypi/requests@2.31.0"].shown.len() == 2 && bill.packages.len() == 7);
}
