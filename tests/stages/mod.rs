//! Stages and commands as users write them, from the spec to the files of the image, in the real sandbox.

mod agents;
mod caches;
mod checks;
mod commands;
mod copies;
mod engines;
mod interrupted;
mod secrets;
pub mod shared;
mod shelves;

use crate::support::program::{Call, Outcome, World};
use crate::support::toolbox;
use std::fs;
use std::path::PathBuf;

/// What every spec of these tests begins with: a stage with a shell.
const TOOLS: &str = r#"kiln 1
source "box" { context "tools" }
source "src" { context "src" }
stage "tools" {
    copy "box" from="box" to="/bin/box"
    symlink "/bin/sh" to="box"
    mkdir "/tmp" mode="1777"
}
"#;

/// A project with a toolbox for its stages, and two files to build from.
pub struct Site {
    pub world: World,
}

impl Site {
    pub fn new(spec: &str) -> Self {
        Site::within(World::new(), spec)
    }

    pub fn within(mut world: World, spec: &str) -> Self {
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
        world.write("tools/box", fs::read(toolbox::program()).unwrap());
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(world.project().join("tools/box"), executable).unwrap();
        world.write("src/a", "alpha\n");
        world.write("src/b", "beta\n");
        let site = Site { world };
        site.spec(spec);
        site
    }

    /// Writes the spec anew.
    pub fn spec(&self, spec: &str) {
        self.world.write("kiln.kdl", format!("{TOOLS}{spec}"));
    }

    pub fn build(&self, arguments: &[&str]) -> Call {
        self.world.kiln(["build"].into_iter().chain(arguments.iter().copied()))
    }

    /// Builds the image into a folder; the folder.
    #[track_caller]
    pub fn tree(&self) -> PathBuf {
        self.tree_with(&[]).0
    }

    /// The same with more arguments, and what was said.
    #[track_caller]
    pub fn tree_with(&self, arguments: &[&str]) -> (PathBuf, Outcome) {
        let folder = self.world.path("tree");
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let output = format!("tree:{}", folder.display());
        let all: Vec<&str> = ["-o", &output].into_iter().chain(arguments.iter().copied()).collect();
        let outcome = self.build(&all).run().done();
        (folder, outcome)
    }

    /// The text of a file of the image, built anew.
    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.tree().join(path)).unwrap()
    }
}
