//! Azure's store of blobs: `type=azblob`.

use super::super::error::Error;
use super::PlaceDefaults;
use super::fields::{Fields, Value, usage};
use super::objects::{Dialect, Keys, Objects, Sends};
use super::parts::PART;
use super::shelf::{Clock, Shelf};
use super::sigv4::encoded_path;
use crate::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue};
use crate::http::{Client, Method, Request, Response, Url};
use crate::oci::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::Sha256;

pub(super) const FIELDS: &[(&str, Value)] =
    &[("account_url", Value::Address), ("account_name", Value::Text), ("container", Value::Text)];

/// The version of the interface that is spoken.
const VERSION: &str = "2020-10-02";

/// Of a blob that is sent at once.
pub(super) const WHOLE: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

/// A container.
#[derive(Debug, Clone)]
pub(super) struct Container {
    /// The address of the account, with what opens it where that is a shared access signature.
    account: Url,
    account_name: String,
    container: String,
    /// The account's key; none where the address opens the door.
    key: Option<SecretSlice<u8>>,
    name: String,
    keys: Keys,
}

impl Container {
    /// The container that fields name; what they do not say, the environment does.
    pub fn read(fields: &Fields, defaults: &PlaceDefaults) -> Result<Container, Error> {
        let address = fields.secret("account_url").or_else(|| defaults.azure_account_url.clone());
        let address =
            address.ok_or_else(|| fields.missing("account_url", Some("BUILDKIT_AZURE_STORAGE_ACCOUNT_URL")))?;
        let own = fields.secret("secret_access_key");
        let (account, key) = door(&address, own, defaults)?;
        let said =
            |name: &str, default: &Option<String>| fields.text(name).map(str::to_owned).or_else(|| default.clone());
        let of_host = || account.host().unwrap_or_default().split('.').next().unwrap_or_default().to_owned();
        let account_name = said("account_name", &defaults.azure_account_name).unwrap_or_else(of_host);
        let container = said("container", &defaults.azure_container).unwrap_or_else(|| "buildkit-cache".to_owned());
        if !container.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(usage("the field `container` of `type=azblob` must be letters, digits and `-`"));
        }
        let prefix = said("prefix", &defaults.azure_prefix).unwrap_or_default();
        let keys = Keys::read(fields, &prefix, ["blobs", "manifests"], joined)?;
        let key = key.map(|key| STANDARD.decode(key.expose_secret())).transpose();
        let key = key.map_err(|_| usage("the key of an Azure account is base64, and this one is not: check it"))?;
        if key.is_none() && !is_signed(&account) {
            return Err(usage(
                "`type=azblob` needs a key: set AZURE_STORAGE_KEY, or a shared access signature in AZURE_STORAGE_SAS_TOKEN \
                 or at the end of BUILDKIT_AZURE_STORAGE_ACCOUNT_URL",
            ));
        }
        let name = format!("the container {container} of {account_name}");
        Ok(Container { account, account_name, container, key: key.map(Into::into), name, keys })
    }

    /// The container as a shelf.
    pub fn shelf(&self, client: Client, clock: Clock) -> Box<dyn Shelf> {
        Box::new(Objects {
            client,
            dialect: Signed { container: self.clone(), clock },
            keys: self.keys.clone(),
            part: PART,
        })
    }

    /// Parts of a path below the account's address.
    fn below(&self, path: &str) -> Url {
        let whole = format!("{}/{}", self.account.path().trim_end_matches('/'), encoded_path(path));
        self.account.join(&whole).expect("an encoded path is one").with_query_of(&self.account)
    }
}

/// The account's address, and what opens it: the key of the fields, else the signature in the address, else the key or the
/// signature of the environment.
fn door(
    address: &SecretString,
    own: Option<SecretString>,
    defaults: &PlaceDefaults,
) -> Result<(Url, Option<SecretString>), Error> {
    let address = address.expose_secret();
    let wrong = || usage("the address of an Azure account must be one such as https://NAME.blob.core.windows.net");
    let whole: Url = address.parse().map_err(|_| wrong())?;
    if whole.is_file() || address.contains('@') {
        return Err(wrong());
    }
    if own.is_none() && is_signed(&whole) {
        return Ok((whole, None));
    }
    let bare = address.split(['?', '#']).next().unwrap_or_default();
    let (address, key) = match (own.or_else(|| defaults.azure_key.clone()), &defaults.azure_signature) {
        (None, Some(signature)) => (format!("{bare}?{}", signature.expose_secret().trim_start_matches('?')), None),
        (key, _) => (bare.to_owned(), key),
    };
    Ok((address.parse().map_err(|_| wrong())?, key))
}

/// Whether an address has a shared access signature.
fn is_signed(address: &Url) -> bool {
    address.secret().query_pairs().any(|(name, _)| name == "sig")
}

/// Parts of a name with single slashes between them.
fn joined(parts: &[&str]) -> String {
    let mut name = String::new();
    for part in parts.iter().flat_map(|part| part.split('/')).filter(|part| !part.is_empty()) {
        name += if name.is_empty() { "" } else { "/" };
        name += part;
    }
    // What ends with nothing stands before more.
    if parts.last().is_some_and(|last| last.is_empty()) && !name.is_empty() { name + "/" } else { name }
}

/// A container whose requests are signed as of now.
struct Signed {
    container: Container,
    clock: Clock,
}

impl Dialect for Signed {
    fn name(&self) -> &str {
        &self.container.name
    }

    fn address(&self, key: &str) -> Url {
        self.container.below(&format!("{}/{key}", self.container.container))
    }

    fn request(&self, method: Method, url: Url, sends: Option<Sends<'_>>) -> Request {
        let date = date(self.clock.now());
        let mut headers = vec![("x-ms-date", date.as_str()), ("x-ms-version", VERSION)];
        if sends.is_some_and(|sends| sends.whole) {
            headers.insert(0, WHOLE);
        }
        let length = sends.map_or(0, |sends| sends.size);
        let mut request = Request::new(method.clone(), url.clone());
        for (name, value) in &headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_str(value).expect("plain text"));
        }
        let Some(key) = &self.container.key else { return request };
        let said = said(method.as_str(), length, &headers, &self.container.account_name, &url);
        let value = format!("SharedKey {}:{}", self.container.account_name, signature(key.expose_secret(), &said));
        request.secret_header(AUTHORIZATION, HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("")))
    }

    fn make(&self) -> Option<Request> {
        let container = self.container.below(&self.container.container).and("restype", "container");
        // The service asks for the length of what is sent, also where that is nothing.
        Some(self.request(Method::PUT, container, None).header(CONTENT_LENGTH, HeaderValue::from_static("0")))
    }

    fn advice(&self, code: &str) -> &'static str {
        match code {
            "ContainerNotFound" => "there is no such container: make it, or check `container`",
            "AuthenticationFailed" => "check the account's name and key, or get a new shared access signature",
            "AuthorizationFailure" | "AuthorizationPermissionMismatch" => {
                "the signature does not allow that: it needs to read, create, write and list blobs"
            }
            _ => "",
        }
    }

    fn begin(&self, _: &Url) -> Option<Request> {
        None
    }

    fn part(&self, object: &Url, _: &str, number: usize) -> Url {
        block(object, number)
    }

    fn tag(&self, number: usize, _: &Response) -> Option<String> {
        Some(block_name(number))
    }

    fn end(&self, object: &Url, _: &str, tags: &[String]) -> Request {
        let list = block_list(tags);
        let sends = Sends { digest: &Digest::of(&list), size: list.len() as u64, whole: false };
        self.request(Method::PUT, of_blocks(object), Some(sends)).body(list)
    }

    fn is_made(&self, _: &str) -> bool {
        true
    }

    /// Blocks of which no blob was made are seen by nobody, and go by themselves.
    fn cancel(&self, _: &Url, _: &str) -> Option<Request> {
        None
    }
}

/// The name of a block of a blob: all of a blob must be equally long.
pub(super) fn block_name(number: usize) -> String {
    STANDARD.encode(format!("{number:06}"))
}

/// Where a block of a blob goes.
pub(super) fn block(blob: &Url, number: usize) -> Url {
    blob.and("comp", "block").and("blockid", &block_name(number))
}

/// Where the list of the blocks that make a blob goes.
pub(super) fn of_blocks(blob: &Url) -> Url {
    blob.and("comp", "blocklist")
}

/// That list.
pub(super) fn block_list(names: &[String]) -> String {
    let names: String = names.iter().map(|name| format!("<Latest>{name}</Latest>")).collect();
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{names}</BlockList>")
}

/// A time as the header `x-ms-date` has it.
fn date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The text that is signed. `headers` are those of the service itself, in order.
fn said(method: &str, length: u64, headers: &[(&str, &str)], account: &str, url: &Url) -> String {
    let length = if length == 0 { String::new() } else { length.to_string() };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut query: Vec<_> =
        url.secret().query_pairs().map(|(name, value)| format!("\n{}:{value}", name.to_ascii_lowercase())).collect();
    query.sort();
    // Encoding, language, length, digest, type, date, four conditions, range.
    format!("{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n{headers}/{account}{}{}", url.path(), query.concat())
}

fn signature(key: &[u8], said: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    mac.update(said.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests;
