//! What `buildctl build` does with a graph on its standard input: `--local`, `--oci-layout`, `--output type=tar`.
//!
//! No registry of programs has it, so the client is here: a session with the services that it offers, and one call.

use crate::support::program::World;
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{BytesMessage as Bytes, SolveRequest};
use bollard_buildkit_proto::moby::filesync::packet::file_sync_server::{FileSync, FileSyncServer};
use bollard_buildkit_proto::moby::filesync::v1::BytesMessage;
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::{FileSend, FileSendServer};
use bollard_buildkit_proto::pb::Definition;
use hyper_util::rt::TokioIo;
use kiln::llb::{Builder, Note, attr};
use kiln::oci::{Digest, Platform};
use kiln::solve::buildkit::content::{self, Contents};
use kiln::store::Store;
use prost::Message;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

/// What buildctl is called with.
pub(super) struct Buildctl<'a> {
    /// The socket of a Docker daemon.
    pub socket: PathBuf,
    /// `--local NAME=DIR`.
    pub local: &'a [(&'a str, &'a Path)],
    /// `--oci-layout NAME=DIR`.
    pub layout: (&'a str, &'a Path),
    /// `--output type=tar,dest=FILE`.
    pub output: &'a Path,
}

impl Buildctl<'_> {
    /// Solves a graph.
    pub(super) fn build(&self, definition: &[u8]) -> Result<(), Status> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (definition, session) = (Definition::decode(definition).unwrap(), "a-session-of-the-tests".to_owned());
        runtime.block_on(async {
            let mut control = ControlClient::new(connect(self.socket.clone()).await);
            self.begin(&session, &mut control).await?;
            let solve = SolveRequest {
                r#ref: session.clone(),
                session,
                definition: Some(definition),
                exporter_deprecated: "tar".into(),
                ..SolveRequest::default()
            };
            tokio::time::timeout(std::time::Duration::from_secs(300), control.solve(solve)).await.unwrap().map(|_| ())
        })
    }

    async fn begin(&self, id: &str, control: &mut ControlClient<Channel>) -> Result<(), Status> {
        let (near, far) = tokio::io::duplex(64 << 10);
        let (mut from_server, mut to_server) = tokio::io::split(near);
        let folders = self.local.iter().map(|(name, place)| ((*name).to_owned(), place.to_path_buf())).collect();
        let output = Arc::new(Mutex::new(fs::File::create(self.output).unwrap()));
        let server = Server::builder()
            .layer(tonic::service::InterceptorLayer::new(named(self.layout.0)))
            .add_service(FileSyncServer::new(Folders(folders)))
            .add_service(FileSendServer::new(Archive(output)).max_decoding_message_size(16 << 20))
            .add_service(HealthServer::new(Alive))
            .add_service(contents(self.layout.1));
        let connections = tokio_stream::once(Ok::<_, std::io::Error>(far)).chain(tokio_stream::pending());
        tokio::spawn(server.serve_with_incoming(connections));
        let (send, outgoing) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                if send.send(Bytes { data: buffer[..read].to_vec() }).await.is_err() {
                    break;
                }
            }
        });
        let mut request = Request::new(ReceiverStream::new(outgoing));
        let metadata = request.metadata_mut();
        for (name, value) in [("uuid", id), ("name", "buildctl"), ("sharedkey", "")] {
            let name: tonic::metadata::MetadataKey<_> = format!("x-docker-expose-session-{name}").parse().unwrap();
            metadata.insert(name, value.parse().unwrap());
        }
        let own = [
            "/grpc.health.v1.Health/Check",
            "/moby.filesync.v1.FileSync/DiffCopy",
            "/moby.filesync.v1.FileSend/DiffCopy",
        ];
        for method in own.into_iter().chain(content::METHODS) {
            metadata.append("x-docker-expose-session-grpc-method", method.parse().unwrap());
        }
        let mut incoming = control.session(request).await?.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(message)) = incoming.message().await {
                if to_server.write_all(&message.data).await.is_err() {
                    break;
                }
            }
        });
        Ok(())
    }
}

/// Reaches the BuildKit in a Docker daemon.
async fn connect(socket: PathBuf) -> Channel {
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move {
            let mut stream = tokio::net::UnixStream::connect(socket).await?;
            let wish = "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
            stream.write_all(wish.as_bytes()).await?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(stream.read_u8().await?);
            }
            assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    Endpoint::from_static("http://buildkit").connect_with_connector(connector).await.unwrap()
}

/// The blobs of a layout.
fn contents(layout: &Path) -> Contents {
    let store = Store::open(layout.join("../contents-of-buildctl")).unwrap();
    for blob in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        store.put(&fs::read(blob.unwrap().path()).unwrap()).unwrap();
    }
    Contents::new(store, |_: &Digest| true)
}

/// A client has a store for each layout, which the daemon names in each call for content.
fn named(layout: &str) -> impl Fn(Request<()>) -> Result<Request<()>, Status> + Clone + use<> {
    let name = format!("oci:{layout}");
    move |request| match request.metadata().get("buildkit-attachable-store-id") {
        Some(asked) if asked.as_bytes() != name.as_bytes() => Err(Status::not_found(format!("no store {asked:?}"))),
        _ => Ok(request),
    }
}

struct Archive(Arc<Mutex<fs::File>>);

type Answers<T> = std::pin::Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl FileSend for Archive {
    type DiffCopyStream = Answers<BytesMessage>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let mut incoming = request.into_inner();
        while let Some(message) = incoming.message().await? {
            self.0.lock().unwrap().write_all(&message.data)?;
        }
        Ok(Response::new(Box::pin(tokio_stream::empty())))
    }
}

/// Daemons leave sessions that do not answer.
struct Alive;

#[tonic::async_trait]
impl Health for Alive {
    type WatchStream = Answers<HealthCheckResponse>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not asked for"))
    }
}

struct Folders(BTreeMap<String, PathBuf>);

#[tonic::async_trait]
impl FileSync for Folders {
    type DiffCopyStream = Answers<Packet>;
    type TarStreamStream = Answers<Packet>;

    async fn diff_copy(&self, request: Request<Streaming<Packet>>) -> Result<Response<Self::DiffCopyStream>, Status> {
        let name = request.metadata().get("dir-name").and_then(|name| name.to_str().ok()).unwrap_or_default();
        let folder = self.0.get(name).ok_or_else(|| Status::not_found(format!("no folder `{name}`")))?.clone();
        let chosen = tokio::task::block_in_place(|| Chosen::of(&folder, request.metadata()));
        let mut incoming = request.into_inner();
        let (send, packets) = mpsc::channel(16);
        tokio::spawn(async move {
            let tell = async |kind: PacketType, stat, id, data| {
                let _ = send.send(Ok(Packet { r#type: kind.into(), stat, id, data })).await;
            };
            for stat in chosen.list() {
                tell(PacketType::PacketStat, Some(stat), 0, vec![]).await;
            }
            tell(PacketType::PacketStat, None, 0, vec![]).await;
            while let Ok(Some(packet)) = incoming.message().await {
                if packet.r#type() != PacketType::PacketReq {
                    tell(PacketType::PacketFin, None, 0, vec![]).await;
                    break;
                }
                let path = &chosen.list()[packet.id as usize].path;
                tell(PacketType::PacketData, None, packet.id, fs::read(chosen.folder().join(path)).unwrap()).await;
                tell(PacketType::PacketData, None, packet.id, vec![]).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(packets))))
    }

    async fn tar_stream(&self, _: Request<Streaming<Packet>>) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("not asked for"))
    }
}

/// The files that the daemon wants of a folder, by the patterns that it sends.
struct Chosen(World);

impl Chosen {
    fn of(folder: &Path, asked: &MetadataMap) -> Self {
        let list = |name| asked.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
        let attrs = attr::Local {
            include: list("include-patterns"),
            exclude: list("exclude-patterns"),
            follow: list("followpaths"),
            ignore_file: None,
        };
        let world = World::new();
        let mut builder = Builder::new(Platform::host());
        let source = builder.source("local://folder", attrs.attrs(), Note::default());
        world.write("definition", builder.finish_without_places(source).unwrap().encode());
        let (context, output) = (format!("folder={}", folder.display()), world.path("chosen").display().to_string());
        world.kiln(["solve", "definition", "--context", &context, "-o", &format!("tree:{output}")]).run().done();
        Chosen(world)
    }

    fn folder(&self) -> PathBuf {
        self.0.path("chosen")
    }

    /// Each folder before what is in it.
    fn list(&self) -> Vec<Stat> {
        let mut found = vec![];
        let mut waiting = vec![PathBuf::new()];
        while let Some(below) = waiting.pop() {
            let place = self.folder().join(&below);
            let metadata = fs::symlink_metadata(&place).unwrap();
            assert!(!metadata.is_symlink(), "this client sends no links");
            if metadata.is_dir() {
                let mut names: Vec<_> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
                names.sort();
                waiting.extend(names.into_iter().rev().map(|name| below.join(name)));
            }
            if below.as_os_str().is_empty() {
                continue;
            }
            found.push(Stat {
                path: below.to_str().unwrap().to_owned(),
                mode: metadata.permissions().mode() & 0o777 | if metadata.is_dir() { 1 << 31 } else { 0 },
                size: if metadata.is_dir() { 0 } else { metadata.len() as i64 },
                mod_time: 1_000_000_000,
                ..Stat::default()
            });
        }
        found
    }
}
