//! The fewest boxes that cover a set of cells: as few groups as can be.
//!
//! A box is a set of sources × a set of destinations × a set of traffic. Which cells are in it is
//! all or nothing, so the question is that of a smallest cover by *maximal boxes* (the concepts of
//! a triadic context; for two dimensions, a biclique cover). It is NP-hard, so the answer is exact
//! up to a budget that every change of usual size stays within, and a good one beyond it; which of
//! the two is said.

use std::collections::BTreeSet;

/// What a box may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// No box may hold it.
    No,
    /// A box may hold it, and need not.
    Free,
    /// Some box has to.
    Yes,
}

/// Cells by (source, destination, traffic).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tensor {
    /// How many there are of each.
    pub sizes: [usize; 3],
    cells: Vec<Cell>,
}

/// A box: indexes in each dimension, in order.
pub type Box3 = [Vec<usize>; 3];

impl Tensor {
    /// A tensor whose cells are all [`Cell::No`].
    pub fn new(sizes: [usize; 3]) -> Tensor {
        Tensor {
            sizes,
            cells: vec![Cell::No; sizes.iter().product()],
        }
    }

    fn index(&self, [a, b, c]: [usize; 3]) -> usize {
        let [_, n_b, n_c] = self.sizes;
        (a * n_b + b) * n_c + c
    }

    /// The cell at a place; [`Cell::No`] beyond the sizes.
    pub fn get(&self, place: [usize; 3]) -> Cell {
        let index = self.index(place);
        self.cells.get(index).copied().unwrap_or(Cell::No)
    }

    /// Sets the cell at a place.
    pub fn set(&mut self, place: [usize; 3], cell: Cell) {
        let index = self.index(place);
        if let Some(slot) = self.cells.get_mut(index) {
            *slot = cell;
        }
    }

    fn places(&self) -> impl Iterator<Item = [usize; 3]> + '_ {
        let [n_a, n_b, n_c] = self.sizes;
        (0..n_a).flat_map(move |a| (0..n_b).flat_map(move |b| (0..n_c).map(move |c| [a, b, c])))
    }

    fn may_hold(&self, candidate: &Box3) -> bool {
        let [a, b, c] = candidate;
        a.iter().all(|&a| {
            b.iter()
                .all(|&b| c.iter().all(|&c| self.get([a, b, c]) != Cell::No))
        })
    }
}

/// How much work an exact answer may take: boxes to choose from, and cells looked up in them.
const MOST_BOXES: usize = 4_000;
const MOST_WORK: usize = 20_000_000;
/// Traffic sets are tried one by one when there are no more kinds of traffic than this.
const MOST_LAYERS: usize = 10;

/// Boxes that hold every [`Cell::Yes`] and no [`Cell::No`], and whether there are provably no
/// fewer that do.
pub fn cover(tensor: &Tensor) -> (Vec<Box3>, bool) {
    let (small, classes) = quotient(tensor);
    let (candidates, is_complete) = match maximal_boxes(&small) {
        Some(boxes) => (boxes, true),
        None => (grown_boxes(&small), false),
    };
    let (chosen, is_smallest) = choose(&small, &candidates);
    let expand = |chosen: &Box3| {
        let mut each = chosen.iter().zip(&classes).map(|(indexes, classes)| {
            let mut all: Vec<usize> = indexes
                .iter()
                .filter_map(|&class| classes.get(class))
                .flatten()
                .copied()
                .collect();
            all.sort_unstable();
            all
        });
        std::array::from_fn(|_| each.next().unwrap_or_default())
    };
    let boxes = chosen.iter().map(|held| expand(&trimmed(&small, held)));
    (boxes.collect(), is_complete && is_smallest)
}

/// A box without the sources and destinations that hold nothing that has to be held.
fn trimmed(tensor: &Tensor, [a, b, c]: &Box3) -> Box3 {
    let is_wanted = |a: &[usize], b: &[usize]| {
        a.iter().any(|&a| {
            b.iter()
                .any(|&b| c.iter().any(|&c| tensor.get([a, b, c]) == Cell::Yes))
        })
    };
    let sources = a.iter().copied().filter(|&a| is_wanted(&[a], b));
    let destinations = b.iter().copied().filter(|&b| is_wanted(a, &[b]));
    [sources.collect(), destinations.collect(), c.clone()]
}

/// Joins indexes whose slices are equal, which no smallest cover needs to tell apart.
fn quotient(tensor: &Tensor) -> (Tensor, [Vec<Vec<usize>>; 3]) {
    let mut small = tensor.clone();
    let mut classes = tensor
        .sizes
        .map(|size| (0..size).map(|index| vec![index]).collect::<Vec<_>>());
    loop {
        let mut is_stable = true;
        for (dimension, classes) in classes.iter_mut().enumerate() {
            let (joined, of) = join_slices(&small, dimension);
            if joined.len() < of.len() {
                is_stable = false;
                let mut next: Vec<Vec<usize>> = vec![Vec::new(); joined.len()];
                for (own, class) in classes.drain(..).zip(of) {
                    if let Some(class) = next.get_mut(class) {
                        class.extend(own);
                    }
                }
                *classes = next;
                small = select(&small, dimension, &joined);
            }
        }
        if is_stable {
            return (small, classes);
        }
    }
}

/// The first index of each class of equal slices, and the class of every index.
fn join_slices(tensor: &Tensor, dimension: usize) -> (Vec<usize>, Vec<usize>) {
    let size = tensor.sizes.get(dimension).copied().unwrap_or(0);
    let mut slices: Vec<Vec<u8>> = vec![Vec::new(); size];
    for place in tensor.places() {
        let at = place.get(dimension).copied().unwrap_or(0);
        if let Some(slice) = slices.get_mut(at) {
            slice.push(match tensor.get(place) {
                Cell::No => 0,
                Cell::Free => 1,
                Cell::Yes => 2,
            });
        }
    }
    let mut known: std::collections::HashMap<Vec<u8>, usize> = std::collections::HashMap::new();
    let (mut firsts, mut of) = (Vec::new(), Vec::new());
    for (index, slice) in slices.into_iter().enumerate() {
        let next = known.len();
        let class = *known.entry(slice).or_insert(next);
        if class == next {
            firsts.push(index);
        }
        of.push(class);
    }
    (firsts, of)
}

/// The tensor of some of the indexes of a dimension.
fn select(tensor: &Tensor, dimension: usize, indexes: &[usize]) -> Tensor {
    let mut sizes = tensor.sizes;
    if let Some(size) = sizes.get_mut(dimension) {
        *size = indexes.len();
    }
    let mut selected = Tensor::new(sizes);
    let places: Vec<[usize; 3]> = selected.places().collect();
    for place in places {
        let mut from = place;
        if let Some(at) = from.get_mut(dimension) {
            *at = indexes.get(*at).copied().unwrap_or(0);
        }
        selected.set(place, tensor.get(from));
    }
    selected
}

type Bits = Vec<u64>;

fn bits(n: usize) -> Bits {
    vec![0; n.div_ceil(64)]
}

fn set_bit(bits: &mut Bits, index: usize) {
    if let Some(word) = bits.get_mut(index / 64) {
        *word |= 1 << (index % 64);
    }
}

fn has_bit(bits: &Bits, index: usize) -> bool {
    bits.get(index / 64)
        .is_some_and(|word| word & (1 << (index % 64)) != 0)
}

fn and(a: &Bits, b: &Bits) -> Bits {
    a.iter().zip(b).map(|(a, b)| a & b).collect()
}

fn is_subset(a: &Bits, b: &Bits) -> bool {
    a.iter().zip(b).all(|(a, b)| a & !b == 0)
}

fn is_empty(bits: &Bits) -> bool {
    bits.iter().all(|word| *word == 0)
}

fn count(bits: &Bits) -> u32 {
    bits.iter().map(|word| word.count_ones()).sum()
}

fn members(bits: &Bits, n: usize) -> Vec<usize> {
    (0..n).filter(|&index| has_bit(bits, index)).collect()
}

/// All boxes that cannot grow, unless there are too many.
fn maximal_boxes(tensor: &Tensor) -> Option<Vec<Box3>> {
    let [n_a, n_b, n_c] = tensor.sizes;
    if n_c > MOST_LAYERS || n_a * n_b > 1 << 16 {
        return None;
    }
    // Per kind of traffic and source, the destinations.
    let layers: Vec<Vec<Bits>> = (0..n_c)
        .map(|c| {
            (0..n_a)
                .map(|a| {
                    let mut row = bits(n_b);
                    for b in 0..n_b {
                        if tensor.get([a, b, c]) != Cell::No {
                            set_bit(&mut row, b);
                        }
                    }
                    row
                })
                .collect()
        })
        .collect();
    let mut found: BTreeSet<Box3> = BTreeSet::new();
    for chosen in 1..1usize << n_c {
        let chosen: Vec<&Vec<Bits>> = layers
            .iter()
            .enumerate()
            .filter(|(c, _)| chosen & (1 << c) != 0)
            .map(|(_, layer)| layer)
            .collect();
        let rows: Vec<Bits> = (0..n_a)
            .map(|a| {
                let own = chosen.iter().filter_map(|layer| layer.get(a));
                let all = own.fold(None, |all: Option<Bits>, row| {
                    Some(all.map_or_else(|| row.clone(), |all| and(&all, row)))
                });
                all.unwrap_or_else(|| bits(n_b))
            })
            .collect();
        // Every set of destinations that some sources have in common.
        let mut common: BTreeSet<Bits> = BTreeSet::new();
        for row in &rows {
            if is_empty(row) {
                continue;
            }
            let mut more: Vec<Bits> = common.iter().map(|other| and(other, row)).collect();
            more.push(row.clone());
            common.extend(more.into_iter().filter(|set| !is_empty(set)));
            if common.len() > MOST_BOXES {
                return None;
            }
        }
        for destinations in common {
            let sources: Vec<usize> = rows
                .iter()
                .enumerate()
                .filter(|(_, row)| is_subset(&destinations, row))
                .map(|(a, _)| a)
                .collect();
            let traffic: Vec<usize> = layers
                .iter()
                .enumerate()
                .filter(|(_, layer)| {
                    sources.iter().all(|&a| {
                        layer
                            .get(a)
                            .is_some_and(|row| is_subset(&destinations, row))
                    })
                })
                .map(|(c, _)| c)
                .collect();
            found.insert([sources, members(&destinations, n_b), traffic]);
            if found.len() > MOST_BOXES {
                return None;
            }
        }
    }
    Some(found.into_iter().collect())
}

/// For each cell that has to be covered, and no box so far does, boxes that were grown from it as
/// far as they go, in several orders of dimensions.
fn grown_boxes(tensor: &Tensor) -> Vec<Box3> {
    let mut found: BTreeSet<Box3> = BTreeSet::new();
    for place in tensor.places() {
        if tensor.get(place) != Cell::Yes || is_held(&found, place) {
            continue;
        }
        for order in [[0, 1, 2], [1, 0, 2], [2, 0, 1], [2, 1, 0]] {
            let mut grown: Box3 = place.map(|index| vec![index]);
            for dimension in order {
                grow(tensor, &mut grown, dimension);
            }
            found.insert(grown);
        }
    }
    found.into_iter().collect()
}

fn is_held(boxes: &BTreeSet<Box3>, place: [usize; 3]) -> bool {
    boxes.iter().any(|candidate| holds(candidate, place))
}

fn holds(candidate: &Box3, place: [usize; 3]) -> bool {
    let mut each = candidate.iter().zip(place);
    each.all(|(indexes, index)| indexes.binary_search(&index).is_ok())
}

fn grow(tensor: &Tensor, grown: &mut Box3, dimension: usize) {
    let size = tensor.sizes.get(dimension).copied().unwrap_or(0);
    for index in 0..size {
        let mut slice = grown.clone();
        let Some(own) = slice.get_mut(dimension) else {
            continue;
        };
        if own.contains(&index) {
            continue;
        }
        *own = vec![index];
        if tensor.may_hold(&slice)
            && let Some(own) = grown.get_mut(dimension)
        {
            own.push(index);
            own.sort_unstable();
        }
    }
}

/// A cover chosen from candidates, and whether no smaller one can be chosen from them.
fn choose(tensor: &Tensor, candidates: &[Box3]) -> (Vec<Box3>, bool) {
    let wanted: Vec<[usize; 3]> = tensor
        .places()
        .filter(|place| tensor.get(*place) == Cell::Yes)
        .collect();
    let mut sets: Vec<(usize, Bits)> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let mut set = bits(wanted.len());
            for (at, place) in wanted.iter().enumerate() {
                if holds(candidate, *place) {
                    set_bit(&mut set, at);
                }
            }
            (index, set)
        })
        .filter(|(_, set)| !is_empty(set))
        .collect();
    // Larger ones first: they come first when there is a choice.
    sets.sort_by_key(|(index, set)| (std::cmp::Reverse(count(set)), *index));
    let mut all = bits(wanted.len());
    for at in 0..wanted.len() {
        set_bit(&mut all, at);
    }
    let mut search = Search {
        sets: &sets,
        best: greedy(&sets, &all),
        work: 0,
    };
    search.descend(&all, &mut Vec::new());
    let chosen = search.best.iter().filter_map(|&at| {
        let (index, _) = sets.get(at)?;
        candidates.get(*index).cloned()
    });
    let mut chosen: Vec<Box3> = chosen.collect();
    chosen.sort();
    (chosen, search.work < MOST_WORK)
}

fn without(a: &Bits, b: &Bits) -> Bits {
    a.iter().zip(b).map(|(a, b)| a & !b).collect()
}

/// The set that covers most of what is left, until nothing is; then without those that the others
/// make superfluous.
fn greedy(sets: &[(usize, Bits)], all: &Bits) -> Vec<usize> {
    let mut left = all.clone();
    let mut chosen: Vec<usize> = Vec::new();
    while !is_empty(&left) {
        let gain = |(_, (_, set)): &(usize, &(usize, Bits))| count(&and(set, &left));
        // Of equal ones, the first.
        let best = sets.iter().enumerate().rev().max_by_key(gain);
        let Some((at, (_, set))) = best else {
            break;
        };
        left = without(&left, set);
        chosen.push(at);
    }
    for at in chosen.clone().into_iter().rev() {
        let others = chosen.iter().filter(|&&other| other != at);
        let mut left = all.clone();
        for (_, set) in others.filter_map(|&other| sets.get(other)) {
            left = without(&left, set);
        }
        if is_empty(&left) {
            chosen.retain(|&other| other != at);
        }
    }
    chosen
}

/// Branch and bound: some set has to cover the cell that the fewest sets can.
struct Search<'a> {
    sets: &'a [(usize, Bits)],
    best: Vec<usize>,
    work: usize,
}

impl Search<'_> {
    fn descend(&mut self, left: &Bits, chosen: &mut Vec<usize>) {
        if is_empty(left) {
            if chosen.len() < self.best.len() {
                self.best.clone_from(chosen);
            }
            return;
        }
        let n_cells = usize::try_from(count(left)).unwrap_or(usize::MAX);
        self.work = self
            .work
            .saturating_add(n_cells.saturating_mul(self.sets.len()));
        if self.work >= MOST_WORK {
            return;
        }
        let (bound, branch) = self.bound(left);
        if chosen.len() + bound >= self.best.len() {
            return;
        }
        for at in branch {
            let Some((_, set)) = self.sets.get(at) else {
                continue;
            };
            chosen.push(at);
            self.descend(&without(left, set), chosen);
            chosen.pop();
        }
    }

    /// How many sets it takes at least, by cells of which no set holds two; and the sets that hold
    /// the cell with the fewest.
    fn bound(&self, left: &Bits) -> (usize, Vec<usize>) {
        let n_cells = left.len() * 64;
        let mut holders: Vec<(usize, Vec<usize>)> = Vec::new();
        for cell in (0..n_cells).filter(|&cell| has_bit(left, cell)) {
            let own = self.sets.iter().enumerate();
            let own = own.filter(|(_, (_, set))| has_bit(set, cell));
            holders.push((cell, own.map(|(at, _)| at).collect()));
        }
        holders.sort_by_key(|(cell, own)| (own.len(), *cell));
        let branch = holders
            .first()
            .map_or_else(Vec::new, |(_, own)| own.clone());
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut bound = 0;
        for (_, own) in &holders {
            if own.iter().all(|at| !used.contains(at)) {
                bound += 1;
                used.extend(own);
            }
        }
        (bound, branch)
    }
}
