//! What is known of holes in packages: feeds, one database of them, the order of versions, and what is hit.

pub mod cvss;
pub mod version;
