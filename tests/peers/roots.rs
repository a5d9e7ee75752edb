//! Roots of commands that are images, in BuildKit daemons: what a command sees of them is what it sees in the sandbox.

use super::buildkit::Docker;
use super::daemons::build;
use super::tools::Tools;
use crate::stages::Site;
use crate::support::{files, toolbox};
use kiln::oci::{Config, Descriptor, Digest, ImageConfig, Index, Manifest, Platform, RootFs, media_type, to_json};
use std::fs;
use std::path::Path;

const SPEC: &str = r#"
source "root" { oci "root" }
stage "s" {
    base "root"
    run "seen /d /out; seen /d/e /out; seen /d/a /out; seen /d/e/b /out; absent /d/gone; touch /d/a 70000000"
}
image "x" { base "root"; copy "/out" "/d" from="s" to="/" }
"#;

/// A layer of folders, files and removals.
struct Layer(tar::Builder<Vec<u8>>);

impl Layer {
    fn new() -> Self {
        Layer(tar::Builder::new(Vec::new()))
    }

    fn add(mut self, kind: tar::EntryType, path: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(100_000_000 + u64::from(mode));
        header.set_size(content.len() as u64);
        self.0.append_data(&mut header, path, content).unwrap();
        self
    }

    fn dir(self, path: &str, mode: u32) -> Self {
        self.add(tar::EntryType::Directory, path, mode, b"")
    }

    fn file(self, path: &str, content: &[u8]) -> Self {
        self.add(tar::EntryType::Regular, path, 0o755, content)
    }

    fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// Two layers; where `is_explicit` each names all folders of its files, as most tools do.
fn layers(is_explicit: bool) -> [Vec<u8>; 2] {
    let folders = |layer: Layer| if is_explicit { layer.dir("d/", 0o750) } else { layer };
    let tools = fs::read(toolbox::program()).unwrap();
    let lower = Layer::new().dir("bin/", 0o755).file("bin/box", &tools).file("bin/sh", &tools).dir("tmp/", 0o1777);
    let lower = lower.dir("d/", 0o700).dir("d/e/", 0o711).file("d/gone", b"x").file("d/e/b", b"beta");
    let upper = folders(Layer::new()).file("d/a", b"alpha").file("d/.wh.gone", b"");
    [lower.finish(), upper.finish()]
}

fn write_layout(folder: &Path, layers: &[Vec<u8>]) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |media_type: &str, bytes: &[u8]| {
        fs::write(blobs.join(Digest::of(bytes).hex()), bytes).unwrap();
        Descriptor::of(media_type, bytes)
    };
    let layers: Vec<Descriptor> = layers.iter().map(|layer| put(media_type::LAYER, layer)).collect();
    let config = ImageConfig {
        created: None,
        author: None,
        platform: Platform::host(),
        config: Config::default(),
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids: layers.iter().map(|layer| layer.digest).collect() },
        history: Vec::new(),
    };
    let config = put(media_type::CONFIG, &to_json(&config));
    let mut row = put(media_type::MANIFEST, &to_json(&Manifest::image(config, layers)));
    row.platform = Some(Platform::host());
    fs::write(folder.join("index.json"), to_json(&Index::new(vec![row]))).unwrap();
    fs::write(folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn commands_see_the_same_of_an_image_whether_its_own_layers_travel_or_not() {
    let docker = Docker::start(Tools::docker(), &["--feature=containerd-snapshotter=true"]);
    for is_explicit in [true, false] {
        let site = Site::new(SPEC);
        write_layout(&site.world.project().join("root"), &layers(is_explicit));
        let layouts = [("own", None), ("theirs", Some(&docker))].map(|(name, daemon)| {
            let (layout, tree) = (site.world.path(name), site.world.path(format!("tree-{name}")));
            let outputs = [format!("oci:{}", layout.display()), format!("tree:{}", tree.display())];
            let store = site.world.path(format!("store-{name}")).display().to_string();
            build(&site, daemon, &["-o", &outputs[0], "-o", &outputs[1], "--store", &store]).done();
            (fs::read_to_string(tree.join("out")).unwrap(), files::contents(&layout))
        });
        let [own, theirs] = layouts;
        assert_eq!(own.0, theirs.0, "explicit: {is_explicit}");
        assert_eq!(own, theirs, "explicit: {is_explicit}");
        // An image made of its tree, where its layers leave anything to who unpacks them.
        let records = site.world.path("store-theirs/records");
        assert_eq!(records.join("image-of-tree").exists(), is_explicit);
        assert_eq!(records.join("daemon-image").exists(), !is_explicit);
    }
}
