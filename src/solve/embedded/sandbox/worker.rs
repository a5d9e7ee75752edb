//! The worker: a process of kiln in a user namespace of its own, where it may do with the store's files what root may.
//!
//! It does one job after another. It has one thread until it has its namespace, as the kernel demands.

use super::channel::Channel;
use super::forbidden::Forbidden;
use super::inits::Inits;
use super::job::{Failure, Job, Reply};
use super::seccomp::Filters;
use super::{layer, lifeline, namespaces, step};
use nix::sched::CloneFlags;
use rustix::fs::Mode;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

/// Does the jobs that come over `parent` and tells how each went, until no more come or one fails.
pub(super) fn run(mut parent: Channel) -> io::Result<()> {
    lifeline::die_with(&parent)?;
    close_inherited(&parent)?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    match jobs(&mut parent) {
        Ok(()) => Ok(()),
        Err(failure) => parent.send(&Reply::Failed(failure), &[]),
    }
}

/// Closes what kiln itself was started with, which no step should see.
fn close_inherited(parent: &Channel) -> io::Result<()> {
    let list = std::fs::read_dir("/proc/self/fd")?;
    let open: Vec<i32> = list.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for number in open.into_iter().filter(|number| *number > 2 && *number != parent.as_fd().as_raw_fd()) {
        match nix::unistd::close(number) {
            // That by which the list was read is gone already.
            Ok(()) | Err(nix::errno::Errno::EBADF) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn jobs(parent: &mut Channel) -> Result<(), Failure> {
    namespaces::leave(CloneFlags::CLONE_NEWUSER).map_err(Failure::forbidden(Forbidden::UserNamespace))?;
    parent.send(&Reply::Unshared, &[]).map_err(Failure::io("ask for ids"))?;
    let (filters, _) = parent.receive::<Filters>().map_err(Failure::io("wait for ids"))?;
    filters.of_worker.restrict()?;
    let mut inits = Inits::new(filters.of_step);
    inits.prepare();
    std::thread::scope(|threads| {
        while let Some((job, files)) = next(parent)? {
            if let Some(folder) = work(job, files, parent, &mut inits)? {
                // Nobody waits for it. What is not removed now, the next stay in the store tries to remove again.
                let remove = move || drop(crate::store::remove_folder(&folder));
                drop(std::thread::Builder::new().spawn_scoped(threads, remove));
            }
        }
        Ok(())
    })
}

/// The next job with its files; none where nobody wants anything any more.
fn next(parent: &mut Channel) -> Result<Option<(Job, Vec<OwnedFd>)>, Failure> {
    match parent.receive() {
        Ok(job) => Ok(Some(job)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(Failure::io("read the job")(e)),
    }
}

/// Does a job; gives the folder that nobody needs after it.
fn work(job: Job, files: Vec<OwnedFd>, parent: &mut Channel, inits: &mut Inits) -> Result<Option<PathBuf>, Failure> {
    match job {
        Job::Step(job) => {
            let secrets = (0..job.secrets).map(|_| parent.receive_secret()).collect::<Result<Vec<_>, _>>();
            let secrets = secrets.map_err(Failure::io("read the step's secrets"))?;
            step::run(&job, &secrets, files, parent, inits)?;
            Ok(Some(job.scratch.into()))
        }
        Job::Remove(folders) => {
            for folder in folders {
                crate::store::remove_folder(folder.as_ref()).map_err(Failure::io(format!("remove {folder}")))?;
            }
            parent.send(&Reply::Removed, &[]).map_err(Failure::io("tell that they are gone"))?;
            Ok(None)
        }
        Job::Layer(job) => {
            let is_over_base = layer::make(&job)?;
            parent.send(&Reply::Layer { is_over_base }, &[]).map_err(Failure::io("tell that the layer is made"))?;
            Ok(None)
        }
    }
}
