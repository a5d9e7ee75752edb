//! Foreign programs, from Debian's packages, unpacked by kiln itself and run with that as their root.
//!
//! What they are run in is private to the call: mounts are made in a mount namespace of its own, so nothing is left
//! behind. Control groups are a fresh cgroup2 mount, because crun refuses the hybrid that some machines have.

use crate::support::program::{Outcome, World};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// skopeo, umoci and crun of trixie. What is ignored they need for what no test asks them to do.
const TRIXIE: &str = r#"
kiln 1
apt "debian" { suite "trixie" }
image "tools.test/trixie" {
    packages "debian" {
        add "crun" "skopeo" "umoci"
        ignore-depends "skopeo" "golang-github-containers-common"
        ignore-depends "libgpgme11t64" "gnupg"
    }
    mkdir "/dev" "/proc" "/run" "/sys" "/var/tmp" "/work"
    mkdir "/tmp" mode="1777"
}
"#;

/// Programs of sid, whose Release file is often past its time on mirrors that are updated once a day. What is ignored
/// makes users and folders when a machine starts.
const SID: &str = r#"
kiln 1
apt "sid" {
    suite "sid" check-valid-until=#false
}
image "tools.test/sid" {
    packages "sid" {
        add "apache2-utils" "base-passwd" "buildah" "busybox-static" "cosign" "crane" "docker-registry" "netavark" "oras"
        ignore-depends "docker-registry" "systemd" "systemd-standalone-sysusers" "systemd-sysusers" \
            "systemd-standalone-tmpfiles" "systemd-tmpfiles"
        scripts "skip" "docker-registry"
    }
    mkdir "/dev" "/proc" "/run" "/sys" "/var/tmp" "/work"
    mkdir "/tmp" mode="1777"
}
"#;

/// Docker itself, without what sets up networks and services.
const DOCKER: &str = r#"
kiln 1
apt "sid" {
    suite "sid" check-valid-until=#false
}
image "tools.test/docker" {
    packages "sid" {
        add "coreutils" "docker-buildx" "docker-cli" "docker.io" "git"
        ignore-depends "docker.io" "debconf" "debconf-2.0" "iptables" "systemd" "systemd-standalone-sysusers" \
            "systemd-sysusers" "sysvinit-utils"
        ignore-depends "git" "git-man" "liberror-perl" "perl"
        scripts "skip" "containerd" "docker.io"
    }
    mkdir "/dev" "/proc" "/run" "/sys" "/work"
    mkdir "/tmp" mode="1777"
}
"#;

/// The same of 2022.
const DOCKER_OF_BOOKWORM: &str = r#"
kiln 1
apt "debian" { suite "bookworm" }
image "tools.test/docker" {
    packages "debian" {
        add "coreutils" "docker.io"
        ignore-depends "docker.io" "adduser" "debconf" "debconf-2.0" "init-system-helpers" "iptables" "lsb-base" \
            "sysvinit-utils"
        scripts "skip" "containerd" "docker.io"
    }
    mkdir "/dev" "/proc" "/run" "/sys" "/work"
    mkdir "/tmp" mode="1777"
}
"#;

/// A root file system with programs in it.
pub struct Tools {
    root: PathBuf,
}

impl Tools {
    pub fn trixie() -> &'static Tools {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        TOOLS.get_or_init(|| Tools::unpack("trixie", TRIXIE))
    }

    pub fn sid() -> &'static Tools {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        TOOLS.get_or_init(|| Tools::unpack("sid", SID))
    }

    pub fn docker() -> &'static Tools {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        TOOLS.get_or_init(|| Tools::unpack("docker", DOCKER))
    }

    pub fn docker_of_bookworm() -> &'static Tools {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        TOOLS.get_or_init(|| Tools::unpack("docker-bookworm", DOCKER_OF_BOOKWORM))
    }

    /// Where a file of the programs lies.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Once a run: a new tree, out of packages that an earlier run may have fetched.
    fn unpack(name: &str, spec: &str) -> Tools {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tools-{name}"));
        let _ = std::fs::remove_dir_all(&root);
        let world = World::with_kept_store();
        world.write("kiln.kdl", spec);
        let output = format!("tree:{}", root.display());
        world.kiln(["build", "-o", &output]).run().done();
        Tools { root }
    }

    /// A program, about to be run in `/work`, which is the folder given; with a disk at `data`, if a size is said.
    fn command(&self, work: &Path, variable: &str, disk: &str, arguments: &[&str]) -> Command {
        const SCRIPT: &str = r#"
            root=$1 work=$2 variable=$3 disk=$4
            shift 4
            mount --bind "$root" "$root"
            mount -t proc proc "$root/proc"
            mount -t sysfs sysfs "$root/sys"
            mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
            mount --rbind /dev "$root/dev"
            mount -t tmpfs tmpfs "$root/run"
            # Several may do so at once, which cp takes for a mistake.
            for file in resolv.conf hosts; do cat "/etc/$file" > "$root/etc/$file"; done
            mount --bind "$work" "$root/work"
            if [ -n "$disk" ]; then
                mkdir -p "$root/work/data"
                mount -t tmpfs -o "size=$disk" tmpfs "$root/work/data"
            fi
            exec env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin "$variable" \
                nsenter --root="$root" --wd="$root/work" -- "$@"
        "#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--", "/bin/sh", "-ec", SCRIPT, "sh"]);
        command.arg(&self.root).arg(work).arg(variable).arg(disk).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a program to its end.
    pub fn run(&self, work: &Path, arguments: &[&str]) -> Outcome {
        self.run_with(work, "LC_ALL=C", arguments)
    }

    /// The same with a variable in its environment.
    pub fn run_with(&self, work: &Path, variable: &str, arguments: &[&str]) -> Outcome {
        Outcome::new(self.command(work, variable, "", arguments).output().unwrap(), work)
    }

    /// Starts a program that goes on until it is stopped. What it says is in the file `log`: one that nobody listens to
    /// stands still once it has said too much.
    pub fn start(&self, work: &Path, arguments: &[&str]) -> Running {
        self.start_with_disk(work, "", arguments)
    }

    /// The same with a disk of this size, as mount has it, at `data`.
    pub fn start_with_disk(&self, work: &Path, disk: &str, arguments: &[&str]) -> Running {
        let log = std::fs::File::options().create(true).append(true).open(work.join("log")).unwrap();
        let mut command = self.command(work, "LC_ALL=C", disk, arguments);
        Running(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }
}

/// A program that runs beside the test, and ends with it.
pub struct Running(pub Child);

impl Running {
    /// Asks it to end, and waits until it has; for some time, after which it is killed. Whether it ended by itself.
    pub fn ask_to_end(mut self) -> bool {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while self.0.try_wait().unwrap().is_none() {
            if Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
