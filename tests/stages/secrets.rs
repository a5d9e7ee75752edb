//! Secrets are there for commands, and nowhere afterwards.

use super::Site;
use base64::Engine as _;
use std::fs;
use std::path::Path;

const SECRET: &str = "correct-horse-battery-staple";

const SPEC: &str = r#"
stage "s" {
    base "tools"
    secret "token" env="TOKEN"
    secret "file" file="/run/deep/secret" mode="0440"
    run "cat /run/deep/secret; echo $TOKEN; write /out done"
}
image "x" { copy "." from="s" to="/" }
"#;

/// All forms in which a secret could be found again.
fn forms() -> Vec<Vec<u8>> {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let standard = base64::engine::general_purpose::STANDARD;
    // Wherever it stands in a longer text, one of these is part of it.
    let shifted = (0..3).map(|skip| {
        let text = standard.encode(format!("{}{SECRET}", "x".repeat(skip)));
        text[skip.div_ceil(3) * 4..text.len() - 4].to_owned()
    });
    let texts = [SECRET.to_owned(), hex.to_uppercase(), hex].into_iter().chain(shifted);
    texts.map(String::into_bytes).collect()
}

fn search(place: &Path) {
    for entry in fs::read_dir(place).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            search(&entry.path());
        } else if entry.file_type().unwrap().is_file() {
            let content = fs::read(entry.path()).unwrap();
            for form in forms() {
                let found = content.windows(form.len()).any(|window| window == form);
                assert!(!found, "{} in {}", String::from_utf8_lossy(&form), entry.path().display());
            }
        }
    }
}

#[test]
fn a_secret_is_found_nowhere_after_a_build() {
    let site = Site::new(SPEC);
    let given = ["--secret", "token=env:TOKEN", "--secret", "file=env:TOKEN", "--progress", "plain"];
    let call = site.build(&[&["-o", "oci:layout", "--report", "report.json"][..], &given].concat());
    let outcome = call.env("TOKEN", SECRET).run().done();
    assert!(outcome.stderr.contains("***"), "the command showed it: {}", outcome.stderr);
    for form in forms() {
        let form = String::from_utf8(form).unwrap();
        assert!(!outcome.stderr.contains(&form) && !outcome.stdout.contains(&form), "{form}");
    }
    for place in ["project", "store", "cache", "data", "tmp", "home"] {
        if site.world.path(place).exists() {
            search(&site.world.path(place));
        }
    }
    let tree = site.world.path("tree");
    let output = format!("tree:{}", tree.display());
    site.build(&[&["-o", &output][..], &given].concat()).env("TOKEN", SECRET).run().done();
    assert!(!tree.join("run").exists(), "the place of the file leaves no trace");
    assert!(tree.join("out").exists());
}

#[test]
fn a_command_that_leaves_a_secret_behind_ends_the_build() {
    let spec = |commands: &str| {
        format!(
            "stage \"s\" {{\n    base \"tools\"\n    secret \"token\" env=\"TOKEN\"\n    secret \"file\"\n    mkdir \"/deep\"\n    run \"{commands}\"\n}}\n\
             image \"x\" {{ copy \".\" from=\"s\" to=\"/\" }}\n"
        )
    };
    for (commands, place, removed) in [
        ("write /deep/.npmrc $TOKEN", "/deep/.npmrc", "/deep/.npmrc"),
        ("cp /run/secrets/file /out", "/out", "/out"),
        ("write $TOKEN x", "/", "$TOKEN"),
    ] {
        let commands = format!("write /deep/x x; {commands}");
        let site = Site::new(&spec(&commands));
        let given = ["--secret", "token=env:TOKEN", "--secret", "file=env:TOKEN", "--progress", "plain"];
        let call = site.build(&[&["-o", "oci:layout"][..], &given].concat());
        let outcome = call.env("TOKEN", SECRET).run().code(4);
        let told = format!("leaves the value of the secret $TOKEN in {place}: let it remove that");
        assert!(outcome.stderr.replace("\n  │ ", " ").contains(&told), "{commands}: {}", outcome.stderr);
        for place in ["project", "store", "cache", "data", "tmp", "home"] {
            if site.world.path(place).exists() {
                search(&site.world.path(place));
            }
        }
        site.spec(&spec(&format!("{commands}; rm {removed}")));
        site.build(&given).env("TOKEN", SECRET).run().done();
    }
}

#[test]
fn another_value_does_not_make_a_command_run_again() {
    let site = Site::new(&SPEC.replace("run \"cat", "cache \"/c\"\n    run \"now /c/n; cp /c/n /n; cat"));
    let runs = |value: &str| {
        let tree = site.world.path("tree");
        let _ = fs::remove_dir_all(&tree);
        let output = format!("tree:{}", tree.display());
        let given = ["-o", &output, "--secret", "token=env:TOKEN", "--secret", "file=env:TOKEN"];
        site.build(&given).env("TOKEN", value).run().done();
        fs::read_to_string(tree.join("n")).unwrap().lines().count()
    };
    assert_eq!((runs("one value"), runs("another value")), (1, 1));
}

#[test]
fn a_secret_that_nobody_gives_is_an_error_that_says_how() {
    let site = Site::new(SPEC);
    let outcome = site.build(&["--secret", "token=env:TOKEN"]).env("TOKEN", SECRET).run();
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("--secret file="), "{}", outcome.stderr);
    let outcome = site.build(&["--secret", "tokn=env:TOKEN"]).env("TOKEN", SECRET).run().code(2);
    assert!(outcome.stderr.contains("did you mean `token`?"), "{}", outcome.stderr);
    site.spec(
        &SPEC.replace("mode=\"0440\"", "optional=#true").replace("cat /run/deep/secret", "absent /run/deep/secret"),
    );
    site.build(&["--secret", "token=env:TOKEN"]).env("TOKEN", SECRET).run().done();
}
