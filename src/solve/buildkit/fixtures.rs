//! A daemon that runs nothing: it ends commands with a code of its own, so that it is seen who was asked.

use bollard_buildkit_proto::moby::buildkit::v1::control_server::{Control, ControlServer};
use bollard_buildkit_proto::moby::buildkit::v1::*;
use bollard_buildkit_proto::pb;
use futures_util::stream::{Stream, poll_fn};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Runtime;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status, Streaming};

/// What the daemon does when it is to run a command.
#[derive(Clone)]
pub(super) enum Answer {
    /// The command takes a while, and ends with this code.
    Exit(i32),
    /// This cannot be done.
    Refuse(&'static str),
    /// The daemon dies.
    Die,
    /// All is done, and this is what was pushed.
    Push(&'static str),
}

#[derive(Clone)]
struct Fake {
    answer: Answer,
    platforms: &'static [&'static str],
    running: Arc<AtomicUsize>,
    /// The most that ran at once.
    most: Arc<AtomicUsize>,
    died: std::sync::mpsc::SyncSender<()>,
    solved: Arc<Mutex<Vec<SolveRequest>>>,
}

/// A daemon; it is gone when this is dropped.
pub(super) struct FakeDaemon {
    fake: Fake,
    runtime: Arc<Mutex<Option<Runtime>>>,
}

impl FakeDaemon {
    /// At a socket, which is gone when the daemon has died.
    pub(super) fn at(socket: &Path, platforms: &'static [&'static str], answer: Answer) -> Self {
        let listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let socket = socket.to_owned();
        let incoming = move || {
            let listener = UnixListener::from_std(listener).unwrap();
            poll_fn(move |cx| listener.poll_accept(cx).map(|come| Some(come.map(|(stream, _)| stream))))
        };
        FakeDaemon::start(platforms, answer, incoming, move || std::fs::remove_file(socket).unwrap())
    }

    /// At a port of loopback.
    pub(super) fn at_port(answer: Answer) -> (SocketAddr, Self) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = move || {
            let listener = TcpListener::from_std(listener).unwrap();
            poll_fn(move |cx| listener.poll_accept(cx).map(|come| Some(come.map(|(stream, _)| stream))))
        };
        (address, FakeDaemon::start(&["linux/amd64"], answer, incoming, || ()))
    }

    fn start<S, I>(
        platforms: &'static [&'static str],
        answer: Answer,
        incoming: impl FnOnce() -> I + Send + 'static,
        buried: impl FnOnce() + Send + 'static,
    ) -> Self
    where
        S: Connected + AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S::ConnectInfo: Clone + Send + Sync + 'static,
        I: Stream<Item = std::io::Result<S>> + Send + 'static,
    {
        let (died, dies) = std::sync::mpsc::sync_channel(1);
        let fake =
            Fake { answer, platforms, running: Arc::default(), most: Arc::default(), died, solved: Arc::default() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = Server::builder().add_service(ControlServer::new(fake.clone()));
        runtime.spawn(async move { server.serve_with_incoming(incoming()).await });
        let daemon = FakeDaemon { fake, runtime: Arc::new(Mutex::new(Some(runtime))) };
        let runtime = daemon.runtime.clone();
        std::thread::spawn(move || {
            if dies.recv().is_ok() {
                buried();
                end(&runtime);
            }
        });
        daemon
    }

    /// The most commands that ran at once.
    pub(super) fn most_at_once(&self) -> usize {
        self.fake.most.load(Ordering::SeqCst)
    }

    /// How many commands it was asked to run.
    pub(super) fn asked(&self) -> usize {
        self.fake.solved.lock().unwrap().len()
    }

    /// What it was asked last.
    pub(super) fn last(&self) -> Option<SolveRequest> {
        self.fake.solved.lock().unwrap().last().cloned()
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        end(&self.runtime);
    }
}

/// Cuts all connections.
fn end(runtime: &Mutex<Option<Runtime>>) {
    if let Some(runtime) = runtime.lock().unwrap().take() {
        runtime.shutdown_background();
    }
}

#[tonic::async_trait]
impl Control for Fake {
    async fn solve(&self, request: Request<SolveRequest>) -> Result<Response<SolveResponse>, Status> {
        self.solved.lock().unwrap().push(request.into_inner());
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        let answer = match self.answer {
            Answer::Exit(code) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Status::unknown(format!("process \"x\" did not complete successfully: exit code: {code}"))
            }
            Answer::Refuse(reason) => Status::unknown(reason),
            Answer::Die => {
                let _ = self.died.try_send(());
                std::future::pending().await
            }
            Answer::Push(digest) => {
                let exporter_response = [("containerimage.digest".to_owned(), digest.to_owned())].into();
                return Ok(Response::new(SolveResponse { exporter_response }));
            }
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        Err(answer)
    }

    type StatusStream = ReceiverStream<Result<StatusResponse, Status>>;

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<Self::StatusStream>, Status> {
        let (_, nothing) = tokio::sync::mpsc::channel(1);
        Ok(Response::new(ReceiverStream::new(nothing)))
    }

    type SessionStream = ReceiverStream<Result<BytesMessage, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (keep, nothing) = tokio::sync::mpsc::channel(1);
        let mut incoming = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(_)) = incoming.message().await {}
            drop(keep);
        });
        Ok(Response::new(ReceiverStream::new(nothing)))
    }

    async fn list_workers(&self, _: Request<ListWorkersRequest>) -> Result<Response<ListWorkersResponse>, Status> {
        let platform = |name: &&str| {
            let (os, architecture) = name.split_once('/').unwrap();
            pb::Platform { os: os.into(), architecture: architecture.into(), ..pb::Platform::default() }
        };
        let platforms = self.platforms.iter().map(platform).collect();
        let record = vec![types::WorkerRecord { platforms, ..types::WorkerRecord::default() }];
        Ok(Response::new(ListWorkersResponse { record }))
    }

    async fn disk_usage(&self, _: Request<DiskUsageRequest>) -> Result<Response<DiskUsageResponse>, Status> {
        Err(Status::unimplemented("not for tests"))
    }

    type PruneStream = ReceiverStream<Result<UsageRecord, Status>>;

    async fn prune(&self, _: Request<PruneRequest>) -> Result<Response<Self::PruneStream>, Status> {
        Err(Status::unimplemented("not for tests"))
    }

    async fn info(&self, _: Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        Err(Status::unimplemented("not for tests"))
    }

    type ListenBuildHistoryStream = ReceiverStream<Result<BuildHistoryEvent, Status>>;

    async fn listen_build_history(
        &self,
        _: Request<BuildHistoryRequest>,
    ) -> Result<Response<Self::ListenBuildHistoryStream>, Status> {
        Err(Status::unimplemented("not for tests"))
    }

    async fn update_build_history(
        &self,
        _: Request<UpdateBuildHistoryRequest>,
    ) -> Result<Response<UpdateBuildHistoryResponse>, Status> {
        Err(Status::unimplemented("not for tests"))
    }
}
