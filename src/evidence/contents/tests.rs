use super::*;
use crate::tree::TreePath;

/// A file system of these files, with their contents in a store.
struct Root {
    folder: tempfile::TempDir,
    store: Store,
    tree: Tree,
}

impl Root {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut root = Root { folder, store, tree: Tree::new() };
        for (name, content) in files {
            let content = root.store.put(content).map(|digest| (digest, content.len() as u64)).unwrap();
            root.add(name, content.0, content.1);
        }
        root
    }

    fn add(&mut self, name: &str, content: Digest, size: u64) {
        let path = path(name);
        self.tree.make_dirs(&path.parent().unwrap(), &Entry::dir(0o755)).unwrap();
        self.tree.insert(path, Entry::file(content, size, 0o755)).unwrap();
    }

    /// Lets the contents be gone, so that who reads them fails.
    fn lose_contents(&self) {
        std::fs::remove_dir_all(self.folder.path().join("blobs")).unwrap();
    }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn purls(catalogued: &Catalogued) -> Vec<&str> {
    catalogued.packages.iter().map(|package| package.purl.as_str()).collect()
}

const OS: &[u8] = b"ID=debian\nVERSION_ID=13\n";
const SIX: &[u8] = b"Name: six\nVersion: 1.16.0\n";
const STATUS: &[u8] = b"Package: zlib1g\nVersion: 1:1.3\nArchitecture: amd64\n";

#[test]
fn answers_are_kept_and_contents_read_once() {
    let root = Root::new(&[
        ("etc/os-release", OS),
        ("srv/six.dist-info/METADATA", SIX),
        ("opt/six.dist-info/METADATA", SIX),
        ("var/lib/dpkg/status", STATUS),
    ]);
    let first = catalogue(&root.tree, None, |_| false, &root.store).unwrap();
    assert_eq!(purls(&first), ["pkg:deb/debian/zlib1g@1:1.3?arch=amd64&distro=debian-13", "pkg:pypi/six@1.16.0"]);
    let places: Vec<String> = first.packages[1].places.iter().map(|place| place.path.to_string()).collect();
    assert_eq!(places, ["/opt/six.dist-info/METADATA", "/srv/six.dist-info/METADATA"]);
    assert_eq!(first.distribution.as_ref().map(|os| os.id.as_str()), Some("debian"));

    // The name of the distribution is asked for each time; nothing else is.
    root.lose_contents();
    root.store.put(OS).unwrap();
    assert_eq!(catalogue(&root.tree, None, |_| false, &root.store).unwrap(), first);
}

#[test]
fn files_that_can_say_nothing_are_not_read() {
    let mut root = Root::new(&[]);
    let gone = |name: &str| (Digest::of(name), 1000);
    for name in ["srv/readme.txt", "usr/share/doc/six/copyright", "usr/lib/python3/six.py"] {
        let (content, size) = gone(name);
        root.tree.make_dirs(&path(name).parent().unwrap(), &Entry::dir(0o755)).unwrap();
        root.tree.insert(path(name), Entry::file(content, size, 0o644)).unwrap();
    }
    // What a package owns is told by the package, but for what its database says.
    let (content, size) = gone("program");
    root.add("usr/bin/program", content, size);
    let status = root.store.put(STATUS).unwrap();
    root.add("var/lib/dpkg/status.d/zlib1g", status, STATUS.len() as u64);
    let owned = |path: &TreePath| path.as_bytes().starts_with(b"usr/bin/") || path.as_bytes().starts_with(b"var/");
    let catalogued = catalogue(&root.tree, None, owned, &root.store).unwrap();
    assert_eq!(purls(&catalogued), ["pkg:deb/zlib1g@1:1.3?arch=amd64"]);
    assert!(catalogue(&root.tree, None, |_| false, &root.store).is_err(), "the program would have been read");
}

#[test]
fn what_cannot_be_read_is_named() {
    let root = Root::new(&[("srv/a.jar", b"PK\x03\x04 and no more"), ("srv/six.dist-info/METADATA", SIX)]);
    let catalogued = catalogue(&root.tree, None, |_| false, &root.store).unwrap();
    assert_eq!(purls(&catalogued), ["pkg:pypi/six@1.16.0"]);
    let [(unread, reason)] = catalogued.unread.as_slice() else { panic!("{:?}", catalogued.unread) };
    assert_eq!(unread.to_string(), "/srv/a.jar");
    assert!(!reason.is_empty());
}
