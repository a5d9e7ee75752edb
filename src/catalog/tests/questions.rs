//! Which files are asked.

use super::path;
use crate::catalog::{Question, question};

fn asked(text: &str) -> Option<Question> {
    question(&path(text), 1000, 0o644)
}

#[test]
fn files_are_asked_by_their_paths() {
    let expected = [
        ("var/lib/dpkg/status", Question::DpkgStatus),
        ("var/lib/dpkg/status.d/base-files", Question::DpkgStatus),
        ("srv/root/var/lib/dpkg/status", Question::DpkgStatus),
        ("var/lib/dpkg/status.d/base-files.md5sums", Question::DpkgFiles),
        ("var/lib/dpkg/info/libc6:amd64.list", Question::DpkgFiles),
        ("lib/apk/db/installed", Question::ApkInstalled),
        ("usr/lib/apk/db/installed", Question::ApkInstalled),
        ("var/lib/rpm/Packages", Question::RpmDatabase),
        ("var/lib/rpm/Packages.db", Question::RpmDatabase),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", Question::RpmDatabase),
        ("var/lib/rpmmanifest/container-manifest-2", Question::RpmManifest),
        ("app/requests-2.0.dist-info/METADATA", Question::PythonMetadata),
        ("app/requests.egg-info/PKG-INFO", Question::PythonMetadata),
        ("app/requests.egg/EGG-INFO/PKG-INFO", Question::PythonMetadata),
        ("app/requests-2.0.egg-info", Question::PythonMetadata),
        ("app/node_modules/a/package.json", Question::NpmPackage),
        ("app/lib/a.JAR", Question::JavaArchive),
        ("a.war", Question::JavaArchive),
        ("opt/java/release", Question::JvmRelease),
        ("usr/lib/ruby/gems/3.2.0/specifications/rake-13.0.6.gemspec", Question::Gemspec),
        ("usr/lib/ruby/gems/3.2.0/specifications/default/json-2.6.3.gemspec", Question::Gemspec),
        ("app/vendor/composer/installed.json", Question::ComposerInstalled),
        ("app/app.deps.json", Question::DotnetDeps),
        ("app/app.runtimeconfig.json", Question::DotnetRuntime),
        ("usr/local/go/VERSION", Question::GoToolchain),
        ("usr/lib/libz.so.1.3", Question::Elf),
    ];
    for (path, question) in expected {
        assert_eq!(asked(path), Some(question), "{path}");
    }
}

#[test]
fn other_files_are_not() {
    let silent = [
        "var/lib/dpkg/status-old",
        "xvar/lib/dpkg/status",
        "app/METADATA",
        "app/gems/rake-13.0.6/rake.gemspec",
        "app/installed.json",
        "app/VERSION",
        "home/Packages",
        ".jar",
        "usr/lib/dpkg/info/a.list",
        "var/lib/dpkg/info/libc6:amd64.md5sums",
        "etc/passwd",
    ];
    for path in silent {
        assert_eq!(asked(path), None, "{path}");
    }
    assert_eq!(question(&path("var/lib/dpkg/status"), 0, 0o644), None, "empty files say nothing");
}

#[test]
fn programs_are_asked_by_their_mode() {
    let program = path("usr/bin/app");
    assert_eq!(question(&program, 4096, 0o755), Some(Question::Elf));
    assert_eq!(question(&program, 4096, 0o644), None);
    assert_eq!(question(&program, 20, 0o755), None, "too short for a header");
}

#[test]
fn names_of_questions_are_their_own() {
    use Question::*;
    let all = [
        DpkgStatus,
        DpkgFiles,
        ApkInstalled,
        RpmDatabase,
        RpmManifest,
        PythonMetadata,
        NpmPackage,
        JavaArchive,
        JvmRelease,
        Gemspec,
        ComposerInstalled,
        DotnetDeps,
        DotnetRuntime,
        GoToolchain,
        Elf,
    ];
    let names: std::collections::BTreeSet<&str> = all.iter().map(|question| question.name()).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn databases_are_asked_whoever_owns_them() {
    let databases =
        ["var/lib/dpkg/status", "var/lib/dpkg/status.d/libc6", "var/lib/dpkg/info/libc6.list", "lib/apk/db/installed"];
    for path in databases.into_iter().chain(["var/lib/rpm/rpmdb.sqlite", "var/lib/rpmmanifest/container-manifest-2"]) {
        assert!(asked(path).is_some_and(Question::is_database), "{path}");
    }
    for path in ["app/package.json", "app/six.dist-info/METADATA", "app/a.jar", "usr/lib/libz.so.1"] {
        assert!(asked(path).is_some_and(|question| !question.is_database()), "{path}");
    }
}
