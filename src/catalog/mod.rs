//! Packages and runtimes that stand in file systems, whoever put them there: found by what their files say.
//!
//! Three pure steps. [`question()`] says by a file's path what its content is asked for; [`answer()`] reads the content
//! and tells what it found; [`assemble()`] puts the answers of one file system together. Nothing here opens a file:
//! whoever does may keep answers under [`VERSION`], the question's name, the digest of the content and, where
//! [`Question::depends_on_name`] says so, the file's name.
//!
//! Every build asks, for its bills of materials, and so does every scan (`specs/bills.md`).
//!
//! All that is read may be made to do harm. What is read, kept and unpacked of one file is bounded by constants that
//! stand where they are used. What is beyond them, and a database that is damaged, is an error and never a shorter
//! list: nobody should take half of the packages for all of them.

mod answer;
mod apk;
mod assemble;
mod binary;
mod cargo;
mod composer;
mod content;
mod dotnet;
mod dpkg;
mod elf;
mod error;
#[cfg(test)]
mod fixtures;
mod found;
mod gem;
mod go;
mod java;
mod jvm;
mod note;
mod npm;
mod os_release;
mod paragraph;
mod purl;
mod python;
mod question;
mod rpm;
mod version_string;

pub use answer::answer;
pub use assemble::{Package, Place, assemble};
pub use error::CatalogError;
pub use found::{Cataloguer, Found, Kind};
pub use os_release::OsRelease;
pub use question::{Question, question};

/// The version of the readers: raised whenever an answer changes, so that answers that were kept are asked again.
pub const VERSION: u32 = 2;

#[cfg(test)]
mod tests;
