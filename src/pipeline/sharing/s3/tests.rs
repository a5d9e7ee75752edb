use super::super::asked::{Asked, Kind, Service, Way};
use super::super::shelf::{Content, Name};
use super::*;
use crate::http::fixtures::{Reply, Seen, Server, client};
use crate::store::Store;

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

/// What the upload in the tests is called.
const UPLOAD: &str = "an/upload+1==";

/// A bucket into which contents of more than 4 KiB go in parts.
fn in_parts(server: &Server) -> Objects<Signed> {
    let fields = format!("endpoint_url={},use_path_style=true,bucket=b,region=r", server.url(""));
    let text = format!("type=s3,{fields},access_key_id=id,secret_access_key=hunter2");
    let Kind::Service(Service::S3(bucket)) = Asked::read(&text, Way::To, &PlaceDefaults::default()).unwrap().kind
    else {
        panic!("no bucket")
    };
    let (keys, clock) = (bucket.keys.clone(), Clock::new("2026-01-02T03:04:05Z".parse().unwrap()));
    Objects { client: client(), dialect: Signed { bucket, clock }, keys, part: 4 << 10 }
}

/// Sends 10,000 bytes to a bucket that answers so to whatever is not a part, or is the second part.
async fn send(
    answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
) -> (Result<(), Error>, Vec<Seen>, Vec<u8>) {
    let server = Server::start(move |seen| {
        let usual = || match (seen.method.as_str(), seen.target.split_once('?')) {
            ("POST", Some((_, "uploads="))) => Reply::ok(format!(
                "<InitiateMultipartUploadResult><UploadId>{UPLOAD}</UploadId></InitiateMultipartUploadResult>"
            )),
            ("PUT", Some((_, query))) => Reply::ok("").with("ETag", format!("\"{}\"", &query[..12])),
            _ => Reply::ok("<CompleteMultipartUploadResult/>"),
        };
        answer(seen).unwrap_or_else(usual)
    });
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let bytes: Vec<u8> = (0..10_000_u32).map(|number| (number / 7) as u8).collect();
    let digest = store.put(&bytes).unwrap();
    let sent = in_parts(&server).put(Name::Content(&digest), &Content::of(&store, &digest).unwrap()).await;
    (sent, server.seen(), bytes)
}

#[tokio::test]
async fn a_large_content_goes_in_parts_each_signed_and_tried_again() {
    let busy = |seen: &Seen| seen.target.contains("partNumber=2") && seen.before == 0;
    let (sent, seen, bytes) = send(move |seen| busy(seen).then(|| Reply::new(503, "").with("Retry-After", "0"))).await;
    sent.unwrap();
    let mut parts: Vec<&Seen> = seen.iter().filter(|seen| seen.method == "PUT" && !busy(seen)).collect();
    parts.sort_by(|a, b| a.target.cmp(&b.target));
    assert_eq!(parts.iter().flat_map(|part| part.body.clone()).collect::<Vec<u8>>(), bytes);
    assert_eq!(parts.iter().map(|part| part.body.len()).collect::<Vec<_>>(), [4096, 4096, 1808]);
    assert!(parts.iter().all(|part| part.target.ends_with("&uploadId=an%2Fupload%2B1%3D%3D")));
    for request in &seen {
        assert_eq!(request.headers["x-amz-content-sha256"], Digest::of(&request.body).hex());
        assert!(request.headers["authorization"].starts_with("AWS4-HMAC-SHA256 Credential=id/"));
    }
    let last = seen.last().unwrap();
    let part = |number| format!("<Part><PartNumber>{number}</PartNumber><ETag>\"partNumber={number}\"</ETag></Part>");
    let list = format!("<CompleteMultipartUpload>{}{}{}</CompleteMultipartUpload>", part(1), part(2), part(3));
    assert_eq!((last.method.as_str(), String::from_utf8_lossy(&last.body)), ("POST", list.into()));
    assert!(last.target.ends_with("?uploadId=an%2Fupload%2B1%3D%3D"));
}

#[tokio::test]
async fn an_upload_that_fails_leaves_nothing_behind() {
    let error = |code: &str| format!("<Error><Code>{code}</Code></Error>");
    let is_part = |seen: &Seen| seen.target.contains("partNumber=3");
    let is_end = |seen: &Seen| seen.method == "POST" && seen.target.contains("uploadId");
    let (denied, broken) = (error("AccessDenied"), error("InternalError"));
    let (refused, taken_back, _) = send(move |seen| is_part(seen).then(|| Reply::new(403, denied.clone()))).await;
    assert!(refused.unwrap_err().to_string().contains("it answers with status 403 (AccessDenied)"));
    // It begins its answer with success, and then says that it failed.
    let (torn, taken_back_too, _) = send(move |seen| is_end(seen).then(|| Reply::ok(broken.clone()))).await;
    assert!(torn.unwrap_err().to_string().ends_with("it does not put the parts of an upload together (InternalError)"));
    let (cut, _, _) = send(move |seen| is_end(seen).then(|| Reply::ok(" "))).await;
    assert!(cut.unwrap_err().to_string().ends_with("it does not put the parts of an upload together"));
    let (unnamed, untagged, _) = send(move |seen| is_part(seen).then(|| Reply::ok(""))).await;
    assert!(unnamed.unwrap_err().to_string().ends_with("it takes a part and does not name it"));
    for seen in [taken_back, taken_back_too, untagged] {
        let last = seen.last().unwrap();
        assert_eq!(last.method, "DELETE");
        assert!(last.target.ends_with("?uploadId=an%2Fupload%2B1%3D%3D"), "{}", last.target);
    }
    for name in ["", "<UploadId></UploadId>", "<UploadId>a b</UploadId>", "<UploadId>&lt;</UploadId>"] {
        let (sent, seen, _) = send(move |seen| (seen.target.ends_with("?uploads=")).then(|| Reply::ok(name))).await;
        assert!(sent.unwrap_err().to_string().ends_with("it begins an upload in parts and does not name it"));
        assert_eq!(seen.len(), 1);
    }
}
