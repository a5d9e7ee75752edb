//! What a daemon made, as the archive in which it sends it.

use crate::solve::embedded::sandbox::SandboxError;
use crate::store::Store;
use bollard_buildkit_proto::moby::filesync::v1::BytesMessage;
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::FileSend;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// The largest archive that is taken, in bytes.
const LARGEST: u64 = 64 << 30;

/// Takes one archive into a file.
#[derive(Clone)]
pub(super) struct Archive {
    file: Arc<Mutex<File>>,
}

impl Archive {
    pub(super) fn new(file: File) -> Self {
        Archive { file: Arc::new(Mutex::new(file)) }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)
    }
}

#[tonic::async_trait]
impl FileSend for Archive {
    type DiffCopyStream = ReceiverStream<Result<BytesMessage, Status>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let mut incoming = request.into_inner();
        let mut taken = 0;
        while let Some(message) = incoming.message().await? {
            taken += message.data.len() as u64;
            if taken > LARGEST {
                return Err(Status::resource_exhausted(format!("more than {LARGEST} bytes are not taken")));
            }
            tokio::task::block_in_place(|| self.write(&message.data))?;
        }
        let (_, nothing) = tokio::sync::mpsc::channel(1);
        Ok(Response::new(ReceiverStream::new(nothing)))
    }
}

/// A file of the store for what a daemon sends; removed when this is dropped.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) file: File,
}

impl Place {
    pub(super) fn new(store: &Store) -> Result<Self, SandboxError> {
        let folder = store.scratch_folder()?;
        let path = folder.join("archive");
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|source| SandboxError::Io { action: format!("make {}", path.display()), source })?;
        Ok(Place { folder, file })
    }

    /// What takes an archive into it.
    pub(super) fn archive(&self) -> Result<Archive, SandboxError> {
        let failed = |source| SandboxError::Io { action: "take what the daemon sends".to_owned(), source };
        self.file.try_clone().map(Archive::new).map_err(failed)
    }

    /// What it holds, from its beginning.
    pub(super) fn open(&self) -> Result<File, SandboxError> {
        let failed = |source| SandboxError::Io { action: "read what the daemon sent".to_owned(), source };
        let mut file = self.file.try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok(file)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed goes with the store's other unfinished files.
        let _ = crate::store::remove_folder(&self.folder);
    }
}
