use super::*;
use clap::Parser;
use std::ffi::OsString;
use tempfile::TempDir;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    engine: EngineArgs,
}

fn choose(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let line = Line::parse_from([&["kiln"], arguments].concat());
    let vars = variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    let environment = Environment { vars: vars.collect() };
    Ok(match environment.engine(&line.engine)? {
        EngineChoice::Embedded => Vec::new(),
        EngineChoice::BuildKit(daemons) => daemons
            .iter()
            .map(|at| format!("{}{}", at.address, if at.tls.is_some() { " with TLS" } else { "" }))
            .collect(),
    })
}

fn engine(text: &str) -> Result<Vec<String>, String> {
    choose(&["--engine", text], &[])
}

#[test]
fn engines_are_named_with_their_addresses() {
    assert_eq!(engine("embedded"), Ok(vec![]));
    assert_eq!(engine("buildkit"), Ok(vec![BUILDKIT_SOCKET.to_owned()]));
    let host = [("BUILDKIT_HOST", "tcp://build:1234"), ("KILN_ENGINE", "buildkit")];
    assert_eq!(choose(&[], &host), Ok(vec!["tcp://build:1234".to_owned()]));
    assert_eq!(choose(&["--engine", "embedded"], &host), Ok(vec![]));
    let two = engine("buildkit:unix:///b.sock,tcp://build:1234,docker://");
    assert_eq!(two, Ok(vec!["unix:///b.sock".to_owned(), "tcp://build:1234".to_owned(), "docker://".to_owned()]));
    for text in ["", "docker", "embedded:", "buildkit:", "buildkit:/run/x.sock", "buildkit:unix:///a,"] {
        assert!(engine(text).is_err(), "{text}");
    }
}

/// Docker's settings, as its client writes them.
fn docker(context: &str, endpoint: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let id = Digest::of(context.as_bytes()).hex();
    let meta = folder.path().join("contexts/meta").join(&id);
    std::fs::create_dir_all(&meta).unwrap();
    let content = format!(r#"{{"Name":"{context}","Metadata":{{}},"Endpoints":{{"docker":{endpoint}}}}}"#);
    std::fs::write(meta.join("meta.json"), content).unwrap();
    std::fs::create_dir_all(folder.path().join("contexts/tls").join(&id).join("docker")).unwrap();
    folder
}

#[test]
fn docker_is_found_where_its_own_client_finds_it() {
    let folder = docker("far", r#"{"Host":"ssh://me@far.example.com","SkipTLSVerify":false}"#);
    let config = ("DOCKER_CONFIG", folder.path().to_str().unwrap());
    let plain = |address: &str, variables: &[(&str, &str)]| {
        let found = choose(&["--engine", &format!("buildkit:{address}")], variables)?;
        Ok::<String, String>(found[0].clone())
    };
    let far = Ok("docker://far at ssh://me@far.example.com".to_owned());
    assert_eq!(plain("docker://far", &[config]), far);
    assert_eq!(plain("docker://", &[config, ("DOCKER_CONTEXT", "far")]), far);
    assert_eq!(plain("docker://", &[config]), Ok("docker://".to_owned()));
    std::fs::write(folder.path().join("config.json"), r#"{"auths":{},"currentContext":"far"}"#).unwrap();
    assert_eq!(plain("docker://", &[config]), far);
    assert_eq!(plain("docker://", &[config, ("DOCKER_CONTEXT", "default")]), Ok("docker://".to_owned()));
    // The variable goes before the settings, and a name before all.
    let host = ("DOCKER_HOST", "unix:///d.sock");
    assert_eq!(plain("docker://", &[config, host]), Ok("docker:// at unix:///d.sock".to_owned()));
    assert_eq!(plain("docker://far", &[config, host]), far);
    let absent = plain("docker://near", &[config]).unwrap_err();
    assert!(absent.starts_with("Docker has no context `near` in "), "{absent}");
    assert!(plain("docker://", &[("DOCKER_HOST", "fd://")]).unwrap_err().starts_with("DOCKER_HOST: `fd://`"));
    std::fs::write(folder.path().join("config.json"), "secret").unwrap();
    assert!(plain("docker://", &[config]).unwrap_err().ends_with("config.json is not as Docker writes it"));
}

#[test]
fn contexts_with_certificates_take_tls_and_none_does_without_verifying() {
    let folder = docker("port", r#"{"Host":"tcp://far.example.com:2376"}"#);
    let config = ("DOCKER_CONFIG", folder.path().to_str().unwrap());
    let line = ["--engine", "buildkit:docker://port"];
    let authority = rcgen::generate_simple_self_signed(["far.example.com".to_owned()]).unwrap().cert.pem();
    let tls = folder.path().join("contexts/tls").join(Digest::of(b"port").hex()).join("docker");
    std::fs::write(tls.join("ca.pem"), authority).unwrap();
    let found = choose(&line, &[config]).unwrap();
    assert_eq!(found, ["docker://port at tcp://far.example.com:2376 with TLS"]);
    std::fs::write(tls.join("cert.pem"), "x").unwrap();
    let said = choose(&line, &[config]).unwrap_err();
    assert_eq!(said, "Docker's context `port`: a client's certificate needs its key");
    let folder = docker("port", r#"{"Host":"tcp://far.example.com:2376","SkipTLSVerify":true}"#);
    let said = choose(&line, &[("DOCKER_CONFIG", folder.path().to_str().unwrap())]).unwrap_err();
    assert!(said.contains("it does not verify who the daemon is, and kiln does"), "{said}");
}

#[test]
fn certificates_come_from_the_command_line_the_environment_or_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["build".to_owned()]).unwrap();
    let file = |name: &str, content: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let authority = file("ca.pem", made.cert.pem());
    let certificate = file("cert.pem", made.cert.pem());
    let key = file("key.pem", made.signing_key.serialize_pem());
    let to = ["--engine", "buildkit:tcp://build:1234,unix:///b.sock"];
    let found = |arguments: &[&str], variables: &[(&str, &str)]| choose(&[&to[..], arguments].concat(), variables);
    let with = Ok(vec!["tcp://build:1234 with TLS".to_owned(), "unix:///b.sock".to_owned()]);
    assert_eq!(found(&["--tlscacert", &authority, "--tlscert", &certificate, "--tlskey", &key], &[]), with);
    assert_eq!(found(&["--tlsdir", folder.path().to_str().unwrap()], &[]), with);
    assert_eq!(found(&["--tlsservername", "other", "--tlscacert", &authority], &[]), with);
    assert_eq!(found(&[], &[("BUILDKIT_TLS_DIR", folder.path().to_str().unwrap())]), with);
    let apart =
        [("BUILDKIT_TLS_CACERT", authority.as_str()), ("BUILDKIT_TLS_CERT", &certificate), ("BUILDKIT_TLS_KEY", &key)];
    assert_eq!(found(&[], &apart), with);
    let absent = found(&["--tlscacert", "/absent"], &[]).unwrap_err();
    assert_eq!(absent, "cannot read /absent: No such file or directory (os error 2)");
}
