//! `base`: what an image stands on.

/// What an image stands on, where it stands on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// One of kiln's own: its packages are resolved together with the image's.
    Own(String),
    /// The name of a source that is an OCI layout: its layers are kept as they are.
    Source(String),
}

impl Base {
    /// The names of kiln's own bases.
    pub const OWN: [&'static str; 4] = ["static", "base", "cc", "python3"];
}
