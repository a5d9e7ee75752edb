//! Repositories on disk, made object by object, and git's own server in front of them.

use super::http::{Reply, Seen, Server};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[allow(dead_code, reason = "made for the library's own tests, which need all of it")]
#[path = "../../src/git/fixtures.rs"]
mod repositories;

pub(crate) use repositories::*;

/// Serves the repositories below a folder.
pub(crate) fn serve(folder: PathBuf) -> Server {
    Server::start(move |seen| backend(&folder, seen))
}

/// What git answers to a request.
fn backend(folder: &Path, seen: &Seen) -> Reply {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let header = |name: &str| seen.headers.get(name).cloned().unwrap_or_default();
    let mut git = Command::new("git");
    git.arg("http-backend").env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    git.env("GIT_PROJECT_ROOT", folder).env("GIT_HTTP_EXPORT_ALL", "1").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("PATH_INFO", path).env("QUERY_STRING", query).env("REQUEST_METHOD", &seen.method);
    git.env("CONTENT_TYPE", header("content-type")).env("CONTENT_LENGTH", seen.body.len().to_string());
    git.env("HTTP_CONTENT_ENCODING", header("content-encoding")).env("GIT_PROTOCOL", header("git-protocol"));
    let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // One that wants no more has what it needs.
    let _ = git.stdin.take().unwrap().write_all(&seen.body);
    let output = git.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("headers end");
    let head = String::from_utf8(output[..end].to_vec()).unwrap();
    let headers: Vec<(&str, &str)> = head.lines().filter_map(|line| line.split_once(": ")).collect();
    let status =
        headers.iter().find(|(name, _)| *name == "Status").map_or(200, |(_, status)| status[..3].parse().unwrap());
    let others = headers.into_iter().filter(|(name, _)| *name != "Status");
    others.fold(Reply::new(status, &output[end + 4..]), |reply, (name, value)| reply.with(name, value))
}
