//! What an image holds that somebody else made and advisories may be about.

use super::place::{Origin, Place, line};
use crate::evidence::inventory::{Inventory, Package};
use crate::evidence::sbom::deb_purl;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A package or a runtime in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Component {
    /// Its package URL.
    pub purl: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// On what terms it is given away: an SPDX expression, or the package's own words.
    pub licence: Option<String>,
    /// Where it is told or stands.
    pub places: Vec<Place>,
}

/// The packages that kiln installed in the image.
pub fn installed(inventory: &Inventory) -> Vec<Component> {
    let because = because(inventory);
    let of_image = inventory.packages.iter().enumerate().map(|(i, package)| {
        let spec = because[i].first().and_then(|first| inventory.packages[*first].location);
        let chain = because[i].iter().map(|at| inventory.packages[*at].name.clone()).collect();
        component(package, Origin { because: chain, spec: spec.map(|at| line(inventory, at)), ..Origin::default() })
    });
    of_image.collect()
}

fn component(package: &Package, origin: Origin) -> Component {
    let place = Place { origin, ..Place::default() };
    Component {
        purl: deb_purl(package),
        name: package.name.clone(),
        version: package.version.clone(),
        licence: package.licence.expression.clone(),
        places: vec![place],
    }
}

/// For each package the shortest way from one that was asked for, by who needs whom; ends with the package.
fn because(inventory: &Inventory) -> Vec<Vec<usize>> {
    let mut needs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (who, needed) in &inventory.edges {
        needs.entry(*who).or_default().push(*needed);
    }
    let mut from: Vec<Option<usize>> = vec![None; inventory.packages.len()];
    let mut seen: Vec<bool> = inventory.packages.iter().map(|package| package.requested).collect();
    let mut queue: VecDeque<usize> = seen.iter().enumerate().filter(|(_, asked)| **asked).map(|(i, _)| i).collect();
    while let Some(at) = queue.pop_front() {
        for next in needs.get(&at).into_iter().flatten() {
            if let Some(seen) = seen.get_mut(*next).filter(|seen| !**seen) {
                *seen = true;
                from[*next] = Some(at);
                queue.push_back(*next);
            }
        }
    }
    let chain = |mut at: usize| {
        let mut chain = vec![at];
        while let Some(before) = from[at] {
            chain.push(before);
            at = before;
        }
        chain.reverse();
        chain
    };
    (0..inventory.packages.len()).map(chain).collect()
}
