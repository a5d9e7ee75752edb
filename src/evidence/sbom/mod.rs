//! Bills of materials: CycloneDX 1.6 and SPDX 2.3 from one graph.

mod purl;

pub use purl::{deb_purl, deb_url};
