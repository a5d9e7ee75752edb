//! What is found in what, and what does no harm.

mod assembled;
mod binaries;
mod hostile;
mod jars;
mod questions;
mod rpm_databases;
mod samples;
mod texts;

use super::{CatalogError, Found, OsRelease, Package, Question, answer, assemble};
use crate::tree::TreePath;
use std::io::Cursor;

/// The answer for a content in a file called `name`.
fn ask(question: Question, name: &str, content: &[u8]) -> Result<Vec<Found>, CatalogError> {
    answer(question, name.as_bytes(), &mut Cursor::new(content), content.len() as u64)
}

/// The package URLs of the answer, in order.
fn purls(question: Question, name: &str, content: &[u8]) -> Vec<String> {
    let found = ask(question, name, content).unwrap();
    let packages = assemble([(&path(name), found)], None, |_| false);
    packages.into_iter().map(|package| package.purl).collect()
}

/// The packages of one file of a distribution.
fn packages_of(place: &str, os: &OsRelease, found: Vec<Found>) -> Vec<Package> {
    assemble([(&path(place), found)], Some(os), |_| false)
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn os(id: &str, version: &str) -> OsRelease {
    OsRelease::parse(format!("ID={id}\nVERSION_ID=\"{version}\"\n").as_bytes()).unwrap()
}
