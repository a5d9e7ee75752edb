//! Platforms: operating system, architecture and variant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What an image runs on; written `linux/arm/v7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Go's name of the processor: `amd64`, `arm64`, `arm`, `386`, `ppc64le`, …
    pub architecture: String,
    /// `linux`.
    pub os: String,
    /// The processor's variant: `v7`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub variant: Option<String>,
}

/// Why a text names no platform that kiln can build for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// Not of the form `linux/ARCH[/VARIANT]`.
    #[error("`{0}` is not a platform: write `linux/amd64` or another of {list}", list = Platform::NAMES.join(", "))]
    Malformed(String),
}

impl Platform {
    /// The platforms that images can be built for, in the form that users write.
    pub const NAMES: [&'static str; 7] =
        ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le", "linux/riscv64", "linux/s390x"];

    /// A Linux platform.
    pub fn linux(architecture: &str, variant: Option<&str>) -> Self {
        Platform { architecture: architecture.into(), os: "linux".into(), variant: variant.map(Into::into) }
    }

    /// The platform that this program was compiled for.
    pub fn host() -> Self {
        let (architecture, variant) = match std::env::consts::ARCH {
            "x86_64" => ("amd64", None),
            "aarch64" => ("arm64", None),
            "arm" => ("arm", Some("v7")),
            "x86" => ("386", None),
            "powerpc64" => ("ppc64le", None),
            other => (other, None),
        };
        Self::linux(architecture, variant)
    }

    /// Whether an image for `other` can stand for this one: `arm64` and `arm64/v8` are the same.
    pub fn matches(&self, other: &Platform) -> bool {
        self.normalised() == other.normalised()
    }

    fn normalised(&self) -> (&str, &str, Option<&str>) {
        let variant = match (self.architecture.as_str(), self.variant.as_deref()) {
            ("arm64", Some("v8")) | ("amd64", Some("v1")) => None,
            ("arm", None) => Some("v7"),
            (_, variant) => variant,
        };
        (&self.os, &self.architecture, variant)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    /// Accepts the names of [`Platform::NAMES`] and their common other spellings.
    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let canonical = match text {
            "linux/x86_64" => "linux/amd64",
            "linux/aarch64" | "linux/arm64/v8" => "linux/arm64",
            "linux/arm" | "linux/armhf" => "linux/arm/v7",
            "linux/i386" => "linux/386",
            "linux/ppc64el" => "linux/ppc64le",
            other => other,
        };
        if !Self::NAMES.contains(&canonical) {
            return Err(PlatformError::Malformed(text.chars().take(80).collect()));
        }
        let mut parts = canonical.split('/').skip(1);
        let architecture = parts.next().unwrap_or_default();
        Ok(Self::linux(architecture, parts.next()))
    }
}
