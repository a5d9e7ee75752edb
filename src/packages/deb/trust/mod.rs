//! Who may vouch for a package source: keyrings and clearsigned texts.
//!
//! The OpenPGP crate does the arithmetic and no more. What makes a signature worth
//! something is decided here: which keys are trusted, whether they are bound to
//! their owner, still valid, allowed to sign and strong enough, and which hashes count.

mod certificate;
mod clearsign;
mod keyring;

pub use clearsign::{SignatureError, Signed};
pub use keyring::{Keyring, KeyringError, Signer};

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
