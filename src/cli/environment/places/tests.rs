use super::*;

fn places(vars: &[(&str, &str)]) -> PlaceDefaults {
    Environment { vars: vars.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect() }.places()
}

#[test]
fn what_is_secret_is_taken_and_cannot_be_printed() {
    let names = [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL",
        "AZURE_STORAGE_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
    ];
    let given = places(&names.map(|name| (name, "hunter2")));
    assert!(!format!("{given:?}").contains("hunter2"));
    let secrets = [
        given.aws_secret_access_key,
        given.aws_session_token,
        given.azure_account_url,
        given.azure_key,
        given.azure_signature,
        given.github_token,
    ];
    assert!(secrets.iter().flatten().filter(|secret| secret.expose_secret() == "hunter2").count() == names.len());
}

#[test]
fn empty_variables_say_nothing_and_others_have_their_defaults() {
    let given =
        places(&[("AWS_SECRET_ACCESS_KEY", ""), ("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "r"), ("HOME", "/me")]);
    assert!(given.aws_secret_access_key.is_none());
    assert_eq!(given.aws_region.as_deref(), Some("r"));
    assert_eq!(given.aws_credentials_file, Some("/me/.aws/credentials".into()));
    let given = places(&[("AWS_SHARED_CREDENTIALS_FILE", "/keys"), ("HOME", "/me")]);
    assert_eq!(given.aws_credentials_file, Some("/keys".into()));
}
