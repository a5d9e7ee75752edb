use super::*;
use std::ffi::OsString;
use std::path::Path;

/// Whatever is secret in these tests has this in it.
const SECRET: &str = "hunter2";

fn environment(vars: &[(&str, &str)]) -> Environment {
    Environment { vars: vars.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect() }
}

fn refused(vars: &[(&str, &str)]) -> String {
    let error = environment(vars).registries().unwrap_err();
    assert!(!error.contains(SECRET), "{error}");
    error
}

#[test]
fn an_empty_environment_says_where_the_machine_has_certificates_and_nothing_else() {
    let settings = environment(&[]).registries().unwrap();
    assert!(settings.mirrors.is_empty() && settings.plain_http.is_empty());
    assert_eq!(settings.certificates, ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from));
    let places = settings.credentials;
    assert!(places.given.is_none() && places.files.is_empty() && places.programs.is_empty());
}

#[test]
fn files_of_credentials_are_in_order() {
    let mut vars = vec![("HOME", "/home/me"), ("PATH", "/a:b:/c")];
    let paths = |vars: &[(&str, &str)]| {
        let files = environment(vars).registries().unwrap().credentials.files;
        files.into_iter().map(|file| (file.path.to_str().unwrap().to_owned(), file.required)).collect::<Vec<_>>()
    };
    let docker = ("/home/me/.docker/config.json".to_owned(), false);
    let config = ("/home/me/.config/containers/auth.json".to_owned(), false);
    assert_eq!(paths(&vars), [docker, config]);
    let programs = environment(&vars).registries().unwrap().credentials.programs;
    assert_eq!(programs, ["/a", "b", "/c"].map(PathBuf::from));
    vars.extend([
        ("REGISTRY_AUTH_FILE", "/auth"),
        ("DOCKER_CONFIG", "/docker"),
        ("XDG_RUNTIME_DIR", "/run/me"),
        ("XDG_CONFIG_HOME", "/config"),
    ]);
    let expected = [
        ("/auth", true),
        ("/docker/config.json", false),
        ("/run/me/containers/auth.json", false),
        ("/config/containers/auth.json", false),
    ];
    assert_eq!(paths(&vars), expected.map(|(path, required)| (path.to_owned(), required)));
}

#[test]
fn credentials_of_the_environment_are_whole_or_an_error() {
    let given = |vars: &[(&str, &str)]| environment(vars).registries().unwrap().credentials.given;
    let (registry, user) = (("KILN_REGISTRY", "Example.com:5000"), ("KILN_REGISTRY_USER", "me-hunter2"));
    let (password, token) = (("KILN_REGISTRY_PASSWORD", SECRET), ("KILN_REGISTRY_TOKEN", SECRET));
    let found = given(&[registry, user, password]).unwrap();
    assert_eq!(found.registry, "example.com:5000");
    assert!(matches!(&found.secret, RegistrySecret::Password { user, password }
        if user.expose_secret() == "me-hunter2" && password.expose_secret() == SECRET));
    assert!(!format!("{found:?}").contains(SECRET));
    let found = given(&[registry, token, ("KILN_REGISTRY_USER", ""), ("KILN_REGISTRY_PASSWORD", "")]).unwrap();
    assert!(matches!(&found.secret, RegistrySecret::Token(token) if token.expose_secret() == SECRET));
    assert!(given(&[("KILN_REGISTRY", ""), ("KILN_REGISTRY_PASSWORD", "")]).is_none());

    assert!(refused(&[user, password]).contains("does not say for which registry"));
    assert!(refused(&[token]).contains("does not say for which registry"));
    for vars in [&[registry] as &[_], &[registry, ("KILN_REGISTRY_TOKEN", ""), ("KILN_REGISTRY_USER", "")]] {
        assert!(given(vars).is_none());
    }
    for half in [[registry, user], [registry, password]] {
        assert!(refused(&half).contains("empty or unset"));
    }
    assert!(refused(&[registry, user, password, token]).contains("set it or them"));
    for wrong in ["https://hunter2@example.com", "example.com/hunter2", "hunter2 example.com"] {
        assert!(refused(&[("KILN_REGISTRY", wrong), token]).contains("by its host and port alone"));
    }
}

#[test]
fn mirrors_and_hosts_without_tls_are_lists() {
    let vars = [
        ("KILN_REGISTRY_MIRRORS", "docker.io=mirror.example.com/hub, example.com/a = http://127.0.0.1:5000/x,"),
        ("KILN_PLAIN_HTTP", "Example.com:5000, 10.0.0.1,[::2]:5000"),
    ];
    let settings = environment(&vars).registries().unwrap();
    let mirror = |of: &str, at: &str| RegistryMirror { of: of.into(), at: at.into() };
    let expected = [mirror("docker.io", "mirror.example.com/hub"), mirror("example.com/a", "http://127.0.0.1:5000/x")];
    assert_eq!(settings.mirrors, expected);
    assert_eq!(settings.plain_http, ["example.com:5000", "10.0.0.1", "[::2]:5000"].map(String::from).into());
    assert!(refused(&[("KILN_REGISTRY_MIRRORS", "https://me:hunter2@example.com")]).contains("must read like"));
    assert!(refused(&[("KILN_PLAIN_HTTP", "http://me:hunter2@example.com")]).contains("by its host and port alone"));
}

#[test]
fn a_folder_of_certificates_that_was_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let settings = environment(&[("KILN_REGISTRY_CERTS", path), ("HOME", "/home/me")]).registries().unwrap();
    let first: Vec<&Path> = settings.certificates.iter().take(2).map(PathBuf::as_path).collect();
    assert_eq!(first, [folder.path(), Path::new("/home/me/.config/containers/certs.d")]);
    assert!(refused(&[("KILN_REGISTRY_CERTS", "/nowhere")]).contains("is no folder"));
}
