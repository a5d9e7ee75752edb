//! The daemon as those programs see it that it runs to be told what to build: BuildKit's gateway.
//!
//! Such a program speaks gRPC over its own standard input and output, as a client. It asks for graphs to be solved, reads
//! files of what came of them, and at last says what the result is, or why there is none.

use crate::llb::pb;
use crate::oci::{Digest, Platform};
use bollard_buildkit_proto::google::rpc;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    FileRange, PingRequest, ReadFileRequest, Ref, RefMap, ResolveImageConfigRequest, Result as Made, ReturnRequest,
    SolveRequest, result,
};
use futures_util::stream::{self, StreamExt as _};
use hyper_util::rt::TokioIo;
use prost::Message;
use std::collections::HashMap;
use std::future::Future;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::runtime::Handle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};

/// The largest message that is taken, in bytes.
const LARGEST_MESSAGE: usize = 64 << 20;

/// How long the daemon may take to answer the first call.
const TIMEOUT: Duration = Duration::from_secs(60);

/// As many graphs are solved at once.
const MOST_AT_ONCE: usize = 8;

/// BuildKit's numbers for where images are looked for.
const IN_REGISTRIES: i32 = 0;
const IN_LAYOUTS: i32 = 1;

/// What is said where there is none.
const NOBODY: &str = "no daemon has started this program";

/// So many bytes of what a daemon says are told.
const MOST_SAID: usize = 16 << 10;

/// What the daemon refused, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{}", shown(.0))]
pub struct GatewayError(Box<Status>);

impl GatewayError {
    fn new(status: Status) -> Self {
        GatewayError(Box::new(status))
    }

    /// Whether what was asked for is not there.
    fn is_not_found(&self) -> bool {
        // The gateway tells some errors by their text alone.
        self.0.code() == Code::NotFound || self.0.message().contains("no such file or directory")
    }

    /// The error with all that the daemon knows of it, as it takes it back.
    fn told(&self, message: String) -> rpc::Status {
        let known = rpc::Status::decode(self.0.details()).unwrap_or_default();
        rpc::Status { code: self.0.code().into(), message, details: known.details }
    }
}

fn shown(status: &Status) -> String {
    let visible = |c: &char| !c.is_control() || *c == '\n';
    status.message().chars().take(MOST_SAID).filter(visible).collect()
}

/// What came of a graph, as the daemon names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(String);

/// Where the daemon finds an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In the registry of its name.
    Registry,
    /// In a layout of the user's.
    Layout {
        /// The session in which it is.
        session: &'a str,
        /// What it is called there.
        store: &'a str,
    },
}

/// What a program was asked for, for one platform.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What it is for.
    pub platform: Platform,
    /// The files.
    pub files: Reference,
    /// The configuration of the image, as JSON.
    pub config: Vec<u8>,
}

/// The daemon.
pub struct Gateway {
    client: LlbBridgeClient<Channel>,
    runtime: Handle,
}

impl Gateway {
    /// Connects with the daemon that started this program.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn connect(
        runtime: Handle,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Result<Self, GatewayError> {
        let io = |error: std::io::Error| GatewayError::new(Status::unavailable(error.to_string()));
        let (near, far) = UnixStream::pair().map_err(io)?;
        // Threads that wait for a standard stream end with the program, and nobody waits for them.
        let ended = far.try_clone().map_err(io)?;
        pass(input, far.try_clone().map_err(io)?, move || drop(ended.shutdown(Shutdown::Both)));
        pass(far, output, || ());
        near.set_nonblocking(true).map_err(io)?;
        let mut only = Some(near);
        let connector = tower::service_fn(move |_| {
            let stream = only.take().ok_or_else(|| std::io::Error::other("the daemon has gone"));
            async move { Ok::<_, std::io::Error>(TokioIo::new(tokio::net::UnixStream::from_std(stream?)?)) }
        });
        let connected = runtime.block_on(async {
            let unreachable = |reason: &str| GatewayError::new(Status::unavailable(reason));
            let channel = Endpoint::from_static("http://buildkit").connect_with_connector(connector).await;
            let channel = channel.map_err(|_| unreachable(NOBODY))?;
            let mut client = LlbBridgeClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
            let ping = tokio::time::timeout(TIMEOUT, client.ping(PingRequest {})).await;
            let answered = ping.map_err(|_| unreachable("the daemon does not answer"))?;
            answered.map_err(|_| unreachable(NOBODY))?;
            Ok(client)
        });
        Ok(Gateway { client: connected?, runtime })
    }

    fn wait<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, GatewayError> {
        self.runtime.block_on(call).map(Response::into_inner).map_err(GatewayError::new)
    }

    /// Solves a graph: at once where it is to be `evaluated`, else when somebody needs what comes of it.
    ///
    /// # Errors
    /// What the daemon says.
    pub fn solve(&self, definition: pb::Definition, evaluated: bool) -> Result<Reference, GatewayError> {
        self.runtime.block_on(self.ask_to_solve(definition, evaluated))
    }

    /// Solves several graphs at once; what came of each, in their order.
    pub fn solve_each(&self, definitions: Vec<pb::Definition>) -> Vec<Result<Reference, GatewayError>> {
        let solving = definitions.into_iter().map(|definition| self.ask_to_solve(definition, true));
        self.runtime.block_on(stream::iter(solving).buffered(MOST_AT_ONCE).collect())
    }

    async fn ask_to_solve(&self, definition: pb::Definition, evaluate: bool) -> Result<Reference, GatewayError> {
        let request = SolveRequest {
            definition: Some(definition),
            allow_result_return: true,
            allow_result_array_ref: true,
            evaluate,
            ..SolveRequest::default()
        };
        let answer = self.client.clone().solve(request).await.map_err(GatewayError::new)?.into_inner();
        match answer.result.and_then(|made| made.result) {
            Some(result::Result::Ref(reference)) => Ok(Reference(reference.id)),
            Some(result::Result::RefDeprecated(id)) => Ok(Reference(id)),
            _ => Err(GatewayError::new(Status::internal("the daemon says of a graph that nothing came of it"))),
        }
    }

    /// A file of what came of a graph, at most `limit` bytes and one more; none where it is not there.
    ///
    /// # Errors
    /// What the daemon says.
    pub fn read(&self, of: &Reference, path: &str, limit: u64) -> Result<Option<Vec<u8>>, GatewayError> {
        let length = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let request = ReadFileRequest {
            r#ref: of.0.clone(),
            file_path: path.to_owned(),
            range: Some(FileRange { offset: 0, length }),
            ..ReadFileRequest::default()
        };
        match self.wait(self.client.clone().read_file(request)) {
            Ok(answer) => Ok(Some(answer.data)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The configuration of an image for a platform, as JSON.
    ///
    /// # Errors
    /// What the daemon says.
    pub fn image_config(
        &self,
        image: &str,
        digest: &Digest,
        place: Place<'_>,
        platform: &Platform,
    ) -> Result<Vec<u8>, GatewayError> {
        let (resolver_type, session_id, store_id) = match place {
            Place::Registry => (IN_REGISTRIES, String::new(), String::new()),
            Place::Layout { session, store } => (IN_LAYOUTS, session.to_owned(), store.to_owned()),
        };
        let request = ResolveImageConfigRequest {
            r#ref: format!("{image}@{digest}"),
            platform: Some(pb::Platform {
                architecture: platform.architecture.clone(),
                os: platform.os.clone(),
                variant: platform.variant.clone().unwrap_or_default(),
                ..pb::Platform::default()
            }),
            resolve_mode: "default".into(),
            log_name: format!("load metadata for {image}"),
            resolver_type,
            session_id,
            store_id,
            ..ResolveImageConfigRequest::default()
        };
        Ok(self.wait(self.client.clone().resolve_image_config(request))?.config)
    }

    /// Says what the result is: of one platform by itself, of several by their names.
    ///
    /// # Errors
    /// What the daemon says.
    pub fn succeed(&self, answers: Vec<Answer>) -> Result<(), GatewayError> {
        let reference = |answer: &Answer| Ref { id: answer.files.0.clone(), def: None };
        let mut metadata = HashMap::new();
        let made = match answers.as_slice() {
            [only] => {
                metadata.insert("containerimage.config".to_owned(), only.config.clone());
                result::Result::Ref(reference(only))
            }
            several => {
                let platforms: Vec<_> = several
                    .iter()
                    .map(|answer| serde_json::json!({ "ID": answer.platform.to_string(), "Platform": answer.platform }))
                    .collect();
                let platforms = serde_json::json!({ "Platforms": platforms }).to_string();
                metadata.insert("refs.platforms".to_owned(), platforms.into_bytes());
                for answer in several {
                    metadata.insert(format!("containerimage.config/{}", answer.platform), answer.config.clone());
                }
                let refs = several.iter().map(|answer| (answer.platform.to_string(), reference(answer))).collect();
                result::Result::Refs(RefMap { refs })
            }
        };
        let made = Made { metadata, result: Some(made), ..Made::default() };
        self.say(ReturnRequest { result: Some(made), error: None })
    }

    /// Says why there is no result; `cause` is what the daemon itself said before, if it did.
    ///
    /// # Errors
    /// What the daemon says.
    pub fn fail(&self, message: String, cause: Option<&GatewayError>) -> Result<(), GatewayError> {
        let error = match cause {
            Some(cause) => cause.told(message),
            None => rpc::Status { code: Code::InvalidArgument.into(), message, details: Vec::new() },
        };
        self.say(ReturnRequest { result: None, error: Some(error) })
    }

    fn say(&self, request: ReturnRequest) -> Result<(), GatewayError> {
        self.wait(self.client.clone().r#return(request)).map(|_| ())
    }
}

/// Passes on what is read, each piece at once, and then what comes `after`.
fn pass(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    after: impl FnOnce() + Send + 'static,
) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..read]).and_then(|()| to.flush()).is_err() {
                break;
            }
        }
        after();
    });
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
