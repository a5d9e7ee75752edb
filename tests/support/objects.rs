//! A store of objects on loopback: what was put under a path is there, if the request says whose it is.

use super::http::{Reply, Seen, Server};
use kiln::http::Url;
use kiln::oci::Digest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Objects by path.
pub type Contents = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// The store; it stops when dropped.
pub struct Objects {
    server: Server,
    pub contents: Contents,
}

impl Objects {
    /// A store that wants requests signed as S3 does. Whether a signature is right, foreign servers can tell.
    pub fn s3() -> Self {
        Objects::start(|seen| {
            let is_signed = seen.headers.get("authorization").is_some_and(|said| said.starts_with("AWS4-HMAC-SHA256 "));
            is_signed && seen.headers.get("x-amz-content-sha256") == Some(&Digest::of(&seen.body).hex())
        })
    }

    /// A store that wants a shared access signature in its addresses.
    pub fn azure(signature: &'static str) -> Self {
        Objects::start(move |seen| {
            let is_whole = seen.headers.get("x-ms-blob-type").is_some_and(|kind| kind == "BlockBlob");
            seen.target.ends_with(&format!("?{signature}")) && (seen.method != "PUT" || is_whole)
        })
    }

    fn start(may: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Self {
        let contents = Contents::default();
        let kept = contents.clone();
        let server = Server::start(move |seen| match may(seen) {
            true => answer(&kept, seen),
            false => Reply::new(403, "<Error><Code>AccessDenied</Code></Error>"),
        });
        Objects { server, contents }
    }

    pub fn url(&self) -> Url {
        self.server.url("")
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.server.seen()
    }

    /// How often something was asked for by a method whose path has this in it.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.seen().iter().filter(|seen| seen.method == method && seen.target.contains(part)).count()
    }

    /// Changes each object whose path has this in it.
    pub fn change(&self, part: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut contents = self.contents.lock().unwrap();
        contents.iter_mut().filter(|(path, _)| path.contains(part)).for_each(|(_, content)| change(content));
    }
}

/// What a store without doors answers.
pub fn answer(contents: &Contents, seen: &Seen) -> Reply {
    let path = seen.target.split('?').next().unwrap().to_owned();
    let mut contents = contents.lock().unwrap();
    match seen.method.as_str() {
        "PUT" => {
            contents.insert(path, seen.body.clone());
            Reply::new(201, "")
        }
        "GET" | "HEAD" => match contents.get(&path) {
            Some(content) => Reply::ok(content.clone()),
            None => Reply::new(404, "<Error><Code>NoSuchKey</Code></Error>"),
        },
        _ => Reply::new(405, ""),
    }
}
