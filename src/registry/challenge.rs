//! What registries ask for: `WWW-Authenticate` (RFC 9110, section 11; distribution's token specification).

use crate::http::Url;
use crate::http::header::{HeaderMap, WWW_AUTHENTICATE};

/// Headers of an answer that are looked at.
const HEADERS: usize = 8;
/// Longer ones are passed over.
const LONGEST: usize = 8 << 10;
/// Scopes of a challenge that are heeded.
const SCOPES: usize = 4;

/// How a registry wants to be spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token.
    Bearer(TokenServer),
}

/// Who gives tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenServer {
    /// Where to ask; http or https.
    pub realm: Url,
    /// What the registry calls itself there.
    pub service: Option<String>,
    /// What the registry wants the token to be for.
    pub scopes: Vec<String>,
}

impl Challenge {
    /// The best challenge of an answer that kiln can meet: a token before a password. None where there is none.
    pub fn of(answer: &HeaderMap) -> Option<Challenge> {
        let texts = answer.get_all(WWW_AUTHENTICATE).iter().take(HEADERS).filter_map(|value| value.to_str().ok());
        let mut basic = None;
        for text in texts.filter(|text| text.len() <= LONGEST) {
            for challenge in http_auth::parse_challenges(text).unwrap_or_default() {
                if challenge.scheme.eq_ignore_ascii_case("bearer") {
                    let value = |name: &str| {
                        let param = challenge.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                        param.map(|(_, value)| value.to_unescaped())
                    };
                    let Some(Ok(realm)) = value("realm").map(|realm| realm.parse::<Url>()) else { continue };
                    if realm.is_file() {
                        continue;
                    }
                    let scopes = value("scope").unwrap_or_default();
                    let scopes = scopes.split(' ').filter(|scope| !scope.is_empty()).take(SCOPES);
                    let scopes = scopes.map(str::to_owned).collect();
                    return Some(Challenge::Bearer(TokenServer { realm, service: value("service"), scopes }));
                }
                if challenge.scheme.eq_ignore_ascii_case("basic") {
                    basic = Some(Challenge::Basic);
                }
            }
        }
        basic
    }
}

impl TokenServer {
    /// The wanted scopes, and those of the challenge that go no further: a registry that knows a repository by another
    /// name may say so, but not ask for more than is needed.
    pub fn scopes_with<'a>(&'a self, wanted: &'a [String]) -> Vec<&'a str> {
        let allowed: Vec<&str> = wanted.iter().filter_map(|scope| actions(scope)).flat_map(|a| a.split(',')).collect();
        let modest = |scope: &&str| actions(scope).is_some_and(|a| a.split(',').all(|a| allowed.contains(&a)));
        let mut scopes: Vec<&str> = wanted.iter().map(String::as_str).collect();
        for scope in self.scopes.iter().map(String::as_str).filter(modest) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }
}

/// What a scope of a repository allows: `pull,push` of `repository:NAME:pull,push`.
fn actions(scope: &str) -> Option<&str> {
    scope.strip_prefix("repository:")?.rsplit_once(':').map(|(_, actions)| actions)
}
