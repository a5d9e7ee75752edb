//! Bills of materials: CycloneDX 1.6 and SPDX 2.3 from one graph.
//!
//! Both are written as streams: beside the inventory they need memory for one file at a time.

mod cyclonedx;
mod found;
mod graph;
mod identity;
mod places;
mod purl;
mod sha1;
mod spdx;
#[cfg(test)]
mod tests;

pub use cyclonedx::CycloneDx;
pub use graph::{Graph, InventoryError};
pub use purl::{deb_purl, deb_url, image_purl, named_purl};
pub use sha1::{Sha1Error, fill_sha1};
pub use spdx::Spdx;

use crate::evidence::inventory::Location;
use crate::oci::Digest;

impl<'a> Graph<'a> {
    /// The image as a CycloneDX document.
    pub fn cyclonedx(&'a self) -> CycloneDx<'a> {
        CycloneDx(self)
    }

    /// The image as an SPDX document.
    pub fn spdx(&'a self) -> Spdx<'a> {
        Spdx(self)
    }

    /// A line of a spec, as text.
    fn line(&self, location: &Location) -> String {
        format!("{}:{}", self.inventory.specs[location.spec].path, location.line)
    }
}

/// Where kiln's version 5 UUIDs live: a number that was drawn once.
const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x6b1d_3a52_9c0e_4f7b_8a44_52e7_d10c_9f36);

/// The UUID of a document about an image: the same for the same image.
fn uuid(kind: &str, image: &Digest) -> uuid::Uuid {
    use ::sha1::Digest as _;
    let hash = ::sha1::Sha1::new().chain_update(NAMESPACE).chain_update(format!("{kind}:{image}")).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_sha1_bytes(bytes).into_uuid()
}

/// A person or a group, with the address of `Name <address>`.
#[derive(serde::Serialize)]
struct Contact<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

fn contact(text: &str) -> Contact<'_> {
    let split = text.split_once('<').and_then(|(name, rest)| Some((name.trim(), rest.strip_suffix('>')?)));
    match split {
        Some((name, email)) if email.contains('@') => Contact { name, email: Some(email) },
        _ => Contact { name: text.trim(), email: None },
    }
}

/// `text` as a web address in canonical form, if it is one; credentials never leave.
fn web_address(text: &str) -> Option<String> {
    let mut url = url::Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str()?.is_empty() {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}
