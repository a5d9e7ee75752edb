use super::*;

/// The examples of "Authenticating Requests: Using the Authorization Header" in the reference of S3.
const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const HOST: &str = "examplebucket.s3.amazonaws.com";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn signed(method: &str, path: &str, query: &[(&str, &str)], more: &[(&str, &str)], payload: &str) -> String {
    let mut headers =
        BTreeMap::from([("host", HOST), ("x-amz-content-sha256", payload), ("x-amz-date", "20130524T000000Z")]);
    headers.extend(more.iter().copied());
    let path = encoded_path(path);
    let request = Signable { method, path: &path, query, headers, payload };
    let scope = Scope { region: "us-east-1", service: "s3", at: "2013-05-24T00:00:00Z".parse().unwrap() };
    let credentials = Credentials { id: ID.into(), secret: SECRET.into(), session: None };
    authorization(&request, &scope, &credentials)
}

#[test]
fn the_published_examples_of_s3() {
    assert_eq!(
        signed("GET", "/test.txt", &[], &[("range", "bytes=0-9")], EMPTY),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    let more = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
    let payload = Digest::of("Welcome to Amazon S3.").hex();
    for (authorization, signature) in [
        (
            signed("PUT", "/test$file.text", &[], &more, &payload),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            signed("GET", "/", &[("lifecycle", "")], &[], EMPTY),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            signed("GET", "/", &[("prefix", "J"), ("max-keys", "2")], &[], EMPTY),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        assert!(authorization.ends_with(&format!("Signature={signature}")), "{authorization}");
    }
}

/// `get-vanilla` of the published suite of tests.
#[test]
fn the_published_suite() {
    let headers = BTreeMap::from([("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")]);
    let request = Signable { method: "GET", path: "/", query: &[], headers, payload: EMPTY };
    let scope = Scope { region: "us-east-1", service: "service", at: "2015-08-30T12:36:00Z".parse().unwrap() };
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into();
    let credentials = Credentials { id: "AKIDEXAMPLE".into(), secret, session: None };
    let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    assert!(authorization(&request, &scope, &credentials).ends_with(signature));
}

#[test]
fn paths_are_encoded_once_and_keep_their_slashes() {
    assert_eq!(encoded_path("a b/sha256:0+é~"), "a%20b/sha256%3A0%2B%C3%A9~");
}
