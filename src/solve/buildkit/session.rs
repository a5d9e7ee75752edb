//! A session: what the daemon may ask of this client while it solves one graph.
//!
//! The daemon's side of a call, or a connection of its own with a Docker daemon, becomes the transport of an HTTP/2 connection
//! in which this client is the server (BuildKit's `session` package). It offers what one step needs, and ends with it.

use super::agents::Agents;
use super::archive::Archive;
use super::connect;
use super::content::{self, Contents};
use super::credentials::{self, Credentials};
use super::daemon::DaemonAt;
use super::secrets::Secrets;
use super::trees::Trees;
use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use bollard_buildkit_proto::moby::buildkit::v1::BytesMessage;
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::filesync::packet::file_sync_server::FileSyncServer;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::AuthServer;
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::FileSendServer;
use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::SshServer;
use p256::elliptic_curve::rand_core::{OsRng, RngCore};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::{AbortHandle, JoinSet};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};

/// As many bytes travel at once.
const CHUNK: usize = 64 << 10;

/// The largest message that is taken, in bytes; BuildKit sends up to 3 MiB of a file in one.
const LARGEST_MESSAGE: usize = 16 << 20;

/// The methods that the daemon may always call, as it wants them told.
const METHODS: [&str; 5] = [
    "/grpc.health.v1.Health/Check",
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.sshforward.v1.SSH/CheckAgent",
    "/moby.sshforward.v1.SSH/ForwardAgent",
];

/// The one by which it sends what it made.
const SEND: &str = "/moby.filesync.v1.FileSend/DiffCopy";

/// What the daemon may ask for.
pub(super) struct Offers {
    /// Folders.
    pub(super) trees: Trees,
    /// Images.
    pub(super) contents: Contents,
    /// Secrets.
    pub(super) secrets: Secrets,
    /// Agents of ssh.
    pub(super) agents: Agents,
    /// Where it puts what it made.
    pub(super) archive: Option<Archive>,
    /// What opens the repository that it pushes to; commands' sessions have none.
    pub(super) credentials: Option<Credentials>,
}

/// The way by which a session leads to a daemon.
#[derive(Clone)]
pub(super) enum Door {
    /// A call of the connection that there is.
    Call(Channel),
    /// A connection of its own with a Docker daemon: what travels is packed once, and not twice.
    Docker(Box<DaemonAt>),
}

/// A session; it ends when this is dropped.
pub(super) struct Session {
    pub(super) id: String,
    /// What passes on what the daemon sends.
    passing: AbortHandle,
    _tasks: JoinSet<()>,
}

impl Session {
    /// Begins a session with a daemon, under a [new name](new_id).
    ///
    /// # Errors
    /// In words, why there is none.
    pub(super) async fn begin(id: String, door: &Door, offers: Offers) -> Result<Self, String> {
        let pushes = offers.credentials.iter().flat_map(|_| credentials::METHODS);
        let sends = offers.archive.is_some().then_some(SEND);
        let methods = METHODS.into_iter().chain(content::METHODS).chain(sends).chain(pushes);
        let methods = methods.map(|method| ("x-docker-expose-session-grpc-method", method.to_owned()));
        let names = [
            ("x-docker-expose-session-uuid", id.clone()),
            ("x-docker-expose-session-name", "kiln".to_owned()),
            ("x-docker-expose-session-sharedkey", String::new()),
        ];
        let headers: Vec<(&str, String)> = names.into_iter().chain(methods).collect();
        let (mut near, far) = tokio::io::duplex(CHUNK);
        let mut tasks = JoinSet::new();
        let passing = match door {
            Door::Docker(docker) => {
                let DaemonAt { address, tls } = &**docker;
                let opened = connect::session(address, tls.as_ref(), &headers).await;
                let mut stream = opened.map_err(|error| error.to_string())?;
                tasks.spawn(async move {
                    // Whatever ends it, the daemon says what it lacked.
                    let _ = tokio::io::copy_bidirectional_with_sizes(&mut stream, &mut near, CHUNK, CHUNK).await;
                })
            }
            Door::Call(channel) => {
                let (from_server, to_server) = tokio::io::split(near);
                let (send, outgoing) = tokio::sync::mpsc::channel(4);
                tasks.spawn(tell(from_server, send));
                let mut request = Request::new(ReceiverStream::new(outgoing));
                for (name, value) in headers {
                    let value = MetadataValue::try_from(value).map_err(|error| error.to_string())?;
                    request.metadata_mut().append(name, value);
                }
                let incoming = ControlClient::new(channel.clone()).session(request).await;
                let incoming = incoming.map_err(|status| status.message().to_owned())?.into_inner();
                tasks.spawn(hear(incoming, to_server))
            }
        };
        tasks.spawn(serve(far, offers));
        Ok(Session { id, passing, _tasks: tasks })
    }

    /// Whether the daemon hears it no more.
    pub(super) fn is_over(&self) -> bool {
        self.passing.is_finished()
    }
}

/// A name that nobody can guess: who knows that of a session can ask for its secrets.
pub(super) fn new_id() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    crate::oci::hex(&bytes)
}

/// Answers what the daemon asks, over one connection that stays.
async fn serve(connection: DuplexStream, offers: Offers) {
    let connections = tokio_stream::once(Ok::<_, io::Error>(connection)).chain(tokio_stream::pending());
    let server = Server::builder()
        .add_service(HealthServer::new(Alive))
        .add_service(FileSyncServer::new(offers.trees))
        .add_service(offers.contents)
        .add_optional_service(
            offers.archive.map(|archive| FileSendServer::new(archive).max_decoding_message_size(LARGEST_MESSAGE)),
        )
        .add_optional_service(offers.credentials.map(AuthServer::new))
        .add_service(SecretsServer::new(offers.secrets))
        .add_service(SshServer::new(offers.agents));
    // The daemon sees the end of the connection, and says what it lacked.
    let _ = server.serve_with_incoming(connections).await;
}

async fn tell(mut from_server: ReadHalf<DuplexStream>, outgoing: tokio::sync::mpsc::Sender<BytesMessage>) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
        if outgoing.send(BytesMessage { data: buffer[..read].to_vec() }).await.is_err() {
            break;
        }
    }
}

async fn hear(mut incoming: Streaming<BytesMessage>, mut to_server: WriteHalf<DuplexStream>) {
    while let Ok(Some(message)) = incoming.message().await {
        if to_server.write_all(&message.data).await.is_err() {
            break;
        }
    }
}

/// Says that the client is there.
struct Alive;

#[tonic::async_trait]
impl Health for Alive {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("a client is one service"))
    }

    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("the state of a client does not change"))
    }
}
