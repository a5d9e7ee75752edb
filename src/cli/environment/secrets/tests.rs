use super::*;
use secrecy::ExposeSecret;

fn environment(vars: &[(&str, &str)]) -> Environment {
    Environment { vars: vars.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect() }
}

fn value(text: &str, environment: &Environment) -> Result<Vec<u8>, String> {
    let secrets = environment.secrets(&[text.to_owned()])?;
    Ok(secrets.into_values().next().map(|secret| secret.expose_secret().to_vec()).unwrap_or_default())
}

#[test]
fn a_value_comes_from_a_variable_a_file_or_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, b"from a file\n\xff").unwrap();
    let environment = environment(&[("TOKEN", "from a variable")]);
    assert_eq!(value("TOKEN", &environment).unwrap(), b"from a variable");
    assert_eq!(value("t=env:TOKEN", &environment).unwrap(), b"from a variable");
    assert_eq!(value(&format!("t=file:{}", file.display()), &environment).unwrap(), b"from a file\n\xff");
    assert_eq!(value("t=command:printf 'a\\nb\\n'", &environment).unwrap(), b"a\nb");
}

#[test]
fn what_looks_like_a_value_is_refused_and_not_repeated() {
    let error = value("token=hunter2", &environment(&[])).unwrap_err();
    assert!(error.contains("never stands on the command line"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn what_cannot_be_had_is_said() {
    let none = environment(&[]);
    assert!(value("t=env:TOKEN", &none).unwrap_err().contains("the variable TOKEN, which is not set"));
    assert!(value("t=file:/does/not/exist", &none).unwrap_err().contains("cannot read the secret `t`"));
    assert!(value("t=command:exit 3", &none).unwrap_err().contains("exit status: 3"));
    assert!(value("t=command:cat /dev/zero", &none).unwrap_err().contains("it is larger than 524288 bytes"));
    assert!(value("=env:TOKEN", &none).unwrap_err().contains("names no secret"));
    let twice = environment(&[("A", "1")]).secrets(&["a=env:A".into(), "a=env:A".into()]);
    assert!(twice.unwrap_err().contains("given twice"));
}

#[test]
fn an_agent_is_the_callers_or_one_that_is_named() {
    let with_agent = environment(&[("SSH_AUTH_SOCK", "/run/agent")]);
    assert_eq!(with_agent.agents(&["default".into()]).unwrap()["default"], PathBuf::from("/run/agent"));
    assert_eq!(with_agent.agents(&["k=/run/other".into()]).unwrap()["k"], PathBuf::from("/run/other"));
    let failure = environment(&[]).agents(&["default".into()]).unwrap_err();
    assert!(failure.contains("SSH_AUTH_SOCK"), "{failure}");
}
