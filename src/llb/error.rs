//! Why bytes are no graph that this version can run.

use crate::oci::Digest;

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlbError {
    /// More of something than is accepted.
    #[error("the definition has too many {what}: at most {limit} are accepted")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most that is accepted.
        limit: usize,
    },
    /// Something is larger than is accepted.
    #[error("{what} of the definition is too large: at most {limit} bytes are accepted")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The most that is accepted.
        limit: usize,
    },
    /// The bytes are no protocol buffer of the expected form.
    #[error("the definition is damaged: {message} cannot be read")]
    Malformed {
        /// The message in which it shows.
        message: &'static str,
    },
    /// A field that this version does not know.
    #[error(
        "field {field} of {message} is unknown to this version of kiln; \
         the definition was made by something newer and cannot be built faithfully"
    )]
    UnknownField {
        /// The message.
        message: &'static str,
        /// The field's number.
        field: u32,
    },
    /// An operation that this version does not know.
    #[error("operation `{name}` is unknown to this version of kiln")]
    UnknownOperation {
        /// Its name, or its number where the name is not known either.
        name: String,
    },
    /// There is nothing in it.
    #[error("the definition is empty")]
    Empty,
    /// The last operation says what the graph yields; it has one input and nothing else.
    #[error("the last operation of the definition must have exactly one input and nothing else")]
    NoOutput,
    /// An operation in the middle that does nothing.
    #[error("vertex {vertex} has no operation")]
    NoOperation {
        /// The vertex.
        vertex: Digest,
    },
    /// The same bytes twice.
    #[error("vertex {vertex} is in the definition twice")]
    Duplicate {
        /// The vertex.
        vertex: Digest,
    },
    /// An input that is not in the definition.
    #[error("vertex {of} needs vertex {digest}, which is not in the definition")]
    MissingInput {
        /// The vertex that is missing.
        digest: Digest,
        /// The vertex that needs it.
        of: Digest,
    },
    /// An input whose digest is none.
    #[error("vertex {vertex} has an input `{digest}`, which is no digest")]
    BadDigest {
        /// The vertex.
        vertex: Digest,
        /// What stands there, shortened.
        digest: String,
    },
    /// A vertex that needs itself.
    #[error("the definition has a cycle through vertex {vertex}")]
    Cycle {
        /// One vertex of the cycle.
        vertex: Digest,
    },
    /// An operation that contradicts itself.
    #[error("vertex {vertex}: {problem}")]
    Invalid {
        /// The vertex.
        vertex: Digest,
        /// What is wrong with it.
        problem: String,
    },
}
