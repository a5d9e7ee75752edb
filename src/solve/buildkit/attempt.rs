//! One command in one daemon.

use super::agents;
use super::archive::{Archive, Place};
use super::capability;
use super::change::{After, Seen, stubs};
use super::daemon::{Connection, Trouble, fail, visible, warnings};
use super::graph::{Made, Told};
use super::secrets::look_for_secrets;
use super::session::Offers;
use super::solving::{self, End, Form, Solved, Wanted};
use crate::solve::embedded::sandbox::{Ended, Limit, Listener, MountKind, SandboxError, Status, Step};
use crate::store::Store;
use crate::tree::{Change, Entry, Tree, TreePath};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use tokio::runtime::Handle;

/// A command, and the daemon that is to run it.
pub(super) struct Attempt<'a> {
    pub(super) connection: &'a Connection,
    pub(super) step: &'a Step,
    pub(super) store: &'a Store,
    pub(super) listener: &'a dyn Listener,
    /// Whether the command has run longer than it may.
    pub(super) is_late: &'a dyn Fn() -> bool,
    /// The same, or nobody wants it any more.
    pub(super) is_over: &'a dyn Fn() -> bool,
    pub(super) runtime: &'a Handle,
}

/// A tree that a command may have changed.
struct Asked<'a> {
    /// The number of the mount that shows it.
    mount: usize,
    lower: &'a Tree,
    told: Told,
    /// The paths of which it is enough to be told.
    part: Option<&'a BTreeSet<TreePath>>,
    /// The daemon was offered images.
    has_images: bool,
}

/// What came of asking for it.
enum Answer {
    /// The tree as the command left it, without what nobody needs.
    Part(Tree),
    /// All of it.
    Whole(Tree),
    /// The command did not succeed.
    Ended(Status),
    /// The daemon cannot be asked like that, as is known now. Nothing has run.
    Refused,
}

impl Attempt<'_> {
    /// Runs the command as far as the daemon is known to be able to; none where it is not, as is known now. Nothing has run
    /// then.
    pub(super) fn run(&self) -> Result<Option<Ended>, Trouble> {
        let Attempt { connection, step, store, .. } = *self;
        let (images, lacking) = (connection.images(), connection.graph().lacks(step));
        if let (Some(images), Some(tree)) = (images, lacking) {
            // A tree that cannot be an image is sent in another way.
            let _ = images.offer(&tree, &step.platform);
        }
        let made = connection.graph().add(step, images).map_err(|e| SandboxError::Tree(e.to_string()))?;
        if made.results.iter().all(Option::is_none) {
            return Err(fail("a command that may change nothing leaves nothing that could be asked for"));
        }
        let (mut began, mut is_part) = (None, false);
        let mut changes: Vec<Option<Change>> = step.mounts.iter().map(|_| None).collect();
        let ended = |status, changes, is_part| Ok(Some(Ended { status, changes, is_part, warnings: warnings(step) }));
        for (number, mount) in step.mounts.iter().enumerate() {
            let (Some(told), MountKind::Tree { tree, part, .. }) = (made.results[number], &mount.kind) else {
                continue;
            };
            let lower = &Tree::load(store, &tree.tree).map_err(|e| SandboxError::Tree(e.to_string()))?;
            let asked = Asked { mount: number, lower, told, part: part.as_ref(), has_images: images.is_some() };
            let after = match self.ask(&made, asked, &mut began)? {
                Answer::Part(tree) => {
                    is_part = true;
                    tree
                }
                Answer::Whole(tree) => tree,
                Answer::Ended(status) => return ended(status, changes, false),
                Answer::Refused => return Ok(None),
            };
            changes[number] = Some(Change::between(lower, &after));
        }
        ended(Status::Exited(0), changes, is_part)
    }

    /// Asks for a tree as the command left it. The command runs with the first; what else it left is there then.
    fn ask(&self, made: &Made, mut asked: Asked<'_>, began: &mut Option<i64>) -> Result<Answer, Trouble> {
        let (lower, stubs) = (asked.lower, stubs(self.step, asked.mount));
        // What replaces something is told by the difference alone.
        let part = asked.part.filter(|paths| paths.iter().all(|path| is_new(lower, path)));
        asked.told.part = asked.told.part.filter(|_| part.is_some());
        loop {
            let (place, first) = match self.bring(made, &asked, began)? {
                ControlFlow::Continue(brought) => brought,
                ControlFlow::Break(answer) => return Ok(answer),
            };
            let (archive, seen) = (place.open()?, Seen { lower, began: first, store: self.store });
            let after = match (self.connection.form(), asked.told.part.and(part)) {
                (Form::Layers, Some(paths)) => match seen.part(archive, paths).map_err(fail)? {
                    Some(tree) => return Ok(Answer::Part(tree)),
                    None => {
                        asked.told.part = None;
                        continue;
                    }
                },
                (Form::Layers, None) => seen.layers(archive, &stubs),
                (Form::Whole, _) => seen.whole(archive, &stubs),
            };
            let After { tree, taken } = after.map_err(fail)?;
            self.connection.graph().learn(tree.digest(), asked.told.after, &taken, first);
            return Ok(Answer::Whole(tree));
        }
    }

    /// Brings what shows a tree, in which no secret is left, with the time when the first command began that made it.
    fn bring(
        &self,
        made: &Made,
        asked: &Asked<'_>,
        began: &mut Option<i64>,
    ) -> Result<ControlFlow<Answer, (Place, i64)>, Trouble> {
        let Attempt { connection, step, .. } = *self;
        let place = Place::new(self.store)?;
        let solved = self.solve(made, asked.told, &place)?;
        let status = match solved.end {
            End::Done => {
                let first = solved.began.or(*began).ok_or_else(|| fail("it does not say when the command began"))?;
                let first = *began.get_or_insert(first.min(made.began.unwrap_or(i64::MAX)));
                look_for_secrets(step, asked.mount, &mut place.open()?)?;
                return Ok(ControlFlow::Continue((place, first)));
            }
            End::Exited(code) => Status::Exited(code),
            End::Stopped if (self.is_late)() => Status::Exceeded(Limit::Time),
            End::Stopped => Status::Cancelled,
            End::Failed(reason) if asked.has_images && capability::lacks_images(&reason) => {
                connection.use_no_images();
                return Ok(ControlFlow::Break(Answer::Refused));
            }
            End::Failed(reason) if connection.is_over() => {
                return Err(Trouble::Gone(visible(format!("the session broke: {reason}"))));
            }
            End::Failed(reason) => return Err(fail(capability::explain(&reason).unwrap_or(reason))),
        };
        Ok(ControlFlow::Break(Answer::Ended(status)))
    }

    /// Solves what shows one of the trees that a command left, in the form that the daemon knows.
    fn solve(&self, made: &Made, told: Told, place: &Place) -> Result<Solved, Trouble> {
        let Attempt { connection, step, .. } = *self;
        let (_lent, agents) = agents::lend(&made.agents, &place.folder)?;
        loop {
            let form = connection.form();
            let output = if form == Form::Layers { told.part.unwrap_or(told.change) } else { told.after };
            let definition = connection.graph().definition(output).map_err(fail)?;
            let archive = Some(Archive::new(place.file.try_clone().map_err(fail)?));
            let (secrets, agents) = (made.secrets.clone(), agents.clone());
            // Old daemons ask for trees in the session of the request, whatever the graph says.
            let (trees, contents) = (connection.trees(), connection.contents());
            let offers = Offers { trees, contents, secrets, agents, archive, credentials: None };
            let wanted = Wanted { definition, form, network: step.network, command: &step.name };
            let solving = solving::solve(connection.line(), wanted, offers, self.listener, self.is_over);
            let solved = self.runtime.block_on(solving);
            let solved = solved.map_err(|why| Trouble::Gone(visible(format!("the connection broke: {why}"))))?;
            match &solved.end {
                End::Failed(reason) if form == Form::Layers && capability::lacks_layers(reason) => {
                    connection.use_no_layers();
                }
                _ => return Ok(solved),
            }
        }
    }
}

/// Whether nothing is at a path, and nothing but folders on the way there.
fn is_new(tree: &Tree, path: &TreePath) -> bool {
    let is_folder = |above: TreePath| tree.get(&above).is_none_or(Entry::is_dir);
    tree.get(path).is_none() && path.parent().is_none_or(|parent| parent.ancestors().all(is_folder))
}
