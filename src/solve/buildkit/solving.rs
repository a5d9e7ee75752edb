//! One request to solve a graph, and what the daemon tells meanwhile.

use super::connect::root_cause;
use super::daemon::Line;
use super::session::{self, Offers, Session};
use crate::llb::exec::Network;
use crate::llb::pb;
use crate::solve::embedded::sandbox::{Listener, Stream};
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{SolveRequest, SolveResponse, StatusRequest, StatusResponse};
use std::collections::BTreeSet;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

/// How often it is asked whether the work should end.
const TICK: Duration = Duration::from_millis(50);

/// How long the last of what a command wrote may take to come after it has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How a daemon sends what it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An OCI layout, whose layers say what was changed.
    Layers,
    /// An archive of all files.
    Whole,
}

/// What is to be solved.
pub(super) struct Wanted<'a> {
    pub(super) definition: pb::Definition,
    pub(super) form: Form,
    pub(super) network: Network,
    /// The name of the command of which the output is passed on: daemons name vertices by other digests than clients.
    pub(super) command: &'a str,
}

/// How it went.
pub(super) struct Solved {
    /// When the command began, by the daemon's clock: seconds since 1970. None where it did not run.
    pub(super) began: Option<i64>,
    pub(super) end: End,
}

/// How solving ended.
pub(super) enum End {
    /// All is there.
    Done,
    /// The command ended with this code.
    Exited(i32),
    /// Somebody wanted it to end.
    Stopped,
    /// It could not be done.
    Failed(String),
}

/// Solves, with a session of its own.
///
/// # Errors
/// In words, how the connection broke.
pub(super) async fn solve(
    line: &Line,
    wanted: Wanted<'_>,
    offers: Offers,
    listener: &dyn Listener,
    is_over: &dyn Fn() -> bool,
) -> Result<Solved, String> {
    let (exporter, attrs) = match wanted.form {
        Form::Layers => {
            ("oci", vec![("compression", "uncompressed"), ("force-compression", "true"), ("oci-mediatypes", "true")])
        }
        Form::Whole => ("tar", Vec::new()),
    };
    let request = SolveRequest {
        definition: Some(wanted.definition),
        exporter_deprecated: exporter.to_owned(),
        exporter_attrs_deprecated: attrs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        entitlements: entitlements(wanted.network == Network::Host),
        ..SolveRequest::default()
    };
    let mut hearing = Hearing { command: wanted.command, vertices: BTreeSet::new(), began: None };
    let answer = ask(line, request, offers, &mut |told| hearing.hear(told, listener), is_over).await?;
    let end = match answer {
        Answer::Done(_) => End::Done,
        Answer::Stopped => End::Stopped,
        Answer::Refused(said) => exit_code(&said).map_or(End::Failed(said), End::Exited),
    };
    Ok(Solved { began: hearing.began, end })
}

/// What a graph must be allowed, some command of which may see the daemon's network.
pub(super) fn entitlements(has_network: bool) -> Vec<String> {
    if has_network { vec!["network.host".to_owned()] } else { Vec::new() }
}

/// What a daemon says to a request.
pub(super) enum Answer {
    /// It is done.
    Done(SolveResponse),
    /// It could not be done, in the daemon's words.
    Refused(String),
    /// Somebody wanted it to end.
    Stopped,
}

/// Makes a request in a session of its own, under the name of which it is known to the daemon; meanwhile hears what is told.
///
/// # Errors
/// In words, how the connection broke.
pub(super) async fn ask(
    line: &Line,
    request: SolveRequest,
    offers: Offers,
    hear: &mut dyn FnMut(&StatusResponse),
    is_over: &dyn Fn() -> bool,
) -> Result<Answer, String> {
    let mut control = ControlClient::new(line.channel.clone());
    let session = Session::begin(session::new_id(), &line.door, offers).await?;
    let reference = session.id.clone();
    let request = SolveRequest { r#ref: reference.clone(), session: reference.clone(), ..request };
    let mut telling = control.clone();
    let solving = control.solve(request);
    tokio::pin!(solving);
    let watching = telling.status(StatusRequest { r#ref: reference });
    tokio::pin!(watching);
    let mut stream: Option<Streaming<StatusResponse>> = None;
    let (mut is_asked, mut is_heard) = (false, false);
    let mut tick = tokio::time::interval(TICK);
    let result = loop {
        tokio::select! {
            result = &mut solving => break result,
            answer = &mut watching, if !is_asked => {
                is_asked = true;
                stream = answer.ok().map(|answer| answer.into_inner());
            }
            told = next(&mut stream), if stream.is_some() && !is_heard => match told {
                Some(told) => hear(&told),
                None => is_heard = true,
            },
            _ = tick.tick() => if is_over() {
                return Ok(Answer::Stopped);
            },
        }
    };
    let last = async {
        while let Some(told) = next(&mut stream).await {
            hear(&told);
        }
    };
    // What is not told by then is not told.
    let _ = tokio::time::timeout(LAST_WORDS, last).await;
    match result {
        Ok(answer) => Ok(Answer::Done(answer.into_inner())),
        Err(status) if exit_code(status.message()).is_some() => Ok(Answer::Refused(status.message().to_owned())),
        Err(status) if is_broken(&status) || session.is_over() => Err(why(&status)),
        Err(status) => Ok(Answer::Refused(status.message().to_owned())),
    }
}

/// Has something made that stays with the daemon.
///
/// # Errors
/// What the daemon says.
pub(super) async fn make(channel: &Channel, definition: pb::Definition, session: &str) -> Result<(), Status> {
    let request = SolveRequest {
        r#ref: session::new_id(),
        definition: Some(definition),
        session: session.to_owned(),
        ..SolveRequest::default()
    };
    ControlClient::new(channel.clone()).solve(request).await.map(|_| ())
}

/// Whether the connection is to blame, and not what was asked: what a daemon answers has no cause on this side.
fn is_broken(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Cancelled) || std::error::Error::source(status).is_some()
}

/// What broke a connection.
fn why(status: &Status) -> String {
    match std::error::Error::source(status) {
        Some(source) => root_cause(source),
        None => status.message().to_owned(),
    }
}

async fn next(stream: &mut Option<Streaming<StatusResponse>>) -> Option<StatusResponse> {
    match stream {
        Some(stream) => stream.message().await.ok().flatten(),
        None => None,
    }
}

/// Listens to what is told of one command.
struct Hearing<'a> {
    command: &'a str,
    /// The digests that the daemon has for it.
    vertices: BTreeSet<String>,
    began: Option<i64>,
}

impl Hearing<'_> {
    fn hear(&mut self, told: &StatusResponse, listener: &dyn Listener) {
        for vertex in told.vertexes.iter().filter(|vertex| vertex.name == self.command && !vertex.cached) {
            self.vertices.insert(vertex.digest.clone());
            self.began = self.began.or(vertex.started.as_ref().map(|time| time.seconds));
        }
        for log in told.logs.iter().filter(|log| self.vertices.contains(&log.vertex)) {
            listener.output(if log.stream == 2 { Stream::Err } else { Stream::Out }, &log.msg);
        }
    }
}

/// The code in a message like `process "make" did not complete successfully: exit code: 2`; old daemons say `executor failed
/// running [make]: exit code: 2`.
pub(super) fn exit_code(message: &str) -> Option<i32> {
    let (what, code) = message.rsplit_once(": exit code: ")?;
    let is_command = what.ends_with(" did not complete successfully") || what.contains("executor failed running [");
    is_command.then(|| code.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::exit_code;

    #[test]
    fn exit_codes_are_found_in_what_daemons_say() {
        assert_eq!(exit_code("process \"/bin/sh -c make\" did not complete successfully: exit code: 2"), Some(2));
        assert_eq!(exit_code("executor failed running [/bin/sh -c exit 137]: exit code: 137"), Some(137));
        for other in
            ["", "exit code: 2", "cannot start: exit code: 2", "process \"x\" did not complete successfully: gone"]
        {
            assert_eq!(exit_code(other), None, "{other}");
        }
    }
}
