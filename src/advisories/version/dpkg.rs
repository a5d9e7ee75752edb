//! dpkg's order, which is the packages' own; here is only what counts as a version.

use crate::packages::deb::version;
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    (is_version(a) && is_version(b)).then(|| version::compare(a, b))
}

/// Whether dpkg reads a text as a version, if with a warning: old ones do not begin with a digit.
fn is_version(text: &str) -> bool {
    let (epoch, rest) = text.split_once(':').map_or((None, text), |(epoch, rest)| (Some(epoch), rest));
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'~' | b':');
    epoch.is_none_or(super::digits::is_number) && !rest.is_empty() && !rest.starts_with('-') && rest.bytes().all(known)
}
