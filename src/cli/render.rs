//! Results as people read them, on standard output.

use crate::pipeline::{BuildReport, ImageReport, PlatformReport};
use std::fmt::Write;

/// A number of bytes for people: `1.5 MB`.
pub(super) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// What a build made.
pub(super) fn build(report: &BuildReport) -> String {
    let mut out = String::new();
    for image in &report.images {
        // Writing to a string never fails.
        let _ = one_image(&mut out, image);
    }
    out
}

fn one_image(out: &mut String, image: &ImageReport) -> std::fmt::Result {
    writeln!(out, "{}", image.name)?;
    writeln!(out, "  digest     {}", image.digest)?;
    for platform in &image.platforms {
        one_platform(out, platform, image.platforms.len() > 1)?;
    }
    let whose = match (image.signer.local, image.signer.created) {
        (true, true) => " (a local key, made just now: this machine vouches for the image, nobody else)",
        (true, false) => " (this user's local key: this machine vouches for the image, nobody else)",
        (false, _) => "",
    };
    writeln!(out, "  signed by  {}{whose}", image.signer.key)?;
    for tag in &image.tags {
        writeln!(out, "  tag        {tag}")?;
    }
    for output in &image.outputs {
        let unchanged = if output.unchanged { " (unchanged)" } else { "" };
        writeln!(out, "  output     {}:{}{unchanged}", output.kind, output.path)?;
    }
    if let Some(layout) = image.outputs.iter().find(|output| output.kind.starts_with("oci")) {
        let key = image.signer.public_key.as_deref().unwrap_or("PUBLIC_KEY");
        writeln!(out, "  evidence   in the same layout; check it with")?;
        writeln!(out, "             kiln verify {} --key {key}", layout.path)?;
    }
    Ok(())
}

fn one_platform(out: &mut String, platform: &PlatformReport, of_several: bool) -> std::fmt::Result {
    if of_several {
        writeln!(out, "  platform   {} {}", platform.platform, platform.digest)?;
    } else {
        writeln!(out, "  platform   {}", platform.platform)?;
    }
    let (packed, unpacked) = (size(platform.size), size(platform.unpacked_size));
    writeln!(out, "  size       {packed}, {unpacked} unpacked, {} files", platform.files)?;
    writeln!(out, "  packages   {}", platform.packages)?;
    writeln!(out, "  layers     {}", platform.layers.len())?;
    for layer in &platform.layers {
        writeln!(out, "    {} {:>9}  {}", short(&layer.digest), size(layer.size), layer.created_by)?;
    }
    for (format, digest) in &platform.sboms {
        writeln!(out, "  sbom       {format} {}", short(digest))?;
    }
    writeln!(out, "  attested   {} statements", platform.attestations.len())
}

fn short(digest: &crate::oci::Digest) -> String {
    format!("sha256:{}", &digest.hex()[..12])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_two_or_three_digits() {
        let shown = [0, 999, 1_000, 1_550, 999_900, 1_000_000, 47_000_000, 1_234_000_000].map(size);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.6 kB", "999.9 kB", "1.0 MB", "47.0 MB", "1.2 GB"]);
    }
}
