use super::*;

fn registry(text: &str) -> String {
    match Place::parse(text).unwrap() {
        Place::Registry(reference) => reference.to_string(),
        Place::Layout(path) => panic!("{text} is taken for the path {}", path.display()),
    }
}

fn layout(text: &str) -> PathBuf {
    match Place::parse(text).unwrap() {
        Place::Layout(path) => path,
        Place::Registry(reference) => panic!("{text} is taken for {reference}"),
    }
}

#[test]
fn what_names_a_host_is_in_a_registry() {
    assert_eq!(registry("registry.example.com/acme/hello:1.0"), "registry.example.com/acme/hello:1.0");
    assert_eq!(registry("localhost/hello"), "localhost/hello");
    assert_eq!(registry("localhost:5000/hello"), "localhost:5000/hello");
    assert_eq!(registry("docker://debian:13"), "docker.io/library/debian:13");
}

#[test]
fn a_path_never_asks_a_registry() {
    for path in ["image", "kiln-out/hello", "debian:13", "./a.b/c", "../a.b/c", "/tmp/a.b/c"] {
        assert_eq!(layout(path), PathBuf::from(path));
    }
    assert_eq!(layout("oci:registry.example.com/x"), PathBuf::from("registry.example.com/x"));
    let folder = tempfile::tempdir().unwrap();
    let path = format!("{}/x", folder.path().display());
    assert_eq!(layout(&format!("oci-archive:{path}")), PathBuf::from(path));
}

#[test]
fn a_wrong_reference_is_told() {
    let error = Place::parse("registry.example.com/Acme/hello").unwrap_err().to_string();
    assert!(error.contains("is not an image name"), "{error}");
}
