//! Sources of git, from repositories that tests make to images, and projects in repositories, as a user meets them.

mod hostile;
mod locked;
mod project;
mod told;

use crate::support::git::{Repo, repo};
use crate::support::program::{Call, World};
use std::fs;

/// A user with a project and repositories, which they reach under names of hosts: `https://git.test/docs`.
pub struct Site {
    pub world: World,
}

/// Where an image takes all of the source from.
pub const ALL: &str = "image \"registry.test/x\" { copy \".\" from=\"docs\" to=\"/docs\" }\n";

impl Site {
    pub fn new(source: &str) -> Self {
        Site::within(World::new(), source)
    }

    /// A spec whose image holds the source `docs`.
    pub fn within(mut world: World, source: &str) -> Self {
        let place = world.project().join("repositories");
        let settings = format!("[url \"file://{}/\"]\n\tinsteadOf = https://git.test/\n", place.display());
        fs::write(world.path("home/.gitconfig"), settings).unwrap();
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
        let site = Site { world };
        site.docs(source);
        site
    }

    /// Writes the spec anew. What lies in the project then is the user's.
    pub fn docs(&self, source: &str) {
        self.world.write("kiln.kdl", format!("kiln 1\nsource \"docs\" {{ {source} }}\n{ALL}"));
    }

    /// An empty repository.
    pub fn repo(&self, name: &str) -> Repo {
        repo(&self.world.project().join("repositories"), name)
    }

    pub fn lock(&self, arguments: &[&str]) -> Call {
        self.world.kiln(["lock", "--progress", "quiet"].into_iter().chain(arguments.iter().copied()))
    }

    pub fn build(&self, arguments: &[&str]) -> Call {
        let output = format!("tree:{}", self.world.path("home/tree").display());
        let _ = fs::remove_dir_all(self.world.path("home/tree"));
        let own = ["build", "--progress", "quiet", "-o", &output];
        self.world.kiln(own.into_iter().chain(arguments.iter().copied()))
    }

    /// The text of a file of the image that was built last.
    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.world.path("home/tree").join(path)).unwrap()
    }

    pub fn lock_text(&self) -> String {
        String::from_utf8(self.world.read("kiln.lock")).unwrap()
    }
}
