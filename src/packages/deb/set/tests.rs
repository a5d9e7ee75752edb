use super::*;
use crate::packages::deb::fixtures::{Deb, MTIME, content};
use crate::packages::deb::unpack::unpack;
use crate::tree::{Entry, Node};

struct Place {
    store: Store,
    _folder: tempfile::TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { store: Store::open(folder.path()).unwrap(), _folder: folder }
}

fn path(text: &str) -> TreePath {
    TreePath::from_user(text).unwrap()
}

fn compose_all(store: &Store, debs: Vec<Deb>) -> Result<PackageSet, SetError> {
    compose_with(store, debs, &Options::new("amd64"))
}

fn compose_with(store: &Store, debs: Vec<Deb>, options: &Options) -> Result<PackageSet, SetError> {
    let packages: Vec<LockedPackage> = debs.into_iter().map(|deb| deb.store(store)).collect();
    compose(store, &packages, options, None)
}

fn text(store: &Store, set: &PackageSet, at: &str) -> String {
    let entry = set.tree.get(&path(at)).unwrap_or_else(|| panic!("{at} is missing"));
    String::from_utf8(content(store, entry.content().unwrap())).unwrap()
}

fn owner(set: &PackageSet, at: &str) -> (String, bool) {
    let (_, owner) = set.owned().find(|(p, _)| **p == path(at)).unwrap_or_else(|| panic!("{at} is missing"));
    (set.packages[owner.package as usize].name().to_owned(), owner.made)
}

fn has(set: &PackageSet, at: &str) -> bool {
    set.tree.get(&path(at)).is_some()
}

/// A package with a file, its folders and its copyright file.
fn simple(name: &str, file: &str, text: &str) -> Deb {
    let mut deb = Deb::new(name, "1.0");
    for folder in path(file).ancestors().filter(|p| *p != path(file)) {
        deb = deb.dir(&format!(".{folder}/"), 0o755);
    }
    with_copyright(deb.file(&format!(".{}", path(file)), 0o644, text), name)
}

fn with_copyright(deb: Deb, name: &str) -> Deb {
    deb.dir("./usr/", 0o755)
        .dir("./usr/share/", 0o755)
        .dir("./usr/share/doc/", 0o755)
        .dir(&format!("./usr/share/doc/{name}/"), 0o755)
        .file(&format!("./usr/share/doc/{name}/copyright"), 0o644, format!("licence of {name}"))
}

#[test]
fn packages_become_one_tree_with_owners_and_a_list() {
    let Place { store, _folder } = place();
    let a = simple("aa", "/usr/bin/a", "A").field("Depends", "bb").control_file("md5sums", "00  usr/bin/a\n");
    let set = compose_all(&store, vec![a, simple("bb", "/usr/bin/b", "B")]).unwrap();
    assert_eq!((text(&store, &set, "/usr/bin/a"), text(&store, &set, "/usr/bin/b")), ("A".into(), "B".into()));
    assert_eq!(owner(&set, "/usr/bin/a"), ("aa".into(), false));
    assert_eq!(owner(&set, "/usr/bin"), ("bb".into(), false), "what is needed comes first");
    assert_eq!(owner(&set, "/bin"), ("bb".into(), true));
    assert_eq!(set.owners.len(), set.tree.len());
    let status = text(&store, &set, "/var/lib/dpkg/status.d/aa");
    assert!(status.starts_with("Package: aa\nStatus: install ok installed\n"), "{status}");
    assert_eq!(text(&store, &set, "/var/lib/dpkg/status.d/aa.md5sums"), "00  usr/bin/a\n");
    assert_eq!(owner(&set, "/var/lib/dpkg/status.d/aa"), ("aa".into(), true));
    assert!(set.warnings.is_empty(), "{:?}", set.warnings);
}

#[test]
fn the_order_of_asking_does_not_matter() {
    let Place { store, _folder } = place();
    let debs = || {
        let a = simple("aa", "/usr/share/x/a", "A").field("Depends", "cc");
        let c = simple("cc", "/usr/share/x/c", "C").field("Depends", "aa");
        vec![a, simple("bb", "/usr/share/x/b", "B"), c]
    };
    let one = compose_all(&store, debs()).unwrap();
    let other = compose_all(&store, debs().into_iter().rev().collect()).unwrap();
    assert_eq!(one.digest, other.digest);
    let names = |set: &PackageSet| -> Vec<(String, bool)> {
        set.owners.iter().map(|o| (set.packages[o.package as usize].name().to_owned(), o.made)).collect()
    };
    assert_eq!(names(&one), names(&other));
}

#[test]
fn base_files_comes_first_then_what_is_essential() {
    let Place { store, _folder } = place();
    let folder = |name: &str, mode: u32| Deb::new(name, "1").dir("./srv/", mode);
    let debs = vec![
        folder("aa", 0o700),
        folder("zz", 0o711).field("Essential", "yes"),
        folder("base-files", 0o755).field("Pre-Depends", "aa"),
    ];
    let set = compose_all(&store, debs).unwrap();
    assert_eq!(set.tree.get(&path("/srv")).unwrap().mode, 0o755);
    let debs = vec![folder("aa", 0o700), folder("zz", 0o711).field("Essential", "yes")];
    assert_eq!(compose_all(&store, debs).unwrap().tree.get(&path("/srv")).unwrap().mode, 0o711);
}

#[test]
fn a_set_is_made_once_for_ever() {
    let Place { store, _folder } = place();
    let packages = [simple("aa", "/usr/bin/a", "A").store(&store)];
    let options = Options::new("amd64");
    let first = compose(&store, &packages, &options, None).unwrap();
    let hex = packages[0].sha256.hex();
    std::fs::remove_file(store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    std::fs::remove_dir_all(store.root().join("records/unpacked-deb")).unwrap();
    assert_eq!(compose(&store, &packages, &options, None).unwrap(), first);
    let other = Options { keep: Keep { man: true, ..Keep::default() }, ..options };
    assert!(compose(&store, &packages, &other, None).is_err(), "other options make another set");
}

#[test]
fn one_path_in_two_packages_is_an_error_that_names_both() {
    let Place { store, _folder } = place();
    let debs = vec![simple("aa", "/usr/bin/x", "same"), simple("bb", "/usr/bin/x", "same")];
    let message = compose_all(&store, debs).unwrap_err().to_string();
    assert!(message.contains("bb and aa both have /usr/bin/x"), "{message}");
    // A directory and a file cannot share a path either.
    let debs = vec![Deb::new("aa", "1").dir("./x/", 0o755), Deb::new("bb", "1").file("./x", 0o644, "")];
    assert!(compose_all(&store, debs).unwrap_err().to_string().contains("bb and aa both have /x"));
}

#[test]
fn whoever_replaces_wins_whichever_comes_first() {
    let Place { store, _folder } = place();
    for (early, late) in [("aa", "bb"), ("bb", "aa")] {
        let debs = vec![
            simple(early, "/usr/bin/x", "old").control_file("md5sums", "00  usr/bin/x\n"),
            simple(late, "/usr/bin/x", "new").field("Replaces", &format!("other, {early} (<< 2)")),
        ];
        let set = compose_all(&store, debs).unwrap();
        assert_eq!(text(&store, &set, "/usr/bin/x"), "new");
        assert_eq!(owner(&set, "/usr/bin/x"), (late.into(), false));
        assert_eq!(text(&store, &set, &format!("/var/lib/dpkg/status.d/{early}.md5sums")), "");
    }
    let debs =
        vec![simple("aa", "/usr/bin/x", "old"), simple("bb", "/usr/bin/x", "new").field("Replaces", "aa (<< 1.0)")];
    assert!(compose_all(&store, debs).is_err(), "another version is meant");
}

#[test]
fn directories_and_links_to_them_meet_as_with_dpkg() {
    let Place { store, _folder } = place();
    // A directory where a link to one stands: files go through the link.
    let link = Deb::new("aa", "1").dir("./real/", 0o755).symlink("./way", "real");
    let through = Deb::new("bb", "1").dir("./way/", 0o700).file("./way/f", 0o644, "x");
    let set = compose_all(&store, vec![link, through]).unwrap();
    assert!(has(&set, "/real/f") && set.tree.get(&path("/way")).unwrap().link_target().is_some());
    assert_eq!(owner(&set, "/real/f"), ("bb".into(), false));
    // A link where a directory stands is not made.
    let folder = Deb::new("aa", "1").dir("./way/", 0o755);
    let link = Deb::new("bb", "1").dir("./real/", 0o755).symlink("./way", "real");
    let set = compose_all(&store, vec![folder, link]).unwrap();
    assert!(set.tree.get(&path("/way")).unwrap().is_dir());
    assert!(set.warnings.iter().any(|w| w.package == "bb" && w.text.contains("symbolic link that bb has there")));
}

#[test]
fn a_link_of_another_package_leads_nowhere_outside() {
    let Place { store, _folder } = place();
    let evil = Deb::new("aa", "1").symlink("./way", "../../../../etc");
    let victim = simple("bb", "/way/passwd", "x");
    let set = compose_all(&store, vec![evil, victim]);
    // The link leads to a folder that does not exist: no directory can be there.
    assert!(set.is_err());
}

#[test]
fn old_packages_are_merged_into_usr() {
    let Place { store, _folder } = place();
    let old = with_copyright(
        Deb::new("aa", "1")
            .dir("./", 0o755)
            .dir("./bin/", 0o755)
            .file("./bin/tool", 0o755, "tool")
            .hard_link("./bin/same", "./bin/tool")
            .dir("./lib/", 0o755)
            .dir("./lib/x86_64-linux-gnu/", 0o755)
            .file("./lib/x86_64-linux-gnu/libx.so.1.0", 0o644, "elf")
            .symlink("./lib/x86_64-linux-gnu/libx.so.1", "libx.so.1.0")
            .dir("./lib64/", 0o755)
            .symlink("./lib64/ld.so", "/lib/x86_64-linux-gnu/libx.so.1")
            .control_file("md5sums", "00  bin/tool\n01  lib/x86_64-linux-gnu/libx.so.1.0\n"),
        "aa",
    );
    let set = compose_all(&store, vec![old]).unwrap();
    for (link, target) in [("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")] {
        assert_eq!(set.tree.get(&path(link)).unwrap().link_target(), Some(target.as_bytes()), "{link}");
        assert_eq!(owner(&set, link), ("aa".into(), true));
    }
    assert!(!has(&set, "/sbin"));
    assert_eq!(set.tree.get(&path("/usr/bin/same")), set.tree.get(&path("/usr/bin/tool")));
    let resolved = set.tree.resolve("/lib64/ld.so").unwrap();
    assert_eq!(resolved, path("/usr/lib/x86_64-linux-gnu/libx.so.1.0"));
    let sums = text(&store, &set, "/var/lib/dpkg/status.d/aa.md5sums");
    assert_eq!(sums, "00  usr/bin/tool\n01  usr/lib/x86_64-linux-gnu/libx.so.1.0\n");
    // A path in `/` and the same in `/usr` are one path.
    let debs = vec![simple("bb", "/usr/bin/x", "b"), simple("cc", "/bin/x", "c")];
    assert!(compose_all(&store, debs).unwrap_err().to_string().contains("cc and bb both have /usr/bin/x"));
    // A file and a link to it in the other place are the file.
    let both = Deb::new("dd", "1").file("./bin/x", 0o755, "x").symlink("./usr/bin/x", "/bin/x");
    assert!(compose_all(&store, vec![both]).unwrap().tree.get(&path("/usr/bin/x")).unwrap().is_file());
}

#[test]
fn the_links_of_base_files_are_its_own() {
    let Place { store, _folder } = place();
    let base = Deb::new("base-files", "1").dir("./usr/", 0o755).dir("./usr/bin/", 0o755).symlink("./bin", "usr/bin");
    let set = compose_all(&store, vec![base, simple("aa", "/usr/bin/a", "")]).unwrap();
    assert_eq!(owner(&set, "/bin"), ("base-files".into(), false));
}

fn documented() -> Deb {
    let mut deb = with_copyright(Deb::new("aa", "1"), "aa");
    for folder in ["man", "man/man1", "info", "locale", "locale/de", "lintian", "lintian/overrides"] {
        deb = deb.dir(&format!("./usr/share/{folder}/"), 0o755);
    }
    deb.file("./usr/share/doc/aa/README", 0o644, "")
        .dir("./usr/share/doc/aa/examples/", 0o755)
        .file("./usr/share/doc/aa/examples/e", 0o644, "")
        .file("./usr/share/man/man1/a.1.gz", 0o644, "")
        .file("./usr/share/info/a.info", 0o644, "")
        .file("./usr/share/locale/locale.alias", 0o644, "")
        .file("./usr/share/locale/de/x.mo", 0o644, "")
        .file("./usr/share/lintian/overrides/aa", 0o644, "")
        .dir("./usr/lib/", 0o755)
        .dir("./usr/lib/locale/", 0o755)
        .file("./usr/lib/locale/C.utf8", 0o644, "")
        .control_file("md5sums", "00  usr/share/doc/aa/README\n01  usr/share/doc/aa/copyright\n")
}

#[test]
fn documentation_is_left_out_but_never_the_copyright() {
    let Place { store, _folder } = place();
    let set = compose_all(&store, vec![documented()]).unwrap();
    let kept = ["doc/aa/copyright", "locale/locale.alias", "man", "info", "locale"];
    let gone = ["doc/aa/README", "doc/aa/examples", "man/man1", "info/a.info", "locale/de", "lintian/overrides"];
    assert!(kept.iter().all(|p| has(&set, &format!("/usr/share/{p}"))));
    assert!(gone.iter().all(|p| !has(&set, &format!("/usr/share/{p}"))));
    assert!(has(&set, "/usr/lib/locale/C.utf8"));
    assert_eq!(text(&store, &set, "/var/lib/dpkg/status.d/aa.md5sums"), "01  usr/share/doc/aa/copyright\n");
    let keeps = [
        (Keep { man: true, ..Keep::default() }, "man/man1/a.1.gz", "doc/aa/README"),
        (Keep { man: true, ..Keep::default() }, "info/a.info", "locale/de"),
        (Keep { doc: true, ..Keep::default() }, "doc/aa/examples/e", "man/man1"),
        (Keep { locale: true, ..Keep::default() }, "locale/de/x.mo", "man/man1"),
    ];
    for (keep, there, gone) in keeps {
        let set = compose_with(&store, vec![documented()], &Options { keep, ..Options::new("amd64") }).unwrap();
        assert!(has(&set, &format!("/usr/share/{there}")) && !has(&set, &format!("/usr/share/{gone}")), "{keep:?}");
    }
}

#[test]
fn copyright_files_behind_links_stay() {
    let Place { store, _folder } = place();
    // The folder is another package's.
    let shared = simple("aa", "/usr/share/aa", "").symlink("./usr/share/doc/aa-data", "aa");
    let data = Deb::new("aa-data", "1").dir("./usr/", 0o755);
    let set = compose_all(&store, vec![shared, data]).unwrap();
    assert!(set.warnings.is_empty(), "{:?}", set.warnings);
    // The copyright file itself is a link to something that would be left out.
    let linked = Deb::new("bb", "1")
        .dir("./usr/", 0o755)
        .dir("./usr/share/", 0o755)
        .dir("./usr/share/doc/", 0o755)
        .dir("./usr/share/doc/bb/", 0o755)
        .file("./usr/share/doc/bb/LICENSE", 0o644, "free")
        .file("./usr/share/doc/bb/other", 0o644, "")
        .symlink("./usr/share/doc/bb/copyright", "LICENSE");
    let set = compose_all(&store, vec![linked]).unwrap();
    assert!(has(&set, "/usr/share/doc/bb/LICENSE") && !has(&set, "/usr/share/doc/bb/other"));
    assert!(set.warnings.is_empty());
    // Without one, somebody should know.
    let set = compose_all(&store, vec![Deb::new("cc", "1").dir("./usr/", 0o755)]).unwrap();
    assert!(set.warnings[0].text.contains("no copyright file at /usr/share/doc/cc/copyright"));
}

#[test]
fn scripts_work_on_the_tree_and_what_they_make_has_their_packages_time() {
    let Place { store, _folder } = place();
    let script = "#!/bin/sh\nset -e\nif [ \"$1\" = configure ] && [ -z \"$2\" ]; then\n\
        echo made > /etc/made\nln -s made /etc/link\nmkdir -p /var/lib/aa\nfi\nexit 0\n";
    let deb =
        simple("aa", "/etc/aa.conf", "").at(MTIME + 99).file("./etc/late", 0o644, "").control_file("postinst", script);
    let set = compose_all(&store, vec![deb]).unwrap();
    assert_eq!(text(&store, &set, "/etc/made"), "made\n");
    assert_eq!(owner(&set, "/etc/made"), ("aa".into(), true));
    for made in ["/etc/made", "/etc/link", "/var/lib/aa", "/var/lib/dpkg/status.d/aa"] {
        assert_eq!(set.tree.get(&path(made)).unwrap().mtime, Some(MTIME as i64 + 99), "{made}");
    }
}

#[test]
fn preinst_runs_before_the_files_are_there_and_postinst_when_all_are() {
    let Place { store, _folder } = place();
    let pre = "#!/bin/sh\n[ ! -e /etc/aa ] && [ \"$1\" = install ] || exit 3\nmkdir -p /srv/pre\n";
    let post = "#!/bin/sh\n[ -e /etc/zz ] || exit 4\n";
    let aa = simple("aa", "/etc/aa", "").control_file("preinst", pre).control_file("postinst", post);
    let set = compose_all(&store, vec![aa, simple("zz", "/etc/zz", "")]).unwrap();
    assert!(has(&set, "/srv/pre"));
}

#[test]
fn all_scripts_that_are_not_understood_are_named_at_once() {
    let Place { store, _folder } = place();
    let debs = || {
        vec![
            simple("aa", "/etc/aa", "").control_file("postinst", "#!/bin/sh\nset -e\nfrobnicate --now\n"),
            simple("bb", "/etc/bb", "").control_file("preinst", "#!/usr/bin/perl\nprint 1;\n"),
            simple("cc", "/etc/cc", "").control_file("postinst", "#!/bin/sh\necho no luck >&2\nexit 7\n"),
            simple("dd", "/etc/dd", "").control_file("postinst", b"\x7fELF\0\0"),
            simple("ee", "/etc/ee", "").control_file("prerm", "#!/bin/sh\nfrobnicate\n"),
        ]
    };
    let message = compose_all(&store, debs()).unwrap_err().to_string();
    let expected = [
        "the postinst script of aa, line 3 (`frobnicate --now`): kiln does not know what the command `frobnicate` does",
        "the preinst script of bb: it is a program for `/usr/bin/perl`",
        "the postinst script of cc: it fails with exit code 7: no luck",
        "the postinst script of dd: it is no text, but a program",
        "scripts \"skip\"",
    ];
    for part in expected {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("of ee"));
    let skip = ["aa", "bb", "cc", "dd"].map(str::to_owned).into();
    let options = Options { skip_scripts: skip, ..Options::new("amd64") };
    compose_with(&store, debs(), &options).unwrap();
}

#[test]
fn packages_of_other_architectures_and_doubles_are_refused() {
    let Place { store, _folder } = place();
    let message =
        compose_all(&store, vec![Deb::new("aa", "1").field("Architecture", "arm64")]).unwrap_err().to_string();
    assert!(message.contains("aa is for arm64, but the set is for amd64"), "{message}");
    let message = compose_all(&store, vec![Deb::new("aa", "1"), Deb::new("aa", "2")]).unwrap_err().to_string();
    assert!(message.contains("aa is there twice"), "{message}");
}

#[test]
fn diverted_files_go_elsewhere() {
    let Place { store, _folder } = place();
    let pre = "#!/bin/sh\ndpkg-divert --quiet --package aa --add --no-rename --divert /usr/bin/x.real /usr/bin/x\n";
    let diverter = simple("aa", "/usr/bin/x", "mine").control_file("preinst", pre);
    let set = compose_all(&store, vec![diverter, simple("bb", "/usr/bin/x", "yours")]).unwrap();
    assert_eq!(text(&store, &set, "/usr/bin/x"), "mine");
    assert_eq!(text(&store, &set, "/usr/bin/x.real"), "yours");
}

#[test]
fn dpkgs_own_database_is_there_on_request() {
    let Place { store, _folder } = place();
    let options = Options { database: Database::Full, ..Options::new("amd64") };
    let deb = simple("libx", "/etc/x.conf", "a=1\n")
        .field("Multi-Arch", "same")
        .field("Description", "short\n long\n .\n more")
        .control_file("conffiles", "/etc/x.conf\n")
        .control_file("triggers", "interest-noawait /usr/lib/x\ninterest named\nactivate-noawait ldconfig\n")
        .control_file("postinst", "#!/bin/sh\nupdate-alternatives --install /usr/bin/n n /etc/x.conf 5\n");
    let set = compose_with(&store, vec![deb, simple("aa", "/etc/a", "")], &options).unwrap();
    let read = |file: &str| text(&store, &set, &format!("/var/lib/dpkg/{file}"));
    let status = read("status");
    assert!(status.contains("Package: aa\nStatus: install ok installed\n"), "{status}");
    assert!(status.contains("Description: short\n long\n .\n more\n"));
    assert!(status.contains("Conffiles:\n /etc/x.conf d5e29449b9e66d5b4bb0d6ce48fbbcb1\n"), "{status}");
    assert!(read("info/libx:amd64.list").starts_with("/.\n/etc\n/etc/x.conf\n"));
    assert_eq!(read("info/libx:amd64.conffiles"), "/etc/x.conf\n");
    assert_eq!(read("info/format"), "1\n");
    assert_eq!(read("triggers/File"), "/usr/lib/x libx/noawait\n");
    assert_eq!(read("triggers/named"), "libx\n");
    assert_eq!(read("alternatives/n"), "auto\n/usr/bin/n\n\n/etc/x.conf\n5\n\n");
    assert_eq!(set.tree.get(&path("/var/lib/dpkg/info/libx:amd64.postinst")).unwrap().mode, 0o755);
    assert!(!has(&set, "/var/lib/dpkg/status.d"));
}

/// A base with one package in distroless form and an account.
fn base(store: &Store) -> Tree {
    let mut tree = Tree::new();
    let file = |text: &str| Entry::file(store.put(text.as_bytes()).unwrap(), text.len() as u64, 0o644);
    let dir = Entry::dir(0o755);
    for folder in ["/etc", "/usr/bin", "/var/lib/dpkg/status.d"] {
        tree.make_dirs(&path(folder), &dir).unwrap();
    }
    let files = [
        ("/usr/bin/old", "old"),
        ("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("/var/lib/dpkg/status.d/based", "Package: based\nVersion: 1.0\nArchitecture: amd64\n"),
        ("/var/lib/dpkg/status.d/based.md5sums", "00  usr/bin/old\n"),
    ];
    for (at, text) in files {
        tree.insert(path(at), file(text)).unwrap();
    }
    tree
}

#[test]
fn a_base_is_built_upon_but_not_overwritten() {
    let Place { store, _folder } = place();
    let base = base(&store);
    let options = Options::new("amd64");
    let compose_on = |deb: Deb| compose(&store, &[deb.store(&store)], &options, Some(&base));
    // Another package must not take its files.
    let message = compose_on(simple("aa", "/usr/bin/old", "x")).unwrap_err().to_string();
    assert!(message.contains("aa and based of the base both have /usr/bin/old"), "{message}");
    // But it may say that it replaces them, and a newer version of the same package may too.
    for deb in [simple("aa", "/usr/bin/old", "x").field("Replaces", "based"), simple("based", "/usr/bin/old", "x")] {
        assert_eq!(text(&store, &compose_on(deb).unwrap(), "/usr/bin/old"), "x");
    }
    // Scripts see what is there; the set is what comes to it.
    let add = "#!/bin/sh\nadduser --system --group --no-create-home svc\n";
    let set = compose_on(simple("aa", "/usr/bin/new", "").control_file("postinst", add)).unwrap();
    let passwd = text(&store, &set, "/etc/passwd");
    assert!(passwd.starts_with("root:x:0:0:") && passwd.contains("\nsvc:x:100:"), "{passwd}");
    assert!(!has(&set, "/usr/bin/old") && has(&set, "/var/lib/dpkg/status.d/aa"));
    assert_eq!(set.owners.len(), set.tree.len());
    // What is the base's cannot be taken away.
    let remove = "#!/bin/sh\nrm /usr/bin/old\n";
    let message =
        compose_on(simple("aa", "/usr/bin/new", "").control_file("postinst", remove)).unwrap_err().to_string();
    assert!(message.contains("removes /usr/bin/old"), "{message}");
}

#[test]
fn setuid_hard_links_and_capabilities_survive() {
    let Place { store, _folder } = place();
    let deb = simple("aa", "/usr/bin/x", "")
        .file("./usr/bin/su", 0o4755, "su")
        .hard_link("./usr/bin/sg", "./usr/bin/su")
        .xattr("security.capability", b"\x01\0\0\x02\0\x20\0\0")
        .file("./usr/bin/ping", 0o755, "ping");
    let set = compose_all(&store, vec![deb]).unwrap();
    let get = |at: &str| set.tree.get(&path(at)).unwrap();
    assert_eq!(get("/usr/bin/su").mode, 0o4755);
    assert_eq!(get("/usr/bin/su"), get("/usr/bin/sg"));
    assert!(matches!(get("/usr/bin/su").node, Node::File { link: Some(_), .. }));
    assert_eq!(get("/usr/bin/ping").xattrs.len(), 1);
}

#[test]
fn no_packages_make_an_empty_set() {
    let Place { store, _folder } = place();
    assert!(compose_all(&store, Vec::new()).unwrap().tree.is_empty());
}

#[test]
fn long_chains_and_circles_of_dependencies_end() {
    let Place { store, _folder } = place();
    let debs = (0..300).map(|i| Deb::new(&format!("p{i:03}"), "1").field("Depends", &format!("p{:03}", (i + 1) % 300)));
    let packages: Vec<Unpacked> = debs.map(|deb| unpack(&store, &deb.store(&store)).unwrap()).collect();
    let order = order::order(&packages);
    assert_eq!(order.len(), 300);
    assert_eq!((order[0], order[299]), (299, 0));
}
