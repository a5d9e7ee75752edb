//! The bases that kiln ships, built into the program.

/// A base of kiln's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnBase {
    /// What specs call it.
    pub name: &'static str,
    /// The text of its `kiln.kdl`.
    pub spec: &'static str,
    /// The text of its `kiln.lock`, as of this version of kiln. A first lock takes
    /// no index that is older than the one written here.
    pub lock: &'static str,
}

macro_rules! own {
    ($name:literal) => {
        OwnBase {
            name: $name,
            spec: include_str!(concat!("../../base-images/", $name, "/kiln.kdl")),
            lock: include_str!(concat!("../../base-images/", $name, "/kiln.lock")),
        }
    };
}

/// All of them; the names are those of [`crate::spec::Base::OWN`].
const ALL: [OwnBase; 4] = [own!("static"), own!("base"), own!("cc"), own!("python3")];

/// The base of this name.
pub fn own_base(name: &str) -> Option<&'static OwnBase> {
    ALL.iter().find(|base| base.name == name)
}
