//! Which images a policy wants to be signed.

use super::accept::matches;
use crate::oci::Reference;

/// Whether an image is of a repository that fits a pattern of a `signer`.
///
/// Names of hosts have no case, and the ports that a scheme has anyway are no other registry: whoever writes one of them
/// gets around no pattern.
pub fn is_of(pattern: &str, image: &Reference) -> bool {
    let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
    let repository = format!("{}/{}", normal(&image.registry), image.repository);
    matches(&format!("{}/{path}", normal(host)), &repository)
}

fn normal(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let plain = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80"));
    plain.map_or_else(|| host.clone(), str::to_owned)
}
