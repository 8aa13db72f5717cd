//! The fewest boxes for small tensors, by trying all.

use portolan::question::diff::{Cell, Tensor};
use std::collections::BTreeSet;

/// How many boxes are tried at most, so that a large case is left out instead of taking for ever.
const MOST_TRIES: usize = 300_000;

/// All places of a tensor.
pub(crate) fn places(tensor: &Tensor) -> impl Iterator<Item = [usize; 3]> {
    let [n_a, n_b, n_c] = tensor.sizes;
    (0..n_a).flat_map(move |a| (0..n_b).flat_map(move |b| (0..n_c).map(move |c| [a, b, c])))
}

/// The fewest boxes that hold every yes and no no: at most `known`. `None` when there is too much
/// to try.
pub(crate) fn fewest_boxes(tensor: &Tensor, known: usize) -> Option<usize> {
    let wanted: BTreeSet<[usize; 3]> = places(tensor)
        .filter(|place| tensor.get(*place) == Cell::Yes)
        .collect();
    let mut tries = MOST_TRIES;
    for size in 0..known {
        if can_cover(tensor, &wanted, size, &mut tries)? {
            return Some(size);
        }
    }
    Some(known)
}

fn can_cover(
    tensor: &Tensor,
    wanted: &BTreeSet<[usize; 3]>,
    boxes: usize,
    tries: &mut usize,
) -> Option<bool> {
    let Some(first) = wanted.first() else {
        return Some(true);
    };
    if boxes == 0 {
        return Some(false);
    }
    // One of the boxes holds the first place, and may as well be one that cannot grow.
    for candidate in full_boxes(tensor, *first) {
        *tries = tries.checked_sub(1)?;
        let left = wanted.difference(&candidate).copied().collect();
        if can_cover(tensor, &left, boxes - 1, tries)? {
            return Some(true);
        }
    }
    Some(false)
}

/// Every set of places that is a box around a place and cannot grow.
fn full_boxes(tensor: &Tensor, [a, b, c]: [usize; 3]) -> BTreeSet<BTreeSet<[usize; 3]>> {
    let [n_a, n_b, n_c] = tensor.sizes;
    let may = |place| tensor.get(place) != Cell::No;
    let mut found = BTreeSet::new();
    // All sets of destinations and of traffic around the place; the sources follow.
    for destinations in subsets((0..n_b).filter(|&other| may([a, other, c])).collect(), b) {
        for traffic in subsets((0..n_c).filter(|&other| may([a, b, other])).collect(), c) {
            let all = |a: usize| {
                destinations
                    .iter()
                    .all(|&b| traffic.iter().all(|&c| may([a, b, c])))
            };
            if !all(a) {
                continue;
            }
            let sources: Vec<usize> = (0..n_a).filter(|&a| all(a)).collect();
            let mut places = BTreeSet::new();
            for &a in &sources {
                for &b in &destinations {
                    places.extend(traffic.iter().map(|&c| [a, b, c]));
                }
            }
            found.insert(places);
        }
    }
    found
}

/// All subsets of some numbers that hold one of them.
fn subsets(numbers: Vec<usize>, one: usize) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = vec![vec![one]];
    for number in numbers.into_iter().filter(|&number| number != one) {
        let with: Vec<Vec<usize>> = sets
            .iter()
            .map(|set| {
                let mut set = set.clone();
                set.push(number);
                set.sort_unstable();
                set
            })
            .collect();
        sets.extend(with);
    }
    sets
}
