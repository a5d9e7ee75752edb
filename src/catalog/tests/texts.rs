//! Formats that are text.

use super::samples::*;
use super::{ask, os, packages_of, purls};
use crate::catalog::Question;

#[test]
fn dpkg_tells_of_what_is_installed() {
    let found = ask(Question::DpkgStatus, "status", DPKG_STATUS).unwrap();
    let packages = packages_of("var/lib/dpkg/status", &os("debian", "13"), found);
    let purls: Vec<&str> = packages.iter().map(|package| package.purl.as_str()).collect();
    assert_eq!(
        purls,
        [
            "pkg:deb/debian/libgcc-s1@14.2.0-19?arch=amd64&distro=debian-13&upstream=gcc-14",
            "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19~x?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2.0-19",
        ]
    );
    assert_eq!(packages[0].supplier.as_deref(), Some("Debian GCC Maintainers <debian-gcc@lists.debian.org>"));
    assert_eq!(packages[0].upstream.as_deref(), Some("gcc-14"));
}

#[test]
fn apk_tells_of_packages_and_files() {
    let found = ask(Question::ApkInstalled, "installed", APK_INSTALLED).unwrap();
    assert_eq!(found[0].files, ["lib/ld-musl-x86_64.so.1", "lib/libc.musl-x86_64.so.1"]);
    assert_eq!(found[1].files, ["top"]);
    let packages = packages_of("lib/apk/db/installed", &os("alpine", "3.20.1"), found);
    let purls: Vec<&str> = packages.iter().map(|package| package.purl.as_str()).collect();
    assert_eq!(
        purls,
        [
            "pkg:apk/alpine/musl-utils@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1&upstream=musl",
            "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1",
        ]
    );
    assert_eq!(packages[1].licence.as_deref(), Some("MIT"));
}

#[test]
fn python_distributions_have_normal_names() {
    assert_eq!(purls(Question::PythonMetadata, "METADATA", PYTHON_METADATA), ["pkg:pypi/zope-interface@6.0%2Blocal.1"]);
    let found = ask(Question::PythonMetadata, "METADATA", PYTHON_METADATA).unwrap();
    assert_eq!(found[0].licence.as_deref(), Some("Zope Public License"), "UNKNOWN is no licence");
    assert_eq!(found[0].supplier.as_deref(), Some("Zope Foundation"));
    let expression = b"Name: a\nVersion: 1\nLicense: x\nLicense-Expression: MIT OR Apache-2.0\n";
    let found = ask(Question::PythonMetadata, "METADATA", expression).unwrap();
    assert_eq!(found[0].licence.as_deref(), Some("MIT OR Apache-2.0"));
    let in_body = b"Metadata-Version: 2.1\n\nName: body\nVersion: 1\n";
    assert_eq!(ask(Question::PythonMetadata, "METADATA", in_body).unwrap(), [], "the description is no header");
}

#[test]
fn npm_packages_have_a_name_and_a_version() {
    assert_eq!(purls(Question::NpmPackage, "package.json", NPM_PACKAGE), ["pkg:npm/%40babel/core@7.24.0"]);
    let found = ask(Question::NpmPackage, "package.json", NPM_PACKAGE).unwrap();
    assert_eq!(found[0].licence.as_deref(), Some("MIT"));
    assert_eq!(found[0].supplier.as_deref(), Some("The Babel Team"));
    for none in [
        &br#"{"name":"a"}"#[..],
        br#"{"version":"1"}"#,
        br#"{"name":"a","version":""}"#,
        br#"{"name":["a"],"version":"1"}"#,
        br#"{"name":"a","version":"1""#,
        b"[]",
        b"not json",
    ] {
        assert_eq!(ask(Question::NpmPackage, "package.json", none).unwrap(), [], "{}", String::from_utf8_lossy(none));
    }
    let old = br#"{"name":"a","version":"1","licenses":[{"type":"MIT","url":"x"},{"type":"BSD"}],"name":"b"}"#;
    let found = ask(Question::NpmPackage, "package.json", old).unwrap();
    assert_eq!(
        (found[0].name.as_str(), found[0].licence.as_deref()),
        ("b", Some("MIT OR BSD")),
        "the last name counts"
    );
}

#[test]
fn gems_are_read_without_ruby() {
    assert_eq!(purls(Question::Gemspec, "rake-13.1.0.gemspec", GEMSPEC), ["pkg:gem/rake@13.1.0"]);
    let found = ask(Question::Gemspec, "rake-13.1.0.gemspec", GEMSPEC).unwrap();
    assert_eq!(found[0].licence.as_deref(), Some("MIT OR Ruby"));
    let old = b"Gem::Specification.new do |s|\n  s.name = %q{old}\n  s.version = Gem::Version.new(\"0.9\")\nend\n";
    assert_eq!(purls(Question::Gemspec, "x.gemspec", old), ["pkg:gem/old@0.9"]);
    let computed = b"Gem::Specification.new do |s|\n  s.name = \"json\"\n  s.version = JSON::VERSION\nend\n";
    assert_eq!(purls(Question::Gemspec, "json-2.6.3.gemspec", computed), ["pkg:gem/json@2.6.3"], "by the file's name");
    let stub = b"# stub: mini 4.5 ruby lib\nspec.version = \"#{X}\"\n";
    assert_eq!(purls(Question::Gemspec, "x.gemspec", stub), ["pkg:gem/mini@4.5"]);
}

#[test]
fn composer_has_two_formats() {
    let second = ["pkg:composer/symfony/console@v6.4.1", "pkg:composer/psr/log@3.0.0"];
    let mut found = purls(Question::ComposerInstalled, "installed.json", COMPOSER_INSTALLED);
    found.reverse();
    assert_eq!(found, second);
    let first = br#"[{"name":"Psr/Log","version":"1.0","license":["MIT"]},{"name":"no-version"}]"#;
    assert_eq!(purls(Question::ComposerInstalled, "installed.json", first), ["pkg:composer/psr/log@1.0"]);
    let error = ask(Question::ComposerInstalled, "installed.json", b"{}").unwrap_err();
    assert!(error.to_string().contains("Composer"), "{error}");
}

#[test]
fn dotnet_programs_bring_what_has_files() {
    assert_eq!(
        purls(Question::DotnetDeps, "app.deps.json", DOTNET_DEPS),
        ["pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@8.0.1", "pkg:nuget/Newtonsoft.Json@13.0.3"],
        "neither the project nor a package that the runtime replaced"
    );
    let bundled = br#"{"runtimeOptions":{"includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.1"}]}}"#;
    assert_eq!(
        purls(Question::DotnetRuntime, "app.runtimeconfig.json", bundled),
        ["pkg:nuget/Microsoft.NETCore.App@8.0.1"]
    );
    let needed = br#"{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"8.0.1"}}}"#;
    assert_eq!(ask(Question::DotnetRuntime, "app.runtimeconfig.json", needed).unwrap(), []);
}

#[test]
fn java_runtimes_are_named_as_their_holes_are() {
    assert_eq!(
        purls(Question::JvmRelease, "release", JVM_RELEASE),
        ["pkg:generic/oracle/openjdk@21.0.4%2B7-LTS?repository_url=https://github.com/adoptium/jdk21u.git"]
    );
    let eight = b"JAVA_VERSION=\"1.8.0_422\"\nFULL_VERSION=\"1.8.0_422-b05\"\nIMPLEMENTOR=\"Azul Systems, Inc.\"\n";
    assert_eq!(purls(Question::JvmRelease, "release", eight), ["pkg:generic/azul/zulu@1.8.0_422-b05"]);
    assert_eq!(ask(Question::JvmRelease, "release", b"Origin: Debian\nSuite: stable\n").unwrap(), []);
}

#[test]
fn gos_toolchain_has_a_version() {
    assert_eq!(
        purls(Question::GoToolchain, "VERSION", b"go1.22.3\ntime 2024-05-01T19:49:47Z\n"),
        ["pkg:generic/go@1.22.3"]
    );
    assert_eq!(ask(Question::GoToolchain, "VERSION", b"devel +abc\n").unwrap(), []);
    assert_eq!(ask(Question::GoToolchain, "VERSION", b"gone\n").unwrap(), []);
}
