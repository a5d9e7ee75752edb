//! Images that are badly made, and inputs that nobody vouches for: every rule that is not about holes and secrets.

use super::{Image, Project, lines, packages, policy, told};
use crate::support::catalog::zip::zip;
use crate::support::deb::{Archive, Deb};
use crate::support::files::layer;
use crate::support::git::repo;
use crate::support::http::{Reply, Server};
use crate::support::registry::{Options, Registry};
use crate::support::toolbox;
use kiln::oci::{Config, Descriptor, Digest, History, ImageConfig, Manifest, RootFs, media_type};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Programs and files that allow more than they should, with what must be told of each.
const FILES: &[(&str, u32, &[&str])] = &[
    ("usr/bin/su", 0o4755, &["setuid"]),
    ("usr/bin/wall", 0o2755, &["setgid"]),
    ("usr/bin/both", 0o6755, &["setuid", "setgid"]),
    ("usr/bin/dash", 0o755, &["shell"]),
    ("usr/bin/bash-5.2", 0o755, &["shell"]),
    ("usr/bin/apt-get", 0o755, &["package-manager"]),
    ("usr/local/bin/pip3.13", 0o755, &["package-manager"]),
    ("usr/bin/x86_64-linux-gnu-gcc-14", 0o755, &["compiler"]),
    ("usr/libexec/gcc/14/cc1", 0o755, &["compiler"]),
    ("usr/bin/gdb", 0o755, &["debugger"]),
    ("opt/tool/bin/strace", 0o755, &["debugger"]),
    ("usr/sbin/sshd", 0o755, &["remote-shell"]),
    ("usr/sbin/in.telnetd", 0o755, &["remote-shell"]),
    ("srv/settings.json", 0o666, &["world-writable"]),
    ("usr/lib/plugin.so", 0o777, &["world-writable"]),
];

/// The same things as they should be.
pub(super) const SOUND_FILES: &[(&str, u32)] = &[
    ("usr/bin/tool", 0o755),
    // Bits that mean nothing without the right to execute.
    ("srv/old", 0o4644),
    // Names of programs where no program is.
    ("usr/share/doc/bash", 0o644),
    ("usr/share/bash-completion/completions/gdb", 0o644),
    ("usr/bin/sh", 0o644),
    ("usr/lib/python3/pip", 0o755),
    ("usr/bin/shred", 0o755),
    ("usr/bin/gcc-ranlib-helper", 0o755),
    ("srv/settings.json", 0o664),
];

fn package(name: &str, files: impl IntoIterator<Item = (&'static str, u32)>) -> Deb {
    files.into_iter().fold(Deb::new(name, "1"), |deb, (path, mode)| deb.file(&format!("./{path}"), mode, path))
}

pub(super) fn archive() -> Archive {
    let loose = package("loose", FILES.iter().map(|(path, mode, _)| (*path, *mode)))
        .dir("./srv/shared", 0o777)
        .symlink("./usr/bin/sh", "dash")
        .xattr("security.capability", b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
        .file("./usr/bin/ping", 0o755, "ping");
    let sound = package("sound", SOUND_FILES.iter().copied())
        .dir("./tmp", 0o1777)
        .symlink("./usr/bin/nc", "/nowhere")
        .symlink("./usr/bin/zsh", "/etc/alternatives/zsh");
    crate::installing::archive().with(loose).with(sound)
}

fn rights() -> Image {
    let mut image = Image::well_made();
    image.nodes += "    packages \"debian\" { add \"loose\" }\n";
    for (path, _, rules) in FILES {
        rules.iter().for_each(|rule| image.expect(format!("{rule} /{path}")));
    }
    for line in ["world-writable /srv/shared", "shell /usr/bin/sh", "file-capability /usr/bin/ping"] {
        image.expect(line);
    }
    image
}

/// An image of which nothing is said but how it starts.
fn started() -> Image {
    let mut image = Image {
        nodes: "    user 0\n    entrypoint \"/bin/sh\" \"-c\" \"exec tool\"\n    port 80 \"443/udp\" 8080\n".into(),
        ..Image::default()
    };
    image.file("srv/tool", "a tool");
    for line in [
        "root-user user",
        "missing-healthcheck healthcheck",
        "shell-entrypoint entrypoint",
        "privileged-port port 80/tcp",
        "privileged-port port 443/udp",
    ] {
        image.expect(line);
    }
    for label in ["source", "vendor", "version"] {
        image.expect(format!("missing-label label org.opencontainers.image.{label}"));
    }
    image
}

/// Images that say to be a distribution of old.
fn aged(id: &str, version: &str) -> Image {
    let mut image = Image::well_made();
    image.file("etc/os-release", format!("ID={id}\nVERSION_ID={version}\n"));
    image.expect(format!("end-of-life distribution {id} {version}"));
    image
}

/// Lists that cannot be read, and a package whose licence is refused.
fn damaged() -> Image {
    let mut image = Image::well_made();
    let jar = zip(&[("META-INF/MANIFEST.MF", &[b'x'; 4000])]);
    for (path, content) in [
        ("srv/vendor/composer/installed.json", &b"{\"packages\": ["[..]),
        ("srv/app.deps.json", b"{"),
        ("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0 and no more"),
        ("srv/lib/cut-1.0.jar", &jar[..jar.len() - 30]),
    ] {
        image.file(path, content);
        image.expect(format!("unread-file /{path}"));
    }
    let copyleft = json!({ "name": "copyleft", "version": "1.0.0", "license": "AGPL-3.0-only" });
    image.file("srv/node_modules/copyleft/package.json", copyleft.to_string());
    image.expect("licence copyleft AGPL-3.0-only /srv/node_modules/copyleft/package.json");
    let left = json!({ "name": "left", "version": "1.0.0", "license": "MIT" });
    image.file("srv/node_modules/left/package.json", left.to_string());
    image.expect("unmaintained CORPUS-2024-1 left /srv/node_modules/left/package.json");
    image
}

/// An advisory that is a notice, and so old that the database is.
fn notice() -> Value {
    json!({
        "schema_version": "1.7.0",
        "id": "CORPUS-2024-1",
        "modified": "2024-05-01T00:00:00Z",
        "affected": [{
            "package": { "ecosystem": "npm", "name": "left" },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }] }],
            "database_specific": { "informational": "unmaintained" },
        }],
    })
}

/// All images that are made of files.
pub(super) fn planted() -> BTreeMap<&'static str, Image> {
    let mut images = BTreeMap::from([
        ("rights", rights()),
        ("started", started()),
        ("debian", aged("debian", "10")),
        ("alpine", aged("alpine", "3.18.4")),
        ("damaged", damaged()),
    ]);
    images.values_mut().for_each(|image| image.expect("old-database database of 2024-05-01"));
    images
}

#[test]
fn badly_made_images_are_found() {
    Project::new(&archive(), &[notice()]).judge(&planted());
}

/// What comes from outside, in a spec whose lines are told. `PLACE`, `HOST`, `DIGEST`, `SHA256` and `COMMIT` stand for what the test knows.
const ORIGINS: &str = r#"kiln 1
apt "debian" { suite "trixie"; keyring "archive.asc" }
source "plain" { http "PLACEtool.txt" sha256="SHA256" }
source "docs" { git "https://git.test/docs" }
source "lib" { git "http://other.test/docs" ref="COMMIT" }
source "latest" { image "HOST/acme/tool:latest" }
source "moving" { image "HOST/acme/tool:stable" }
source "tagged" { image "HOST/acme/tool:1" }
source "pinned" { image "HOST/acme/tool:1@DIGEST" }
source "box" { context "tools" }
stage "tools" {
    copy "box" from="box" to="/bin/box"
    symlink "/bin/sh" to="box"
    mkdir "/tmp" mode="1777"
    run "write /made fetched" { network "host" }
    run "write /compiled it"
}
stage "installed" {
    packages "debian" scripts="run" { add "app" }
}
image "registry.test/mixed" {
    copy "." from="plain" to="/srv/plain"
    copy "." from="docs" to="/srv/docs"
    copy "." from="lib" to="/srv/lib"
    copy "srv/tool" from="latest" to="/srv/latest"
    copy "srv/tool" from="moving" to="/srv/moving"
    copy "srv/tool" from="tagged" to="/srv/tagged"
    copy "srv/tool" from="pinned" to="/srv/pinned"
    copy "/made" "/compiled" from="tools" to="/srv/"
    copy "/etc/debian_version" from="installed" to="/srv/"
WELL}
image "registry.test/based" {
    base "tagged"
WELL}
source "commit" { git "https://git.test/docs" ref="COMMIT" }
stage "offline" {
    copy "box" from="box" to="/bin/box"
    symlink "/bin/sh" to="box"
    mkdir "/tmp" mode="1777"
    run "write /compiled it"
}
image "registry.test/sound" {
    packages "debian" { add "sound" }
    copy "." from="commit" to="/srv/docs"
    copy "srv/tool" from="pinned" to="/srv/pinned"
    copy "/compiled" from="offline" to="/srv/"
WELL}
"#;

/// What must be told of the first image.
pub(super) const MIXED: &[&str] = &[
    "http-source line 3",
    "unpinned-input line 4",
    "http-source line 5",
    "foreign-host line 5",
    "latest-tag line 6",
    "unpinned-input line 6",
    "unpinned-input line 7",
    "unpinned-input line 8",
    "network line 15",
    "maintainer-script line 19",
];

/// Of the second.
pub(super) const BASED: &[&str] = &["unpinned-input line 8", "unsigned-base line 8", "unattributed-file /srv/tool"];

#[test]
fn inputs_that_nobody_vouches_for_are_found() {
    let project = Project::new(&archive(), &packages::advisories());
    let world = &project.world;
    let box_at = world.write("tools/box", fs::read(toolbox::program()).unwrap());
    fs::set_permissions(box_at, fs::Permissions::from_mode(0o755)).unwrap();
    let repositories = world.path("home/repositories");
    let commit = repo(&repositories, "docs").manual("a manual\n");
    let served = repositories.display();
    let of = |place: &str| format!("[url \"file://{served}/\"]\n\tinsteadOf = {place}/\n");
    fs::write(world.path("home/.gitconfig"), format!("{}{}", of("https://git.test"), of("http://other.test"))).unwrap();
    let server = Server::start(|_| Reply::ok("a tool\n"));
    let registry = Registry::start(Options::default());
    let image =
        registry.put_image("acme/tool", "linux/amd64", &[&layer("srv/tool", "a tool")], &["1", "latest", "stable"]);
    let spec = ORIGINS
        .replace("PLACE", server.url("").secret().as_str())
        .replace("SHA256", &Digest::of("a tool\n").hex())
        .replace("COMMIT", &commit)
        .replace("HOST", &registry.host())
        .replace("DIGEST", &image.digest.to_string())
        .replace("WELL", super::WELL_MADE);
    project.build(&format!("{spec}{}", policy())).done();
    for (image, expected) in [("mixed", MIXED), ("based", BASED), ("sound", &[])] {
        project.compare(image, &lines(expected), 3);
    }
}

/// What must be told of an image that others made.
pub(super) const OF_OTHERS: &[&str] = &[
    "unknown-user user",
    "privileged-port port 443-8443/tcp",
    "shell-entrypoint entrypoint",
    "missing-healthcheck healthcheck",
    "missing-label label org.opencontainers.image.source",
    "missing-label label org.opencontainers.image.vendor",
    "missing-label label org.opencontainers.image.version",
    "foreign-host history 1",
    "network history 1",
    "unpinned-input history 1",
    "secret command-password history 1",
    "secret github-token history 2",
    "secret npm-token /srv/key.txt:1 (a layer below, covered by another)",
];

/// What others say of an image that they made is judged as it is: here by a scan in its registry.
#[test]
fn images_of_others_are_judged_by_what_they_say() {
    let registry = Registry::start(Options::default());
    let password = super::secrets::token("{a12}-9x", 1);
    let github = super::secrets::token("gh|p_{a30}{crc62}", 2);
    let history = [
        format!("/bin/sh -c curl -u me:{password} https://corp.net"),
        format!("|1 TOKEN={github} /bin/sh -c make"),
        "/bin/sh -c #(nop)  CMD [\"tool\"]".to_owned(),
    ];
    let below = layer("srv/key.txt", &super::secrets::token("np|m_{a30}{crc62}", 3));
    let layers = [below, layer("srv/.wh.key.txt", ""), layer("srv/tool", "a tool")];
    let rows: Vec<Descriptor> = layers.iter().map(|layer| Descriptor::of(media_type::LAYER, layer)).collect();
    let said = |created_by: &String| History {
        created: None,
        created_by: Some(created_by.clone()),
        comment: None,
        empty_layer: false,
    };
    let config = ImageConfig {
        created: None,
        author: None,
        platform: "linux/amd64".parse().unwrap(),
        config: Config {
            user: Some("ghost:ghosts".into()),
            exposed_ports: Some(
                ["443-8443/tcp".to_owned()].into_iter().map(|port| (port, Default::default())).collect(),
            ),
            entrypoint: Some(["/bin/bash", "-ec", "tool"].map(str::to_owned).to_vec()),
            ..Config::default()
        },
        rootfs: RootFs { kind: "layers".into(), diff_ids: rows.iter().map(|row| row.digest).collect() },
        history: history.iter().map(said).collect(),
    };
    let config = serde_json::to_vec(&config).unwrap();
    let manifest = Manifest::image(Descriptor::of(media_type::CONFIG, &config), rows);
    for content in layers.into_iter().chain([config]) {
        registry.put_blob("acme/tool", content);
    }
    registry.put_manifest("acme/tool", media_type::MANIFEST, &serde_json::to_vec(&manifest).unwrap(), &["1"]);

    let project = Project::new(&Archive::new("trixie"), &packages::advisories());
    project.world.write("policy.kdl", format!("kiln 1\n{}", policy()));
    let image = format!("{}/acme/tool:1", registry.host());
    let scan = ["scan", &image, "--policy", "policy.kdl", "--as-of", super::DAY, "--format", "json"];
    let outcome = project.world.kiln(scan).run().done();
    super::compare("an image of others", &lines(OF_OTHERS), &told(&serde_json::from_str(&outcome.stdout).unwrap()));
}
