use super::*;

const FILE: &str = "\
# keys
[default]
aws_access_key_id = first
aws_secret_access_key=hunter2
region = r

[ci]
  aws_access_key_id=second
  # aws_access_key_id=third
  aws_secret_access_key = hunter3
  aws_session_token = hunter4
[sso]
sso_session = s
";

fn found(name: Option<&str>, file: &str) -> Result<Option<(String, bool)>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    std::fs::write(&path, file).unwrap();
    let read = read(Some(&path), &name.map(str::to_owned));
    let shown = read.map(|key| key.map(|key| (key.id, key.session.is_some())));
    shown.map_err(|error| error.to_string())
}

#[test]
fn the_profile_that_is_named_counts() {
    assert_eq!(found(None, FILE).unwrap(), Some(("first".into(), false)));
    assert_eq!(found(Some("ci"), FILE).unwrap(), Some(("second".into(), true)));
    assert_eq!(found(None, "[other]\naws_access_key_id=x\n").unwrap(), None);
}

#[test]
fn a_named_profile_must_have_a_key() {
    for name in ["sso", "missing"] {
        let told = found(Some(name), FILE).unwrap_err();
        assert!(told.contains(&format!("the profile `{name}`")) && !told.contains("hunter"), "{told}");
    }
    let nowhere = Some(Path::new("/nonexistent/credentials"));
    assert!(read(nowhere, &None).unwrap().is_none());
    assert!(read(nowhere, &Some("ci".into())).is_err());
    assert!(read(None, &None).unwrap().is_none());
}
