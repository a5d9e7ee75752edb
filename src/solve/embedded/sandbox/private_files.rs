//! Files that exist in memory, for one step: secrets, and what a machine has in `/etc` about itself.

use super::job::{Failure, StepJob};
use super::view::{self, View};
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::mount::MountFlags;
use secrecy::{ExposeSecret, SecretSlice};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Larger than all secrets of a step may be together, in bytes.
const SIZE: u64 = 80 << 20;

/// A file system in memory that nobody but this process sees; what is mounted from it stays when it is gone.
pub(super) struct PrivateFiles {
    folder: PathBuf,
}

/// What is mounted over what a step may not see.
pub(super) struct Covers {
    /// Over files: nothing is read from it.
    pub(super) file: OwnedFd,
    /// Over folders: an empty one.
    pub(super) folder: OwnedFd,
}

impl PrivateFiles {
    pub(super) fn new(folder: &Path) -> Result<Self, Failure> {
        let options = std::ffi::CString::new(format!("mode=700,size={SIZE}")).unwrap_or_default();
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        rustix::mount::mount("tmpfs", folder, "tmpfs", flags, options.as_c_str())
            .map_err(Failure::forbidden(super::forbidden::Forbidden::Mounts))?;
        Ok(PrivateFiles { folder: folder.to_owned() })
    }

    /// What hides files and folders: mounts that are restricted themselves, as all mounts of them are.
    pub(super) fn covers(&self) -> Result<Covers, Failure> {
        let (file, folder) = (self.folder.join("nothing"), self.folder.join("empty"));
        let make = || {
            rustix::fs::mkdir(&folder, Mode::from_raw_mode(0o555))?;
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::open(&file, flags, Mode::from_raw_mode(0o400))?;
            let cover = |from: &Path, to: &Path, flags| {
                rustix::mount::mount_bind(from, to)?;
                let mounted = rustix::fs::open(to, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
                view::restrict(mounted.as_fd(), flags)?;
                Ok::<_, rustix::io::Errno>(mounted)
            };
            let file = cover(Path::new("/dev/null"), &file, MountFlags::RDONLY)?;
            let folder = cover(&folder, &folder, view::NOTHING_RUNS | MountFlags::RDONLY)?;
            Ok::<_, rustix::io::Errno>(Covers { file, folder })
        };
        make().map_err(Failure::io("make what hides parts of the machine"))
    }

    /// A file with a secret in it.
    pub(super) fn secret(
        &self,
        number: usize,
        secret: &SecretSlice<u8>,
        (uid, gid): (u32, u32),
        mode: u16,
    ) -> Result<PathBuf, Failure> {
        self.file(&format!("secret-{number}"), secret.expose_secret(), |file| {
            rustix::fs::fchmod(file, Mode::from_raw_mode(mode.into()))?;
            match rustix::fs::fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))) {
                // One id is all there is, and the step has it.
                Err(rustix::io::Errno::INVAL) => Ok(()),
                other => other,
            }
        })
    }

    /// Puts `/etc/hosts`, `/etc/hostname`, and where the step has a network `/etc/resolv.conf`.
    pub(super) fn describe_machine(&self, view: &mut View, job: &StepJob) -> Result<(), Failure> {
        let mut hosts = format!("127.0.0.1\tlocalhost {}\n::1\tlocalhost ip6-localhost ip6-loopback\n", job.hostname);
        for (name, address) in &job.hosts {
            hosts.push_str(&format!("{address}\t{name}\n"));
        }
        let mut all = vec![("hosts", hosts.into_bytes()), ("hostname", format!("{}\n", job.hostname).into_bytes())];
        if job.host_network {
            // Without one, the resolver asks this machine.
            all.push(("resolv.conf", std::fs::read("/etc/resolv.conf").unwrap_or_default()));
        }
        for (name, content) in all {
            let file = self.file(name, &content, |file| rustix::fs::fchmod(file, Mode::from_raw_mode(0o644)))?;
            view.bind(&file, &Path::new("/etc").join(name), MountFlags::empty())?;
        }
        Ok(())
    }

    fn file(
        &self,
        name: &str,
        content: &[u8],
        finish: impl FnOnce(&File) -> rustix::io::Result<()>,
    ) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let write = || {
            let mut file = File::from(rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))?);
            file.write_all(content)?;
            finish(&file).map_err(std::io::Error::from)
        };
        write().map_err(Failure::io("write a file in memory"))?;
        Ok(path)
    }
}
