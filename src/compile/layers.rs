//! Which moves become which layers.
//!
//! Layers are what images share, so they are cut where things change at
//! different times: a level's packages stand apart from its files, and each
//! `copy` and each `run` begins a layer, so that a change of one does not touch the others.
//! Account files and small steps join the layer before them. A level's `max`
//! bounds the number; at most half of it goes to steps where there are
//! packages too, and if there are more copies than that, the first ones, which
//! tend to change least, become one layer. If there are fewer, each may become
//! several where it brings much.
//!
//! Drawback: many small copies up front make one layer that changes with any of them.

use super::recipe::{LayerPlan, Move, Origin};
use super::step;
use crate::plan::Level;
use crate::spec::Step;
use std::ops::Range;

pub(super) fn plan(levels: &[Level], moves: &[Move]) -> Vec<LayerPlan> {
    let mut layers = Vec::new();
    if let Some(Move { origin: Origin::Base { .. }, .. }) = moves.first() {
        layers.push(LayerPlan::Kept);
    }
    if let (Some(level), Some(Move { origin: Origin::Stage { .. }, .. })) = (levels.first(), moves.first()) {
        layers.push(LayerPlan::Steps { moves: 0..1, pieces: 1, created_by: describe(level, &moves[..1]) });
    }
    for (number, level) in levels.iter().enumerate() {
        let of_level = |m: &Move| m.level == number && !matches!(m.origin, Origin::Base { .. } | Origin::Stage { .. });
        let packages = moves.iter().position(|m| of_level(m) && m.origin == Origin::Packages);
        let steps: Vec<usize> = (0..moves.len()).filter(|i| of_level(&moves[*i]) && Some(*i) != packages).collect();
        let max = level.image.layers.max.max(1) as usize;
        let for_steps = if packages.is_some() { (max / 2).max(1) } else { max };
        let begins_layer = |at: usize| match &moves[at].origin {
            Origin::Step { source: Some(_), .. } | Origin::Scripts { .. } => true,
            Origin::Step { index, .. } => matches!(level.image.steps[*index], Step::Run(_)),
            _ => false,
        };
        let groups = group(&steps, begins_layer, for_steps);
        let of_each = for_steps.checked_div(groups.len()).unwrap_or(1);
        if let Some(at) = packages {
            let pieces = max.saturating_sub(groups.len()).max(1);
            layers.push(LayerPlan::Packages { at, pieces, created_by: format!("packages of {}", level.name()) });
        }
        layers.extend(groups.into_iter().map(|moves_of_layer| {
            let created_by = describe(level, &moves[moves_of_layer.clone()]);
            LayerPlan::Steps { moves: moves_of_layer, pieces: of_each, created_by }
        }));
    }
    layers
}

/// Cuts a level's steps, which follow one another without a gap, into at most `max` runs.
fn group(steps: &[usize], begins_layer: impl Fn(usize) -> bool, max: usize) -> Vec<Range<usize>> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Vec::new() };
    let mut starts: Vec<usize> = steps.iter().copied().filter(|i| begins_layer(*i)).collect();
    match starts.first_mut() {
        Some(start) => *start = *first,
        None => starts.push(*first),
    }
    if starts.len() > max {
        starts.drain(1..=starts.len() - max);
    }
    let ends = starts.iter().copied().skip(1).chain([last + 1]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).map(|(start, end)| start..end).collect()
}

fn describe(level: &Level, moves: &[Move]) -> String {
    let words: Vec<String> = moves
        .iter()
        .map(|m| match &m.origin {
            Origin::Step { index, .. } => step::describe(&level.image.steps[*index]),
            Origin::Accounts => "accounts".into(),
            Origin::Packages => "packages".into(),
            Origin::Scripts { .. } => "scripts of packages".into(),
            Origin::Base { source } => format!("base {source}"),
            Origin::Stage { name, .. } => format!("stage {name}"),
        })
        .collect();
    let shown = words.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
    let more = if words.len() > 3 { format!("; and {} more", words.len() - 3) } else { String::new() };
    let of = level.own.as_ref().map(|own| format!(" (base {own})")).unwrap_or_default();
    format!("{shown}{more}{of}")
}
