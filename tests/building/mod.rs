//! Whole builds as a user starts them, offline: against a Debian archive that the test makes, on loopback.

mod attacked;
mod damaged;
mod images;
mod interrupted;
mod same;

use crate::support::deb::{Archive, Deb, Mirror, Packing};
use crate::support::files;
use crate::support::program::{Call, World};
use std::path::{Path, PathBuf};

/// The time of the archive's first state.
pub const FIRST: &str = "Mon, 01 Sep 2025 12:00:00 UTC";

const SPEC: &str = r#"kiln 1

apt "debian" {
    suite "trixie"
    keyring "archive.asc"
}

source "app" { context "." { include "app/**" } }

image "registry.test/hello" {
    packages "debian" { add "hello" }
    copy "app" from="app" to="/srv/app"
    file "/etc/motd" "welcome\n"
    env PORT="8080"
    entrypoint "/usr/bin/hello"
}
"#;

/// The archive that the spec asks: a program, the library that it needs, and something else.
pub fn archive() -> Archive {
    let program = vec![7; 300_000];
    Archive::new("trixie")
        .with(
            Deb::new("hello", "2.10-5")
                .field("Depends", "libhello1 (>= 2)")
                .packed(Packing::Xz)
                .dir("./usr", 0o755)
                .dir("./usr/bin", 0o755)
                .file("./usr/bin/hello", 0o755, program)
                .symlink("./usr/bin/hi", "hello")
                .dir("./usr/share", 0o755)
                .dir("./usr/share/doc", 0o755)
                .dir("./usr/share/doc/hello", 0o755)
                .file("./usr/share/doc/hello/copyright", 0o644, "License: Apache-2.0\n"),
        )
        .with(
            Deb::new("libhello1", "2.1")
                .packed(Packing::Zstd)
                .dir("./usr", 0o755)
                .dir("./usr/lib", 0o755)
                .file("./usr/lib/libhello.so.1.0", 0o644, "code")
                .symlink("./usr/lib/libhello.so.1", "libhello.so.1.0"),
        )
        .with(Deb::new("other", "1").file("./other", 0o644, "not wanted"))
}

/// A user with a project, and a key of theirs.
pub struct Site {
    pub world: World,
    pub key: PathBuf,
}

impl Site {
    /// A project whose packages come from this mirror.
    pub fn of(mirror: &Mirror) -> Self {
        Site::within(World::new(), mirror)
    }

    pub fn within(mut world: World, mirror: &Mirror) -> Self {
        world.set("KILN_DEBIAN_MIRROR", mirror.url());
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
        world.write("kiln.kdl", SPEC);
        world.write("archive.asc", mirror.key.certificate());
        world.write("app/main.py", "print('hello')\n");
        world.write("app/static/style.css", "body { color: black }\n".repeat(100));
        let key = world.path("config/test.key");
        Site { world, key }
    }

    /// Makes the key that signs from now on.
    pub fn with_new_key(mut self) -> Self {
        let stem = self.key.with_extension("");
        self.world.kiln(["key", "generate", "--output", stem.to_str().unwrap()]).run().done();
        let key = self.key.to_str().unwrap().to_owned();
        self.world.set("KILN_KEY", key);
        self
    }

    /// Signs with the key of another site.
    pub fn with_key_of(mut self, other: &Site) -> Self {
        self.world.set("KILN_KEY", other.key.to_str().unwrap());
        self
    }

    /// The folder that builds write.
    pub fn layout(&self) -> PathBuf {
        self.world.path("layout")
    }

    /// A build into the layout.
    pub fn build(&self) -> Call {
        self.world.kiln(["build", "--progress", "quiet", "-o", &format!("oci:{}", self.layout().display())])
    }

    /// Builds; returns what the layout holds.
    #[track_caller]
    pub fn built(&self) -> Contents {
        self.build().run().done();
        contents(&self.layout())
    }
}

/// The files of a folder by path and digest.
pub type Contents = Vec<String>;

pub fn contents(folder: &Path) -> Contents {
    files::contents(folder)
}
