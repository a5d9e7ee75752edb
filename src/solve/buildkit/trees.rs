//! Trees of the store as folders that a daemon copies: what BuildKit calls file sync.
//!
//! The daemon is told of all entries, asks for the contents that it lacks, and says when it has all (`fsutil`'s
//! protocol). Nothing is read from this machine's file systems but the store.

use crate::llb::exec::STEP_EPOCH;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Entry, LinkId, Node, Tree, TreePath};
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use bollard_buildkit_proto::moby::filesync::packet::file_sync_server::FileSync;
use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Key of the call that says which folder the daemon wants.
const FOLDER: &str = "dir-name";

/// As many bytes of a file travel at once, as from BuildKit's own client: daemons have buffers for that.
const CHUNK: usize = 32 << 10;

/// So many messages wait for the daemon at most.
const AHEAD: usize = 64;

/// The tree in a folder, by its name.
type Folder = dyn Fn(&str) -> Option<Digest> + Send + Sync;

/// Offers the trees that a graph begins with.
#[derive(Clone)]
pub(super) struct Trees {
    store: Store,
    folder: Arc<Folder>,
}

impl Trees {
    /// The trees of `store` that `folder` names by folders.
    pub(super) fn new(store: Store, folder: impl Fn(&str) -> Option<Digest> + Send + Sync + 'static) -> Self {
        Trees { store, folder: Arc::new(folder) }
    }
}

#[tonic::async_trait]
impl FileSync for Trees {
    type DiffCopyStream = ReceiverStream<Result<Packet, Status>>;
    type TarStreamStream = ReceiverStream<Result<Packet, Status>>;

    async fn diff_copy(&self, request: Request<Streaming<Packet>>) -> Result<Response<Self::DiffCopyStream>, Status> {
        let name = request.metadata().get(FOLDER).and_then(|name| name.to_str().ok()).unwrap_or_default();
        let tree = (self.folder)(name).ok_or_else(|| Status::not_found(format!("there is no folder `{name}`")))?;
        let store = self.store.clone();
        let (to_daemon, packets) = mpsc::channel(AHEAD);
        // No more of them wait than the tree has files.
        let (ask, asked) = mpsc::unbounded_channel();
        let mut incoming = request.into_inner();
        tokio::spawn(async move {
            while let Some(packet) = incoming.next().await {
                if ask.send(packet).is_err() {
                    break;
                }
            }
        });
        tokio::task::spawn_blocking(move || {
            let sent = Tree::load(&store, &tree)
                .map_err(internal)
                .and_then(|tree| Sender { tree, store }.send(&to_daemon, asked));
            if let Err(status) = sent {
                // Where nobody listens any more, nobody is told.
                let _ = to_daemon.blocking_send(Err(status));
            }
        });
        Ok(Response::new(ReceiverStream::new(packets)))
    }

    async fn tar_stream(&self, _: Request<Streaming<Packet>>) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("folders are not sent as archives"))
    }
}

struct Sender {
    tree: Tree,
    store: Store,
}

type Asked = mpsc::UnboundedReceiver<Result<Packet, Status>>;

impl Sender {
    fn send(&self, to_daemon: &mpsc::Sender<Result<Packet, Status>>, mut asked: Asked) -> Result<(), Status> {
        let tell = |packet| to_daemon.blocking_send(Ok(packet)).map_err(|_| Status::cancelled("the daemon is gone"));
        let mut contents = Vec::new();
        let mut links = HashMap::new();
        // Folder by folder: of two names the one that the other begins with comes with all that is in it.
        let mut entries: Vec<_> = self.tree.iter().filter(|(path, _)| !path.is_root()).collect();
        entries.sort_by(|(a, _), (b, _)| a.parts().cmp(b.parts()));
        for (path, entry) in entries {
            let stat = stat(path, entry, &mut links)?;
            contents.push(entry.content().filter(|_| stat.linkname.is_empty()).copied());
            tell(packet(PacketType::PacketStat, Some(stat), 0, Vec::new()))?;
        }
        tell(packet(PacketType::PacketStat, None, 0, Vec::new()))?;
        while let Some(packet_in) = asked.blocking_recv() {
            let said = packet_in?;
            match said.r#type() {
                PacketType::PacketReq => {
                    let content = contents.get(said.id as usize).copied().flatten();
                    let content = content.ok_or_else(|| Status::invalid_argument("that is no file"))?;
                    self.send_content(said.id, &content, &tell)?;
                }
                PacketType::PacketFin => return tell(packet(PacketType::PacketFin, None, 0, Vec::new())),
                PacketType::PacketErr => return Err(Status::aborted(String::from_utf8_lossy(&said.data).into_owned())),
                PacketType::PacketStat | PacketType::PacketData => {
                    return Err(Status::invalid_argument("the daemon sends files"));
                }
            }
        }
        Err(Status::cancelled("the daemon is gone"))
    }

    fn send_content(
        &self,
        id: u32,
        content: &Digest,
        tell: &impl Fn(Packet) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let mut reader = self.store.reader(content).map_err(internal)?;
        let mut left = usize::try_from(self.store.size(content).unwrap_or_default()).unwrap_or(usize::MAX);
        loop {
            // One byte more: so the end of a small file is found without growing.
            let mut chunk = Vec::with_capacity(CHUNK.min(left.saturating_add(1)));
            reader.by_ref().take(CHUNK as u64).read_to_end(&mut chunk).map_err(internal)?;
            let is_end = chunk.is_empty();
            left = left.saturating_sub(chunk.len());
            tell(packet(PacketType::PacketData, None, id, chunk))?;
            if is_end {
                return Ok(());
            }
        }
    }
}

fn internal(error: impl ToString) -> Status {
    Status::internal(error.to_string())
}

fn packet(kind: PacketType, stat: Option<Stat>, id: u32, data: Vec<u8>) -> Packet {
    Packet { r#type: kind.into(), stat, id, data }
}

/// An entry as Go's `os.FileInfo` tells it. Of the paths of one file, the first has the content and others link to it.
fn stat(path: &TreePath, entry: &Entry, links: &mut HashMap<LinkId, String>) -> Result<Stat, Status> {
    const DIRECTORY: u32 = 1 << 31;
    const SYMLINK: u32 = 1 << 27;
    const DEVICE: u32 = 1 << 26;
    const FIFO: u32 = 1 << 25;
    const SETUID: u32 = 1 << 23;
    const SETGID: u32 = 1 << 22;
    const CHARACTER_DEVICE: u32 = 1 << 21;
    const STICKY: u32 = 1 << 20;
    let text = |bytes: &[u8]| {
        let wrong = || Status::invalid_argument(format!("the name {path} is no UTF-8, which BuildKit cannot send"));
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| wrong())
    };
    let mut stat = Stat {
        path: text(path.as_bytes())?,
        mode: u32::from(entry.mode & 0o777),
        uid: entry.uid,
        gid: entry.gid,
        mod_time: entry.mtime.unwrap_or(STEP_EPOCH).saturating_mul(1_000_000_000),
        ..Stat::default()
    };
    for (bit, go) in [(0o4000, SETUID), (0o2000, SETGID), (0o1000, STICKY)] {
        stat.mode |= if entry.mode & bit == 0 { 0 } else { go };
    }
    for (name, value) in &entry.xattrs {
        stat.xattrs.insert(text(name)?, value.to_vec());
    }
    match &entry.node {
        Node::File { size, link, .. } => {
            let first = link.map(|link| links.entry(link).or_insert_with(|| stat.path.clone()).clone());
            match first.filter(|first| *first != stat.path) {
                Some(first) => stat.linkname = first,
                None => stat.size = i64::try_from(*size).unwrap_or(i64::MAX),
            }
        }
        Node::Dir => stat.mode |= DIRECTORY,
        Node::Symlink { target } => {
            stat.mode |= SYMLINK;
            stat.linkname = text(target)?;
            stat.size = i64::try_from(target.len()).unwrap_or(i64::MAX);
        }
        Node::CharDevice { major, minor } => {
            stat.mode |= DEVICE | CHARACTER_DEVICE;
            (stat.devmajor, stat.devminor) = (i64::from(*major), i64::from(*minor));
        }
        Node::BlockDevice { major, minor } => {
            stat.mode |= DEVICE;
            (stat.devmajor, stat.devminor) = (i64::from(*major), i64::from(*minor));
        }
        Node::Fifo => stat.mode |= FIFO,
    }
    Ok(stat)
}
