//! The tags of a repository (distribution-spec, "Listing Tags").

use super::RegistryError;
use super::endpoint::Endpoint;
use super::repository::Repository;
use crate::http::Request;
use crate::oci::{document, is_tag};
use serde::Deserialize;
use std::collections::BTreeSet;

/// As many tags are asked for in a page; registries may give fewer.
const ASKED: &str = "1000";

/// As many pages are read: of registries that give a hundred tags in each, as many as there may be tags.
const PAGES: usize = 1_000;

/// As many tags of a repository are read.
const TAGS: usize = 100_000;

const DOING: &str = "listing the tags";

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    /// Some registries write null where there are none.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Repository {
    /// The tags, sorted. They are asked for at home alone: a mirror may know fewer.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchImage`] where there is no such repository.
    pub async fn tags(&self) -> Result<BTreeSet<String>, RegistryError> {
        self.home.tags().await?.ok_or_else(|| RegistryError::NoSuchImage(self.reference().clone()))
    }
}

impl Endpoint {
    /// The tags; none where there is no such repository.
    async fn tags(&self) -> Result<Option<BTreeSet<String>>, RegistryError> {
        let authority = self.pulling();
        let mut url = self.url(&["tags", "list"]).and("n", ASKED);
        let mut all = BTreeSet::new();
        for _ in 0..PAGES {
            let request = Request::get(url.clone()).limit(document::MAX_SIZE);
            let (answer, bytes) = self.ask_whole(request, &authority).await?;
            let Some(answer) = self.expect(DOING, answer, &authority).await? else { return Ok(None) };
            let page: Page = serde_json::from_slice(&bytes)
                .map_err(|e| self.broken(DOING, format!("the list is malformed: {e}")))?;
            for tag in page.tags.unwrap_or_default() {
                if !is_tag(&tag) {
                    return Err(self.broken(DOING, format!("`{}` is no tag", document::clip(&tag))));
                }
                all.insert(tag);
            }
            if all.len() > TAGS {
                return Err(self.broken(DOING, format!("the repository has more than {TAGS} tags")));
            }
            url = match self.next_page(DOING, &url, &answer)? {
                None => return Ok(Some(all)),
                Some(next) => next,
            };
        }
        Err(self.broken(DOING, format!("the list has more than {PAGES} pages")))
    }
}

/// Whether a tag names no image but what refers to one: the list of it (distribution-spec, "Referrers Tag Schema"), or what
/// older tools attach.
pub fn stands_for_referrers(tag: &str) -> bool {
    let parts = tag.strip_prefix("sha256-").and_then(|rest| rest.split_at_checked(64));
    parts.is_some_and(|(hex, ending)| {
        hex.bytes().all(|b| b.is_ascii_hexdigit()) && matches!(ending, "" | ".sig" | ".att" | ".sbom")
    })
}
