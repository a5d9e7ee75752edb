//! Who contains, needs and built what, as rows of an SPDX document.

use super::super::found::Shown;
use super::super::graph::{Component, Graph, Presence};
use super::super::places::materials;
use super::element::component_id;
use super::{DOCUMENT, IMAGE, file_id};
use serde::ser::{Serialize, SerializeSeq as _, Serializer};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Relationships<'a>(pub(super) &'a Graph<'a>);

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship<'a> {
    spdx_element_id: &'a str,
    relationship_type: &'static str,
    related_spdx_element: &'a str,
}

impl Serialize for Relationships<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let graph = self.0;
        let (components, tools) = (graph.components(), graph.tools());
        let ids: Vec<String> = components.iter().chain(tools).map(component_id).collect();
        let mut rows = serializer.serialize_seq(None)?;
        let mut row = |from: &str, kind: &'static str, to: &str| {
            rows.serialize_element(&Relationship {
                spdx_element_id: from,
                relationship_type: kind,
                related_spdx_element: to,
            })
        };
        row(DOCUMENT, "DESCRIBES", IMAGE)?;
        ids[..components.len()].iter().try_for_each(|id| row(IMAGE, "CONTAINS", id))?;
        graph.roots.iter().try_for_each(|root| row(IMAGE, "DEPENDS_ON", &ids[*root]))?;
        for (component, id) in components.iter().chain(tools).zip(&ids) {
            component.depends.iter().try_for_each(|to| row(id, "DEPENDS_ON", &ids[*to]))?;
            component.files.iter().try_for_each(|file| row(id, "CONTAINS", &file_id(file)))?;
        }
        for (file, kind, package) in told(components, &ids) {
            row(&file, kind, package)?;
        }
        for (what, kind, of) in built_with(graph) {
            row(&what, kind, &of)?;
        }
        let mut sources = BTreeMap::new();
        for file in components.iter().flat_map(|component| &component.files) {
            let Some((room, step)) = graph.maker(file) else { continue };
            let behind = || graph.sources_behind(&graph.steps(room)[step]).into_iter().map(component_id).collect();
            let sources: &Vec<String> = sources.entry((room, step)).or_insert_with(behind);
            sources.iter().try_for_each(|source| row(&file_id(file), "GENERATED_FROM", source))?;
        }
        rows.end()
    }
}

/// What files tell of: programs and archives contain it, and other files describe it.
fn told<'i>(components: &[Component<'_>], ids: &'i [String]) -> BTreeSet<(String, &'static str, &'i str)> {
    let shown =
        components.iter().zip(ids).flat_map(|(component, id)| component.shown.iter().map(move |shown| (shown, id)));
    let row = |(shown, id): (&Shown<'_>, &'i String)| {
        (file_id(shown.file), if shown.is_inside() { "CONTAINS" } else { "METAFILE_OF" }, id.as_str())
    };
    shown.map(row).collect()
}

/// What the stages and the image were built with: packages and bases are tools, sources and other stages are taken
/// from.
fn built_with(graph: &Graph<'_>) -> BTreeSet<(String, &'static str, String)> {
    let mut rows = BTreeSet::new();
    for (i, stage) in graph.inventory.stages.iter().enumerate() {
        let Some(itself) = graph.at(("stage", None, i)) else { continue };
        let id = component_id(itself);
        let row = |kind| move |used: &Component<'_>| (component_id(used), kind, id.clone());
        rows.extend(graph.installed(i).map(row.clone()("BUILD_TOOL_OF")));
        let from = stage.from.iter().chain(stage.steps.iter().flat_map(materials));
        rows.extend(from.filter_map(|name| graph.named(name)).map(row("BUILD_DEPENDENCY_OF")));
        if itself.presence == Presence::Absent {
            rows.insert((component_id(itself), "BUILD_DEPENDENCY_OF", IMAGE.to_owned()));
        }
    }
    let seen = graph.inventory.steps.iter().flat_map(materials).filter_map(|name| graph.named(name));
    rows.extend(seen.map(|used| (component_id(used), "BUILD_DEPENDENCY_OF", IMAGE.to_owned())));
    rows
}
