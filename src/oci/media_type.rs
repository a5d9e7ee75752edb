//! Media types that kiln writes or reads.

/// OCI image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Layer without compression.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// Layer in gzip.
pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Layer in zstd.
pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// The empty JSON object, as configuration of artifacts.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Docker image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker layer in gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Sigstore bundle, version 0.3.
pub const SIGSTORE_BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// In-toto statement, the payload of a DSSE envelope.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// A list of results of commands, as kiln shares them between machines: the type of an artifact.
pub const RESULTS: &str = "application/vnd.kiln.results.v1+json";
/// A root filesystem as kiln stores it: the canonical form of a tree, which never leaves the store.
pub const TREE: &str = "application/vnd.kiln.tree.v1";
