//! Agents of ssh for one step, by the names that its graph has for them.

use crate::solve::embedded::sandbox::SandboxError;
use crate::solve::embedded::sandbox::agent::LentAgent;
use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::Ssh;
use bollard_buildkit_proto::moby::sshforward::v1::{BytesMessage, CheckAgentRequest, CheckAgentResponse};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Key of the call that says which agent is wanted.
const AGENT: &str = "buildkit.ssh.id";

/// Offers sockets of agents by name.
#[derive(Default, Clone)]
pub(super) struct Agents(pub(super) BTreeMap<String, PathBuf>);

impl Agents {
    fn find(&self, id: &str) -> Result<&PathBuf, Status> {
        self.0.get(id).ok_or_else(|| Status::not_found(format!("there is no agent `{id}`")))
    }
}

#[tonic::async_trait]
impl Ssh for Agents {
    type ForwardAgentStream = ReceiverStream<Result<BytesMessage, Status>>;

    async fn check_agent(&self, request: Request<CheckAgentRequest>) -> Result<Response<CheckAgentResponse>, Status> {
        self.find(&request.into_inner().id)?;
        Ok(Response::new(CheckAgentResponse {}))
    }

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get(AGENT).and_then(|id| id.to_str().ok()).unwrap_or_default();
        let socket = UnixStream::connect(self.find(id)?).await?;
        let (mut from_agent, mut to_agent) = socket.into_split();
        let (send, answers) = mpsc::channel(4);
        let mut incoming = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(message)) = incoming.message().await {
                if to_agent.write_all(&message.data).await.is_err() {
                    break;
                }
            }
        });
        tokio::spawn(async move {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(read @ 1..) = from_agent.read(&mut buffer).await {
                if send.send(Ok(BytesMessage { data: buffer[..read].to_vec() })).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

/// The caller's agents behind sockets of kiln's own, in a folder, by which they do no more than sign.
pub(super) fn lend(agents: &Agents, folder: &Path) -> Result<(Vec<LentAgent>, Agents), SandboxError> {
    let mut lent = (Vec::new(), Agents::default());
    for (id, agent) in &agents.0 {
        let failed =
            |source| SandboxError::Io { action: format!("reach the ssh agent at {}", agent.display()), source };
        lent.0.push(LentAgent::new(agent, folder, id).map_err(failed)?);
        lent.1.0.insert(id.clone(), folder.join(id));
    }
    Ok(lent)
}
