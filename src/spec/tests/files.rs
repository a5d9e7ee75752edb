use super::*;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

fn folder(list: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in list {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn load_from(folder: &std::path::Path) -> Result<Loaded, Diagnostics> {
    load(&Folder::new(folder).unwrap(), "kiln.kdl", &BTreeMap::new())
}

/// Diagnostics without the name of the folder, which is another one in every run.
fn shown(folder: &std::path::Path, diagnostics: &Diagnostics) -> String {
    diagnostics.to_string().replace(&format!("{}/", folder.display()), "")
}

const IMAGE: &str = "image \"x\" { user 0 }\n";

#[test]
fn a_spec_is_read_from_disk_with_what_it_includes() {
    let folder = folder(&[
        ("kiln.kdl", &format!("kiln 1\ninclude \"team/a.kdl\"\n{IMAGE}")),
        ("team/a.kdl", "kiln 1\ninclude \"../b.kdl\"\ninclude \"c.kdl\"\n"),
        ("b.kdl", "kiln 1\narg \"b\" default=\"1\"\n"),
        ("team/c.kdl", "kiln 1\narg \"c\" default=\"1\"\ninclude \"../b.kdl\"\n"),
    ]);
    let loaded = load_from(folder.path()).unwrap();
    let args: Vec<&str> = loaded.spec.args.iter().map(|arg| arg.name.as_str()).collect();
    assert_eq!(args, ["b", "c"], "in the order in which they are included, each once");
    let names: Vec<String> = loaded.sources.iter().map(|(_, file)| file.name().to_owned()).collect();
    assert_eq!(names.len(), 4);
    assert!(names[1].ends_with("/team/a.kdl"));
    assert_eq!(loaded.warnings, [], "shared files may hold more than one needs");
}

#[test]
fn links_that_lead_out_are_not_followed() {
    let outside = folder(&[("secret.kdl", "kiln 1\n"), ("deep/secret.kdl", "kiln 1\n")]);
    let folder = folder(&[
        (
            "kiln.kdl",
            &format!("kiln 1\ninclude \"link.kdl\"\ninclude \"dir/secret.kdl\"\ninclude \"inner.kdl\"\n{IMAGE}"),
        ),
        ("real.kdl", "kiln 1\n"),
    ]);
    symlink(outside.path().join("secret.kdl"), folder.path().join("link.kdl")).unwrap();
    symlink(outside.path().join("deep"), folder.path().join("dir")).unwrap();
    symlink("real.kdl", folder.path().join("inner.kdl")).unwrap();
    let found = load_from(folder.path()).unwrap_err();
    assert_eq!(
        shown(folder.path(), &found),
        "kiln.kdl:2:9: cannot include `link.kdl`: it leads out of the spec's folder\n\
         kiln.kdl:3:9: cannot include `dir/secret.kdl`: it leads out of the spec's folder"
    );
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let folder = folder(&[("kiln.kdl", "kiln 1\ninclude \"team\"\ninclude \"pipe\"\n"), ("team/x", "")]);
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let found = load_from(folder.path()).unwrap_err();
    assert_eq!(
        shown(folder.path(), &found),
        "kiln.kdl:2:9: cannot include `team`: it is no regular file\n\
         kiln.kdl:3:9: cannot include `pipe`: it is no regular file"
    );
}

#[test]
fn a_missing_or_overlong_spec_is_named() {
    let folder = folder(&[("long/kiln.kdl", &"// x\n".repeat(300_000))]);
    let missing = load_from(folder.path()).unwrap_err();
    assert_eq!(
        shown(folder.path(), &missing),
        "kiln.kdl:1:1: cannot read `kiln.kdl`: there is no such file"
            .replace("`kiln", &format!("`{}/kiln", folder.path().display()))
            .replace(&format!("{}/", folder.path().display()), "")
    );
    let long = load_from(&folder.path().join("long")).unwrap_err();
    assert_eq!(shown(&folder.path().join("long"), &long), "kiln.kdl:1:1: the file is longer than 1048576 bytes");
}

#[test]
fn mistakes_in_several_files_come_at_once() {
    let files = files(
        "kiln 1\ninclude \"a\"\ninclude \"b\"\nimage \"x\" {\n",
        &[("a", "kiln 1\nx 1y\n"), ("b", "image \"z\" {}\n")],
    );
    let found = load(&files, "kiln.kdl", &BTreeMap::new()).unwrap_err().to_string();
    // The spec's own file cannot be read, so nobody knows what it includes.
    assert_eq!(found, "kiln.kdl:4:11: this block is never closed");
    let files = super::files(
        "kiln 1\ninclude \"a\"\ninclude \"b\"\nimage \"x\" {}\n",
        &[("a", "kiln 1\nx 1y\n"), ("b", "image \"z\" {}\n")],
    );
    let found = load(&files, "kiln.kdl", &BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(found, "a:2:3: `1y` is no number\nb:1:1: the first node of a spec is `kiln 1`");
}

#[test]
fn a_folder_is_shown_as_it_was_named() {
    let cases =
        [("", "kiln.kdl"), (".", "kiln.kdl"), ("./", "kiln.kdl"), ("src", "src/kiln.kdl"), ("./src/", "src/kiln.kdl")];
    for (path, wanted) in cases {
        assert_eq!(Folder::new(path).unwrap().shown("kiln.kdl"), wanted, "{path:?}");
    }
    assert_eq!(Folder::new("/").unwrap().shown("kiln.kdl"), "/kiln.kdl");
}

#[test]
fn what_kiln_ships_is_accepted_without_a_warning_and_well_laid_out() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for parent in ["base-images", "examples"] {
        for entry in std::fs::read_dir(root.join(parent)).unwrap() {
            let folder = entry.unwrap().path();
            if !folder.join("kiln.kdl").is_file() {
                continue;
            }
            seen += 1;
            let loaded = load_from(&folder).unwrap_or_else(|mistakes| panic!("{mistakes}"));
            assert_eq!(loaded.warnings, [], "{}", folder.display());
            let text = std::fs::read_to_string(folder.join("kiln.kdl")).unwrap();
            assert_eq!(crate::syntax::format("kiln.kdl", &text).unwrap(), text, "{}", folder.display());
        }
    }
    assert!(seen >= Base::OWN.len(), "{seen} specs");
}

#[test]
fn every_base_that_is_known_by_name_is_there() {
    for name in Base::OWN {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("base-images").join(name).join("kiln.kdl");
        assert!(path.is_file(), "{}", path.display());
    }
}
