//! What is wrong with an image: findings, from all that is known of it.
//!
//! Everything here is pure: file systems, packages and secrets were read before, and nothing is asked of the outside.

mod component;
pub mod configuration;
mod finding;
mod holes;
mod leaks;
mod licences;
mod place;

pub use component::{Component, installed};
pub use finding::{Detail, Finding, RuleRef, Weight};
pub use holes::{age, holes};
pub use leaks::{in_config, in_files};
pub use licences::{UNKNOWN, licences};
pub use place::{Origin, Place, SpecLine, locate, of_owner};
