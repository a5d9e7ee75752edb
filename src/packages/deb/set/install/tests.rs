use super::super::super::fixtures::{Deb, content};
use super::super::Keep;
use super::*;
use crate::packages::deb::unpack::unpack_all;
use crate::tree::TreePath;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn essential(name: &str) -> Deb {
    Deb::new(name, "1").field("Essential", "yes")
}

/// A small system, and three packages for it.
fn packages(store: &Store) -> Vec<LockedPackage> {
    let debs = [
        Deb::new("app", "1").field("Pre-Depends", "helper").field("Depends", "lib").file("./usr/bin/app", 0o755, "app"),
        essential("base-files").field("Pre-Depends", "awk").dir("./usr/bin", 0o755),
        essential("base-passwd"),
        essential("dpkg").field("Depends", "zlib").file("./usr/bin/dpkg", 0o755, "dpkg"),
        Deb::new("helper", "1").field("Depends", "lib"),
        Deb::new("lib", "1:2"),
        Deb::new("mawk", "1").field("Provides", "awk"),
        Deb::new("zlib", "1").file("./usr/share/doc/zlib/copyright", 0o644, "free"),
    ];
    debs.map(|deb| deb.store(store)).into()
}

fn prepared(store: &Store, packages: &[LockedPackage], new: bool) -> Result<Installation, SetError> {
    prepare(store, packages, &Options::new("amd64"), &BTreeSet::new(), new)
}

fn text(store: &Store, installation: &Installation, path: &str) -> String {
    let kit = Tree::load(store, &installation.kit).unwrap();
    let entry = kit.get(&TreePath::new(path).unwrap()).unwrap();
    String::from_utf8(content(store, entry.content().unwrap())).unwrap()
}

#[test]
fn a_system_begins_with_the_essential_packages_and_what_they_need() {
    let (_folder, store) = store();
    let installation = prepared(&store, &packages(&store), true).unwrap();
    let system = Tree::load(&store, &installation.system.unwrap()).unwrap();
    let files: Vec<String> = system.iter().filter(|(_, e)| !e.is_dir()).map(|(path, _)| path.to_string()).collect();
    assert_eq!(files, ["/bin", "/usr/bin/dpkg", "/usr/share/doc/zlib/copyright"], "and nothing is written about them");
    assert_eq!(
        text(&store, &installation, "plan"),
        "force-unpack base-passwd_amd64.deb\n\
         force-configure base-passwd\n\
         force-unpack base-files_amd64.deb\n\
         force-configure base-files\n\
         force-unpack zlib_amd64.deb dpkg_amd64.deb mawk_amd64.deb\n\
         force-configure zlib dpkg mawk\n\
         unpack lib_amd64.deb helper_amd64.deb\n\
         configure lib helper\n\
         unpack app_amd64.deb\n"
    );
}

#[test]
fn in_a_system_that_is_there_nothing_is_forced() {
    let (_folder, store) = store();
    let packages: Vec<LockedPackage> =
        packages(&store).into_iter().filter(|p| ["app", "lib"].contains(&p.name.as_str())).collect();
    let installation = prepared(&store, &packages, false).unwrap();
    assert_eq!(installation.system, None);
    assert_eq!(text(&store, &installation, "plan"), "unpack lib_amd64.deb app_amd64.deb\n");
}

#[test]
fn circles_are_unpacked_together() {
    let (_folder, store) = store();
    let debs = [
        Deb::new("aa", "1").field("Pre-Depends", "bb"),
        Deb::new("bb", "1").field("Depends", "cc"),
        Deb::new("cc", "1").field("Depends", "aa, bb"),
    ];
    let packages: Vec<LockedPackage> = debs.map(|deb| deb.store(&store)).into();
    let installation = prepared(&store, &packages, false).unwrap();
    let plan = text(&store, &installation, "plan");
    assert_eq!(plan, "unpack cc_amd64.deb bb_amd64.deb\nconfigure cc bb\nunpack aa_amd64.deb\n");
}

#[test]
fn what_was_made_ready_is_found_again_while_all_of_it_is_there() {
    let (_folder, store) = store();
    let packages = packages(&store);
    let made = prepared(&store, &packages, true).unwrap();
    assert_eq!(prepared(&store, &packages, true).unwrap(), made);
    assert_ne!(prepared(&store, &packages, false).unwrap(), made);
    let other = Options { keep: Keep { doc: true, ..Keep::default() }, ..Options::new("amd64") };
    assert_ne!(prepare(&store, &packages, &other, &BTreeSet::new(), true).unwrap().kit, made.kit);
    let key = key(&packages, &Options { scripts: Scripts::Leave, ..Options::new("amd64") }, &BTreeSet::new(), true);
    assert_eq!(found(&store, &key).unwrap(), Some(made));
    store.set_record(RECORD, &key, Digest::of("lost").as_bytes()).unwrap();
    assert_eq!(found(&store, &key).unwrap(), None);
    assert_eq!(prepared(&store, &packages, true).unwrap(), made);
}

#[test]
fn without_dpkg_there_is_no_system() {
    let (_folder, store) = store();
    let packages = [Deb::new("app", "1").store(&store)];
    let error = prepared(&store, &packages, true).unwrap_err().to_string();
    assert!(error.contains("no essential packages") && error.contains("scripts=\"run\""), "{error}");
}

#[test]
fn the_kit_has_the_archives_themselves() {
    let (_folder, store) = store();
    let packages = packages(&store);
    let kit = Tree::load(&store, &prepared(&store, &packages, true).unwrap().kit).unwrap();
    let archives: Vec<String> = kit.children(&TreePath::new("debs").unwrap()).map(|(p, _)| p.to_string()).collect();
    assert_eq!(archives.len(), packages.len());
    let app = kit.get(&TreePath::new("debs/app_amd64.deb").unwrap()).unwrap();
    assert_eq!(app.content(), Some(&packages[0].sha256));
    assert_eq!(kit.get(&TreePath::new("install").unwrap()).unwrap().mode, 0o755);
    assert_eq!(format!("{KIT}/install"), PROGRAM);
}

#[test]
fn dpkg_leaves_out_what_kiln_leaves_out() {
    let (_folder, store) = store();
    let deb = Deb::new("app", "1")
        .file("./usr/share/doc/app/copyright", 0o644, "free")
        .file("./usr/share/doc/app/README", 0o644, "read me")
        .file("./usr/share/locale/locale.alias", 0o644, "names")
        .symlink("./usr/share/doc/app/README.txt", "README")
        .symlink("./usr/share/doc/libapp", "app");
    let packages = [deb.store(&store)];
    let ignore = BTreeSet::from(["other".to_owned()]);
    let options = Options { keep: Keep { man: true, ..Keep::default() }, ..Options::new("amd64") };
    let installation = prepare(&store, &packages, &options, &ignore, false).unwrap();
    assert_eq!(text(&store, &installation, "links"), "/usr/share/doc/app/README.txt\n");
    let text = text(&store, &installation, "options");
    assert!(text.contains("--path-include=/usr/share/doc/*/.\n"), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| !line.ends_with("/.")).collect();
    let of = |kind: &str| lines.iter().filter_map(|line| line.strip_prefix(kind)).collect::<Vec<_>>();
    assert_eq!(of("--ignore-depends="), ["other"]);
    assert_eq!(
        of("--path-include="),
        ["/usr/share/doc/*/copyright*", "/usr/share/doc/libapp", "/usr/share/locale/locale.alias"]
    );
    assert!(
        of("--path-exclude=").contains(&"/usr/share/doc/*") && !of("--path-exclude=").contains(&"/usr/share/man/*")
    );
}

#[test]
fn of_two_packages_with_one_file_scripts_decide() {
    let (_folder, store) = store();
    let debs = ["aa", "bb"].map(|name| Deb::new(name, "1").file("./usr/bin/x", 0o755, name).store(&store));
    let set = |scripts| compose(&store, &debs, &Options { scripts, ..Options::new("amd64") }, None);
    assert!(matches!(set(Scripts::Emulate), Err(SetError::Conflict(_))));
    let set = set(Scripts::Leave).unwrap();
    let x = set.tree.get(&TreePath::new("usr/bin/x").unwrap()).unwrap();
    assert_eq!(content(&store, x.content().unwrap()), b"aa");
}

#[test]
fn files_with_several_paths_are_named_as_those_on_disk() {
    let (_folder, store) = store();
    let deb = Deb::new("aa", "1").file("./usr/bin/x", 0o755, "x").hard_link("./usr/bin/y", "./usr/bin/x");
    let packages = [deb.store(&store)];
    let own = &unpack_all(&store, &packages).unwrap()[0].tree;
    let tree = with_links_of_their_contents(own).unwrap();
    let link = |path: &str| match tree.get(&TreePath::new(path).unwrap()).unwrap().node {
        Node::File { link, content, .. } => (link.unwrap(), content),
        _ => panic!("{path} is no file"),
    };
    let (x, content) = link("usr/bin/x");
    assert_eq!(x, LinkId::new(content.as_bytes(), &TreePath::new("usr/bin/x").unwrap()));
    assert_eq!(link("usr/bin/y").0, x);
}
