//! The images that are compared, each built once a run.

use super::installed::folder;
use super::projects;
use crate::support::program::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// An image in a layout of its own, with all that is attached to it.
pub struct Image {
    pub name: &'static str,
    /// Where the layout lies, and beside it the tree where that is wanted.
    folder: PathBuf,
}

/// Packages by what they are told to be, each with a place that tells of it.
pub type Told = BTreeMap<String, String>;

impl Image {
    /// Python from Debian, with the list of packages that kiln writes where nothing else is said.
    pub fn python() -> &'static Image {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(|| Image::of_debian("python3", r#"{ add "base-files" "python3" }"#))
    }

    /// A web server from Debian, with a database as dpkg writes it.
    pub fn nginx() -> &'static Image {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(|| Image::of_debian("nginx", r#"{ add "base-files" "nginx"; dpkg "full" }"#))
    }

    /// A Java runtime from Debian.
    pub fn java() -> &'static Image {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        let packages = r#"{ add "base-files" "openjdk-21-jre-headless"; dpkg "full" }"#;
        IMAGE.get_or_init(|| Image::of_debian("java", packages))
    }

    /// A database from Debian, installed by dpkg itself.
    pub fn postgresql() -> &'static Image {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(|| Image::of_debian("postgresql", r#"scripts="run" { add "postgresql" }"#))
    }

    /// Projects of several languages, as a build would copy them.
    pub fn projects() -> &'static Image {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(|| {
            projects::make();
            let part = |(name, folder)| format!("source \"{name}\" {{ context \"{folder}\" }}\n");
            let sources = projects::PARTS.map(part).concat();
            let copy = |(name, _)| format!("    copy \".\" from=\"{name}\" to=\"/srv/{name}\"\n");
            let copies = projects::PARTS.map(copy).concat();
            let spec = format!("kiln 1\n{sources}image \"catalogued.test/projects\" {{\n{copies}}}\n");
            Image::build("projects", &spec, false)
        })
    }

    /// Runtimes, programs and archives of Debian's packages, whose database is gone: nothing is known of them but what
    /// they say themselves.
    pub fn parts() -> &'static Image {
        const PACKAGES: &str = r#"{
            add "base-files" "bash" "busybox" "curl" "haproxy" "iproute2" "memcached" "nginx" "openssl" "perl" "php8.4-cli"
            add "python3" "redis-server" "ruby" "util-linux"
            add "libcommons-compress-java" "libguava-java" "libjackson2-databind-java" "liblog4j2-java" "libxerces2-java"
        }"#;
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(|| {
            let installed = Image::of_debian("installed", PACKAGES);
            fs::remove_dir_all(installed.tree().join("var/lib/dpkg")).unwrap();
            let folder = folder("image-parts");
            let _ = fs::remove_dir_all(folder.join("parts"));
            fs::rename(installed.tree(), folder.join("parts")).unwrap();
            let spec = "kiln 1\nsource \"parts\" { context \"parts\" }\nimage \"catalogued.test/parts\" {\n    \
                        copy \".\" from=\"parts\" to=\"/\"\n}\n";
            Image::build("parts", spec, false)
        })
    }

    fn of_debian(name: &'static str, packages: &str) -> Self {
        let source = "apt \"debian\" { suite \"trixie\" }";
        let spec =
            format!("kiln 1\n{source}\nimage \"catalogued.test/{name}\" {{\n    packages \"debian\" {packages}\n}}\n");
        Image::build(name, &spec, true)
    }

    fn build(name: &'static str, spec: &str, with_tree: bool) -> Self {
        let image = Image { name, folder: folder(&format!("image-{name}")) };
        let _ = fs::remove_file(image.folder.join("kiln.lock"));
        let _ = fs::remove_dir_all(image.layout());
        let _ = fs::remove_dir_all(image.tree());
        fs::write(image.folder.join("kiln.kdl"), spec).unwrap();
        let outputs: &[&str] = if with_tree { &["-o", "oci:layout", "-o", "tree:tree"] } else { &["-o", "oci:layout"] };
        let world = World::with_kept_store();
        let arguments = ["build", "--progress", "quiet"].into_iter().chain(outputs.iter().copied());
        world.kiln(arguments).within(&image.folder).run().done();
        image
    }

    pub fn layout(&self) -> PathBuf {
        self.folder.join("layout")
    }

    /// What is in the image, unpacked.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// The layout as tools read it that allow no more than one manifest: without what is attached to the image.
    pub fn bare_layout(&self) -> PathBuf {
        let bare = self.folder.join("bare");
        let _ = fs::remove_dir_all(&bare);
        fs::create_dir(&bare).unwrap();
        std::os::unix::fs::symlink("../layout/blobs", bare.join("blobs")).unwrap();
        fs::copy(self.layout().join("oci-layout"), bare.join("oci-layout")).unwrap();
        let mut index: Value = read(&self.layout().join("index.json"));
        index["manifests"].as_array_mut().unwrap().retain(|row| row.get("platform").is_some());
        fs::write(bare.join("index.json"), index.to_string()).unwrap();
        bare
    }

    /// The bill of materials that is attached to it.
    pub fn bill(&self, form: &str) -> Value {
        self.ask(&["sbom", "layout", "--format", form])
    }

    /// The package URLs of what kiln finds in its files, as they are written, with the files.
    pub fn scanned(&self) -> Vec<(String, Vec<String>)> {
        let verdict = self.ask(&["scan", "layout", "--format", "json"]);
        let components = verdict["components"].as_array().unwrap().iter().map(|component| {
            // The last of very many says how many more there are.
            let places = component["places"].as_array().unwrap().iter();
            let places = places.filter_map(|place| Some(place["path"].as_str()?.to_owned())).collect();
            (text(component, "purl").to_owned(), places)
        });
        components.collect()
    }

    /// The same as other tools spell it, of the languages that are asked for.
    pub fn told(&self, types: &[&str]) -> Told {
        let all = self.scanned().into_iter().map(|(purl, places)| (decoded(&purl), places.join(" ")));
        all.filter(|(purl, _)| types.iter().any(|kind| purl.starts_with(&format!("pkg:{kind}/")))).collect()
    }

    fn ask(&self, arguments: &[&str]) -> Value {
        let world = World::with_kept_store();
        let arguments = arguments.iter().copied().chain(["--progress", "quiet"]);
        let outcome = world.kiln(arguments).within(&self.folder).run().done();
        serde_json::from_str(&outcome.stdout).unwrap()
    }
}

pub fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// A package URL without percent-encoding: which signs are encoded is another with each tool.
pub fn decoded(purl: &str) -> String {
    percent_encoding::percent_decode_str(purl).decode_utf8().unwrap().into_owned()
}
