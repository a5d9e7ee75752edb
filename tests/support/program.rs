//! The `kiln` program as its users run it: a process, with an environment that holds nothing but what a test put there.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// The program under test.
pub const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A user's machine, as far as kiln sees it: a home, a store, a project. Gone when dropped.
pub struct World {
    root: TempDir,
    /// What every call has in its environment.
    pub environment: BTreeMap<String, String>,
    user: Option<u32>,
}

impl World {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut world = World { root, environment: BTreeMap::new(), user: None };
        for folder in ["home", "cache", "data", "config", "tmp", "project"] {
            fs::create_dir(world.path(folder)).unwrap();
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("TMPDIR", "tmp"),
            ("KILN_STORE", "store"),
        ] {
            let folder = world.path(folder).into_os_string().into_string().unwrap();
            world.environment.insert(name.into(), folder);
        }
        // git is looked up for the source's revision; nothing else is taken from outside.
        for (name, value) in [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LC_ALL", "C"), ("TZ", "UTC")] {
            world.environment.insert(name.into(), value.into());
        }
        for (name, value) in [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CEILING_DIRECTORIES", "/")] {
            world.environment.insert(name.into(), value.into());
        }
        world
    }

    /// The same for tests with the network: what they fetch is kept in the build folder, for the next ones.
    pub fn with_kept_store() -> Self {
        let mut world = World::new();
        world.set("KILN_STORE", concat!(env!("CARGO_TARGET_TMPDIR"), "/store"));
        world.with_network()
    }

    /// Hands on what says where the network is.
    pub fn with_network(mut self) -> Self {
        for name in ["KILN_DEBIAN_MIRROR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            if let Ok(value) = std::env::var(name) {
                self.set(name, value);
            }
        }
        self
    }

    /// The same, owned by an ordinary user, as whom every call runs. Only root can make one.
    pub fn of_user(user: u32) -> Self {
        let mut world = World::new();
        // Where the build folder lies, the user may not be able to go.
        fs::copy(KILN, world.path("kiln")).unwrap();
        fs::set_permissions(world.path("kiln"), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["", "home", "cache", "data", "config", "tmp", "project"] {
            chown(world.path(folder), Some(user), Some(user)).unwrap();
        }
        world.user = Some(user);
        world
    }

    /// A place in this world.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(below)
    }

    /// The folder in which calls run.
    pub fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// Writes a file of the project, folders included.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let place = self.project().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, content).unwrap();
        self.give(&self.project());
        place
    }

    /// Reads a file of the project.
    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.project().join(path)).unwrap()
    }

    /// Copies a folder into the project.
    pub fn copy_from(&self, folder: &Path) {
        copy(folder, &self.project());
        self.give(&self.project());
    }

    /// Hands a folder to the world's user.
    fn give(&self, place: &Path) {
        let Some(user) = self.user else { return };
        chown(place, Some(user), Some(user)).unwrap();
        if place.is_dir() {
            fs::read_dir(place).unwrap().for_each(|entry| self.give(&entry.unwrap().path()));
        }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// A call of `kiln` in the project's folder.
    pub fn kiln<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Call {
        Call {
            program: if self.user.is_some() { self.path("kiln") } else { KILN.into() },
            arguments: arguments.into_iter().map(str::to_owned).collect(),
            environment: self.environment.clone(),
            folder: self.project(),
            root: self.root.path().to_owned(),
            umask: 0o022,
            user: self.user,
            input: Vec::new(),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &place),
            kind if kind.is_symlink() => std::os::unix::fs::symlink(entry.path().read_link().unwrap(), place).unwrap(),
            _ => drop(fs::copy(entry.path(), place).unwrap()),
        }
    }
}

/// One call of the program, about to be made.
pub struct Call {
    program: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    folder: PathBuf,
    root: PathBuf,
    umask: u32,
    user: Option<u32>,
    input: Vec<u8>,
}

impl Call {
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = umask;
        self
    }

    pub fn within(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        let (root, input) = (self.root.clone(), self.input.clone());
        let mut child = self.start();
        // A program that fails early reads no input.
        let _ = child.stdin.take().unwrap().write_all(&input);
        Outcome::new(child.wait_with_output().unwrap(), &root)
    }

    /// Starts it, for tests that kill it.
    pub fn start(self) -> Child {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("umask {:04o}; exec \"$@\"", self.umask), "sh"]);
        if let Some(user) = self.user {
            let user = user.to_string();
            command.args(["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
        }
        command.arg(&self.program).args(&self.arguments).current_dir(&self.folder);
        command.env_clear().envs(&self.environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// Processes of this machine that work in a folder or below it.
pub fn processes_within(folder: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter(|path| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))).collect()
}

/// How a call ended and what it said, with the world's own paths written as `[root]`.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn new(output: Output, root: &Path) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(root.to_str().unwrap(), "[root]");
        Outcome { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Fails the test unless the program ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless the program did what it was asked.
    #[track_caller]
    pub fn done(self) -> Self {
        self.code(0)
    }

    /// Compares all that went to standard output, digests and times left aside.
    #[track_caller]
    pub fn says(self, expected: &str) -> Self {
        assert_eq!(redact(&self.stdout), expected, "stderr:\n{}", self.stderr);
        self
    }

    /// Compares all that went to standard error, digests and times left aside.
    #[track_caller]
    pub fn warns(self, expected: &str) -> Self {
        assert_eq!(redact(&self.stderr), expected, "stdout:\n{}", self.stdout);
        self
    }
}

/// Writes digests as `[digest]` and durations as `[time]`: they differ from run to run, or from version to version.
pub fn redact(text: &str) -> String {
    let is_hex = |word: &str| word.len() >= 12 && word.chars().all(|c| c.is_ascii_hexdigit());
    let is_time = |word: &str| {
        let unit = ["ms", "µs", "s"].into_iter().find_map(|unit| word.strip_suffix(unit));
        unit.is_some_and(|number| number.parse::<f64>().is_ok())
    };
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        for piece in line.split_inclusive([' ', ':', ',', ')', '\n', '"']) {
            let word = piece.trim_end_matches([' ', ':', ',', ')', '\n', '"']);
            out += if is_hex(word) {
                "[digest]"
            } else if is_time(word) {
                "[time]"
            } else {
                word
            };
            out += &piece[word.len()..];
        }
    }
    out
}

#[test]
fn digests_and_times_are_redacted_and_nothing_else() {
    let digest = "a".repeat(64);
    assert_eq!(redact(&format!("image  sha256:{digest}\n")), "image  sha256:[digest]\n");
    assert_eq!(redact("done in 1.25s, 3ms (12 s)\n\nface 10 MB"), "done in [time], [time] (12 s)\n\nface 10 MB");
    assert_eq!(redact("{\"digest\": \"deadbeefdeadbeef\"}"), "{\"digest\": \"[digest]\"}");
}

#[test]
fn a_call_sees_only_what_the_test_gave_it() {
    let mut world = World::new();
    world.set("EXTRA", "1");
    let mut call = world.kiln(["-c", "umask; pwd; env | sort | cut -d= -f1; cat"]);
    call.program = "/bin/sh".into();
    let outcome = call.umask(0o077).env("MORE", "2").input("in").run().done();
    let names = "EXTRA GIT_CEILING_DIRECTORIES GIT_CONFIG_NOSYSTEM HOME KILN_STORE LC_ALL MORE PATH PWD TMPDIR TZ \
                 XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME";
    outcome.says(&format!("0077\n[root]/project\n{}\nin", names.replace(' ', "\n"))).warns("");
}
