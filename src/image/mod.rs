//! Images: layers, configuration, manifests, and the files and folders that hold them.
//!
//! Everything here is a pure function of its inputs: the same changes, settings
//! and epoch give the same bytes on any machine with any number of cores.

pub mod accounts;
pub mod assemble;
mod cut;
pub mod layer;
pub mod layout;
pub mod output;
pub mod split;
