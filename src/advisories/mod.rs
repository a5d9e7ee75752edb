//! What is known of holes in packages: feeds, one database of them, the order of versions, and what is hit.
//!
//! [`compile`](database::compile) makes a database of [feeds](feed), and [`Database::find`](database::Database::find)
//! the [holes](hole::Hole) of packages. Both are pure: they ask no network and no clock.

pub mod cvss;
pub mod database;
pub mod feed;
pub mod hole;
pub mod version;

#[cfg(test)]
mod fixtures;

mod cve;
mod ecosystem;
mod identity;
mod matching;
mod record;
mod wire;

pub use identity::Identity;
