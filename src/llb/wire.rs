//! A look at a definition's bytes before anything is decoded.
//!
//! Decoding would pass over fields that it does not know, and would allocate for
//! each of a million empty messages. Both are unacceptable for a definition that
//! came from outside: an unknown field changes what the operation means, and an
//! unknown operation looks like none at all. So the bytes are walked once along the
//! schema below, which lists every field of every message that can occur in an
//! operation, while fields are counted and sizes are compared with the limits.
//!
//! The walk needs no stack of its own: the schema is not recursive, as the
//! definitions inside a build operation and inside a source map are not entered.

use super::{Limits, LlbError};

/// What may stand in a field.
enum Field {
    /// A number, a text, or bytes that are short.
    Leaf,
    /// Bytes of any length.
    Data,
    /// A message.
    Of(&'static Message),
}

/// The fields of one message, by number.
pub(super) struct Message {
    name: &'static str,
    fields: &'static [(u32, Field)],
}

use Field::{Data, Leaf, Of};

static INPUT: Message = Message { name: "Input", fields: &[(1, Leaf), (2, Leaf)] };
static PLATFORM: Message =
    Message { name: "Platform", fields: &[(1, Leaf), (2, Leaf), (3, Leaf), (4, Leaf), (5, Leaf)] };
static CONSTRAINTS: Message = Message { name: "WorkerConstraints", fields: &[(1, Leaf)] };
static ENTRY: Message = Message { name: "map entry", fields: &[(1, Leaf), (2, Leaf)] };
static SOURCE: Message = Message { name: "SourceOp", fields: &[(1, Leaf), (2, Of(&ENTRY))] };

static NAMED_USER: Message = Message { name: "NamedUserOpt", fields: &[(1, Leaf), (2, Leaf)] };
static USER: Message = Message { name: "UserOpt", fields: &[(1, Of(&NAMED_USER)), (2, Leaf)] };
static OWNER: Message = Message { name: "ChownOpt", fields: &[(1, Of(&USER)), (2, Of(&USER))] };
static COPY: Message = Message {
    name: "FileActionCopy",
    fields: &[
        (1, Leaf),
        (2, Leaf),
        (3, Of(&OWNER)),
        (4, Leaf),
        (5, Leaf),
        (6, Leaf),
        (7, Leaf),
        (8, Leaf),
        (9, Leaf),
        (10, Leaf),
        (11, Leaf),
        (12, Leaf),
        (13, Leaf),
        (14, Leaf),
        (15, Leaf),
        (16, Leaf),
    ],
};
static MKFILE: Message =
    Message { name: "FileActionMkFile", fields: &[(1, Leaf), (2, Leaf), (3, Data), (4, Of(&OWNER)), (5, Leaf)] };
static MKDIR: Message =
    Message { name: "FileActionMkDir", fields: &[(1, Leaf), (2, Leaf), (3, Leaf), (4, Of(&OWNER)), (5, Leaf)] };
static RM: Message = Message { name: "FileActionRm", fields: &[(1, Leaf), (2, Leaf), (3, Leaf)] };
static SYMLINK: Message =
    Message { name: "FileActionSymlink", fields: &[(1, Leaf), (2, Leaf), (3, Of(&OWNER)), (4, Leaf)] };
static ACTION: Message = Message {
    name: "FileAction",
    fields: &[
        (1, Leaf),
        (2, Leaf),
        (3, Leaf),
        (4, Of(&COPY)),
        (5, Of(&MKFILE)),
        (6, Of(&MKDIR)),
        (7, Of(&RM)),
        (8, Of(&SYMLINK)),
    ],
};
static FILE: Message = Message { name: "FileOp", fields: &[(2, Of(&ACTION))] };

static INDEX: Message = Message { name: "input index", fields: &[(1, Leaf)] };
static MERGE: Message = Message { name: "MergeOp", fields: &[(1, Of(&INDEX))] };
static DIFF: Message = Message { name: "DiffOp", fields: &[(1, Of(&INDEX)), (2, Of(&INDEX))] };

static PROXY: Message = Message { name: "ProxyEnv", fields: &[(1, Leaf), (2, Leaf), (3, Leaf), (4, Leaf), (5, Leaf)] };
static HOST: Message = Message { name: "HostIP", fields: &[(1, Leaf), (2, Leaf)] };
static THREE: Message = Message { name: "Ulimit or SecretEnv", fields: &[(1, Leaf), (2, Leaf), (3, Leaf)] };
static META: Message = Message {
    name: "Meta",
    fields: &[
        (1, Leaf),
        (2, Leaf),
        (3, Leaf),
        (4, Leaf),
        (5, Of(&PROXY)),
        (6, Of(&HOST)),
        (7, Leaf),
        (9, Of(&THREE)),
        (10, Leaf),
        (11, Leaf),
        (12, Leaf),
    ],
};
static TWO: Message = Message { name: "CacheOpt or CDIDevice", fields: &[(1, Leaf), (2, Leaf)] };
static FIVE: Message =
    Message { name: "SecretOpt or SSHOpt", fields: &[(1, Leaf), (2, Leaf), (3, Leaf), (4, Leaf), (5, Leaf)] };
static MOUNT: Message = Message {
    name: "Mount",
    fields: &[
        (1, Leaf),
        (2, Leaf),
        (3, Leaf),
        (4, Leaf),
        (5, Leaf),
        (6, Leaf),
        (19, Of(&INDEX)),
        (20, Of(&TWO)),
        (21, Of(&FIVE)),
        (22, Of(&FIVE)),
        (23, Leaf),
        (24, Leaf),
    ],
};
static EXEC: Message = Message {
    name: "ExecOp",
    fields: &[(1, Of(&META)), (2, Of(&MOUNT)), (3, Leaf), (4, Leaf), (5, Of(&THREE)), (6, Of(&TWO))],
};
static BUILD_INPUT: Message = Message { name: "BuildOp.inputs", fields: &[(1, Leaf), (2, Of(&INDEX))] };
static BUILD: Message =
    Message { name: "BuildOp", fields: &[(1, Leaf), (2, Of(&BUILD_INPUT)), (3, Data), (4, Of(&ENTRY))] };

/// An operation.
pub(super) static OP: Message = Message {
    name: "Op",
    fields: &[
        (1, Of(&INPUT)),
        (2, Of(&EXEC)),
        (3, Of(&SOURCE)),
        (4, Of(&FILE)),
        (5, Of(&BUILD)),
        (6, Of(&MERGE)),
        (7, Of(&DIFF)),
        (10, Of(&PLATFORM)),
        (11, Of(&CONSTRAINTS)),
    ],
};

static PROGRESS_GROUP: Message = Message { name: "ProgressGroup", fields: &[(1, Leaf), (2, Leaf), (3, Leaf)] };
static METADATA: Message = Message {
    name: "OpMetadata",
    fields: &[(1, Leaf), (2, Of(&ENTRY)), (4, Of(&INDEX)), (5, Of(&ENTRY)), (6, Of(&PROGRESS_GROUP))],
};
static METADATA_ENTRY: Message = Message { name: "Definition.metadata", fields: &[(1, Leaf), (2, Of(&METADATA))] };
static POSITION: Message = Message { name: "Position", fields: &[(1, Leaf), (2, Leaf)] };
static RANGE: Message = Message { name: "Range", fields: &[(1, Of(&POSITION)), (2, Of(&POSITION))] };
static LOCATION: Message = Message { name: "Location", fields: &[(1, Leaf), (2, Of(&RANGE))] };
static LOCATIONS: Message = Message { name: "Locations", fields: &[(1, Of(&LOCATION))] };
static LOCATIONS_ENTRY: Message = Message { name: "Source.locations", fields: &[(1, Leaf), (2, Of(&LOCATIONS))] };
static INFO: Message = Message { name: "SourceInfo", fields: &[(1, Leaf), (2, Data), (3, Data), (4, Leaf)] };
static SOURCE_MAP: Message = Message { name: "Source", fields: &[(1, Of(&LOCATIONS_ENTRY)), (2, Of(&INFO))] };

/// A definition; its operations are bytes here.
pub(super) static DEFINITION: Message =
    Message { name: "Definition", fields: &[(1, Data), (2, Of(&METADATA_ENTRY)), (3, Of(&SOURCE_MAP))] };

/// Counts what a definition holds.
pub(super) struct Scanner<'l> {
    limits: &'l Limits,
    fields: usize,
}

impl<'l> Scanner<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Scanner { limits, fields: 0 }
    }

    /// Walks a definition and returns its operations' bytes.
    pub(super) fn definition<'b>(&mut self, bytes: &'b [u8]) -> Result<Vec<&'b [u8]>, LlbError> {
        if bytes.len() > self.limits.bytes {
            return Err(LlbError::TooLarge { what: "the whole", limit: self.limits.bytes });
        }
        let mut operations = Vec::new();
        self.walk(bytes, &DEFINITION, &mut |operation| operations.push(operation))?;
        Ok(operations)
    }

    /// Walks one operation.
    pub(super) fn operation(&mut self, bytes: &[u8]) -> Result<(), LlbError> {
        if bytes.len() > self.limits.operation {
            return Err(LlbError::TooLarge { what: "an operation", limit: self.limits.operation });
        }
        self.walk(bytes, &OP, &mut |_| {})
    }

    fn walk<'b>(
        &mut self,
        mut bytes: &'b [u8],
        message: &'static Message,
        data: &mut dyn FnMut(&'b [u8]),
    ) -> Result<(), LlbError> {
        while !bytes.is_empty() {
            self.fields += 1;
            if self.fields > self.limits.fields {
                return Err(LlbError::TooMany { what: "fields", limit: self.limits.fields });
            }
            let Read { number, value, rest } = field(bytes).ok_or(LlbError::Malformed { message: message.name })?;
            bytes = rest;
            match (message.fields.iter().find(|(known, _)| *known == number), value) {
                (None, _) => return Err(unknown(message, number)),
                (Some((_, Leaf)), Some(text)) if text.len() > self.limits.text => {
                    return Err(LlbError::TooLarge { what: "a text", limit: self.limits.text });
                }
                (Some((_, Leaf)), _) => {}
                (Some((1, Data)), Some(operation)) if std::ptr::eq(message, &DEFINITION) => data(operation),
                (Some((_, Data)), Some(_)) => {}
                (Some((_, Of(inner))), Some(value)) => self.walk(value, inner, data)?,
                (Some(_), None) => return Err(LlbError::Malformed { message: message.name }),
            }
        }
        Ok(())
    }
}

fn unknown(message: &'static Message, field: u32) -> LlbError {
    if !std::ptr::eq(message, &OP) {
        return LlbError::UnknownField { message: message.name, field };
    }
    let name = match field {
        8 => "passthrough".to_owned(),
        other => format!("number {other}"),
    };
    LlbError::UnknownOperation { name }
}

/// The first field of some bytes.
struct Read<'b> {
    number: u32,
    /// Its value, if that is one with a length.
    value: Option<&'b [u8]>,
    /// What follows.
    rest: &'b [u8],
}

fn field(bytes: &[u8]) -> Option<Read<'_>> {
    let (key, rest) = varint(bytes)?;
    let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
    let skip = |count: usize| rest.get(count..).map(|rest| Read { number, value: None, rest });
    match key & 7 {
        0 => varint(rest).map(|(_, rest)| Read { number, value: None, rest }),
        1 => skip(8),
        2 => {
            let (length, rest) = varint(rest)?;
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some(Read { number, value: Some(value), rest })
        }
        5 => skip(4),
        _ => None,
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(i).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}
