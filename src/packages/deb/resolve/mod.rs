//! Which packages it takes to have the wished ones.
//!
//! The answer is the one that `apt-get install --no-install-recommends` would give in
//! an empty root, because that is what people know and test against. So the first
//! attempt makes apt's decisions in apt's order ([`greedy`]). Where they end in a
//! conflict, a SAT solver looks for any consistent set that prefers what apt prefers
//! ([`complete`]), and where there is none, it says in words why.

mod complete;
mod edges;
mod explain;
mod greedy;
mod request;
mod universe;

pub use edges::{Edge, EdgeKind, Facts, edges};
pub use explain::Unsatisfiable;
pub use request::{Installed, Request, Resolution, Resolved, Wish};

use super::{Indexes, NORMAL_PRIORITY};
use std::collections::BTreeSet;
use universe::Universe;

/// Apt's way is recursive, as deep as the longest chain of packages: this is room for all that is followed.
const STACK: usize = 256 << 20;

impl Indexes {
    /// Chooses packages for the wishes.
    pub fn resolve(&self, request: &Request) -> Result<Resolution, Unsatisfiable> {
        std::thread::scope(|scope| {
            let work = || self.resolve_here(request);
            match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work) {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // Without a thread to spare, what stack there is has to do.
                Err(_) => self.resolve_here(request),
            }
        })
    }

    /// The packages that every Debian system has, by the sources that are asked where nothing else is said.
    pub fn essential(&self) -> BTreeSet<String> {
        let normal = self.list.iter().filter(|open| open.locked.priority >= NORMAL_PRIORITY);
        let rows = normal.flat_map(|open| open.index.rows());
        rows.filter(|row| row.is_essential()).map(|row| row.name().to_owned()).collect()
    }

    fn resolve_here(&self, request: &Request) -> Result<Resolution, Unsatisfiable> {
        let universe = Universe::new(self, request)?;
        if let Some(chosen) = greedy::solve(&universe) {
            return Ok(universe.resolution(&chosen));
        }
        let chosen = complete::solve(&universe)?;
        Ok(universe.resolution(&chosen))
    }
}

#[cfg(test)]
mod apt;
#[cfg(test)]
mod tests;
