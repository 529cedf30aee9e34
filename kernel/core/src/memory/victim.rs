//! Who dies when memory runs out.
//!
//! Weights are shares of memory: a page that several hold counts for each
//! with its part, so that the weights of all add up to what is in use, and a
//! thousand copies of one small process do not look like the largest.
//!
//! The heaviest process group loses its heaviest member: a job may be large
//! as a whole while each of its processes is smaller than the shell. But a
//! process dies only after its descendants, as long as these weigh more than
//! itself: so a shell outlives what it has started, also through another one
//! that has next to no memory of its own.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

#[cfg(test)]
mod tests;

/// A process that may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its number; later ones are larger.
    pub id: u32,
    /// The number of its parent.
    pub parent: u32,
    /// The number of its group.
    pub group: u32,
    /// Its share of memory, in any unit.
    pub weight: u64,
}

/// The index of the process that should die; `None` if there are none.
/// Takes time n log n.
pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let mut groups = BTreeMap::new();
    for it in candidates {
        *groups.entry(it.group).or_insert(0) += it.weight;
    }
    let (group, _) = groups.into_iter().max_by_key(|(_, weight)| *weight)?;
    let family = Family::of(candidates);
    let own = |index: usize| candidates[index].weight;
    let members = candidates.iter().enumerate();
    let members = members.filter(|(_, it)| it.group == group);
    let mut chosen =
        heaviest(candidates, members.map(|(index, _)| index), own)?;
    // Each step leads to a child, and nobody is his own ancestor; but the
    // relations may have changed while they were noted down.
    for _ in candidates {
        let children = family.children(candidates, chosen);
        let weight = |index: usize| family.weights[index];
        match heaviest(candidates, children, weight) {
            Some(child) if family.outweighs(candidates, chosen) => {
                chosen = child;
            }
            _ => break,
        }
    }
    Some(chosen)
}

/// Who descends from whom.
struct Family {
    /// The children of each process, by its number.
    children: BTreeMap<u32, Vec<usize>>,
    /// The weight of each candidate with all its descendants.
    weights: Vec<u64>,
}

impl Family {
    fn of(candidates: &[Candidate]) -> Self {
        let ids = candidates.iter().enumerate();
        let index_of: BTreeMap<u32, usize> =
            ids.map(|(index, it)| (it.id, index)).collect();
        let mut children: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, it) in candidates.iter().enumerate() {
            children.entry(it.parent).or_default().push(index);
        }
        let mut weights: Vec<_> =
            candidates.iter().map(|it| it.weight).collect();
        let count = |it: &Candidate| children.get(&it.id).map_or(0, Vec::len);
        let mut waiting: Vec<_> = candidates.iter().map(count).collect();
        // From the youngest generation up: a process is added to its parent
        // once it has all its own children.
        let mut complete: Vec<_> =
            (0..candidates.len()).filter(|&it| waiting[it] == 0).collect();
        while let Some(index) = complete.pop() {
            let parent = index_of.get(&candidates[index].parent);
            let Some(&parent) = parent else { continue };
            weights[parent] += weights[index];
            waiting[parent] -= 1;
            if waiting[parent] == 0 {
                complete.push(parent);
            }
        }
        Self { children, weights }
    }

    fn children(
        &self,
        candidates: &[Candidate],
        of: usize,
    ) -> impl Iterator<Item = usize> {
        self.children.get(&candidates[of].id).into_iter().flatten().copied()
    }

    /// Whether its descendants weigh more than a process.
    fn outweighs(&self, candidates: &[Candidate], index: usize) -> bool {
        let own = candidates[index].weight;
        self.weights[index] - own > own
    }
}

/// The heaviest, the youngest of equals.
fn heaviest(
    candidates: &[Candidate],
    among: impl Iterator<Item = usize>,
    weight: impl Fn(usize) -> u64,
) -> Option<usize> {
    among.max_by_key(|&index| (weight(index), candidates[index].id))
}
