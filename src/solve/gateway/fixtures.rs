//! A daemon that has started a frontend: it reads files of a map, and remembers what it was asked and told.

use bollard_buildkit_proto::google::protobuf::Any;
use bollard_buildkit_proto::google::rpc;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    PingRequest, PongResponse, ReadFileRequest, ReadFileResponse, Ref, ResolveImageConfigRequest,
    ResolveImageConfigResponse, Result as Made, ReturnRequest, ReturnResponse, SolveRequest, SolveResponse, result,
};
use bollard_buildkit_proto::pb;
use prost::Message;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Ready;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::StreamExt;
use tonic::codegen::{Body, BoxFuture, Service, StdError, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

/// What it has, and what it heard.
#[derive(Clone, Default)]
pub struct Daemon {
    /// The user's files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The configuration that each image has.
    pub config: Vec<u8>,
    /// Why no graph can be solved, where none can.
    pub refusal: Option<String>,
    /// Words of addresses at which nothing is: a graph with such a source cannot be solved.
    pub gone: Vec<String>,
    /// The images whose configuration it was asked for.
    pub configured: Arc<Mutex<Vec<ResolveImageConfigRequest>>>,
    /// The graphs that it was asked to solve.
    pub solved: Arc<Mutex<Vec<SolveRequest>>>,
    /// What it was told in the end.
    pub told: Arc<Mutex<Option<ReturnRequest>>>,
}

impl Daemon {
    /// Answers a frontend until that goes away.
    pub async fn serve(
        self,
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
    ) {
        let (near, mut far) = tokio::io::duplex(64 << 10);
        let connections = tokio_stream::once(Ok::<_, std::io::Error>(near)).chain(tokio_stream::pending());
        tokio::spawn(tonic::transport::Server::builder().add_service(self).serve_with_incoming(connections));
        let _ = tokio::io::copy_bidirectional(&mut tokio::io::join(input, output), &mut far).await;
    }

    fn answer<T, U>(
        &self,
        answer: impl FnOnce(&Daemon, T) -> Result<U, Status>,
    ) -> Method<impl FnOnce(T) -> Result<U, Status>> {
        let daemon = self.clone();
        Method(Some(move |asked| answer(&daemon, asked)))
    }

    fn solve(&self, asked: SolveRequest) -> Result<SolveResponse, Status> {
        let mut solved = self.solved.lock().unwrap();
        let lost = asked.definition.as_ref().filter(|_| asked.evaluate).and_then(|definition| self.lost(definition));
        solved.push(asked);
        if let Some(address) = lost {
            return Err(Status::unknown(format!("{address}: 404 Not Found")));
        }
        if let Some(refusal) = &self.refusal {
            let details = rpc::Status { code: 2, message: refusal.clone(), details: vec![detail()] }.encode_to_vec();
            return Err(Status::with_details(Code::Unknown, refusal.clone(), details.into()));
        }
        let reference = Ref { id: format!("result-{}", solved.len()), def: None };
        Ok(SolveResponse {
            r#ref: String::new(),
            result: Some(Made { result: Some(result::Result::Ref(reference)), ..Made::default() }),
        })
    }

    /// The address of a source that is gone.
    fn lost(&self, definition: &pb::Definition) -> Option<String> {
        let sources = definition.def.iter().filter_map(|bytes| match pb::Op::decode(&bytes[..]).unwrap().op {
            Some(pb::op::Op::Source(source)) => Some(source.identifier),
            _ => None,
        });
        sources.into_iter().find(|address| self.gone.iter().any(|gone| address.contains(gone)))
    }

    fn read(&self, asked: ReadFileRequest) -> Result<ReadFileResponse, Status> {
        let file = self.files.get(&asked.file_path);
        let file =
            file.ok_or_else(|| Status::unknown(format!("open {}: no such file or directory", asked.file_path)))?;
        let most = asked.range.map_or(usize::MAX, |range| range.length as usize);
        Ok(ReadFileResponse { data: file[..file.len().min(most)].to_vec() })
    }
}

/// What a daemon tells of an error beside the text.
pub fn detail() -> Any {
    Any { type_url: "github.com/moby/buildkit/errdefs.Vertex+json".into(), value: b"{}".to_vec() }
}

impl NamedService for Daemon {
    const NAME: &'static str = "moby.buildkit.v1.frontend.LLBBridge";
}

impl<B> Service<http::Request<B>> for Daemon
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let daemon = self.clone();
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            Ok(match method.as_str() {
                "Ping" => unary(daemon.answer(|_, _: PingRequest| Ok(PongResponse::default())), request).await,
                "Solve" => unary(daemon.answer(Daemon::solve), request).await,
                "ReadFile" => unary(daemon.answer(Daemon::read), request).await,
                "ResolveImageConfig" => {
                    let config = |daemon: &Daemon, asked: ResolveImageConfigRequest| {
                        daemon.configured.lock().unwrap().push(asked);
                        Ok(ResolveImageConfigResponse { config: daemon.config.clone(), ..Default::default() })
                    };
                    unary(daemon.answer(config), request).await
                }
                "Return" => {
                    let told = |daemon: &Daemon, told: ReturnRequest| {
                        *daemon.told.lock().unwrap() = Some(told);
                        Ok(ReturnResponse {})
                    };
                    unary(daemon.answer(told), request).await
                }
                _ => Status::unimplemented(method).into_http(),
            })
        })
    }
}

struct Method<F>(Option<F>);

impl<T, U, F: FnOnce(T) -> Result<U, Status>> UnaryService<T> for Method<F> {
    type Response = U;
    type Future = Ready<Result<Response<U>, Status>>;

    fn call(&mut self, request: Request<T>) -> Self::Future {
        let answer = self.0.take().expect("called once");
        std::future::ready(answer(request.into_inner()).map(Response::new))
    }
}

async fn unary<T, U, F, B>(method: Method<F>, request: http::Request<B>) -> http::Response<tonic::body::Body>
where
    T: Message + Default + Send + 'static,
    U: Message + Default + Send + 'static,
    F: FnOnce(T) -> Result<U, Status>,
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    Grpc::new(ProstCodec::<U, T>::default()).unary(method, request).await
}
