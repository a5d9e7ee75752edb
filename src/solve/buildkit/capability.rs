//! What old daemons cannot do: how they say so, and which ones can.

/// What a daemon says that cannot send what was changed as layers: Docker with its old store of images, and BuildKit before
/// 0.10. Nothing has run then.
const NO_LAYERS: [&str; 3] =
    ["exporter \"oci\" could not be found", "unknown API capability diffop", "requested feature diffop"];

/// What a daemon says that reads no images of its client, or cannot lay trees over one another: Docker with its old store of
/// images, and BuildKit before 0.11. Nothing has run then.
const NO_IMAGES: [&str; 4] =
    ["source.ocilayout", "unknown API capability mergeop", "requested feature mergeop", "oci-layout"];

/// What a daemon says that cannot make an image and push it: Docker with its old store of images.
const NO_PUSH: &str = "exporter \"image\" could not be found";

/// What a daemon says that does not know who vouches for a registry, or takes it for one with TLS.
const NO_TRUST: [&str; 2] = ["x509: ", "server gave HTTP response to HTTPS client"];

/// How a daemon begins to say that it does not know an operation, or a part of one.
const UNKNOWN: &str = "unknown API capability ";

/// A capability by the name that it has in BuildKit's protocol.
struct Capability {
    name: &'static str,
    meaning: &'static str,
    /// Versions that have it.
    buildkit: &'static str,
    docker: &'static str,
}

/// Those that commands of a spec can need, and that not every daemon has that kiln works with.
const CAPABILITIES: [Capability; 3] = [
    Capability { name: "exec.secretenv", meaning: "secrets in variables", buildkit: "0.10", docker: "23" },
    Capability { name: "exec.mount.tmpfs.size", meaning: "the size of a tmpfs", buildkit: "0.10", docker: "23" },
    Capability {
        name: "exec.validexitcode",
        meaning: "exit codes that mean success",
        buildkit: "0.17",
        docker: "27.4",
    },
];

/// Whether a daemon refused a graph since it cannot send layers.
pub(super) fn lacks_layers(reason: &str) -> bool {
    NO_LAYERS.iter().any(|no| reason.contains(no))
}

/// Whether a daemon refused a graph since it cannot read images of its client.
pub(super) fn lacks_images(reason: &str) -> bool {
    NO_IMAGES.iter().any(|no| reason.contains(no))
}

/// What lies behind the refusal to make an image and push it; none where that is not what is missing.
pub(super) fn explain_push(reason: &str) -> Option<String> {
    if NO_TRUST.iter().any(|no| reason.contains(no)) {
        return Some(format!(
            "it does not reach the registry as kiln does ({reason}): tell the daemon of the registry's certificates, for Docker \
             in /etc/docker/certs.d, or that it speaks no TLS"
        ));
    }
    let is_too_old = reason.contains(NO_PUSH) || lacks_layers(reason) || lacks_images(reason);
    is_too_old.then(|| {
        "it cannot make an image of this graph and push it: BuildKit 0.11 and newer can, and Docker with its new store of \
         images (`\"features\": {\"containerd-snapshotter\": true}`); without `--engine-output` it runs commands all the same"
            .to_owned()
    })
}

/// What lies behind the refusal of a graph that an old daemon cannot solve.
pub(super) fn explain(reason: &str) -> Option<String> {
    let (_, name) = reason.rsplit_once(UNKNOWN)?;
    Some(match CAPABILITIES.iter().find(|known| known.name == name) {
        Some(Capability { meaning, buildkit, docker, .. }) => format!(
            "it is too old for this command: it does not know `{name}`, {meaning}; BuildKit {buildkit} and Docker {docker} do"
        ),
        None => format!("it is too old for this command: it does not know `{name}`; use a newer BuildKit"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_the_daemon_does_not_trust_is_told_of() {
        let said = "failed to push: tls: failed to verify certificate: x509: certificate signed by unknown authority";
        let explained = explain_push(said).unwrap();
        assert!(explained.contains(said) && explained.contains("/etc/docker/certs.d"), "{explained}");
        assert_eq!(explain_push("failed to push: 403 Forbidden"), None);
    }

    #[test]
    fn what_is_unknown_is_told_with_who_knows_it() {
        let said =
            "failed to solve: requested experimental feature exec.secretenv: unknown API capability exec.secretenv";
        let explained = explain(said).unwrap();
        assert!(
            explained.ends_with("`exec.secretenv`, secrets in variables; BuildKit 0.10 and Docker 23 do"),
            "{explained}"
        );
        assert!(explain("unknown API capability a.b").unwrap().ends_with("`a.b`; use a newer BuildKit"));
        assert_eq!(explain("no space left on device"), None);
    }
}
