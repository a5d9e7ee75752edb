//! `.gitmodules`: where submodules are.

use super::entries::shown;
use super::{Address, CommitId};
use std::collections::BTreeMap;

/// The settings of `.gitmodules` that count.
pub(super) const PATTERN: &str = r"^submodule\..*\.(path|url)$";

/// A commit of another repository in a tree.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// Where it stands in its own repository.
    pub(super) path: Vec<u8>,
    /// The commit.
    pub(super) commit: CommitId,
}

/// Where the submodule at a path is; in words, why that cannot be told or is refused.
pub(super) fn address(parent: &Address, settings: &[(String, String)], link: &Link) -> Result<Address, String> {
    // As git reads it: of what is said twice, the last counts.
    let mut modules: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for (key, value) in settings {
        let Some((name, field)) = key.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.')) else {
            continue;
        };
        let module = modules.entry(name).or_default();
        match field {
            "path" => module.0 = Some(value),
            _ => module.1 = Some(value),
        }
    }
    let here =
        modules.values().find(|(path, _)| path.is_some_and(|path| path.trim_end_matches('/').as_bytes() == link.path));
    let url = here.and_then(|(_, url)| *url).ok_or("`.gitmodules` does not say where it is")?;
    parent.submodule(url).map_err(|error| format!("its address is `{}`: {error}", shown(harmless(url).as_bytes())))
}

/// An address as far as it can be shown: without what may be a password.
fn harmless(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            format!("{scheme}://{}", rest.split('?').next().unwrap_or(rest).rsplit('@').next().unwrap_or(rest))
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submodules_are_found_by_their_paths_and_hostile_addresses_refused() {
        let parent: Address = "https://example.com/acme/docs.git".parse().expect("an address");
        let at = |path: &str| Link { path: path.into(), commit: "a".repeat(40).parse().expect("a commit") };
        let module = |url: &str| {
            let settings =
                [("submodule.a.b.path", "vendor/lib/"), ("submodule.a.b.url", "first"), ("submodule.a.b.url", url)];
            let settings: Vec<_> =
                settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            address(&parent, &settings, &at("vendor/lib")).map(|address| address.to_string())
        };
        assert_eq!(module("../lib.git").as_deref(), Ok("https://example.com/acme/lib.git"));
        assert_eq!(module("git@example.com:lib.git").as_deref(), Ok("git@example.com:lib.git"));
        let cases = [
            (
                "ext::sh -c touch% /tmp/x",
                "its address is `ext::sh -c touch% /tmp/x`: `ext::` names a helper, a program that git would start",
            ),
            ("--upload-pack=x", "its address is `--upload-pack=x`: git would take it for an option"),
            (
                "http://example.com/x",
                "its address is `http://example.com/x`: it is no address of a repository: it leads to plain http",
            ),
            (
                "file:///etc",
                "its address is `file:///etc`: it is no address of a repository: it leads to files of the machine that builds",
            ),
            ("https://me:pw@example.com/x?t=1", "its address is `https://example.com/x`: the address holds a password"),
            ("../../../x", "its address is `../../../x`: it leads out of the place that it is relative to"),
        ];
        for (url, said) in cases {
            assert_eq!(module(url), Err(said.to_owned()));
        }
        assert_eq!(address(&parent, &[], &at("x")).map(drop), Err("`.gitmodules` does not say where it is".into()));
    }
}
