//! S3, and what speaks like it: `type=s3`.

use super::super::error::Error;
use super::fields::{Fields, Value, usage};
use super::objects::{Dialect, Keys, Objects, Sends, printable};
use super::parts::PART;
use super::shelf::{Clock, Shelf};
use super::sigv4::{self, Credentials, Scope, Signable};
use super::{PlaceDefaults, profile};
use crate::http::header::{AUTHORIZATION, CONTENT_LENGTH, ETAG, HeaderName, HeaderValue};
use crate::http::{Client, Method, Request, Response, Url};
use crate::oci::Digest;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

pub(super) const FIELDS: &[(&str, Value)] = &[
    ("bucket", Value::Text),
    ("region", Value::Text),
    ("endpoint_url", Value::Address),
    ("use_path_style", Value::Flag),
    ("access_key_id", Value::Secret),
    ("session_token", Value::Secret),
    ("touch_refresh", Value::Time),
    ("retry_mode", Value::One(&["standard", "adaptive"])),
    ("retry_max_attempts", Value::Number),
    ("disable_accept_encoding", Value::Flag),
];

/// The digest of no body at all.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A bucket.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// The beginning of the addresses of its objects, with a slash at its end.
    root: Url,
    name: String,
    region: String,
    credentials: Credentials,
    keys: Keys,
}

impl Bucket {
    /// The bucket that fields name; what they do not say, the environment does.
    pub fn read(fields: &Fields, defaults: &PlaceDefaults) -> Result<Bucket, Error> {
        let said = |name: &str, default: &Option<String>, variable| {
            let value = fields.text(name).map(str::to_owned).or_else(|| default.clone());
            value.ok_or_else(|| fields.missing(name, Some(variable)))
        };
        let bucket = said("bucket", &defaults.aws_bucket, "AWS_BUCKET")?;
        let region = said("region", &defaults.aws_region, "AWS_REGION")?;
        let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if !is_name(&bucket) || !is_name(&region) {
            return Err(usage("the names of buckets and regions have letters, digits, `.`, `-` and `_`"));
        }
        let root = root(fields, &bucket, &region)?;
        let join = |parts: &[&str]| parts.concat();
        let keys = Keys::read(fields, fields.text("prefix").unwrap_or_default(), ["blobs/", "manifests/"], join)?;
        Ok(Bucket {
            root,
            name: format!("the bucket {bucket}"),
            region,
            credentials: credentials(fields, defaults)?,
            keys,
        })
    }

    /// The bucket as a shelf.
    pub fn shelf(&self, client: Client, clock: Clock) -> Box<dyn Shelf> {
        Box::new(Objects {
            client,
            dialect: Signed { bucket: self.clone(), clock },
            keys: self.keys.clone(),
            part: PART,
        })
    }
}

/// Where the bucket is: under a host of its own, or in a path.
fn root(fields: &Fields, bucket: &str, region: &str) -> Result<Url, Error> {
    let endpoint = fields.text("endpoint_url");
    let in_path = match endpoint {
        Some(_) => fields.flag("use_path_style"),
        // The certificate is for one part before the service's name.
        None => bucket.contains('.'),
    };
    let country = if region.starts_with("cn-") { ".cn" } else { "" };
    let own = format!("https://s3.{region}.amazonaws.com{country}");
    let text = endpoint.unwrap_or(&own).trim_end_matches('/');
    let wrong = || usage("the field `endpoint_url` of `type=s3` must be an address such as https://s3.example.com");
    let plain: Url = text.parse().map_err(|_| wrong())?;
    if plain.is_file() || text.contains(['?', '#', '@']) {
        return Err(wrong());
    }
    let text = match in_path {
        true => format!("{text}/{bucket}/"),
        false => format!("{}/", text.replacen("://", &format!("://{bucket}."), 1)),
    };
    text.parse().map_err(|_| wrong())
}

/// The keys of the fields, else of the environment, else of the user's file.
fn credentials(fields: &Fields, defaults: &PlaceDefaults) -> Result<Credentials, Error> {
    let whole = |id: Option<&str>, secret: Option<SecretString>, session: Option<SecretString>, whose: &str| match (
        id.map(str::to_owned),
        secret,
    ) {
        (Some(id), Some(secret)) => Ok(Some(Credentials { id, secret, session })),
        (None, None) => Ok(None),
        _ => Err(usage(format!("of the two parts of the access key {whose} one is missing: both are needed"))),
    };
    let session = fields.secret("session_token");
    let secret = fields.secret("secret_access_key");
    if let Some(own) = whole(fields.text("access_key_id"), secret, session, "in the fields")? {
        return Ok(own);
    }
    let (secret, session) = (defaults.aws_secret_access_key.clone(), defaults.aws_session_token.clone());
    if let Some(own) = whole(defaults.aws_access_key_id.as_deref(), secret, session, "in the variables")? {
        return Ok(own);
    }
    profile::read(defaults.aws_credentials_file.as_deref(), &defaults.aws_profile)?.ok_or_else(|| {
        usage(
            "`type=s3` needs an access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and for keys that end also \
             AWS_SESSION_TOKEN (`aws configure export-credentials --format env` prints them)",
        )
    })
}

/// A bucket whose requests are signed as of now.
struct Signed {
    bucket: Bucket,
    clock: Clock,
}

impl Dialect for Signed {
    fn name(&self) -> &str {
        &self.bucket.name
    }

    fn address(&self, key: &str) -> Url {
        let path = sigv4::encoded_path(key);
        self.bucket.root.join(&format!("{}{path}", self.bucket.root.path())).expect("an encoded path is one")
    }

    fn request(&self, method: Method, url: Url, sends: Option<Sends<'_>>) -> Request {
        let at = self.clock.now();
        let stamp = sigv4::stamp(at);
        let payload = sends.map_or_else(|| EMPTY.to_owned(), |sends| sends.digest.hex());
        let host = url.authority();
        let session = self.bucket.credentials.session.as_ref().map(ExposeSecret::expose_secret);
        let mut headers =
            BTreeMap::from([("host", host.as_str()), ("x-amz-content-sha256", &payload), ("x-amz-date", &stamp)]);
        headers.extend(session.map(|session| ("x-amz-security-token", session)));
        let scope = Scope { region: &self.bucket.region, service: "s3", at };
        let query: Vec<_> = url.secret().query_pairs().collect();
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (&**name, &**value)).collect();
        let signable = Signable {
            method: method.as_str(),
            path: url.path(),
            query: &query,
            headers: headers.clone(),
            payload: &payload,
        };
        let authorization = sigv4::authorization(&signable, &scope, &self.bucket.credentials);
        headers.remove("host");
        let mut request = Request::new(method, url.clone());
        for (name, value) in headers {
            request = request.secret_header(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value_of(value));
        }
        request.secret_header(AUTHORIZATION, value_of(&authorization))
    }

    fn make(&self) -> Option<Request> {
        None
    }

    fn advice(&self, code: &str) -> &'static str {
        match code {
            "NoSuchBucket" => "there is no such bucket: make it, or check `bucket` and `region`",
            "SignatureDoesNotMatch" => "check the secret access key and `region`",
            "InvalidAccessKeyId" => "there is no such access key: check AWS_ACCESS_KEY_ID",
            "ExpiredToken" | "TokenRefreshRequired" => "the access key has ended: get a new one",
            "RequestTimeTooSkewed" => "the clock of this machine is wrong",
            "PermanentRedirect" | "AuthorizationHeaderMalformed" => "the bucket is in another region: check `region`",
            "AccessDenied" => {
                "the access key may not do that: it needs s3:GetObject, s3:ListBucket, s3:PutObject and s3:AbortMultipartUpload"
            }
            _ => "",
        }
    }

    fn begin(&self, object: &Url) -> Option<Request> {
        let begin = self.request(Method::POST, object.and("uploads", ""), None);
        Some(begin.header(CONTENT_LENGTH, HeaderValue::from_static("0")))
    }

    fn part(&self, object: &Url, upload: &str, number: usize) -> Url {
        object.and("partNumber", &number.to_string()).and("uploadId", upload)
    }

    fn tag(&self, _: usize, answer: &Response) -> Option<String> {
        answer.header(&ETAG).and_then(printable)
    }

    fn end(&self, object: &Url, upload: &str, tags: &[String]) -> Request {
        let part = |(number, tag): (usize, &String)| {
            format!("<Part><PartNumber>{}</PartNumber><ETag>{tag}</ETag></Part>", number + 1)
        };
        let parts: String = tags.iter().enumerate().map(part).collect();
        let list = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let sends = Sends { digest: &Digest::of(&list), size: list.len() as u64, whole: false };
        self.request(Method::POST, object.and("uploadId", upload), Some(sends)).body(list)
    }

    /// It begins to answer before it knows how it ends.
    fn is_made(&self, said: &str) -> bool {
        said.contains("CompleteMultipartUploadResult")
    }

    fn cancel(&self, object: &Url, upload: &str) -> Option<Request> {
        Some(self.request(Method::DELETE, object.and("uploadId", upload), None))
    }
}

/// What is told about a request; what cannot be sent is left away, and the server will say that the signature is wrong.
fn value_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests;
