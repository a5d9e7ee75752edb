//! The program that a command names, found as `execvp` finds it, in the step's own file system.

use super::job::Failure;
use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;
use std::io;
use std::path::{Path, PathBuf};

/// Where programs are looked for when the step has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the program `name` stands.
pub(super) fn find(name: &str, path: Option<&str>) -> Result<PathBuf, Failure> {
    let failed = |reason: String| Failure::Program { program: name.to_owned(), reason };
    if name.is_empty() {
        return Err(failed("it has no name".to_owned()));
    }
    if name.contains('/') {
        return executable(Path::new(name)).map_err(|errno| failed(reason(errno)));
    }
    let path = path.unwrap_or(DEFAULT_PATH);
    let mut refused = None;
    for folder in path.split(':') {
        match executable(&Path::new(if folder.is_empty() { "." } else { folder }).join(name)) {
            Ok(found) => return Ok(found),
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(errno) => refused = Some(errno),
        }
    }
    Err(failed(refused.map_or_else(|| format!("it is in none of the folders of PATH, {path}"), reason)))
}

/// Why a program that was found could not be started.
pub(super) fn refused(name: &str, error: &io::Error) -> Failure {
    let reason = match Errno::from_io_error(error) {
        Some(Errno::NOENT) => {
            "it is there, but the program that it needs to start is not: a `#!` line's, or a dynamic \
                               loader"
                .to_owned()
        }
        Some(errno) => reason(errno),
        None => error.to_string(),
    };
    Failure::Program { program: name.to_owned(), reason }
}

fn executable(path: &Path) -> Result<PathBuf, Errno> {
    let stat = rustix::fs::stat(path)?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        return Err(Errno::ACCESS);
    }
    rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)?;
    Ok(path.to_owned())
}

fn reason(errno: Errno) -> String {
    match errno {
        Errno::NOENT => "there is no such file".to_owned(),
        Errno::ACCESS => "it is no file that this user may execute".to_owned(),
        Errno::NOEXEC => "it is neither a program for this machine nor a script that begins with `#!`".to_owned(),
        Errno::TOOBIG => "its arguments and environment are longer than Linux allows".to_owned(),
        errno => io::Error::from(errno).to_string(),
    }
}
