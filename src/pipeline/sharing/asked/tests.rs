use super::*;
use secrecy::SecretString;

fn read(text: &str, way: Way) -> Result<Asked, String> {
    let defaults = PlaceDefaults {
        aws_access_key_id: Some("id".into()),
        aws_secret_access_key: Some(SecretString::from("hunter2")),
        github_token: Some(SecretString::from("hunter2")),
        ..PlaceDefaults::default()
    };
    Asked::read(text, way, &defaults).map_err(|error| error.to_string())
}

#[test]
fn kilns_own_words_and_buildkits_name_the_same_places() {
    for (text, way) in [
        ("oci:a=b", Way::To),
        ("type=local,dest=a=b,mode=max,tag=t,compression=zstd,compression-level=3", Way::To),
        ("src=a=b,type=local,oci-mediatypes=false,image-manifest=true", Way::From),
    ] {
        let Kind::Layout(path, None) = read(text, way).unwrap().kind else { panic!("{text}") };
        assert_eq!(path, PathBuf::from("a=b"), "{text}");
    }
    for (text, tag, plain) in [
        ("registry.test/a/b", "latest", false),
        ("registry.test/a/b:t", "t", false),
        ("type=registry,ref=registry.test/a/b:t,force-compression=true", "t", false),
        ("type=registry,ref=registry.test/a/b,registry.insecure=1", "latest", true),
    ] {
        let Kind::Registry(reference, insecure) = read(text, Way::To).unwrap().kind else { panic!("{text}") };
        assert_eq!((reference.to_string(), insecure), (format!("registry.test/a/b:{tag}"), plain), "{text}");
    }
}

#[test]
fn what_is_said_of_the_work_is_kept() {
    let asked = read("type=s3,bucket=b,region=r,ignore-error=true,timeout=2m", Way::To).unwrap();
    assert!(asked.ignore_error && matches!(asked.kind, Kind::Service(Service::S3(_))));
    assert_eq!(asked.timeout, Some(Duration::from_secs(120)));
    assert!(matches!(read("type=inline", Way::To).unwrap().kind, Kind::Inline));
}

#[test]
fn what_is_no_place_is_a_mistake() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let on_digest = format!("registry.test/a/b@{digest}");
    for (text, way, said) in [
        ("results", Way::To, "`results` is no place for results of commands: write `oci:DIR`"),
        (on_digest.as_str(), Way::To, "names a digest, and results go to a tag"),
        ("type=inline", Way::From, "write `type=registry,ref=IMAGE`"),
        ("type=local,src=a", Way::To, "`type=local` needs the field `dest`: add `dest=…`"),
        (
            "type=local,src=a,digest=latest",
            Way::From,
            "the field `digest` of `type=local` must be one such as sha256:…",
        ),
        ("type=registry", Way::From, "`type=registry` needs the field `ref`: add `ref=…`"),
        ("type=s3,region=r", Way::To, "`type=s3` needs the field `bucket`: add `bucket=…`, or set AWS_BUCKET"),
        ("type=s3,region=r,bucket=b/c", Way::To, "the names of buckets and regions have letters, digits"),
        ("type=s3,region=r,bucket=b,prefix=../", Way::To, "needs names without `.` and `..` as parts of paths"),
        ("type=s3,region=r,bucket=b,upload_parallelism=65", Way::To, "must be from 1 to 64"),
        ("type=s3,region=r,bucket=b,access_key_id=x", Way::To, "of the two parts of the access key in the fields one"),
        ("type=s3,region=r,bucket=b,endpoint_url=file:///etc", Way::To, "`endpoint_url` of `type=s3` must be"),
        ("type=azblob,account_url=https://a.test", Way::To, "`type=azblob` needs a key: set AZURE_STORAGE_KEY"),
        ("type=azblob,account_url=https://a.test,secret_access_key=%", Way::To, "is base64, and this one is not"),
        ("type=azblob", Way::To, "add `account_url=…`, or set BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"),
        (
            "type=gha",
            Way::To,
            "`type=gha` needs ACTIONS_RESULTS_URL, which GitHub shows to actions and not to commands",
        ),
        ("type=gha,url=https://old.test/", Way::To, "GitHub has shut down the first: set ACTIONS_RESULTS_URL"),
        ("type=gha,url_v2=https://new.test/,version=1", Way::To, "GitHub has shut down the first"),
    ] {
        let told = read(text, way).err().unwrap_or_else(|| panic!("{text}"));
        assert!(told.contains(said) && !told.contains("hunter"), "{text}: {told}");
    }
}
