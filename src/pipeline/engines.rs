//! Where commands run.

use crate::solve::buildkit::Address;

/// Where commands run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// In a sandbox of this machine.
    #[default]
    Embedded,
    /// In a BuildKit daemon.
    BuildKit(Address),
}

/// Where BuildKit's own client looks for a daemon when nobody says.
const BUILDKIT_SOCKET: &str = "unix:///run/buildkit/buildkitd.sock";

impl EngineChoice {
    /// Reads `embedded`, `buildkit:ADDRESS`, or `buildkit` for the daemon that `BUILDKIT_HOST` names; `docker_host` is where
    /// `docker://` leads.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub fn parse(text: &str, buildkit_host: Option<&str>, docker_host: Option<&str>) -> Result<Self, String> {
        let address = match text.split_once(':') {
            None if text == "embedded" => return Ok(EngineChoice::Embedded),
            None if text == "buildkit" => buildkit_host.unwrap_or(BUILDKIT_SOCKET),
            Some(("buildkit", address)) => address,
            _ => return Err(format!("`{text}` is no engine: write embedded, buildkit or buildkit:ADDRESS")),
        };
        let address = address.parse().map_err(|error: crate::solve::buildkit::AddressError| error.to_string())?;
        match (address, docker_host) {
            (Address::Docker(None), Some(host)) => {
                Address::docker(host).map(EngineChoice::BuildKit).map_err(|error| error.to_string())
            }
            (address, _) => Ok(EngineChoice::BuildKit(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_named_with_their_addresses() {
        let parse = |text: &str| EngineChoice::parse(text, Some("tcp://build:1234"), Some("unix:///d.sock"));
        assert_eq!(parse("embedded"), Ok(EngineChoice::Embedded));
        assert_eq!(parse("buildkit"), Ok(EngineChoice::BuildKit("tcp://build:1234".parse().unwrap())));
        assert_eq!(parse("buildkit:unix:///b.sock"), Ok(EngineChoice::BuildKit(Address::Unix("/b.sock".into()))));
        let docker = Address::Docker(Some(Box::new(Address::Unix("/d.sock".into()))));
        assert_eq!(parse("buildkit:docker://"), Ok(EngineChoice::BuildKit(docker)));
        let own = EngineChoice::parse("buildkit:docker://", None, None);
        assert_eq!(own, Ok(EngineChoice::BuildKit(Address::Docker(None))));
        let socket = EngineChoice::parse("buildkit", None, None);
        assert_eq!(socket, Ok(EngineChoice::BuildKit(BUILDKIT_SOCKET.parse().unwrap())));
        for text in ["", "docker", "embedded:", "buildkit:", "buildkit:/run/x.sock"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
