//! Secrets that stand where everybody can read them: in files, archives, variables and command lines.
//!
//! A content is read once, as a stream ([`search()`]). What it may hold is decided by marks (`marks`): short texts that secrets
//! have in them or beside them, all searched for together and fast; where one stands, the rule that it belongs to looks at what is
//! around it. Marks of tokens are looked for only in runs (`runs`) of characters that are long enough. Where a file's path says
//! that settings stand in it ([`Place`]), its lines are read too. Archives are read through, within bounds.
//!
//! A secret itself is never in what is returned: a digest and a mask tell of it. Findings are as sure as
//! [`Confidence`](crate::rules::Confidence) says. A key of a test suite is a key by its form, and lists of exceptions are for it.

mod address;
mod archive;
mod checksum;
mod files;
mod jwt;
mod key_store;
mod keys;
mod leak;
mod marks;
mod named;
mod pem;
mod place;
mod plausible;
mod published;
mod rule;
mod rules;
mod runs;
mod search;
mod set;
mod settings;
mod tokens;
mod utf16;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

pub use leak::{Gap, Leak, Leaks, MAX_LEAKS};
pub use place::{Place, place};
pub use rule::Rule;
pub use rules::RULES;
pub use search::{SearchError, search, search_text};

/// The version of the rules: another one where any answer may be another one, so that answers can be kept.
pub const VERSION: u32 = 2;
