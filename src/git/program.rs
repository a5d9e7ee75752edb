//! Running git: with nothing that could start a foreign program, within limits, and without secrets in what it says.

use super::{Address, GitError};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How git is run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The program; `git` where nothing is said.
    pub program: Option<PathBuf>,
    /// Whether the network is out of bounds.
    pub offline: bool,
    /// What the environment says of ssh.
    pub ssh: Ssh,
    /// When git is stopped.
    pub limits: Limits,
}

/// What the environment says of ssh.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ssh {
    /// Nothing: git's own configuration counts, else it is `ssh`.
    #[default]
    Unset,
    /// `GIT_SSH_COMMAND`: a command for the shell.
    Command(String),
    /// `GIT_SSH`: a program whose options nobody knows.
    Program,
}

/// When git is stopped.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may take.
    pub time: Duration,
    /// How long it may fetch nothing.
    pub silence: Duration,
    /// How many bytes it may fetch.
    pub size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { time: Duration::from_secs(3600), silence: Duration::from_secs(300), size: 16 << 30 }
    }
}

/// What git is asked.
pub(super) struct Call<'a> {
    /// What it is to do, for people.
    pub(super) action: &'static str,
    /// With which repository.
    pub(super) address: &'a Address,
    /// The folder that grows while something comes.
    pub(super) grows: &'a Path,
    /// The most that it may write to standard output.
    pub(super) longest: u64,
}

/// Configuration that holds whatever the machine's says.
const CONFIGURATION: [&str; 17] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "credential.interactive=false",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    // Old repositories have these, and no file depends on them.
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.badTimezone=ignore",
    "transfer.bundleURI=false",
    // Objects come as one pack, which is checked while it comes.
    "fetch.unpackLimit=1",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "maintenance.auto=false",
    "gc.auto=0",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=120",
];

/// What of the environment would change which repository is meant, or would make git tell secrets.
const UNSET: [&str; 25] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_TEMPLATE_DIR",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_TRACE",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_CURL",
    "GIT_TRACE_SETUP",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_CURL_VERBOSE",
    "SSH_ASKPASS",
    // They are none of its business.
    "KILN_KEY_PASSWORD",
    "KILN_REGISTRY_PASSWORD",
    "KILN_REGISTRY_TOKEN",
];

/// What ssh is told where it is ssh: to ask nobody, and not to wait for ever.
const SSH_OPTIONS: &str = "-oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15 -oServerAliveCountMax=4";

impl Settings {
    /// git in a repository of kiln's own, about to be started.
    pub(super) fn git(&self, repository: &Path) -> Command {
        let mut command = Command::new(self.program.as_deref().unwrap_or(Path::new("git")));
        command
            .arg("--no-pager")
            .arg("--git-dir")
            .arg(repository)
            .current_dir(repository.parent().unwrap_or(repository));
        for setting in CONFIGURATION {
            command.args(["-c", setting]);
        }
        for name in UNSET {
            command.env_remove(name);
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GCM_INTERACTIVE", "never")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_ALLOW_PROTOCOL", "https:ssh:file")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Of its own, so that it can be ended with all that it starts, and is not where passwords are asked for.
            .process_group(0);
        command
    }

    /// The same, about to reach a repository.
    pub(super) fn git_to(&self, repository: &Path, address: &Address) -> Command {
        let mut command = self.git(repository);
        if address.is_plain_http() {
            command.env("GIT_ALLOW_PROTOCOL", "http:https:ssh:file");
        }
        if let Some(ssh) = address.is_ssh().then(|| self.ssh_command(repository)).flatten() {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        command
    }

    /// The command for ssh; none where it must stay as it is, because nobody knows which options it has.
    fn ssh_command(&self, repository: &Path) -> Option<String> {
        let command = match &self.ssh {
            Ssh::Program => return None,
            Ssh::Command(command) => command.clone(),
            Ssh::Unset => {
                let mut ask = self.git(repository);
                let answer = ask.args(["config", "--get", "core.sshCommand"]).stdout(Stdio::piped()).output().ok()?;
                String::from_utf8(answer.stdout).ok().map(|text| text.trim().to_owned()).unwrap_or_default()
            }
        };
        let command = if command.is_empty() { "ssh".to_owned() } else { command };
        let program = command.split_whitespace().next()?;
        (program == "ssh" || program.ends_with("/ssh")).then(|| format!("{command} {SSH_OPTIONS}"))
    }

    /// Runs git to its end; what it wrote to standard output.
    ///
    /// # Errors
    /// [`GitError::Failed`] with what git said, where it failed; [`GitError::Stopped`] at a limit, and
    /// [`GitError::Cancelled`] as soon as `gave_up` says so.
    pub(super) fn run(
        &self,
        mut command: Command,
        call: &Call<'_>,
        gave_up: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, GitError> {
        let child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => GitError::NoProgram(call.address.clone()),
                _ => GitError::Start(error),
            })?;
        let mut running = Running(child);
        let out = read(running.0.stdout.take(), call.longest, Keep::First);
        let said = read(running.0.stderr.take(), LONGEST_MESSAGE, Keep::Last);
        let status = self.wait(&mut running, call, gave_up)?;
        if !status.success() {
            let said = said.recv_timeout(DRAIN).unwrap_or_default();
            return Err(GitError::Failed { action: call.action, address: call.address.clone(), said: shown(&said) });
        }
        let out = out.recv_timeout(DRAIN).unwrap_or_default();
        if out.len() as u64 > call.longest {
            return Err(self.stopped(call, "it answers more than anybody could mean".into()));
        }
        Ok(out)
    }

    fn wait(
        &self,
        running: &mut Running,
        call: &Call<'_>,
        gave_up: &dyn Fn() -> bool,
    ) -> Result<std::process::ExitStatus, GitError> {
        let began = Instant::now();
        let (mut size, mut grew) = (0, began);
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = running.0.try_wait().map_err(GitError::Pipe)? {
                return Ok(status);
            }
            if gave_up() {
                return Err(GitError::Cancelled);
            }
            let now_size = size_of(call.grows);
            if now_size != size {
                (size, grew) = (now_size, Instant::now());
            }
            let seconds = |limit: Duration| limit.as_secs();
            if size > self.limits.size {
                return Err(self.stopped(call, format!("more than {} bytes came", self.limits.size)));
            }
            if grew.elapsed() > self.limits.silence {
                return Err(self.stopped(call, format!("nothing came for {} s", seconds(self.limits.silence))));
            }
            if began.elapsed() > self.limits.time {
                return Err(self.stopped(call, format!("it took longer than {} s", seconds(self.limits.time))));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE);
        }
    }

    fn stopped(&self, call: &Call<'_>, reason: String) -> GitError {
        GitError::Stopped { action: call.action, address: call.address.clone(), reason }
    }
}

/// The longest time between two looks at a running git.
const PAUSE: Duration = Duration::from_millis(50);

/// How long something that git started and that outlives it may hold its pipes, as masters of ssh connections do.
const DRAIN: Duration = Duration::from_secs(2);

/// How much of what git says is kept.
const LONGEST_MESSAGE: u64 = 8 << 10;

/// A process that ends, with all that it started, when nobody waits for it any more.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            // It may have ended meanwhile.
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

enum Keep {
    First,
    Last,
}

/// Reads a pipe to its end in a thread of its own and keeps a part: of what is too long, one byte more than `limit` where
/// the beginning is kept.
fn read(pipe: Option<impl Read + Send + 'static>, limit: u64, keep: Keep) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    std::thread::spawn(move || {
        let (mut kept, mut piece) = (Vec::new(), [0; 8192]);
        let Some(mut pipe) = pipe else { return };
        while let Ok(count @ 1..) = pipe.read(&mut piece) {
            kept.extend_from_slice(&piece[..count]);
            match keep {
                Keep::First => kept.truncate(limit.saturating_add(1)),
                Keep::Last => drop(kept.drain(..kept.len().saturating_sub(limit))),
            }
        }
        let _ = sender.send(kept);
    });
    receiver
}

/// The sizes of the files in a folder.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// What git said, for people: its last lines, without control characters and without what addresses hide.
fn shown(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<String> = text.split(['\n', '\r']).map(without_secrets).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(MOST_LINES)..];
    if last.is_empty() { "it says nothing".into() } else { last.join("\n  ") }
}

/// How many lines of git are shown.
const MOST_LINES: usize = 8;

/// A line without what stands between `://` and `@`, and without what follows a `?` in an address: `url.….insteadOf` puts
/// tokens there.
fn without_secrets(line: &str) -> String {
    let mut rest = line.trim_end();
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("://") {
        out += before;
        out += "://";
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"')).unwrap_or(after.len());
        let (address, behind) = after.split_at(end);
        let place = address.find(['/', '?']).unwrap_or(address.len());
        let (place, path) = address.split_at(place);
        match place.rsplit_once('@') {
            Some((_, host)) => out += &format!("***@{host}"),
            None => out += place,
        }
        match path.split_once('?') {
            Some((path, _)) => out += &format!("{path}?***"),
            None => out += path,
        }
        rest = behind;
    }
    out += rest;
    out.chars().filter(|c| !c.is_control()).take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_has_no_secrets_and_no_control_characters() {
        let said = b"remote: hi\x1b[31m\rfatal: unable to access 'https://x-token:abc@example.com/a.git?key=1': no\n\n";
        assert_eq!(shown(said), "remote: hi[31m\n  fatal: unable to access 'https://***@example.com/a.git?***': no");
        assert_eq!(without_secrets("a https://t@h and ssh://git@h/x"), "a https://***@h and ssh://***@h/x");
        assert_eq!(shown(b" \n"), "it says nothing");
    }

    #[test]
    fn ssh_is_told_to_ask_nobody_and_other_programs_are_left_alone() {
        let command = |ssh| Settings { ssh, ..Settings::default() }.ssh_command(Path::new("/"));
        assert_eq!(command(Ssh::Command("ssh -i key".into())), Some(format!("ssh -i key {SSH_OPTIONS}")));
        assert_eq!(command(Ssh::Command("/usr/bin/ssh".into())), Some(format!("/usr/bin/ssh {SSH_OPTIONS}")));
        assert_eq!(command(Ssh::Command("plink -batch".into())), None);
        assert_eq!(command(Ssh::Program), None);
    }

    /// A git that is a script.
    fn script(text: &str) -> (tempfile::TempDir, Settings) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("git");
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).expect("a script");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a program");
        let limits = Limits { time: Duration::from_secs(60), silence: Duration::from_millis(200), size: 1 << 20 };
        (folder, Settings { program: Some(program), limits, ..Settings::default() })
    }

    fn run(text: &str, gave_up: bool) -> Result<Vec<u8>, GitError> {
        let (folder, settings) = script(text);
        let address = "https://example.com/docs.git".parse().expect("an address");
        let call = Call { action: "list", address: &address, grows: folder.path(), longest: 10 };
        settings.run(settings.git(folder.path()), &call, &|| gave_up)
    }

    #[test]
    fn a_git_that_hangs_floods_or_fails_is_ended() {
        let began = Instant::now();
        let stopped = run("sleep 1000 & sleep 1000", false).expect_err("silent").to_string();
        assert_eq!(stopped, "git was stopped while it was to list https://example.com/docs.git: nothing came for 0 s");
        assert!(matches!(run("sleep 1000", true), Err(GitError::Cancelled)));
        let flood = run("echo 0123456789abcdef", false).expect_err("long").to_string();
        assert!(flood.ends_with("it answers more than anybody could mean"), "{flood}");
        let failed = run("echo fatal: no >&2; exit 128", false).expect_err("failed").to_string();
        assert!(
            failed.starts_with("git cannot list https://example.com/docs.git:\n  fatal: no\nkiln asks as"),
            "{failed}"
        );
        assert_eq!(run("echo 0123456", false).expect("an answer"), b"0123456\n");
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
