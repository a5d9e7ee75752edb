//! How a registry is opened: passwords, and tokens by scope (distribution's token specification).

use super::challenge::{Challenge, TokenServer};
use super::credentials::{Found, Keyring, Place, Secret};
use crate::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::http::{Answer, Authority, Client, HttpError, Method, Request, StatusCode, Url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// No answer of a token server is larger.
const LARGEST: u64 = 1 << 20;
/// How long a token holds where the token server does not say.
const USUAL_LIFE: Duration = Duration::from_secs(60);
/// No token is kept longer.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// How long before its end a token is renewed, at most; of a short life a quarter.
const MARGIN: Duration = Duration::from_secs(30);

/// One registry as kiln sees it from outside: what it has asked for, and the doors that were opened.
pub(super) struct Access {
    registry: String,
    /// Whether the registry is spoken to without TLS; only then may its token server be.
    plain: bool,
    client: Client,
    keyring: Arc<Keyring>,
    challenge: Mutex<Option<Challenge>>,
    doors: Mutex<Doors>,
}

/// Doors by repository and scopes.
type Doors = BTreeMap<(String, Vec<String>), Arc<Door>>;

/// The authority for some scopes of one repository.
struct Door {
    access: Arc<Access>,
    repository: String,
    scopes: Vec<String>,
    ticket: Mutex<Option<Ticket>>,
    asked: Mutex<Asked>,
    /// Held while a ticket is got: others wait for the same.
    turn: tokio::sync::Mutex<()>,
}

/// What opens a door.
#[derive(Clone)]
struct Ticket {
    header: HeaderValue,
    /// From then on it is to be renewed.
    until: Option<Instant>,
}

/// What became of the question for credentials.
#[derive(Clone)]
enum Asked {
    /// The registry did not ask.
    No,
    /// In a way that kiln does not know.
    Strangely,
    /// There are none.
    InVain,
    /// They come from there.
    Found(Place),
}

impl Access {
    /// `registry` is its name in files of credentials.
    pub fn new(registry: String, plain: bool, client: Client, keyring: Arc<Keyring>) -> Arc<Self> {
        let (challenge, doors) = (Mutex::default(), Mutex::default());
        Arc::new(Access { registry, plain, client, keyring, challenge, doors })
    }

    /// The authority for scopes of a repository.
    pub fn door(self: &Arc<Self>, repository: &str, scopes: Vec<String>) -> Arc<dyn Authority> {
        let mut doors = locked(&self.doors);
        let door = doors.entry((repository.to_owned(), scopes)).or_insert_with_key(|(repository, scopes)| {
            Arc::new(Door {
                access: self.clone(),
                repository: repository.clone(),
                scopes: scopes.clone(),
                ticket: Mutex::default(),
                asked: Mutex::new(Asked::No),
                turn: tokio::sync::Mutex::default(),
            })
        });
        door.clone()
    }

    /// Whether a text repeats what was sent to this registry to open it. Nobody may see such a text.
    pub fn betrays(&self, text: &str) -> bool {
        let doors = locked(&self.doors);
        doors.values().filter_map(|door| locked(&door.ticket).clone()).any(|ticket| ticket.betrays(text))
    }
}

impl Ticket {
    fn betrays(&self, text: &str) -> bool {
        let Ok((scheme, sent)) = self.header.to_str().map(|header| header.split_once(' ').unwrap_or(("", header)))
        else {
            return false;
        };
        let password = Zeroizing::new(match scheme {
            "Basic" => STANDARD.decode(sent).unwrap_or_default(),
            _ => Vec::new(),
        });
        let password = std::str::from_utf8(&password).ok().and_then(|pair| pair.split_once(':'));
        let password = password.map(|(_, password)| password).filter(|password| !password.is_empty());
        text.contains(sent) || password.is_some_and(|password| text.contains(password))
    }
}

impl Authority for Door {
    fn header(&self) -> Answer<'_, Option<HeaderValue>> {
        Box::pin(async {
            if let Some(header) = self.fresh() {
                return Ok(Some(header));
            }
            let Some(challenge) = locked(&self.access.challenge).clone() else { return Ok(None) };
            let _turn = self.turn.lock().await;
            if let Some(header) = self.fresh() {
                return Ok(Some(header));
            }
            match self.obtain(&challenge, None).await {
                Ok(ticket) => Ok(self.keep(ticket)),
                // The registry may be open to all for this; if not, it says so, and the reason is told then.
                Err(HttpError::Denied { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn challenged<'a>(&'a self, answer: &'a HeaderMap, refused: Option<HeaderValue>) -> Answer<'a, bool> {
        Box::pin(async move {
            let Some(challenge) = Challenge::of(answer) else {
                *locked(&self.asked) = Asked::Strangely;
                return Ok(false);
            };
            let _turn = self.turn.lock().await;
            match self.fresh() {
                // Somebody else was quicker.
                Some(header) if Some(&header) != refused.as_ref() => return Ok(true),
                _ => *locked(&self.ticket) = None,
            }
            *locked(&self.access.challenge) = Some(challenge.clone());
            let ticket = self.obtain(&challenge, refused.as_ref()).await?;
            Ok(self.keep(ticket).is_some())
        })
    }

    fn advice(&self) -> String {
        let registry = &self.access.registry;
        let (whose, other) = match &*locked(&self.asked) {
            Asked::No => ("the registry did not ask for credentials".to_owned(), ""),
            Asked::Strangely => return format!("{registry} asks for credentials in a way that kiln does not know"),
            Asked::InVain => (format!("there are no credentials for {registry}"), ""),
            Asked::Found(place) => (format!("the credentials from {place} are wrong or do not allow this"), "other "),
        };
        format!(
            "{whose}; {other}credentials come from `docker login {registry}` or from the variables \
             KILN_REGISTRY={registry}, KILN_REGISTRY_USER and KILN_REGISTRY_PASSWORD"
        )
    }
}

impl Door {
    /// The header that is known and still good.
    fn fresh(&self) -> Option<HeaderValue> {
        let ticket = locked(&self.ticket);
        let good = |ticket: &&Ticket| ticket.until.is_none_or(|until| Instant::now() < until);
        ticket.as_ref().filter(good).map(|ticket| ticket.header.clone())
    }

    fn keep(&self, ticket: Option<Ticket>) -> Option<HeaderValue> {
        let header = ticket.as_ref().map(|ticket| ticket.header.clone());
        *locked(&self.ticket) = ticket;
        header
    }

    /// Meets a challenge; none where there is nothing to meet it with but what was refused.
    async fn obtain(&self, challenge: &Challenge, refused: Option<&HeaderValue>) -> Result<Option<Ticket>, HttpError> {
        let access = &self.access;
        let found = access.keyring.find(&access.registry, &self.repository).await;
        let found = found
            .map_err(|error| HttpError::Credentials { place: access.registry.clone(), reason: error.to_string() })?;
        *locked(&self.asked) = match &found {
            Some(Found { place, .. }) => Asked::Found(place.clone()),
            None => Asked::InVain,
        };
        let secret = found.map(|found| found.secret);
        let ticket = match challenge {
            Challenge::Basic => match &secret {
                Some(Secret::Password { user, password }) => Some(basic(user, password)),
                Some(Secret::Identity { user: Some(user), token }) => Some(basic(user, token)),
                Some(Secret::Registry(token) | Secret::Token(token)) => Some(self.as_it_is(token)?),
                Some(Secret::Identity { user: None, .. }) | None => None,
            },
            Challenge::Bearer(server) => Some(self.by_token(server, secret.as_ref()).await?),
        };
        Ok(ticket.filter(|ticket| Some(&ticket.header) != refused))
    }

    async fn by_token(&self, server: &TokenServer, secret: Option<&Secret>) -> Result<Ticket, HttpError> {
        match secret {
            Some(Secret::Registry(token)) => self.as_it_is(token),
            Some(Secret::Password { user, password }) => self.fetch(server, Some(basic(user, password))).await,
            Some(Secret::Identity { user, token }) => match self.exchange(server, token).await? {
                Some(ticket) => Ok(ticket),
                None => {
                    let user = user.clone().unwrap_or_else(|| "<token>".into());
                    self.fetch(server, Some(basic(&user, token))).await
                }
            },
            Some(Secret::Token(token)) => match self.exchange(server, token).await {
                Ok(Some(ticket)) => Ok(ticket),
                Ok(None) | Err(HttpError::Denied { .. }) => self.as_it_is(token),
                Err(error) => Err(error),
            },
            None => self.fetch(server, None).await,
        }
    }

    /// Asks a token server in the older way, with a password or nothing.
    async fn fetch(&self, server: &TokenServer, key: Option<Ticket>) -> Result<Ticket, HttpError> {
        let mut url = self.realm(server)?.clone();
        if let Some(service) = &server.service {
            url = url.and("service", service);
        }
        let scopes = server.scopes_with(&self.scopes);
        let mut request = Request::get(scopes.into_iter().fold(url, |url, scope| url.and("scope", scope)));
        if let Some(key) = key {
            request = request.secret_header(AUTHORIZATION, key.header);
        }
        let answer = self.ask(request).await?;
        let url = answer.url().clone();
        if !answer.status().is_success() {
            return Err(HttpError::Status { url, status: answer.status().as_u16(), attempts: 1 });
        }
        self.read(answer).await
    }

    /// Asks a token server in the newer way, with an identity token; none where it does not know that way.
    async fn exchange(&self, server: &TokenServer, token: &SecretString) -> Result<Option<Ticket>, HttpError> {
        let scopes = server.scopes_with(&self.scopes).join(" ");
        let service = server.service.as_deref().unwrap_or(&self.access.registry);
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", "kiln"),
            ("service", service),
            ("scope", &scopes),
            ("refresh_token", token.expose_secret()),
        ];
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        // A token that is asked for twice does no harm.
        let request = Request::new(Method::POST, self.realm(server)?.clone()).repeatable(true);
        let answer = self.ask(request.header(CONTENT_TYPE, kind).body(form)).await?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(None),
            status if status.is_success() => self.read(answer).await.map(Some),
            status => Err(HttpError::Status { url: answer.url().clone(), status: status.as_u16(), attempts: 1 }),
        }
    }

    /// Sends a request to a token server. Credentials go nowhere else, whatever it answers.
    async fn ask(&self, request: Request) -> Result<crate::http::Response, HttpError> {
        let answer = self.access.client.fetch(request.limit(LARGEST).any_status().stay()).await?;
        match answer.status() {
            status @ (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                let url = answer.url().clone();
                Err(HttpError::Denied { url, status: status.as_u16(), advice: self.advice() })
            }
            _ => Ok(answer),
        }
    }

    async fn read(&self, answer: crate::http::Response) -> Result<Ticket, HttpError> {
        #[derive(Deserialize)]
        struct Granted {
            #[serde(default, deserialize_with = "super::credentials::hidden")]
            token: Option<SecretString>,
            #[serde(default, deserialize_with = "super::credentials::hidden")]
            access_token: Option<SecretString>,
            expires_in: Option<f64>,
        }
        let url = answer.url().clone();
        let useless = |reason: &str| HttpError::Connection {
            url: url.clone(),
            reason: format!("the token server's answer is useless: {reason}"),
            attempts: 1,
        };
        let began = Instant::now();
        let body = Zeroizing::new(answer.bytes().await?);
        // What the parser says is not repeated: it has seen the token.
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| useless("it is not the JSON that it should be"))?;
        let token = granted.token.or(granted.access_token).ok_or_else(|| useless("it has no token"))?;
        let header = bearer(&token).ok_or_else(|| useless("the token has characters that none can have"))?;
        let life = granted.expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let life = life.filter(|life| !life.is_zero()).unwrap_or(USUAL_LIFE).min(LONGEST_LIFE);
        Ok(Ticket { header, until: Some(began + (life - MARGIN.min(life / 4))) })
    }

    /// Where tokens are asked for, if credentials may go there.
    fn realm<'a>(&self, server: &'a TokenServer) -> Result<&'a Url, HttpError> {
        let realm = &server.realm;
        let refuse = |why: &str| HttpError::Credentials {
            place: self.access.registry.clone(),
            reason: format!("its token server is {realm}, and {why}"),
        };
        if realm.scheme() != "https" && !self.access.plain {
            return Err(refuse("nothing secret goes over plain http"));
        }
        if !realm.secret().username().is_empty() || realm.secret().password().is_some() {
            return Err(refuse("a registry has no business to name a user"));
        }
        Ok(realm)
    }

    fn as_it_is(&self, token: &SecretString) -> Result<Ticket, HttpError> {
        let header =
            bearer(token).ok_or_else(|| HttpError::Setup("a token has characters that none can have".into()))?;
        Ok(Ticket { header, until: None })
    }
}

fn basic(user: &SecretString, password: &SecretString) -> Ticket {
    let pair = Zeroizing::new(format!("{}:{}", user.expose_secret(), password.expose_secret()));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text).expect("base64 is valid in a header");
    header.set_sensitive(true);
    Ticket { header, until: None }
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

#[cfg(test)]
mod tests;
