//! The cache of GitHub's Actions on loopback, in the second version of its protocol, strict about what it takes.
//!
//! Entries never change; they are found by their keys, or the newest by the beginning of its key; what is in them goes to a
//! store behind signed addresses, which is another server and must not see the token.

use super::http::{Reply, Seen, Server};
use super::objects::{Contents, answer};
use kiln::http::Url;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const SERVICE: &str = "/twirp/github.actions.results.api.v1.CacheService/";

/// The token that opens the service.
pub const TOKEN: &str = "a-token-of-a-job";

/// An entry.
struct Entry {
    key: String,
    version: String,
    /// Where its content is.
    path: String,
    /// Whether all of it has come.
    whole: bool,
}

/// The service and the store behind it; both stop when dropped.
pub struct Actions {
    service: Server,
    store: Server,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Actions {
    pub fn start() -> Self {
        let (entries, contents) = (Arc::<Mutex<Vec<Entry>>>::default(), Contents::default());
        let kept = contents.clone();
        let store = Server::start(move |seen| behind(&kept, seen));
        let (all, address) = (entries.clone(), store.url(""));
        let service = Server::start(move |seen| match asked(seen) {
            Ok((method, question)) => serve(&mut all.lock().unwrap(), &contents, &address, method, &question),
            Err(reply) => reply,
        });
        Actions { service, store, entries }
    }

    pub fn url(&self) -> Url {
        self.service.url("")
    }

    /// What the service was asked, by its methods.
    pub fn count(&self, method: &str) -> usize {
        self.service.seen().iter().filter(|seen| seen.target.ends_with(method)).count()
    }

    /// How often the store was asked.
    pub fn stored(&self, method: &str) -> usize {
        self.store.seen().iter().filter(|seen| seen.method == method).count()
    }

    pub fn keys(&self) -> Vec<String> {
        self.entries.lock().unwrap().iter().map(|entry| entry.key.clone()).collect()
    }
}

/// The store behind signed addresses.
fn behind(contents: &Contents, seen: &Seen) -> Reply {
    let is_whole = seen.headers.get("x-ms-blob-type").is_some_and(|kind| kind == "BlockBlob");
    match seen.method.as_str() {
        _ if seen.headers.contains_key("authorization") => Reply::new(400, "the token came to the store"),
        _ if !seen.target.ends_with("?sig=hunter2") => Reply::new(403, ""),
        "PUT" if !is_whole => Reply::new(400, ""),
        _ => answer(contents, seen),
    }
}

/// The method and the question of a request that is as it should be.
fn asked(seen: &Seen) -> Result<(&str, Value), Reply> {
    let header = |name: &str| seen.headers.get(name).map(String::as_str);
    if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return Err(Reply::new(401, json!({ "code": "unauthenticated", "msg": "no" }).to_string()));
    }
    let bad = |why: &str| Reply::new(400, json!({ "code": "malformed", "msg": why }).to_string());
    if seen.method != "POST" || header("content-type") != Some("application/json") {
        return Err(Reply::new(404, json!({ "code": "bad_route", "msg": "no" }).to_string()));
    }
    let method = seen.target.strip_prefix(SERVICE).ok_or_else(|| bad("another service"))?;
    let question: Value = serde_json::from_slice(&seen.body).map_err(|_| bad("no JSON"))?;
    let allowed: &[&str] = match method {
        "CreateCacheEntry" => &["key", "version"],
        "FinalizeCacheEntryUpload" => &["key", "version", "size_bytes"],
        "GetCacheEntryDownloadURL" => &["key", "version", "restore_keys"],
        _ => return Err(bad("no such method")),
    };
    let fields = question.as_object().ok_or_else(|| bad("no object"))?;
    if fields.keys().any(|name| !allowed.contains(&name.as_str())) {
        return Err(bad("an unknown field"));
    }
    let key = question["key"].as_str().unwrap_or_default();
    let version = question["version"].as_str().unwrap_or_default();
    let is_key = !key.is_empty() && key.len() <= 512 && !key.contains(',');
    match is_key && version.len() == 64 && version.chars().all(|c| c.is_ascii_hexdigit()) {
        true => Ok((method, question)),
        false => Err(bad("no key or no version")),
    }
}

fn serve(entries: &mut Vec<Entry>, contents: &Contents, store: &Url, method: &str, question: &Value) -> Reply {
    let text = |name: &str| question[name].as_str().unwrap_or_default().to_owned();
    let (key, version) = (text("key"), text("version"));
    let at = |path: &str| format!("{}{path}?sig=hunter2", store.secret());
    let known = entries.iter_mut().find(|entry| entry.key == key && entry.version == version);
    match (method, known) {
        ("CreateCacheEntry", Some(_)) => {
            Reply::new(409, json!({ "code": "already_exists", "msg": "it is" }).to_string())
        }
        ("CreateCacheEntry", None) => {
            let path = format!("entry/{}", entries.len());
            let upload = at(&path);
            entries.push(Entry { key, version, path: format!("/{path}"), whole: false });
            Reply::ok(json!({ "ok": true, "signed_upload_url": upload }).to_string())
        }
        ("FinalizeCacheEntryUpload", Some(entry)) => {
            let size = contents.lock().unwrap().get(&entry.path).map(Vec::len);
            entry.whole = size.is_some_and(|size| question["size_bytes"] == json!(size.to_string()));
            Reply::ok(json!({ "ok": entry.whole, "entry_id": "1" }).to_string())
        }
        ("FinalizeCacheEntryUpload", None) => Reply::new(404, json!({ "code": "not_found", "msg": "no" }).to_string()),
        _ => {
            let whole = || entries.iter().rev().filter(|entry| entry.whole && entry.version == version);
            let restore = question["restore_keys"].as_array().cloned().unwrap_or_default();
            let mut beginnings = restore.iter().filter_map(Value::as_str);
            let exact = whole().find(|entry| entry.key == key);
            let found =
                exact.or_else(|| beginnings.find_map(|start| whole().find(|entry| entry.key.starts_with(start))));
            let reply = match found {
                Some(entry) => {
                    let url = at(entry.path.trim_start_matches('/'));
                    json!({ "ok": true, "signed_download_url": url, "matched_key": entry.key })
                }
                None => json!({ "ok": false, "signed_download_url": "", "matched_key": "" }),
            };
            Reply::ok(reply.to_string())
        }
    }
}
