use super::*;
use crate::git::Submodule;
use crate::oci::Digest;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// What a daemon has checked out, and where its trees are kept.
struct Site {
    folder: tempfile::TempDir,
    store: Store,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        Site { folder, store }
    }

    fn write(&self, path: &str, content: &str, mode: u32) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The digest of the tree that a commit with these files has.
    fn tree(&self, files: &[(&str, &str, u16)]) -> Digest {
        let mut tree = Tree::new();
        for (path, content, mode) in files {
            let path = TreePath::new(path).unwrap();
            tree.make_dirs(&path.parent().unwrap(), &Entry::dir(0o755)).unwrap();
            let content = content.as_bytes();
            let entry = match mode {
                0 => Entry::dir(0o755),
                0o777 => Entry::symlink(content),
                mode => Entry::file(self.store.put(content).unwrap(), content.len() as u64, *mode),
            };
            tree.insert(path, entry).unwrap();
        }
        tree.save(&self.store).unwrap()
    }

    fn checked(&self, locked: &LockedCommit) -> Result<Tree, Error> {
        checked(locked, self.folder.path(), &self.store)
    }
}

fn locked(tree: Digest) -> LockedCommit {
    LockedCommit {
        source: "docs".into(),
        address: "https://git.test/docs".parse().unwrap(),
        reference: None,
        subdir: String::new(),
        with_submodules: false,
        commit: "1".repeat(40).parse().unwrap(),
        tree,
        submodules: Vec::new(),
    }
}

#[test]
fn what_a_daemon_adds_to_a_commit_is_left_out() {
    let site = Site::new();
    site.write("0/run.sh", "#!/bin/sh\n", 0o700);
    site.write("0/manual/page", "1\n", 0o660);
    symlink("manual/page", site.folder.path().join("0/latest")).unwrap();
    site.write("0/.git/config", "[core]\n", 0o644);
    // An old daemon brings submodules, whoever wants them.
    site.write("0/lib/.git", "gitdir: ../.git/modules/lib\n", 0o644);
    site.write("0/lib/code", "2\n", 0o644);
    let files = [
        ("latest", "manual/page", 0o777),
        ("lib", "", 0),
        ("manual/page", "1\n", 0o644),
        ("run.sh", "#!/bin/sh\n", 0o755),
    ];
    let commit = locked(site.tree(&files));
    let tree = site.checked(&commit).unwrap();
    assert!(tree.iter().all(|(_, entry)| entry.mtime.is_none() && (entry.uid, entry.gid) == (0, 0)));
}

#[test]
fn submodules_stand_where_the_lock_says_and_a_folder_can_be_all_that_is_meant() {
    let site = Site::new();
    site.write("0/deep/page", "1\n", 0o644);
    site.write("0/deep/lib/.git", "gitdir: elsewhere\n", 0o644);
    site.write("0/deep/lib/code", "of another commit\n", 0o644);
    site.write("1/code", "2\n", 0o755);
    fs::create_dir_all(site.folder.path().join("1/inner")).unwrap();
    site.write("2/more", "3\n", 0o644);
    let files = [("lib/code", "2\n", 0o755), ("lib/inner/more", "3\n", 0o644), ("page", "1\n", 0o644)];
    let module = |path: &str| Submodule {
        path: path.into(),
        address: "https://git.test/lib".parse().unwrap(),
        commit: "2".repeat(40).parse().unwrap(),
    };
    let commit = LockedCommit {
        subdir: "deep".into(),
        with_submodules: true,
        submodules: vec![module("deep/lib"), module("deep/lib/inner")],
        ..locked(site.tree(&files))
    };
    assert_eq!(site.checked(&commit).unwrap().len(), 5);
}

#[test]
fn another_tree_than_that_of_the_lock_is_refused() {
    let site = Site::new();
    site.write("0/page", "ends of lines\r\n", 0o644);
    let error = site.checked(&locked(site.tree(&[("page", "ends of lines\n", 0o644)]))).unwrap_err().to_string();
    assert!(error.starts_with("source docs: the lock says that the tree of commit 1111"), "{error}");
    assert!(error.contains("git's attributes may ask it to change files"), "{error}");
    let nothing = Site::new();
    assert!(nothing.checked(&locked(Digest::of("x"))).is_err());
}
