//! Everything that kiln takes from its environment, read in one place.

mod engine;
mod places;
mod registries;
mod secrets;

use crate::pipeline::{FrontendOptions, GitSettings, GitSsh};
use secrecy::SecretString;
use std::ffi::OsString;
use std::path::PathBuf;

/// The environment of one run. It may hold secrets, so it cannot be printed.
#[derive(Clone, Default)]
pub struct Environment {
    vars: std::collections::BTreeMap<String, OsString>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let known = |(name, value): (OsString, OsString)| name.into_string().ok().map(|name| (name, value));
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
        let vars = std::env::vars_os();
        Environment { vars: vars.filter_map(known).collect() }
    }

    /// A variable as text; none where it is unset, empty or no text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.vars.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    /// A secret; unlike [`text`](Self::text), an empty one counts.
    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.vars.get(name).and_then(|value| value.to_str()).map(SecretString::from)
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.vars.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// A base folder of the XDG specification; relative ones do not count.
    fn xdg(&self, name: &str, below_home: &str) -> Option<PathBuf> {
        let named = self.path(name).filter(|path| path.is_absolute());
        named.or_else(|| self.path("HOME").map(|home| home.join(below_home)))
    }

    /// The store's folder where the command line names none.
    pub(super) fn store(&self) -> Option<PathBuf> {
        self.path("KILN_STORE").or_else(|| self.xdg("XDG_CACHE_HOME", ".cache").map(|cache| cache.join("kiln")))
    }

    /// The folder of the user's own keys.
    pub(super) fn keys(&self) -> Option<PathBuf> {
        self.xdg("XDG_DATA_HOME", ".local/share").map(|data| data.join("kiln/keys"))
    }

    /// The continuous integration service that runs this build, by its short name.
    pub(super) fn ci(&self) -> Option<String> {
        let on = |name: &str| self.text(name).is_some_and(|value| !matches!(value, "false" | "0" | "no"));
        let services = [
            ("GITHUB_ACTIONS", "github-actions"),
            ("GITLAB_CI", "gitlab-ci"),
            ("JENKINS_URL", "jenkins"),
            ("TF_BUILD", "azure-pipelines"),
            ("BUILDKITE", "buildkite"),
            ("CIRCLECI", "circleci"),
        ];
        let known = services.iter().find(|(name, _)| on(name)).map(|(_, service)| (*service).to_owned());
        known.or_else(|| on("CI").then(|| "unknown".to_owned()))
    }

    /// The value of `SOURCE_DATE_EPOCH`.
    pub(super) fn epoch(&self) -> Result<Option<i64>, String> {
        let Some(text) = self.text("SOURCE_DATE_EPOCH") else { return Ok(None) };
        let epoch = text.parse::<i64>().ok().filter(|epoch| (0..=MAX_EPOCH).contains(epoch));
        let wrong = || format!("SOURCE_DATE_EPOCH is `{text}`, but must be seconds since 1970, before the year 10000");
        epoch.map(Some).ok_or_else(wrong)
    }

    /// How git is run.
    pub(super) fn git(&self) -> GitSettings {
        let ssh = match (self.text("GIT_SSH_COMMAND"), self.text("GIT_SSH")) {
            (Some(command), _) => GitSsh::Command(command.to_owned()),
            (None, Some(_)) => GitSsh::Program,
            (None, None) => GitSsh::Unset,
        };
        GitSettings { ssh, ..GitSettings::default() }
    }

    /// What a BuildKit daemon tells the frontend that it starts.
    pub(super) fn frontend(&self) -> FrontendOptions {
        let names = (0..MOST_OPTIONS).map(|number| format!("BUILDKIT_FRONTEND_OPT_{number}"));
        let values = names.map_while(|name| self.vars.get(&name));
        let options = values.filter_map(|value| value.to_str()?.split_once('='));
        FrontendOptions {
            options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            session: self.text("BUILDKIT_SESSION_ID").unwrap_or_default().to_owned(),
        }
    }

    /// Whether colours are wanted on this terminal.
    pub(super) fn colours(&self, is_terminal: bool) -> bool {
        is_terminal && self.text("NO_COLOR").is_none() && self.text("TERM") != Some("dumb")
    }
}

/// More options than any build has.
const MOST_OPTIONS: usize = 10_000;

/// The last second of the year 9999.
const MAX_EPOCH: i64 = 253_402_300_799;
