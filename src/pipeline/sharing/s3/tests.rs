use super::super::asked::{Asked, Kind, Service, Way};
use super::*;

fn root_of(fields: &str) -> String {
    let defaults = PlaceDefaults {
        aws_access_key_id: Some("id".into()),
        aws_secret_access_key: Some("hunter2".into()),
        aws_region: Some("eu-west-1".into()),
        ..PlaceDefaults::default()
    };
    let text = format!("type=s3,{fields}");
    match Asked::read(&text, Way::To, &defaults).map(|asked| asked.kind) {
        Ok(Kind::Service(Service::S3(bucket))) => bucket.root.to_string(),
        Ok(_) => panic!("{text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn buckets_are_where_amazon_has_them_or_where_the_user_says() {
    for (fields, root) in [
        ("bucket=b", "https://b.s3.eu-west-1.amazonaws.com/"),
        ("bucket=a.b,region=us-east-1", "https://s3.us-east-1.amazonaws.com/a.b/"),
        ("bucket=b,region=cn-north-1", "https://b.s3.cn-north-1.amazonaws.com.cn/"),
        ("bucket=b,endpoint_url=https://s3.test:9000/", "https://b.s3.test:9000/"),
        ("bucket=b,endpoint_url=http://127.0.0.1:9000,use_path_style=true", "http://127.0.0.1:9000/b/"),
    ] {
        assert_eq!(root_of(fields), root, "{fields}");
    }
}

#[test]
fn an_address_with_a_password_or_a_query_is_refused_unseen() {
    for address in ["https://me:hunter2@s3.test", "https://s3.test/?x=hunter2", "s3.test"] {
        let told = root_of(&format!("bucket=b,endpoint_url={address}"));
        assert!(told.contains("`endpoint_url` of `type=s3` must be") && !told.contains("hunter"), "{told}");
    }
}

#[test]
fn keys_of_fields_come_before_those_of_the_environment() {
    let fields = "type=s3,bucket=b,region=r,access_key_id=own,secret_access_key=hunter1,session_token=hunter3";
    let defaults = PlaceDefaults {
        aws_access_key_id: Some("other".into()),
        aws_secret_access_key: Some("hunter2".into()),
        ..PlaceDefaults::default()
    };
    let asked = Asked::read(fields, Way::To, &defaults).unwrap();
    assert_eq!(asked.shown, "type=s3,bucket=b,region=r,access_key_id=***,secret_access_key=***,session_token=***");
    let Kind::Service(Service::S3(bucket)) = asked.kind else { panic!("no bucket") };
    assert_eq!(bucket.credentials.id, "own");
    assert!(bucket.credentials.session.is_some() && !format!("{bucket:?}").contains("hunter"));
}
