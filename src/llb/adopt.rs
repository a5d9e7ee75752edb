//! A finished definition written anew, with other operations.

use super::{Builder, CUSTOM_NAME, Definition, LlbError, Note, Output, pb, validate};
use crate::oci::{Digest, Platform};
use std::collections::BTreeMap;

/// What the outputs of a definition are called in the builder that adopted it.
#[derive(Debug, Default)]
pub struct Adopted(BTreeMap<Output, Output>);

impl Adopted {
    /// What an output of the definition is now. What nothing changed of, with all that it
    /// takes, keeps its name.
    pub fn output(&self, before: Output) -> Output {
        let first = self.0.get(&Output { index: 0, ..before });
        self.0.get(&before).copied().or_else(|| Some(Output { index: before.index, ..*first? })).unwrap_or(before)
    }
}

impl Builder {
    /// Adds all vertices of a finished definition, with what people see of them. `change` may change each operation,
    /// which it gets with the digest of its vertex, or say what stands in its place; meanwhile the builder is set to the operation's platform.
    ///
    /// # Errors
    /// Those of `change`, and [`LlbError`] for a definition that no [`Builder`] made.
    pub fn adopt<E: From<LlbError>>(
        &mut self,
        definition: &Definition,
        mut change: impl FnMut(&mut Builder, &Digest, &mut pb::op::Op, Note) -> Result<Option<Output>, E>,
    ) -> Result<Adopted, E> {
        let mut adopted = Adopted::default();
        let message = definition.message();
        // The last one only says what the definition yields.
        let operations = message.def.split_last().map_or(&[][..], |(_, operations)| operations);
        for bytes in operations {
            let digest = Digest::of(bytes);
            let op = validate::decode(bytes)?;
            let inputs = validate::vertex(&digest, &op)?.into_iter().map(|input| adopted.output(input)).collect();
            let metadata = message.metadata.get(&digest.to_string());
            let mut description = metadata.map(|metadata| metadata.description.clone()).unwrap_or_default();
            let note = Note {
                name: description.remove(CUSTOM_NAME),
                spans: definition.spans(&digest).to_vec(),
                description: description.into_iter().collect(),
            };
            let before = Output { vertex: digest, index: 0 };
            let mut kind = op.op.ok_or(LlbError::NoOperation { vertex: digest })?;
            if let Some(platform) = &op.platform {
                self.set_platform(Platform {
                    architecture: platform.architecture.clone(),
                    os: platform.os.clone(),
                    variant: (!platform.variant.is_empty()).then(|| platform.variant.clone()),
                });
            }
            let replaced = change(self, &digest, &mut kind, note.clone())?;
            let after = replaced.unwrap_or_else(|| self.add(kind, inputs, op.platform, note));
            adopted.0.insert(before, after);
        }
        Ok(adopted)
    }
}
