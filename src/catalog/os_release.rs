//! The distribution that a root file system names (os-release(5)).

/// What matters of `os-release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID`: `debian`.
    pub id: String,
    /// `VERSION_ID`: `13`; none for distributions that never end.
    pub version: Option<String>,
    /// `ID_LIKE`, split: what it descends from, nearest first.
    pub like: Vec<String>,
}

/// The most that is read of the file, in bytes.
const LONGEST: usize = 64 << 10;

/// The longest value that a name or version may have.
const LONGEST_VALUE: usize = 64;

impl OsRelease {
    /// Where it stands, in the order of search.
    pub const PATHS: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

    /// Reads the file; none where it names no distribution. Lines that the format does not allow are passed over.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(&content[..content.len().min(LONGEST)]);
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
            let value = unquote(line);
            let is_word = !value.is_empty() && value.len() <= LONGEST_VALUE && !value.chars().any(char::is_control);
            is_word.then_some(value)
        };
        Some(OsRelease {
            id: value("ID").filter(|id| !id.contains(['/', ' ']))?.to_lowercase(),
            version: value("VERSION_ID"),
            like: value("ID_LIKE").map(|like| like.split_whitespace().map(str::to_owned).collect()).unwrap_or_default(),
        })
    }

    /// `debian-13`, as package URLs name a distribution.
    pub(super) fn distro(&self) -> String {
        match &self.version {
            Some(version) => format!("{}-{version}", self.id),
            None => self.id.clone(),
        }
    }
}

/// A value without its quotes and the backslashes in them.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(value).replace('\\', "")
}
