//! skopeo, umoci and crun read what kiln writes: the same digests, the same files, and it runs.

use super::tools::Tools;
use crate::support::files;
use crate::support::program::World;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// examples/hello in every form that kiln writes.
pub(super) struct Hello {
    world: World,
}

impl Hello {
    pub(super) fn built() -> &'static Hello {
        static HELLO: OnceLock<Hello> = OnceLock::new();
        HELLO.get_or_init(|| {
            let mut world = World::with_kept_store();
            world.set("KILN_KEY_PASSWORD", "of a test");
            world.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello"));
            std::fs::create_dir(world.path("work")).unwrap();
            let key = world.path("work/hello");
            world.kiln(["key", "generate", "--output", key.to_str().unwrap()]).run().done();
            world.set("KILN_KEY", key.with_extension("key").to_str().unwrap());
            let mut arguments = vec!["build".to_owned(), "--locked".into()];
            for form in ["oci:oci", "oci-archive:oci.tar", "docker-archive:docker.tar", "tree:tree"] {
                let (kind, name) = form.split_once(':').unwrap();
                arguments.extend(["-o".into(), format!("{kind}:{}", world.path("work").join(name).display())]);
            }
            arguments.extend(["--report".into(), world.path("work/report.json").display().to_string()]);
            world.kiln(arguments.iter().map(String::as_str)).run().done();
            Hello { world }
        })
    }

    pub(super) fn work(&self) -> std::path::PathBuf {
        self.world.path("work")
    }

    /// What a command of kiln's says of the image.
    pub(super) fn kiln(&self, arguments: &[&str]) -> String {
        self.world.kiln(arguments.iter().copied()).within(self.work()).run().done().stdout
    }

    pub(super) fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.work().join(path)).unwrap()).unwrap()
    }

    fn skopeo(&self, arguments: &[&str]) -> String {
        let all = [&["skopeo", "--insecure-policy"], arguments].concat();
        Tools::trixie().run(&self.work(), &all).done().stdout
    }

    /// The image of a layout by its name: a layout also lists the evidence, and skopeo wants to be told which is meant.
    fn named(&self, layout: &str) -> String {
        format!("{layout}:{}", name_in(&self.json("oci/index.json")))
    }

    /// What skopeo says about an image, and the list of its layers' contents.
    fn inspect(&self, image: &str) -> (Value, Value) {
        let json = |arguments: &[&str]| serde_json::from_str::<Value>(&self.skopeo(arguments)).unwrap();
        let config = json(&["inspect", "--config", image]);
        (json(&["inspect", "--no-tags", image]), config["rootfs"]["diff_ids"].clone())
    }
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn skopeo_sees_the_image_that_the_report_tells_of() {
    let hello = Hello::built();
    let report = hello.json("report.json");
    let platform = &report["images"][0]["platforms"][0];
    for image in [hello.named("oci:oci"), hello.named("oci-archive:oci.tar")] {
        let (seen, _) = hello.inspect(&image);
        assert_eq!(seen["Digest"], platform["digest"], "{image}");
        assert_eq!(seen["Architecture"], "amd64");
        assert_eq!(seen["Labels"]["org.opencontainers.image.title"], "hello");
    }
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn every_form_holds_the_same_layers() {
    let hello = Hello::built();
    let image = hello.named("oci:oci");
    let (_, layers) = hello.inspect(&image);
    assert!(layers.as_array().unwrap().len() > 1);
    for image in [hello.named("oci-archive:oci.tar"), "docker-archive:docker.tar".into()] {
        assert_eq!(hello.inspect(&image).1, layers, "{image}");
    }
    hello.skopeo(&["copy", &image, "dir:copied"]);
    assert_eq!(hello.inspect("dir:copied").1, layers);
    let manifest = Tools::trixie().run(&hello.work(), &["skopeo", "manifest-digest", "copied/manifest.json"]).done();
    assert_eq!(manifest.stdout.trim(), hello.json("report.json")["images"][0]["platforms"][0]["digest"]);
    hello.skopeo(&["copy", "docker-archive:docker.tar", "oci:from-docker:latest"]);
    assert_eq!(hello.inspect("oci:from-docker:latest").1, layers);
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn umoci_unpacks_the_same_files_that_kiln_writes() {
    let hello = Hello::built();
    let bundle = unpack(hello, "bundle");
    assert_eq!(files::listing(&bundle.join("rootfs")), files::listing(&hello.work().join("tree")));
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn crun_starts_the_example_and_it_answers() {
    let hello = Hello::built();
    let bundle = unpack(hello, "running");
    let port = free_port();
    let path = bundle.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    // The host's network, so that it can be asked from here; no terminal; the image is not written to.
    let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "network" && namespace["type"] != "cgroup");
    config["process"]["terminal"] = false.into();
    config["root"]["readonly"] = true.into();
    config["process"]["env"].as_array_mut().unwrap().push(format!("PORT={port}").into());
    config["linux"]["resources"] = serde_json::json!({});
    std::fs::write(&path, config.to_string()).unwrap();

    let mut running = Tools::trixie().start(&hello.work(), &["crun", "run", "--bundle", "running", "kiln-hello"]);
    let answer = ask(port).unwrap_or_else(|| {
        let _ = running.0.kill();
        panic!("no answer; crun said: {}", std::fs::read_to_string(hello.work().join("log")).unwrap())
    });
    Tools::trixie().run(&hello.work(), &["crun", "kill", "kiln-hello", "KILL"]);
    assert!(answer.starts_with("HTTP/1."), "{answer}");
    assert!(answer.contains(" 200 "), "{answer}");
}

/// Unpacks the image as a bundle for a runtime.
fn unpack(hello: &Hello, name: &str) -> std::path::PathBuf {
    let image = format!("oci:{}", name_in(&hello.json("oci/index.json")));
    Tools::trixie().run(&hello.work(), &["umoci", "unpack", "--image", &image, name]).done();
    hello.work().join(name)
}

/// The name of a layout's image.
fn name_in(index: &Value) -> String {
    let rows = index["manifests"].as_array().unwrap();
    let mut names = rows.iter().filter_map(|row| row["annotations"]["org.opencontainers.image.ref.name"].as_str());
    names.next().expect("the layout names its image").to_owned()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The first answer to a request for `/`, once somebody listens.
fn ask(port: u16) -> Option<String> {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            return Some(answer);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}
