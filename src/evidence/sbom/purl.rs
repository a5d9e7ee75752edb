//! Package URLs (purl-spec): names that scanners look up.

use crate::evidence::inventory::{GitCommit, ImageIdentity, Package, PackageIndex};
use crate::oci::{Digest, Platform, Reference};

/// The package URL of a Debian package.
pub fn deb_purl(package: &Package) -> String {
    let mut purl =
        format!("pkg:deb/{}/{}@{}", encode(&package.distro), encode(&package.name), encode(&package.version));
    purl.push_str(&format!("?arch={}", encode(&package.architecture)));
    match &package.distro_version {
        Some(version) => purl.push_str(&format!("&distro={}-{}", encode(&package.distro), encode(version))),
        None => purl.push_str(&format!("&distro={}", encode(&package.distro))),
    }
    if package.source != package.name || package.source_version != package.version {
        let upstream = match package.source_version == package.version {
            true => package.source.clone(),
            false => format!("{}@{}", package.source, package.source_version),
        };
        purl.push_str(&format!("&upstream={}", encode(&upstream)));
    }
    purl
}

/// The package URL of a commit: of GitHub's own kind for its repositories, else of no kind but with its place.
pub(super) fn git_purl(name: &str, commit: &GitCommit) -> String {
    let place = commit.uri.trim_end_matches('/');
    let place = place.strip_suffix(".git").unwrap_or(place);
    let of_github = ["https://github.com/", "ssh://git@github.com/"].iter().find_map(|start| place.strip_prefix(start));
    let subpath: Vec<String> = commit.subdir.split('/').filter(|part| !part.is_empty()).map(encode).collect();
    let subpath = if subpath.is_empty() { String::new() } else { format!("#{}", subpath.join("/")) };
    match of_github.and_then(|rest| rest.split_once('/')).filter(|(_, name)| !name.contains('/')) {
        Some((owner, name)) => {
            let (owner, name) = (encode(&owner.to_lowercase()), encode(&name.to_lowercase()));
            format!("pkg:github/{owner}/{name}@{}{subpath}", commit.id)
        }
        None => {
            let place = encode(&format!("git+{}@{}", commit.uri, commit.id));
            format!("pkg:generic/{}@{}?vcs_url={place}{subpath}", encode(name), commit.id)
        }
    }
}

/// Where a package file stands in public.
pub fn deb_url(package: &Package, indexes: &[PackageIndex]) -> Option<String> {
    let index = indexes.get(package.index?)?;
    Some(format!("{}/{}", index.url.trim_end_matches('/'), package.path))
}

/// The package URL of the image that is described.
pub(super) fn oci_purl(image: &ImageIdentity) -> String {
    named_purl(&image.name, &image.digest, &image.platform)
}

/// The package URL of an image by its name, without tag and digest; `digest` is that of its manifest for the platform.
pub fn named_purl(name: &str, digest: &Digest, platform: &Platform) -> String {
    let last = name.rsplit('/').next().unwrap_or_default().to_lowercase();
    oci(&last, digest, platform, name)
}

/// The package URL of an image of a registry; `digest` is that of its manifest for the platform.
pub fn image_purl(reference: &Reference, digest: &Digest, platform: &Platform) -> String {
    let name = reference.repository.rsplit('/').next().unwrap_or_default();
    let purl = oci(name, digest, platform, &format!("{}/{}", reference.registry, reference.repository));
    match &reference.tag {
        Some(tag) => format!("{purl}&tag={}", encode(tag)),
        None => purl,
    }
}

fn oci(name: &str, digest: &Digest, platform: &Platform, repository: &str) -> String {
    let digest = encode(&digest.to_string()).replace(':', "%3A");
    let (name, arch, repository) = (encode(name), encode(&platform.architecture), encode(repository));
    format!("pkg:oci/{name}@{digest}?arch={arch}&repository_url={repository}")
}

/// Percent-encodes all but what stands for itself in every part of a package URL.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match plain(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}
