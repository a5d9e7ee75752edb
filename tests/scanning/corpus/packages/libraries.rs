//! Packages of languages, in all the ways in which images tell of them.

use super::{Advised, Image, Version};
use crate::support::catalog::elf::{Elf, crates, go_inline};
use crate::support::catalog::zip::zip;
use serde_json::json;

/// How an image tells of a package of a language.
#[derive(Debug, Clone, Copy)]
enum How {
    Wheel,
    Egg,
    Npm,
    /// By cargo-auditable, in a program.
    Crate,
    /// By Go's linker, in a program.
    Module,
    /// By what Go a program was made with.
    GoProgram,
    /// By Maven's properties in a jar.
    Jar,
    /// The same in a jar in a war.
    War,
    /// By the name of a jar without Maven's properties.
    JarName,
    Gem,
    Composer,
    /// By what a .NET program brings.
    Deps,
    /// By what it says of the runtime that it brings.
    RuntimePack,
}

use How::*;

/// How the image tells of a package, its name, a version with holes, the one without them, and the holes.
const LIBRARIES: &[(How, &str, &str, &str, &[&str])] = &[
    (Wheel, "requests", "2.30.0", "2.31.0", &["CVE-2023-32681"]),
    (Wheel, "django", "4.2.0", "4.2.1", &["CVE-2023-31047"]),
    (Wheel, "jinja2", "3.1.2", "3.1.3", &["CVE-2024-22195"]),
    (Wheel, "urllib3", "1.26.16", "1.26.18", &["CVE-2023-43804", "CVE-2023-45803"]),
    (Wheel, "pillow", "10.0.0", "10.0.1", &["CVE-2023-4863"]),
    (Egg, "setuptools", "65.5.0", "65.5.1", &["CVE-2022-40897"]),
    (Egg, "cryptography", "41.0.1", "41.0.2", &["CVE-2023-38325"]),
    (Egg, "pyyaml", "5.3.1", "5.4", &["CVE-2020-14343"]),
    (Npm, "lodash", "4.17.20", "4.17.21", &["CVE-2020-28500", "CVE-2021-23337"]),
    (Npm, "minimist", "1.2.5", "1.2.6", &["CVE-2021-44906"]),
    (Npm, "node-fetch", "2.6.6", "2.6.7", &["CVE-2022-0235"]),
    (Npm, "json5", "2.2.1", "2.2.2", &["CVE-2022-46175"]),
    (Npm, "@babel/traverse", "7.23.1", "7.23.2", &["CVE-2023-45133"]),
    (Crate, "smallvec", "1.6.0", "1.6.1", &["CVE-2021-25900"]),
    (Crate, "time", "0.2.22", "0.2.23", &["CVE-2020-26235"]),
    (Crate, "regex", "1.5.4", "1.5.5", &["CVE-2022-24713"]),
    (Crate, "hyper", "0.14.9", "0.14.10", &["CVE-2021-32714", "CVE-2021-32715"]),
    (Module, "golang.org/x/net", "0.16.0", "0.17.0", &["CVE-2023-39325", "CVE-2023-44487"]),
    (Module, "golang.org/x/crypto", "0.16.0", "0.17.0", &["CVE-2023-48795"]),
    (Module, "golang.org/x/text", "0.3.7", "0.3.8", &["CVE-2022-32149"]),
    (Module, "github.com/gin-gonic/gin", "1.9.0", "1.9.1", &["CVE-2023-29401"]),
    (GoProgram, "stdlib", "1.22.2", "1.22.3", &["CVE-2024-24787", "CVE-2024-24788"]),
    (
        Jar,
        "org.apache.logging.log4j:log4j-core",
        "2.14.1",
        "2.17.1",
        &["CVE-2021-44228", "CVE-2021-44832", "CVE-2021-45046", "CVE-2021-45105"],
    ),
    (Jar, "com.fasterxml.jackson.core:jackson-databind", "2.13.4", "2.13.4.2", &["CVE-2022-42003", "CVE-2022-42004"]),
    (Jar, "org.yaml:snakeyaml", "1.33", "2.0", &["CVE-2022-1471"]),
    (War, "org.apache.commons:commons-text", "1.9", "1.10.0", &["CVE-2022-42889"]),
    (War, "commons-fileupload:commons-fileupload", "1.4", "1.5", &["CVE-2023-24998"]),
    (JarName, "org.springframework:spring-beans", "5.3.17", "5.3.18", &["CVE-2022-22965"]),
    (Jar, "com.google.guava:guava", "31.1-jre", "32.0.0-jre", &["CVE-2023-2976"]),
    (Gem, "rack", "2.2.6.3", "2.2.6.4", &["CVE-2023-27539"]),
    (Gem, "nokogiri", "1.13.5", "1.13.6", &["CVE-2022-29181"]),
    (Gem, "activerecord", "7.0.4", "7.0.4.1", &["CVE-2022-44566", "CVE-2023-22794"]),
    (Composer, "symfony/http-kernel", "5.4.19", "5.4.20", &["CVE-2022-24894"]),
    (Composer, "twig/twig", "3.4.2", "3.4.3", &["CVE-2022-39261"]),
    (Composer, "guzzlehttp/guzzle", "7.4.4", "7.4.5", &["CVE-2022-31090", "CVE-2022-31091"]),
    (Deps, "Newtonsoft.Json", "12.0.3", "13.0.1", &["CVE-2024-21907"]),
    (Deps, "System.Text.Json", "8.0.3", "8.0.4", &["CVE-2024-30105"]),
    (Deps, "Microsoft.Data.SqlClient", "5.1.2", "5.1.3", &["CVE-2024-0056"]),
    (RuntimePack, "Microsoft.NETCore.App.Runtime.linux-x64", "8.0.0", "8.0.1", &["CVE-2024-0057", "CVE-2024-20672"]),
];

impl How {
    fn ecosystem(self) -> &'static str {
        match self {
            Wheel | Egg => "PyPI",
            Npm => "npm",
            Crate => "crates.io",
            Module | GoProgram => "Go",
            Jar | War | JarName => "Maven",
            Gem => "RubyGems",
            Composer => "Packagist",
            Deps | RuntimePack => "NuGet",
        }
    }

    /// The file that tells of a package, and the way from there to where it is told.
    fn written(self, name: &str, version: &str) -> (String, Vec<u8>, String) {
        let bare = name.rsplit(['/', ':']).next().unwrap();
        let plain = |path: String, content: String| (path, content.into_bytes(), String::new());
        match self {
            Wheel => plain(
                format!("usr/lib/python3/site-packages/{name}-{version}.dist-info/METADATA"),
                format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
            ),
            Egg => plain(
                format!("usr/lib/python3/site-packages/{name}-{version}.egg-info/PKG-INFO"),
                format!("Metadata-Version: 1.2\nName: {name}\nVersion: {version}\n"),
            ),
            Npm => plain(
                format!("srv/node_modules/{name}/package.json"),
                json!({ "name": name, "version": version }).to_string(),
            ),
            Crate => {
                (format!("usr/lib/crate-{name}.so"), program(".dep-v0", crates(&list(name, version))), String::new())
            }
            Module => {
                let modules = format!(
                    "path\texample.com/tool\nmod\texample.com/tool\t(devel)\t\ndep\t{name}\tv{version}\th1:x=\n"
                );
                (
                    format!("usr/lib/go-{bare}.so"),
                    program(".go.buildinfo", go_inline("go1.26.1", &modules)),
                    String::new(),
                )
            }
            GoProgram => {
                let modules = "path\texample.com/tool\nmod\texample.com/tool\t(devel)\t\n";
                let go = go_inline(&format!("go{version}"), modules);
                ("usr/lib/go-tool.so".into(), program(".go.buildinfo", go), String::new())
            }
            Jar => {
                let (member, jar) = jar(name, version);
                (format!("srv/lib/{bare}-{version}.jar"), jar, format!("!{member}"))
            }
            War => {
                let (member, inner) = jar(name, version);
                let place = format!("WEB-INF/lib/{bare}-{version}.jar");
                let war = zip(&[(place.as_str(), inner.as_slice())]);
                (format!("srv/{bare}.war"), war, format!("!{place}!{member}"))
            }
            JarName => {
                let jar = zip(&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n")]);
                (format!("srv/lib/{bare}-{version}.jar"), jar, String::new())
            }
            Gem => plain(
                format!("usr/lib/ruby/gems/3.3.0/specifications/{name}-{version}.gemspec"),
                format!(
                    "Gem::Specification.new do |s|\n  s.name = \"{name}\".freeze\n  s.version = \"{version}\".freeze\nend\n"
                ),
            ),
            Composer => plain(
                format!("srv/{bare}/vendor/composer/installed.json"),
                json!({ "packages": [{ "name": name, "version": format!("v{version}") }], "dev": false }).to_string(),
            ),
            Deps => plain(format!("srv/{name}/app.deps.json"), dependencies(&format!("{name}/{version}"), "package")),
            RuntimePack => plain(
                "srv/app/app.deps.json".into(),
                dependencies(&format!("runtimepack.{name}/{version}"), "runtimepack"),
            ),
        }
    }
}

/// The list of a .NET program with one package.
fn dependencies(key: &str, kind: &str) -> String {
    let brought = json!({ "runtime": { "lib/net8.0/a.dll": {} } });
    let list = json!({
        "targets": { ".NETCoreApp,Version=v8.0": { key: brought } },
        "libraries": { key: { "type": kind, "serviceable": true, "sha512": "" } },
    });
    list.to_string()
}

fn list(name: &str, version: &str) -> Vec<u8> {
    let root = json!({ "name": "tool", "version": "0.1.0", "source": "local", "root": true });
    let dependency = json!({ "name": name, "version": version, "source": "crates.io" });
    json!({ "packages": [root, dependency] }).to_string().into_bytes()
}

/// A library of which a section tells.
fn program(section: &'static str, content: Vec<u8>) -> Vec<u8> {
    Elf::new(vec![(".text", vec![0x90; 64]), (section, content)]).bytes()
}

/// A jar with Maven's properties, and where they stand in it.
fn jar(name: &str, version: &str) -> (String, Vec<u8>) {
    let (group, artifact) = name.split_once(':').unwrap();
    let member = format!("META-INF/maven/{group}/{artifact}/pom.properties");
    let properties = format!("version={version}\ngroupId={group}\nartifactId={artifact}\n");
    let jar = zip(&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n"), (member.as_str(), properties.as_bytes())]);
    (member, jar)
}

/// An image with a package of each library.
pub(super) fn image(which: Version) -> Image {
    let mut image = Image::well_made();
    for (how, name, affected, fixed, holes) in LIBRARIES {
        let (path, content, inside) = how.written(name, which.of(affected, fixed));
        image.file(&path, content);
        for hole in holes.iter().filter(|_| which == Version::Affected) {
            image.expect(format!("vulnerability {hole} {name} /{path}{inside}"));
        }
    }
    image
}

/// What advisories tell of: each hole, and a like one of a package of that name elsewhere.
pub(super) fn advised() -> Vec<Advised> {
    let of = |(how, name, _, fixed, ids): &(How, &'static str, &str, &'static str, &'static [&str])| {
        let (ecosystem, elsewhere) = (how.ecosystem(), if how.ecosystem() == "npm" { "PyPI" } else { "npm" });
        let told = |id: &&str| Advised { id: (*id).to_owned(), ecosystem, elsewhere, name, fixed };
        ids.iter().map(told).collect::<Vec<_>>()
    };
    LIBRARIES.iter().flat_map(of).collect()
}

pub(super) fn count() -> usize {
    LIBRARIES.len()
}
