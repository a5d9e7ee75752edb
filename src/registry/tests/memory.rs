//! A registry in memory that keeps to the specification unless a test says otherwise.

use super::{Repository, client};
use crate::http::fixtures::{Reply, Seen, Server};
use crate::oci::{Digest, media_type};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// How the registry behaves.
#[derive(Clone, Copy, Default)]
pub(super) struct Manners {
    /// Whether it lists referrers.
    pub referrers: bool,
    /// Whether manifests have entity tags that conditions hold for.
    pub versions: bool,
    /// Larger bodies are refused with 413.
    pub largest: Option<usize>,
    /// What it says about pieces.
    pub chunk_min: Option<u64>,
}

#[derive(Default)]
pub(super) struct State {
    /// By repository and digest.
    pub blobs: BTreeMap<(String, String), Vec<u8>>,
    /// By repository and tag or digest: media type and bytes.
    pub manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    pub uploads: BTreeMap<String, Vec<u8>>,
    opened: usize,
}

pub(super) struct Memory {
    pub server: Server,
    pub state: Arc<Mutex<State>>,
}

impl Memory {
    pub fn start(manners: Manners) -> Self {
        Self::with(manners, |_, _| None)
    }

    /// What `first` answers goes before all else.
    pub fn with(manners: Manners, first: impl Fn(&Seen, &mut State) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let own = state.clone();
        let server = Server::start(move |seen| {
            let mut state = own.lock().unwrap();
            first(seen, &mut state).unwrap_or_else(|| state.answer(seen, manners))
        });
        Memory { server, state }
    }

    pub fn repository(&self, name: &str) -> Repository {
        client(name, self.server.address())
    }

    pub fn requests(&self, method: &str) -> usize {
        self.server.seen().iter().filter(|seen| seen.method == method).count()
    }

    pub fn manifest(&self, repository: &str, name: &str) -> Option<Value> {
        let state = self.state.lock().unwrap();
        let (_, bytes) = state.manifests.get(&(repository.into(), name.into()))?;
        serde_json::from_slice(bytes).ok()
    }
}

fn no(status: u16, code: &str) -> Reply {
    Reply::new(status, json!({ "errors": [{ "code": code, "message": "no" }] }).to_string())
}

impl State {
    fn answer(&mut self, seen: &Seen, manners: Manners) -> Reply {
        if manners.largest.is_some_and(|most| seen.body.len() > most) {
            return Reply::new(413, "too large");
        }
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let path = path.strip_prefix("/v2/").unwrap_or_default().replace("%3A", ":");
        let query: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let method = seen.method.as_str();
        if let Some((repository, id)) = path.split_once("/blobs/uploads/") {
            return self.upload(seen, method, repository, id, &query, manners);
        }
        if let Some((repository, digest)) = path.split_once("/blobs/") {
            return match self.blobs.get(&(repository.into(), digest.into())) {
                Some(content) => Reply::file(seen, content, "\"1\""),
                None => no(404, "BLOB_UNKNOWN"),
            };
        }
        if let Some((repository, name)) = path.split_once("/manifests/") {
            return self.manifest(seen, method, repository, name, manners);
        }
        match path.split_once("/referrers/") {
            Some((repository, subject)) if manners.referrers => self.referrers(repository, subject),
            _ => Reply::new(404, "no such page"),
        }
    }

    fn upload(
        &mut self,
        seen: &Seen,
        method: &str,
        repository: &str,
        id: &str,
        query: &BTreeMap<String, String>,
        manners: Manners,
    ) -> Reply {
        if method == "POST" {
            if let (Some(digest), Some(from)) = (query.get("mount"), query.get("from"))
                && let Some(content) = self.blobs.get(&(from.clone(), digest.clone())).cloned()
            {
                self.blobs.insert((repository.into(), digest.clone()), content);
                return Reply::new(201, "");
            }
            self.opened += 1;
            self.uploads.insert(self.opened.to_string(), Vec::new());
            let reply = Reply::new(202, "").with("Location", format!("/v2/{repository}/blobs/uploads/{}", self.opened));
            return match manners.chunk_min {
                Some(least) => reply.with("OCI-Chunk-Min-Length", least.to_string()),
                None => reply,
            };
        }
        let Some(upload) = self.uploads.get_mut(id) else { return no(404, "BLOB_UPLOAD_UNKNOWN") };
        if method == "PATCH" {
            let start = seen.headers["content-range"].split('-').next().unwrap().parse::<usize>().unwrap();
            if start != upload.len() {
                return no(416, "BLOB_UPLOAD_INVALID");
            }
        }
        upload.extend_from_slice(&seen.body);
        let range = format!("0-{}", upload.len().saturating_sub(1));
        match (method, query.get("digest")) {
            ("GET", _) => Reply::new(204, "").with("Range", range),
            ("PATCH", _) => Reply::new(202, "").with("Range", range).with("Location", seen.target.clone()),
            ("PUT", Some(digest)) if *digest == Digest::of(&*upload).to_string() => {
                let content = self.uploads.remove(id).unwrap();
                self.blobs.insert((repository.into(), digest.clone()), content);
                Reply::new(201, "").with("Docker-Content-Digest", digest)
            }
            _ => no(400, "DIGEST_INVALID"),
        }
    }

    fn manifest(&mut self, seen: &Seen, method: &str, repository: &str, name: &str, manners: Manners) -> Reply {
        let key = (repository.to_owned(), name.to_owned());
        let version = |bytes: &Vec<u8>| format!("\"{}\"", Digest::of(bytes));
        let known = self.manifests.get(&key);
        if method != "PUT" {
            return match known {
                Some((kind, bytes)) => Reply::ok(bytes.clone())
                    .with("Content-Type", kind)
                    .with("Docker-Content-Digest", Digest::of(bytes).to_string())
                    .with(if manners.versions { "ETag" } else { "X-Nothing" }, version(bytes)),
                None => no(404, "MANIFEST_UNKNOWN"),
            };
        }
        if manners.versions {
            let none = seen.headers.get("if-none-match").is_none_or(|_| known.is_none());
            let same =
                seen.headers.get("if-match").is_none_or(|tag| known.is_some_and(|(_, bytes)| *tag == version(bytes)));
            if !none || !same {
                return Reply::new(412, "");
            }
        }
        let digest = Digest::of(&seen.body).to_string();
        let document: Value = serde_json::from_slice(&seen.body).unwrap();
        let content = (seen.headers["content-type"].clone(), seen.body.clone());
        self.manifests.insert((repository.into(), digest.clone()), content.clone());
        self.manifests.insert(key, content);
        let reply = Reply::new(201, "").with("Docker-Content-Digest", digest);
        match document.pointer("/subject/digest").and_then(Value::as_str) {
            Some(subject) if manners.referrers => reply.with("OCI-Subject", subject),
            _ => reply,
        }
    }

    fn referrers(&self, repository: &str, subject: &str) -> Reply {
        let mut rows = Vec::new();
        for ((own, name), (kind, bytes)) in &self.manifests {
            let document: Value = serde_json::from_slice(bytes).unwrap();
            let about = document.pointer("/subject/digest").and_then(Value::as_str);
            if own == repository && name.starts_with("sha256:") && about == Some(subject) {
                rows.push(json!({
                    "mediaType": kind, "digest": name, "size": bytes.len(),
                    "artifactType": document["artifactType"], "annotations": document["annotations"],
                }));
            }
        }
        let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": rows });
        Reply::ok(index.to_string()).with("Content-Type", media_type::INDEX)
    }
}
