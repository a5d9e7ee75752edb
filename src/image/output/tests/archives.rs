use super::*;

/// Names and contents in a tar archive, by a reader that is not ours.
fn entries(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ::tar::Archive::new(std::fs::File::open(archive).unwrap());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_string_lossy().into_owned(), content)
    });
    entries.collect()
}

#[test]
fn an_archive_holds_what_the_layout_holds() {
    let f = fixture();
    let content = f.content("x");
    write_layout(&content, &f.store, &f.path("out"), 7).unwrap();
    assert_eq!(write_oci_archive(&content, &f.store, &f.path("out.tar"), 7).unwrap(), Written::New);
    let mut archived = entries(&f.path("out.tar"));
    assert_eq!(archived.remove("blobs/").unwrap(), b"");
    assert_eq!(archived.remove("blobs/sha256/").unwrap(), b"");
    let in_folder: BTreeMap<String, Vec<u8>> =
        files(&f.path("out")).into_iter().map(|(p, c)| (p.to_str().unwrap().to_owned(), c)).collect();
    assert_eq!(archived, in_folder);
}

#[test]
fn docker_finds_configuration_layers_and_names() {
    let f = fixture();
    let content = f.content("x");
    write_docker_archive(&content, None, &f.store, &f.path("out.tar"), 7).unwrap();
    let archived = entries(&f.path("out.tar"));
    let image = f.image("amd64", "x");
    assert_eq!(
        String::from_utf8_lossy(&archived["manifest.json"]),
        format!(
            r#"[{{"Config":"blobs/sha256/{}","RepoTags":["registry.example.com/a/b:1.0"],"Layers":["blobs/sha256/{}"]}}]"#,
            image.config.digest.hex(),
            image.layers[0].descriptor.digest.hex()
        )
    );
    assert!(archived.contains_key("index.json") && archived.contains_key("oci-layout"));
}

#[test]
fn a_docker_archive_is_for_one_platform() {
    let f = fixture();
    let content = f.index();
    let write = |platform: Option<&Platform>| write_docker_archive(&content, platform, &f.store, &f.path("out.tar"), 7);
    let error = write(None).unwrap_err().to_string();
    assert_eq!(error, "this output holds one platform, and the image is for linux/amd64, linux/arm64; choose one");
    assert!(write(Some(&Platform::linux("s390x", None))).is_err());
    assert!(!f.path("out.tar").exists());
    write(Some(&Platform::linux("arm64", Some("v8")))).unwrap();
    let config = f.image("arm64", "arm64").config.digest.hex();
    assert!(entries(&f.path("out.tar")).contains_key(&format!("blobs/sha256/{config}")));
}

#[test]
fn an_older_archive_is_replaced_and_an_equal_one_not_touched() {
    let f = fixture();
    let out = f.path("out.tar");
    let write = |text: &str| write_oci_archive(&f.content(text), &f.store, &out, 7).unwrap();
    assert_eq!(write("one"), Written::New);
    let first = std::fs::read(&out).unwrap();
    assert_eq!(write("one"), Written::Unchanged);
    assert_eq!(write("two"), Written::Replaced);
    assert_eq!(write("one"), Written::Replaced);
    assert_eq!(std::fs::read(&out).unwrap(), first);
    let mut spoilt = first.clone();
    spoilt[600] ^= 1;
    std::fs::write(&out, spoilt).unwrap();
    assert_eq!(write("one"), Written::Replaced);
    assert_eq!(std::fs::read(&out).unwrap(), first);
    assert_eq!(names(f.folder.path()), ["out.tar", "store"]);
}

#[test]
fn what_is_no_archive_is_left_alone() {
    let f = fixture();
    let content = f.content("x");
    let out = f.path("thesis.txt");
    std::fs::write(&out, "precious").unwrap();
    assert!(matches!(write_oci_archive(&content, &f.store, &out, 7), Err(OutputError::NotOurs { .. })));
    assert_eq!(std::fs::read(&out).unwrap(), b"precious");
    std::fs::create_dir(f.path("folder")).unwrap();
    assert!(write_oci_archive(&content, &f.store, &f.path("folder"), 7).is_err());
    std::fs::write(f.path("empty"), "").unwrap();
    assert_eq!(write_oci_archive(&content, &f.store, &f.path("empty"), 7).unwrap(), Written::Replaced);
}

#[test]
fn a_pipe_is_written_to() {
    let f = fixture();
    let content = f.content("x");
    write_oci_archive(&content, &f.store, &f.path("out.tar"), 7).unwrap();
    let pipe = f.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    write_oci_archive(&content, &f.store, &pipe, 7).unwrap();
    assert_eq!(reader.join().unwrap(), std::fs::read(f.path("out.tar")).unwrap());
}
