//! What later steps of CI are told.

use super::Releasing;
use serde_json::Value;

#[test]
fn the_metadata_file_names_what_was_released() {
    let releasing = Releasing::new();
    releasing.release("1.0", &["--metadata-file", "kiln.json", "--dotenv", "kiln.env"]).run().done();
    let digest = releasing.tag("1.0").unwrap();
    let metadata: Value = serde_json::from_slice(&releasing.site.world.read("kiln.json")).unwrap();
    assert_eq!(metadata["containerimage.digest"], digest.to_string());
    assert_eq!(metadata["containerimage.descriptor"]["digest"], digest.to_string());
    assert_eq!(metadata["image.name"], releasing.reference("1.0"));
    let size = metadata["containerimage.descriptor"]["size"].as_u64().unwrap();
    assert_eq!(releasing.registry.content("acme/hello", &digest).unwrap().len() as u64, size);
    let image = format!("{}/acme/hello", releasing.registry.host());
    let expected = format!("KILN_DIGEST={digest}\nKILN_IMAGE={image}@{digest}\nKILN_TAGS={image}:1.0\n");
    assert_eq!(String::from_utf8(releasing.site.world.read("kiln.env")).unwrap(), expected);
}

#[test]
fn on_github_the_step_has_outputs_and_a_summary() {
    let mut releasing = Releasing::new();
    for (variable, name) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")] {
        let path = releasing.site.world.write(name, "of another step\n").display().to_string();
        releasing.site.world.set(variable, path);
    }
    releasing.site.world.set("GITHUB_ACTIONS", "true");
    releasing.release("1.0", &[]).run().done();
    let digest = releasing.tag("1.0").unwrap();
    let image = format!("{}/acme/hello", releasing.registry.host());
    let output = String::from_utf8(releasing.site.world.read("output")).unwrap();
    let expected = format!("of another step\ndigest={digest}\nimage={image}@{digest}\ntags={image}:1.0\n");
    assert_eq!(output, expected);
    let summary = String::from_utf8(releasing.site.world.read("summary")).unwrap();
    assert!(summary.starts_with("of another step\n### kiln\n"), "{summary}");
    assert!(summary.contains(&digest.to_string()) && summary.contains("verified before the tags moved"), "{summary}");
}

/// The lines of the shipped files that call kiln name only options that there are.
#[test]
fn the_files_for_ci_call_kiln_as_it_is() {
    let world = crate::support::program::World::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci");
    let mut calls = 0;
    for name in ["github.yml", "gitlab.yml", "Jenkinsfile", "azure-pipelines.yml"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        for line in text.lines() {
            let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
            let Some(arguments) = line.strip_prefix("kiln ").or_else(|| line.split("/kiln\" ").nth(1)) else {
                continue;
            };
            if arguments.starts_with('|') || !arguments.starts_with(char::is_alphabetic) || !line.contains("kiln") {
                continue;
            }
            let arguments = arguments.split_whitespace().map(|word| word.trim_matches('"')).chain(["--help"]);
            let outcome = world.kiln(arguments).run();
            assert_eq!(outcome.code, Some(0), "{name}: {line}: {}", outcome.stderr);
            calls += 1;
        }
    }
    assert_eq!(calls, 8);
}
