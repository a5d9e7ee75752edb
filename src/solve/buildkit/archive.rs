//! What a daemon made, as the archive in which it sends it.

use bollard_buildkit_proto::moby::filesync::v1::BytesMessage;
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::FileSend;
use std::fs::File;
use std::io::{self, Write};
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
