//! Where a BuildKit daemon is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a BuildKit daemon is, in the forms that BuildKit's own client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `unix:///PATH`: a socket of this machine.
    Unix(PathBuf),
    /// `tcp://HOST:PORT`.
    Tcp {
        /// The host, without the brackets of an IPv6 address.
        host: String,
        /// The port.
        port: u16,
    },
    /// `docker://` or `docker://CONTEXT`: the BuildKit in a Docker daemon.
    Docker {
        /// The context of Docker's client that says where the daemon is.
        context: Option<String>,
        /// Where it is: a socket, a port, or what a command leads to; at the usual place of this machine for none.
        host: Option<Box<Address>>,
    },
    /// A command whose standard streams lead to the daemon.
    Command {
        /// The address as it was written.
        written: String,
        /// The program with its arguments.
        words: Vec<String>,
    },
}

/// Why a text is no address of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a BuildKit daemon: {reason}")]
pub struct AddressError {
    text: String,
    reason: &'static str,
}

/// The forms, for messages.
const FORMS: &str = "write unix:///PATH, tcp://HOST:PORT, docker://[CONTEXT], docker-container://NAME, \
                     podman-container://NAME, kube-pod://POD or ssh://[USER@]HOST[:PORT]";

/// What follows `ssh://`.
const HOST: &str = "a host follows, as in ssh://me@build.example.com:22";

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |reason| AddressError { text: text.chars().take(200).collect(), reason };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong(FORMS))?;
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong("it has white space in it"));
        }
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Address::Unix(rest.into())),
            "unix" => Err(wrong("the path of a socket begins with `/`, so three of them follow `unix:`")),
            "tcp" => tcp(rest).ok_or_else(|| wrong("it needs a host and a port, as in tcp://build.example.com:1234")),
            "docker" if rest.is_empty() => Ok(Address::Docker { context: None, host: None }),
            "docker" => {
                let context =
                    name(rest).ok_or_else(|| wrong("the name of one of Docker's contexts follows, or nothing"))?;
                Ok(Address::Docker { context: Some(context.to_owned()), host: None })
            }
            "docker-container" | "podman-container" => {
                let name = name(rest).ok_or_else(|| wrong("the name of a container follows"))?;
                let program = scheme.trim_end_matches("-container");
                Ok(Address::command(text, [program, "exec", "-i", name, "buildctl", "dial-stdio"]))
            }
            "kube-pod" => {
                let words = kubectl(rest).ok_or_else(|| {
                    wrong("the name of a pod follows, and then nothing but `context`, `namespace` and `container`")
                })?;
                Ok(Address::Command { written: text.to_owned(), words })
            }
            "ssh" => {
                let words = ssh(rest, ["buildctl", "dial-stdio"]).ok_or_else(|| wrong(HOST))?;
                Ok(Address::Command { written: text.to_owned(), words })
            }
            _ => Err(wrong(FORMS)),
        }
    }
}

impl Address {
    /// The address of a Docker daemon, as `DOCKER_HOST` and contexts have it.
    ///
    /// # Errors
    /// Where it is neither a socket, nor a host with a port, nor one that `ssh` leads to.
    pub fn docker(host: &str) -> Result<Address, AddressError> {
        let wrong = |reason| AddressError { text: host.chars().take(200).collect(), reason };
        if let Some(rest) = host.strip_prefix("ssh://") {
            let words = ssh(rest, ["docker", "system", "dial-stdio"]).ok_or_else(|| wrong(HOST))?;
            return Ok(Address::Command { written: host.to_owned(), words });
        }
        match host.parse()? {
            address @ (Address::Unix(_) | Address::Tcp { .. }) => Ok(address),
            _ => Err(wrong("a Docker daemon is at unix://, tcp:// or ssh://")),
        }
    }

    fn command<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Address {
        Address::Command { written: written.to_owned(), words: words.into_iter().map(str::to_owned).collect() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Address::Docker { context, host } => {
                write!(f, "docker://{}", context.as_deref().unwrap_or_default())?;
                host.iter().try_for_each(|host| write!(f, " at {host}"))
            }
            Address::Command { written, .. } => f.write_str(written),
        }
    }
}

fn tcp(rest: &str) -> Option<Address> {
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_host = !host.is_empty() && !host.contains(['/', '@', '?', '#', '[', ']']);
    is_host.then_some(Address::Tcp { host: host.to_owned(), port: port.parse().ok()? })
}

/// A name that no program takes for an option or a path.
fn name(text: &str) -> Option<&str> {
    let text = text.trim_end_matches('/');
    let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_name.then_some(text)
}

/// `POD?context=…&namespace=…&container=…`.
fn kubectl(rest: &str) -> Option<Vec<String>> {
    let (pod, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut words = vec!["kubectl".to_owned()];
    let mut container = None;
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let is_plain = !value.is_empty() && !value.starts_with('-') && !value.contains(char::is_control);
        match &*key {
            "context" | "namespace" if is_plain => words.push(format!("--{key}={value}")),
            "container" if is_plain => container = Some(format!("--container={value}")),
            _ => return None,
        }
    }
    words.extend(["exec", "-i"].map(str::to_owned));
    words.extend(container);
    words.extend([name(pod)?, "--", "buildctl", "dial-stdio"].map(str::to_owned));
    Some(words)
}

/// `[USER@]HOST[:PORT]`, where a command is run.
fn ssh<const N: usize>(rest: &str, command: [&str; N]) -> Option<Vec<String>> {
    let url = url::Url::parse(&format!("ssh://{rest}")).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty() && !host.starts_with('-'))?;
    if url.password().is_some()
        || url.username().starts_with('-')
        || !matches!(url.path(), "" | "/")
        || url.query().is_some()
    {
        return None;
    }
    let mut words = vec!["ssh".to_owned(), "-T".to_owned()];
    if !url.username().is_empty() {
        words.extend(["-l".to_owned(), url.username().to_owned()]);
    }
    if let Some(port) = url.port() {
        words.extend(["-p".to_owned(), port.to_string()]);
    }
    words.extend(["--", host].map(str::to_owned));
    words.extend(command.map(str::to_owned));
    Some(words)
}

#[cfg(test)]
mod tests;
