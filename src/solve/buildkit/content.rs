//! Contents of the store, which a daemon reads by digest: what containerd calls its content service.
//!
//! It is how BuildKit reads an OCI layout of its client. Only what is offered is there; nothing can be written. The
//! messages are containerd's (`containerd.services.content.v1`), as far as reading takes them.

use crate::oci::Digest;
use crate::store::Store;
use bytes::Bytes;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::{Body, BoxFuture, Service, StdError, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

/// The service's name in gRPC.
const NAME: &str = "containerd.services.content.v1.Content";

/// The methods that are answered, as a session tells them.
pub const METHODS: [&str; 2] =
    ["/containerd.services.content.v1.Content/Info", "/containerd.services.content.v1.Content/Read"];

/// As many bytes travel at once.
const CHUNK: u64 = 64 << 10;

/// So many messages wait for the daemon at most.
const AHEAD: usize = 4;

/// Offers contents of a store.
#[derive(Clone)]
pub struct Contents {
    store: Store,
    offered: Arc<dyn Fn(&Digest) -> bool + Send + Sync>,
}

impl Contents {
    /// The contents of `store` for which `offered` holds.
    pub fn new(store: Store, offered: impl Fn(&Digest) -> bool + Send + Sync + 'static) -> Self {
        Contents { store, offered: Arc::new(offered) }
    }

    /// The digest of something that is offered and there, with its size.
    fn find(&self, digest: &str) -> Result<(Digest, u64), Status> {
        let unknown =
            || Status::not_found(format!("there is no content {}", digest.chars().take(80).collect::<String>()));
        let parsed = digest.parse().map_err(|_| unknown())?;
        let size = self.store.size(&parsed).filter(|_| (self.offered)(&parsed)).ok_or_else(unknown)?;
        Ok((parsed, size))
    }

    fn info(&self, request: &InfoRequest) -> Result<InfoResponse, Status> {
        let (digest, size) = self.find(&request.digest)?;
        Ok(InfoResponse { info: Some(Info { digest: digest.to_string(), size: signed(size) }) })
    }

    /// A part of a content, piece by piece: from `offset` on `size` bytes, or all that follow where that is 0.
    fn read(&self, request: &ReadRequest) -> Result<Pieces, Status> {
        let (digest, whole) = self.find(&request.digest)?;
        let (start, size) = (unsigned(request.offset, "offset")?, unsigned(request.size, "size")?);
        let left = whole.checked_sub(start).ok_or_else(|| Status::out_of_range("the content ends before"))?;
        let end = start + if size == 0 { left } else { size.min(left) };
        let (send, pieces) = tokio::sync::mpsc::channel(AHEAD);
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || {
            let mut at = start;
            while at < end {
                let length = CHUNK.min(end - at);
                let piece = store.read_part(&digest, at, length).map_err(|e| Status::data_loss(e.to_string()));
                let piece = piece.map(|data| Piece { offset: signed(at), data: data.into() });
                let is_last = piece.is_err();
                // Where nobody listens any more, nobody is told.
                if send.blocking_send(piece).is_err() || is_last {
                    return;
                }
                at += length;
            }
        });
        Ok(ReceiverStream::new(pieces))
    }
}

fn unsigned(number: i64, what: &str) -> Result<u64, Status> {
    u64::try_from(number).map_err(|_| Status::invalid_argument(format!("the {what} is negative")))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

type Pieces = ReceiverStream<Result<Piece, Status>>;

#[derive(Clone, PartialEq, prost::Message)]
struct InfoRequest {
    #[prost(string, tag = "1")]
    digest: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct InfoResponse {
    #[prost(message, optional, tag = "1")]
    info: Option<Info>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Info {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(int64, tag = "2")]
    size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ReadRequest {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(int64, tag = "2")]
    offset: i64,
    #[prost(int64, tag = "3")]
    size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Piece {
    #[prost(int64, tag = "1")]
    offset: i64,
    #[prost(bytes = "bytes", tag = "2")]
    data: Bytes,
}

impl NamedService for Contents {
    const NAME: &'static str = NAME;
}

impl<B> Service<http::Request<B>> for Contents
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
        let contents = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path() {
                path if path == METHODS[0] => {
                    Grpc::new(ProstCodec::default()).unary(InfoMethod(contents), request).await
                }
                path if path == METHODS[1] => {
                    Grpc::new(ProstCodec::default()).server_streaming(ReadMethod(contents), request).await
                }
                _ => Status::new(Code::Unimplemented, "contents can be read, and nothing else").into_http(),
            })
        })
    }
}

struct InfoMethod(Contents);

impl UnaryService<InfoRequest> for InfoMethod {
    type Response = InfoResponse;
    type Future = BoxFuture<Response<InfoResponse>, Status>;

    fn call(&mut self, request: Request<InfoRequest>) -> Self::Future {
        let answer = self.0.info(request.get_ref()).map(Response::new);
        Box::pin(std::future::ready(answer))
    }
}

struct ReadMethod(Contents);

impl ServerStreamingService<ReadRequest> for ReadMethod {
    type Response = Piece;
    type ResponseStream = Pieces;
    type Future = BoxFuture<Response<Pieces>, Status>;

    fn call(&mut self, request: Request<ReadRequest>) -> Self::Future {
        let answer = self.0.read(request.get_ref()).map(Response::new);
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests;
