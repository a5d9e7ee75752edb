//! Lists that come in pages: where the next one is.

use super::RegistryError;
use super::endpoint::Endpoint;
use crate::http::header::LINK;
use crate::http::{Response, Url};

impl Endpoint {
    /// The address of the page that follows an answer; none after the last one.
    ///
    /// # Errors
    /// Where it is at another place than the page that was `asked` for: credentials would travel there.
    pub(super) fn next_page(
        &self,
        doing: &'static str,
        asked: &Url,
        answer: &Response,
    ) -> Result<Option<Url>, RegistryError> {
        let Some(target) = next_link(answer) else { return Ok(None) };
        match answer.url().join(&target) {
            Ok(next) if next.same_origin(asked) => Ok(Some(next)),
            _ => Err(self.broken(doing, "its next page is at another place")),
        }
    }
}

/// The target of a link to the next page (RFC 8288): `<…>; rel="next"`.
fn next_link(answer: &Response) -> Option<String> {
    let (target, parameters) = answer.header(&LINK)?.trim().strip_prefix('<')?.split_once('>')?;
    parameters.replace('"', "").split(';').any(|p| p.trim() == "rel=next").then(|| target.to_owned())
}
