//! Packages whose maintainer scripts are executed: the way from the spec to the image and its evidence, with an archive
//! that the test makes and a program in dpkg's place; and, in `debian`, with Debian's own.

mod debian;

use crate::support::deb::{Archive, Deb, Mirror};
use crate::support::program::{Outcome, World};
use crate::support::toolbox;
use std::fs;

/// A system of three packages, and some to be installed in it.
pub fn archive() -> Archive {
    let (_folder, program) = toolbox::compiled(include_str!("dpkg.c"));
    let program = fs::read(program).unwrap();
    Archive::new("trixie")
        .with(Deb::new("app", "1").field("Depends", "lib").file("./usr/bin/app", 0o755, "an app"))
        .with(Deb::new("base-files", "1").field("Essential", "yes").file("./etc/debian_version", 0o644, "13.1\n"))
        .with(Deb::new("broken", "1").field("Depends", "lib"))
        .with(
            Deb::new("dpkg", "1")
                .field("Essential", "yes")
                .file("./usr/bin/sh", 0o755, &program)
                .hard_link("./usr/bin/dpkg", "./usr/bin/sh"),
        )
        .with(Deb::new("keys", "1"))
        .with(Deb::new("lib", "1"))
        .with(Deb::new("other", "1").field("Depends", "dpkg").file("./usr/bin/other", 0o755, "other"))
}

struct Site {
    world: World,
    mirror: Mirror,
}

impl Site {
    fn new(spec: &str) -> Self {
        Site::of(&archive(), spec)
    }

    fn of(archive: &Archive, spec: &str) -> Self {
        let mirror = Mirror::of(archive);
        let mut world = World::new();
        world.set("KILN_DEBIAN_MIRROR", mirror.url()).set("KILN_KEY_PASSWORD", "a passphrase of a test");
        world.write("archive.asc", mirror.key.certificate());
        let site = Site { world, mirror };
        site.spec(spec);
        site
    }

    fn spec(&self, spec: &str) {
        let apt = "kiln 1\napt \"debian\" {\n    suite \"trixie\"\n    keyring \"archive.asc\"\n}\n";
        self.world.write("kiln.kdl", format!("{apt}{spec}"));
    }

    fn build(&self, more: &[&str]) -> Outcome {
        let arguments = ["build", "-o", "oci:out", "--progress", "plain"];
        self.world.kiln(arguments.into_iter().chain(more.iter().copied())).run()
    }
}

const IMAGE: &str = r#"image "registry.test/db" {
    packages "debian" scripts="run" { add "app" }
}
"#;

#[test]
fn a_whole_system_is_locked_and_dpkg_installs_it() {
    let site = Site::new(IMAGE);
    let outcome = site.build(&[]).done();
    let said = "  [1] configure packages of registry.test/db
  [1] Unpacking base-files_amd64.deb ...
  [1] Unpacking dpkg_amd64.deb ...
  [1] Unpacking lib_amd64.deb ...
  [1] Unpacking app_amd64.deb ...
  [1] Setting up base-files ...
  [1] Setting up dpkg ...
  [1] Setting up lib ...
  [1] Setting up app ...
";
    let lines = |text: &str| text.lines().filter(|l| l.starts_with("  [1]")).map(str::to_owned).collect::<Vec<_>>();
    let heard = lines(&outcome.stderr);
    assert_eq!(heard[..heard.len() - 1], lines(said), "{}", outcome.stderr);
    let lock = String::from_utf8(site.world.read("kiln.lock")).unwrap();
    let locked: Vec<_> = lock.lines().filter_map(|l| l.trim().strip_prefix("package \"")?.split('"').next()).collect();
    assert_eq!(locked, ["app", "base-files", "dpkg", "lib"]);

    let why = |path: &str| site.world.kiln(["why", "out", path]).run().done().stdout;
    assert!(why("/usr/bin/dpkg").contains("package    dpkg 1"), "{}", why("/usr/bin/dpkg"));
    assert_eq!(
        why("/var/lib/dpkg/status"),
        "/var/lib/dpkg/status
  run        configure packages
  made by    kiln.kdl:7
  command    /bin/sh /run/kiln/install
  it read    package app 1
  it read    3 packages that these need
"
    );
    let told = site.world.kiln(["provenance", "--format", "json", "out"]).run().done().stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let text = told.to_string();
    assert!(text.contains(r#""name":"configure packages","network":"none""#), "{text}");
}

#[test]
fn what_is_installed_is_found_again_offline() {
    let site = Site::new(IMAGE);
    site.build(&[]).done();
    let asked = site.mirror.asked().len();
    let digest = site.world.read("out/index.json");
    let again = site.build(&["--locked", "--offline"]).done();
    assert!(!again.stderr.contains("Setting up"), "{}", again.stderr);
    assert_eq!(site.world.read("out/index.json"), digest);
    assert_eq!(site.mirror.asked().len(), asked);
    // Another store knows nothing, and comes to the same.
    let mut call = site.world.kiln(["build", "-o", "oci:other", "--locked"]);
    call = call.env("KILN_STORE", site.world.path("other-store").to_str().unwrap());
    call.run().done();
    assert_eq!(site.world.read("other/index.json"), digest);
}

#[test]
fn the_way_of_scripts_is_part_of_what_is_locked() {
    let site = Site::new(&IMAGE.replace(" scripts=\"run\"", ""));
    site.world.kiln(["lock"]).run().done();
    site.spec(IMAGE);
    let outcome = site.world.kiln(["lock", "--check"]).run().code(3);
    assert!(outcome.stderr.contains("asks for other packages than when it was locked"), "{}", outcome.stderr);
    site.spec(&IMAGE.replace("run", "emulate"));
    site.world.kiln(["lock", "--check"]).run().done();
}

#[test]
fn a_stage_has_what_scripts_did_and_a_failing_one_says_so() {
    let stage = |name: &str| {
        format!(
            "stage \"db\" {{\n    packages \"debian\" scripts=\"run\" {{ add \"{name}\" }}\n}}\n\
             image \"registry.test/db\" {{ copy \"/var/lib/dpkg/status\" from=\"db\" to=\"/status\" }}\n"
        )
    };
    let site = Site::new(&stage("app"));
    site.build(&["-o", "tree:tree"]).done();
    let status = String::from_utf8(site.world.read("tree/status")).unwrap();
    let names: Vec<_> = status.lines().filter_map(|line| line.strip_prefix("Package: ")).collect();
    assert_eq!(names, ["base-files", "dpkg", "lib", "app"]);

    site.spec(&stage("broken"));
    let outcome = site.build(&[]).code(4);
    assert!(outcome.stderr.contains("  [1] it says what is wrong\n"), "{}", outcome.stderr);
    let shown = outcome.stderr.split_once("solve::failed").unwrap().1;
    assert_eq!(
        shown,
        "

  × dpkg cannot install the packages:
  │   broken: installed broken package post-installation script subprocess returned error exit
  │ status 1
   ╭─[kiln.kdl:7:5]
 6 │ stage \"db\" {
 7 │     packages \"debian\" scripts=\"run\" { add \"broken\" }
   ·     ────────────────────────┬───────────────────────
   ·                             ╰── failed here
 8 │ }
   ╰────
  help: see above what it said, then leave the package out or change what it finds; `kiln shell
        db` opens a shell before any of them ran, in which `sh -x /run/kiln/install` runs them

"
    );

    site.spec(&stage("keys"));
    let outcome = site.build(&[]).code(4);
    assert!(outcome.stderr.contains("made private keys, which have no place in an image:\n  │   /etc/keys/own.pem"));
}

#[test]
fn a_source_without_a_system_is_told_apart() {
    let site = Site::of(&Archive::new("trixie").with(Deb::new("app", "1")), IMAGE);
    let outcome = site.build(&[]).code(2);
    assert!(outcome.stderr.contains("the package source has no essential packages"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("[kiln.kdl:7:5]"), "{}", outcome.stderr);
}

#[test]
fn upon_a_base_dpkg_installs_what_it_lacks() {
    let site = Site::new(IMAGE);
    site.build(&["-o", "oci:base"]).done();
    let upon = |name: &str| {
        format!(
            "source \"sys\" {{ oci \"base\" }}\nimage \"registry.test/db\" {{\n    base \"sys\"\n    packages \"debian\" \
             scripts=\"run\" {{ add \"{name}\" }}\n}}\n"
        )
    };
    site.spec(&upon("other"));
    let outcome = site.build(&[]).done();
    assert!(outcome.stderr.contains("Setting up other ..."), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("Unpacking dpkg"), "the base has it: {}", outcome.stderr);
    let lock = String::from_utf8(site.world.read("kiln.lock")).unwrap();
    assert!(!lock.contains("base-files"), "nothing needs it: {lock}");

    // The base of a single file has no dpkg.
    site.spec("image \"registry.test/bare\" { file \"/etc/motd\" \"welcome\\n\" }\n");
    fs::remove_dir_all(site.world.project().join("base")).unwrap();
    site.build(&["-o", "oci:base"]).done();
    site.spec(&upon("other"));
    let outcome = site.build(&[]).code(2);
    assert!(outcome.stderr.contains("the base has no dpkg"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("take a base with dpkg"), "{}", outcome.stderr);
}

#[test]
fn upon_a_stage_dpkg_installs_what_it_lacks() {
    let spec = |scripts: &str| {
        format!(
            "stage \"sys\" {{\n    packages \"debian\"{scripts} {{ add \"app\" }}\n}}\nimage \"registry.test/db\" {{\n    \
             base \"sys\"\n    packages \"debian\" scripts=\"run\" {{ add \"app\" \"other\" }}\n}}\n"
        )
    };
    let site = Site::new(&spec(" scripts=\"run\""));
    let outcome = site.build(&[]).done();
    let second: Vec<_> = outcome.stderr.lines().filter(|line| line.starts_with("  [2]")).collect();
    assert_eq!(
        second[..second.len() - 1],
        [
            "  [2] configure packages of registry.test/db",
            "  [2] Unpacking other_amd64.deb ...",
            "  [2] Setting up other ..."
        ],
        "{}",
        outcome.stderr
    );
    let why = |path: &str| site.world.kiln(["why", "out", path]).run().done().stdout;
    assert!(why("/usr/bin/dpkg").contains("package    dpkg 1"), "{}", why("/usr/bin/dpkg"));

    site.spec(&spec(""));
    let outcome = site.world.kiln(["build", "-o", "oci:out"]).run().code(2);
    assert!(outcome.stderr.contains("the base has no dpkg"), "{}", outcome.stderr);
}
