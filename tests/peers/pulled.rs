//! Images that others wrote, as bases of kiln's: the same trees that umoci makes of them.

use super::docker_registry::DockerRegistry;
use super::tools::Tools;
use crate::support::files;
use crate::support::program::World;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Layers that put, link, replace and remove, whole folders among it.
const DOCKERFILE: &str = r#"FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin; mkdir -p /d/e /o /t; echo a > /d/a; ln /d/a /d/hard; echo x > /o/x; echo y > /o/y; ln -s a /d/s; chmod 4755 /d/a; chown 1000:1001 /o/y; chmod 1777 /t"]
RUN ["/bin/sh", "-c", "rm -rf /o && mkdir /o && echo z > /o/z; rm /d/s; mkfifo /d/p; echo more >> /d/hard; ln /d/hard /d/third"]
RUN ["/bin/sh", "-c", "rm -rf /d/e; mkdir /d/e; ln -s /d/e /link; rm /o/z; echo new > /link/through"]
ENTRYPOINT ["/bin/sh"]
"#;

/// Builds an image upon another one in the registry, of which it takes everything. The same files must come of it as
/// of what umoci unpacks: of that image itself, and of ours.
fn same_tree(registry: &DockerRegistry, name: &str) {
    let world = built_upon(registry, name);
    for layout in ["theirs", "ours"] {
        same_as(&world, registry, name, layout);
    }
}

fn built_upon(registry: &DockerRegistry, name: &str) -> World {
    let world = World::new();
    fs::create_dir(world.path("work")).unwrap();
    let image = format!("{}/{name}", registry.host());
    world.write("kiln.kdl", format!("kiln 1\nimage \"registry.test/x\" {{ base \"{image}\" }}\n"));
    let output = |form: &str, name: &str| format!("{form}:{}", world.path("work").join(name).display());
    world.kiln(["build", "-o", &output("tree", "tree"), "-o", &output("oci", "ours")]).run().done();
    world
}

/// Compares the tree with what umoci makes of our layout, or of an image of the registry.
fn same_as(world: &World, registry: &DockerRegistry, name: &str, layout: &str) {
    let work = world.path("work");
    let (image, bundle) = (format!("{layout}:latest"), format!("bundle-{layout}"));
    if layout == "theirs" {
        let copy =
            ["copy", "--src-tls-verify=false", &format!("docker://{}/{name}", registry.host()), "oci:theirs:latest"];
        Tools::trixie().run(&work, &[&["skopeo", "--insecure-policy"], copy.as_slice()].concat()).done();
    }
    Tools::trixie().run(&work, &["umoci", "unpack", "--image", &image, &bundle]).done();
    let (ours, theirs) = (files::timeless(&work.join("tree")), files::timeless(&work.join(bundle).join("rootfs")));
    assert!(ours.len() > 5);
    assert_eq!(ours, theirs, "{name}: {layout}");
}

/// The context of the Dockerfile.
fn context(folder: &Path) {
    fs::create_dir_all(folder.join("context")).unwrap();
    fs::copy(Tools::sid().path("usr/bin/busybox"), folder.join("context/busybox")).unwrap();
    fs::write(folder.join("context/Dockerfile"), DOCKERFILE).unwrap();
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn images_of_buildah_and_skopeo_unpack_as_umoci_unpacks_them() {
    let registry = DockerRegistry::open();
    let folder = tempfile::tempdir().unwrap();
    context(folder.path());
    let sid = |arguments: &[&str]| Tools::sid().run(folder.path(), arguments).done();
    let storage = ["--root", "/work/storage", "--runroot", "/work/runroot", "--storage-driver", "vfs"];
    let limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
    let build = ["bud", "--isolation", "chroot", "--network", "host", "--layers", "-t", "built", "context"];
    sid(&[&["buildah"], storage.as_slice(), &build[..1], &limits, &build[1..]].concat());
    let built = format!("docker://{}/test/buildah:1", registry.host());
    sid(&[&["buildah"], storage.as_slice(), &["push", "--tls-verify=false", "built", &built]].concat());
    same_tree(&registry, "test/buildah:1");
    let zstd = format!("docker://{}/test/zstd:1", registry.host());
    let push = ["push", "--tls-verify=false", "--compression-format", "zstd", "--force-compression", "built", &zstd];
    sid(&[&["buildah"], storage.as_slice(), &push].concat());
    // umoci knows no zstd; the files are those of the other form.
    same_as(&built_upon(&registry, "test/zstd:1"), &registry, "test/buildah:1", "theirs");
    let schema2 = format!("docker://{}/test/schema2:1", registry.host());
    let copy = ["copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--format", "v2s2", &built, &schema2];
    Tools::trixie().run(folder.path(), &[&["skopeo", "--insecure-policy"], copy.as_slice()].concat()).done();
    same_tree(&registry, "test/schema2:1");
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn images_of_docker_unpack_as_umoci_unpacks_them() {
    let registry = DockerRegistry::open();
    let folder = tempfile::tempdir().unwrap();
    context(folder.path());
    let daemon = [
        "dockerd",
        "--data-root",
        "/work/data",
        "--exec-root",
        "/work/exec",
        "-H",
        "unix:///work/docker.sock",
        "--pidfile",
        "/work/pid",
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
        "--storage-driver",
        "vfs",
    ];
    let running = Tools::docker().start(folder.path(), &daemon);
    let docker = |arguments: &[&str]| {
        let all = [&["docker", "-H", "unix:///work/docker.sock"], arguments].concat();
        Tools::docker().run_with(folder.path(), "DOCKER_BUILDKIT=0", &all)
    };
    let end = Instant::now() + Duration::from_secs(60);
    while docker(&["version"]).code != Some(0) {
        assert!(Instant::now() < end, "dockerd does not answer");
        std::thread::sleep(Duration::from_millis(200));
    }
    let image = format!("{}/test/docker:1", registry.host());
    docker(&["build", "--network", "host", "-t", &image, "context"]).done();
    docker(&["push", &image]).done();
    // It ends its containerd only when asked to.
    running.ask_to_end();
    same_tree(&registry, "test/docker:1");
}
