//! Programs that keep credentials: `docker-credential-NAME get`.

use super::Secret;
use super::file::{fault, hidden};
use secrecy::SecretString;
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

/// What the names of all helpers begin with.
pub(super) const PREFIX: &str = "docker-credential-";
/// How long a helper may take: some ask a service, some a user.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How much it may say.
const LARGEST: usize = 64 << 10;
/// What of its complaints is shown.
const SHOWN: usize = 200;
/// kiln's own secrets, which are none of its business.
const KEPT_BACK: [&str; 3] = ["KILN_REGISTRY_PASSWORD", "KILN_REGISTRY_TOKEN", "KILN_KEY_PASSWORD"];

#[derive(Deserialize)]
struct Answer {
    #[serde(default, rename = "Username", deserialize_with = "hidden")]
    user: Option<SecretString>,
    #[serde(default, rename = "Secret", deserialize_with = "hidden")]
    secret: Option<SecretString>,
}

/// Asks a helper for the credentials for a server; none where it has none. The error ends the sentence that its name
/// begins, and holds nothing secret.
pub(super) async fn ask(
    folders: &[PathBuf],
    name: &str,
    server: &str,
    patience: Duration,
) -> Result<Option<Secret>, String> {
    let program = find(folders, name)?;
    let mut command = Command::new(program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    for variable in KEPT_BACK {
        command.env_remove(variable);
    }
    let (successful, said) = match tokio::time::timeout(patience, run(command, server)).await {
        Ok(result) => result?,
        Err(_) => return Err(format!("did not answer within {patience:?}")),
    };
    if !successful {
        return complaint(&said);
    }
    let answer: Answer = serde_json::from_slice(&said).map_err(|e| format!("answers with {}", fault(&e)))?;
    Ok(answer.secret.map(|secret| match answer.user {
        Some(user) if secrecy::ExposeSecret::expose_secret(&user) != "<token>" => {
            Secret::Password { user, password: secret }
        }
        _ => Secret::Identity { user: None, token: secret },
    }))
}

fn find(folders: &[PathBuf], name: &str) -> Result<PathBuf, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err("has a name that no helper can have".into());
    }
    let paths =
        folders.iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join(format!("{PREFIX}{name}")));
    let runs = |path: &PathBuf| {
        std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    paths.into_iter().find(runs).ok_or_else(|| "is not on PATH".into())
}

/// Whether the helper ended well, and what it said.
async fn run(mut command: Command, server: &str) -> Result<(bool, Zeroizing<Vec<u8>>), String> {
    let failed = |e: std::io::Error| format!("cannot be run: {e}");
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that knows its answer without reading has closed the pipe.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let mut said = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LARGEST as u64 + 1).read_to_end(&mut said).await.map_err(failed)?;
    }
    if said.len() > LARGEST {
        return Err(format!("says more than {LARGEST} bytes"));
    }
    let status = child.wait().await.map_err(failed)?;
    Ok((status.success(), said))
}

/// What a helper that failed wanted to say: that it has nothing, or what is wrong with it.
fn complaint(said: &[u8]) -> Result<Option<Secret>, String> {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.to_ascii_lowercase().contains("credentials not found") {
        return Ok(None);
    }
    // An answer may be on its way out although the program failed, and answers are secret.
    if line.is_empty() || line.contains(['{', '"']) {
        return Err("failed".into());
    }
    let line: String = line.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    Err(format!("failed: {line}"))
}
