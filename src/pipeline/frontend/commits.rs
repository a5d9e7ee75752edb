//! Commits of git repositories: the daemon's git checks them out, and a command makes the tree of them that the lock pins.

use super::program::{Command, readable};
use super::{Building, check_out};
use crate::git::{Address, CommitId};
use crate::llb::{Builder, Note, Output, attr};
use crate::oci::Digest;
use crate::pipeline::error::Error;
use crate::plan::LockedCommit;
use std::collections::BTreeMap;

/// The secrets with which BuildKit's clients lend access to repositories, and the ssh agent.
const TOKEN: &str = "GIT_AUTH_TOKEN";
const HEADER: &str = "GIT_AUTH_HEADER";
const AGENT: &str = "default";

/// The name that stands for the tree of a commit in graphs, which name trees of the store.
pub(super) fn name(source: &str) -> Digest {
    Digest::of(format!("kiln frontend: commit of {source}"))
}

/// The tree of a commit, out of checkouts of the repository and of its submodules.
pub(super) fn tree(builder: &mut Builder, building: &Building<'_>, locked: &LockedCommit) -> Result<Output, Error> {
    let source = &locked.source;
    if locked.address.is_file() {
        return Err(Error::Usage(format!(
            "the source \"{source}\" is a repository of one machine, and a daemon sees no files of it: give it an address \
             that begins with https or ssh"
        )));
    }
    let modules = locked.submodules.iter().map(|module| (&module.address, &module.commit));
    let repositories = std::iter::once((&locked.address, &locked.commit)).chain(modules);
    let checkouts: Vec<Output> =
        repositories.map(|(address, commit)| checkout(builder, source, address, commit)).collect();
    let targets = (0..).map(|number| format!("{}/{number}", check_out::CHECKOUTS));
    let command = Command {
        name: "check-out",
        words: [Vec::new(), vec![source.clone()]],
        mounts: targets.zip(checkouts).map(|(target, checkout)| readable(target, checkout)).collect(),
        outputs: 1,
        note: &format!("check the commit of {source}"),
    };
    let [made] = command.run(builder, building)?[..] else {
        return Err(Error::Mistake(format!("nobody makes the tree of {source}")));
    };
    Ok(made)
}

/// A commit as the daemon's git checks it out. Submodules have sources of their own, and those that the lock has not are
/// not wanted.
fn checkout(builder: &mut Builder, source: &str, address: &Address, commit: &CommitId) -> Output {
    let mut attrs = BTreeMap::from([
        (attr::GIT_URL.to_owned(), address.to_string()),
        (attr::GIT_CHECKSUM.to_owned(), commit.to_string()),
        (attr::GIT_SKIP_SUBMODULES.to_owned(), "true".to_owned()),
    ]);
    if address.is_ssh() {
        attrs.insert(attr::GIT_AGENT.to_owned(), AGENT.to_owned());
    } else if !address.is_plain_http() {
        attrs.insert(attr::GIT_TOKEN.to_owned(), TOKEN.to_owned());
        attrs.insert(attr::GIT_HEADER.to_owned(), HEADER.to_owned());
    }
    let uri = address.uri();
    let place = uri.split_once("://").map_or(uri.as_str(), |(_, place)| place);
    builder.source(&format!("git://{place}#{commit}"), attrs, Note::named(format!("fetch {source} from {address}")))
}
