//! A map whose areas are in proportion to sizes: squarified (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000), in
//! whole numbers, so that it is the same everywhere.

/// A rectangle, in units of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// What all sizes are together after they were scaled: fine enough for any screen, and products of squares stay in 128
/// bits.
const WHOLE: u128 = 1 << 24;

/// Divides a map among `sizes`, which are sorted, largest first. The areas cover the map and do not overlap; what is
/// too small for a unit has none.
pub(super) fn squarify(sizes: &[u64], map: Area) -> Vec<Area> {
    let whole: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
    let scaled = |size: &u64| (u128::from(*size) * WHOLE).checked_div(whole).unwrap_or_default();
    let sizes: Vec<u128> = sizes.iter().map(scaled).collect();
    let mut areas = Vec::with_capacity(sizes.len());
    let mut left = map;
    let mut rest = sizes.as_slice();
    let mut total: u128 = rest.iter().sum();
    while !rest.is_empty() {
        let short = left.width.min(left.height);
        let long = left.width.max(left.height);
        let count = row(rest, total, short.into(), long.into());
        let (now, later) = rest.split_at(count);
        let sum: u128 = now.iter().sum();
        // The last row takes what is left, so that rounding leaves no gap.
        let depth = if later.is_empty() { long } else { share(long, sum, total) };
        left = lay(now, sum, left, depth, &mut areas);
        total -= sum;
        rest = later;
    }
    areas
}

/// How many of the sizes stand in the next row: as many as make none of its areas longer and thinner than the worst
/// before.
fn row(sizes: &[u128], total: u128, short: u128, long: u128) -> usize {
    // A row of the sum `s` is `long · s / total` deep, and an area of it `short · size / s` long: from that the
    // proportions of the longest and of the shortest area, as fractions.
    let worst = |sum: u128, largest: u128, smallest: u128| {
        let flat = (short * largest * total, long * sum * sum);
        let thin = (long * sum * sum, short * smallest * total);
        if is_less(flat, thin) { thin } else { flat }
    };
    let first = sizes.first().copied().unwrap_or_default();
    let mut sum = 0;
    let mut best = None;
    for (i, size) in sizes.iter().enumerate() {
        sum += size;
        let now = worst(sum, first, *size);
        if best.is_some_and(|best| is_less(best, now)) {
            return i;
        }
        best = Some(now);
    }
    sizes.len()
}

fn is_less(a: (u128, u128), b: (u128, u128)) -> bool {
    a.0 * b.1 < b.0 * a.1
}

/// Lays a row along the short side, and returns what is left of the map.
fn lay(sizes: &[u128], mut sum: u128, left: Area, depth: u32, areas: &mut Vec<Area>) -> Area {
    let upright = left.width >= left.height;
    let mut along = if upright { left.height } else { left.width };
    let mut at = if upright { left.y } else { left.x };
    for (i, size) in sizes.iter().enumerate() {
        let length = if i + 1 == sizes.len() { along } else { share(along, *size, sum) };
        areas.push(if upright {
            Area { x: left.x, y: at, width: depth, height: length }
        } else {
            Area { x: at, y: left.y, width: length, height: depth }
        });
        sum -= size;
        at += length;
        along -= length;
    }
    if upright {
        Area { x: left.x + depth, width: left.width - depth, ..left }
    } else {
        Area { y: left.y + depth, height: left.height - depth, ..left }
    }
}

/// `length` in the proportion of `part` to `whole`, rounded.
fn share(length: u32, part: u128, whole: u128) -> u32 {
    let rounded = (u128::from(length) * part + whole / 2).checked_div(whole).unwrap_or_default();
    u32::try_from(rounded).unwrap_or(length).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAP: Area = Area { x: 0, y: 0, width: 1200, height: 420 };

    #[test]
    fn the_example_of_the_paper_comes_out() {
        // Section 3.1: 6 × 4 and the sizes 6, 6, 4, 3, 2, 2, 1.
        let map = Area { x: 0, y: 0, width: 600, height: 400 };
        let areas = squarify(&[6, 6, 4, 3, 2, 2, 1], map);
        let first = [(0, 0, 300, 200), (0, 200, 300, 200), (300, 0, 171, 233), (471, 0, 129, 233)];
        let area = |(x, y, width, height)| Area { x, y, width, height };
        assert_eq!(areas[..4], first.map(area));
        assert_eq!(areas.len(), 7);
    }

    #[test]
    fn nothing_and_the_largest_have_a_map() {
        assert_eq!(squarify(&[], MAP), []);
        assert_eq!(squarify(&[0], MAP), [MAP]);
        assert_eq!(squarify(&[u64::MAX], MAP), [MAP]);
        assert_eq!(squarify(&[0; 50], MAP).len(), 50);
        assert_eq!(squarify(&[u64::MAX; 50], MAP).len(), 50);
    }

    proptest! {
        #[test]
        fn areas_cover_the_map_and_do_not_overlap(mut sizes in prop::collection::vec(0u64.., 1..80)) {
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let areas = squarify(&sizes, MAP);
            prop_assert_eq!(areas.len(), sizes.len());
            let covered: u64 = areas.iter().map(|a| u64::from(a.width) * u64::from(a.height)).sum();
            prop_assert_eq!(covered, 1200 * 420);
            for (i, a) in areas.iter().enumerate() {
                prop_assert!(a.x + a.width <= 1200 && a.y + a.height <= 420);
                for b in &areas[i + 1..] {
                    let apart = a.x + a.width <= b.x || b.x + b.width <= a.x
                        || a.y + a.height <= b.y || b.y + b.height <= a.y;
                    let empty = a.width * a.height == 0 || b.width * b.height == 0;
                    prop_assert!(apart || empty, "{:?} {:?}", a, b);
                }
            }
        }
    }
}
