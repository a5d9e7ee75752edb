//! Package ecosystems: from the name of a package to files in a tree.
//!
//! One folder an ecosystem. None knows the spec: whoever asks says in plain values
//! which sources, names and limits are meant.

pub mod deb;
