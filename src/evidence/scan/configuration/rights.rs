//! What files allow: to become somebody else, or to be changed by everybody.

use super::rule;
use crate::evidence::scan::finding::Finding;
use crate::evidence::scan::place::Place;
use crate::tree::{Entry, Node, Tree, TreePath};

const SETUID: u16 = 0o4000;
const SETGID: u16 = 0o2000;
const STICKY: u16 = 0o1000;
const OTHERS_WRITE: u16 = 0o0002;
const EXECUTABLE: u16 = 0o0111;

/// The attribute in which the kernel looks for a program's capabilities.
const CAPABILITY: &[u8] = b"security.capability";

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, entry) in tree.iter() {
        if entry.is_file() && entry.mode & EXECUTABLE != 0 {
            findings.extend(program(path, entry));
        }
        findings.extend(writable(path, entry));
        if entry.xattrs.contains_key(CAPABILITY) {
            let title = format!("{} gets capabilities from its file", path_shown(path));
            findings.push(Finding::plain(rule("file-capability"), title, vec![Place::at(path)]));
        }
    }
    findings
}

fn program(path: &TreePath, entry: &Entry) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mode = entry.mode;
    if mode & SETUID != 0 {
        let title = format!("{} runs with the rights of user {} (mode {mode:04o})", path_shown(path), entry.uid);
        findings.push(Finding::plain(rule("setuid"), title, vec![Place::at(path)]));
    }
    if mode & SETGID != 0 {
        let title = format!("{} runs with the rights of group {} (mode {mode:04o})", path_shown(path), entry.gid);
        findings.push(Finding::plain(rule("setgid"), title, vec![Place::at(path)]));
    }
    findings
}

/// A folder in which everybody may make files but only remove their own, such as `/tmp`, is none.
fn writable(path: &TreePath, entry: &Entry) -> Option<Finding> {
    let mode = entry.mode;
    let what = match &entry.node {
        Node::File { .. } => "file",
        Node::Dir if mode & STICKY == 0 => "folder",
        _ => return None,
    };
    let title = format!("everybody may change the {what} {} (mode {mode:04o})", path_shown(path));
    (mode & OTHERS_WRITE != 0).then(|| Finding::plain(rule("world-writable"), title, vec![Place::at(path)]))
}

pub(super) fn path_shown(path: &TreePath) -> String {
    crate::evidence::path_text(path.as_bytes())
}
