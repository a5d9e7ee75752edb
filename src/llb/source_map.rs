//! Where in which text each vertex comes from, in the form that BuildKit shows under an error.

use super::pb;
use crate::diagnostic::{FileId, Sources, Span};
use crate::oci::Digest;
use std::collections::BTreeMap;

/// Collects the places of vertices in the order of the definition.
pub(super) struct SourceMap<'s> {
    sources: &'s Sources,
    files: Vec<FileId>,
    locations: BTreeMap<String, pb::Locations>,
}

impl<'s> SourceMap<'s> {
    pub(super) fn new(sources: &'s Sources) -> Self {
        SourceMap { sources, files: Vec::new(), locations: BTreeMap::new() }
    }

    /// Adds the places of one vertex; texts are numbered as they first appear.
    pub(super) fn add(&mut self, vertex: &Digest, spans: &[Span]) {
        if spans.is_empty() {
            return;
        }
        let mut by_text: BTreeMap<usize, Vec<pb::Range>> = BTreeMap::new();
        for span in spans {
            by_text.entry(self.number(span.file)).or_default().push(self.range(*span));
        }
        let locations = by_text
            .into_iter()
            .map(|(number, ranges)| pb::Location { source_index: saturate(number), ranges })
            .collect();
        self.locations.insert(vertex.to_string(), pb::Locations { locations });
    }

    /// The message with the texts that were pointed into.
    pub(super) fn finish(self) -> pb::Source {
        let info = |id: &FileId| {
            let file = self.sources.file(*id);
            pb::SourceInfo {
                filename: file.name().to_owned(),
                data: file.text().as_bytes().to_vec(),
                definition: None,
                language: "KDL".to_owned(),
            }
        };
        pb::Source { infos: self.files.iter().map(info).collect(), locations: self.locations }
    }

    fn number(&mut self, file: FileId) -> usize {
        match self.files.iter().position(|known| *known == file) {
            Some(number) => number,
            None => {
                self.files.push(file);
                self.files.len() - 1
            }
        }
    }

    fn range(&self, span: Span) -> pb::Range {
        let file = self.sources.file(span.file);
        let position = |offset| {
            let (line, column) = file.position(offset);
            Some(pb::Position { line: saturate(line), character: saturate(column - 1) })
        };
        pb::Range { start: position(span.start), end: position(span.end) }
    }
}

fn saturate(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
