//! Who dies when memory runs out.
//!
//! Weights are shares of memory: a page that several hold counts for each
//! with its part, so that the weights of all add up to what is in use, and a
//! thousand copies of one small process do not look like the largest.
//!
//! The heaviest process group loses its heaviest member: a job may be large
//! as a whole while each of its processes is smaller than the shell. But a
//! process dies only after its children, as long as these weigh more than
//! itself: so a shell outlives what it has started.

use alloc::collections::BTreeMap;

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
/// Takes time n log n, and n for each generation below the first choice.
pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let mut groups = BTreeMap::new();
    for it in candidates {
        *groups.entry(it.group).or_insert(0) += it.weight;
    }
    let (group, _) = groups.into_iter().max_by_key(|(_, weight)| *weight)?;
    let mut chosen = heaviest(candidates, |it| it.group == group)?;
    // Each step leads to a child, and nobody is his own ancestor; but the
    // relations may have changed while they were noted down.
    for _ in candidates {
        let Some(child) = heavier_children(candidates, chosen) else { break };
        chosen = child;
    }
    Some(chosen)
}

/// The heaviest child of a process whose children outweigh it.
fn heavier_children(candidates: &[Candidate], of: usize) -> Option<usize> {
    let parent = candidates.get(of)?;
    let is_child = |it: &Candidate| it.parent == parent.id;
    let children = candidates.iter().filter(|it| is_child(it));
    let weight: u64 = children.map(|it| it.weight).sum();
    if weight <= parent.weight {
        return None;
    }
    heaviest(candidates, is_child)
}

/// The heaviest that is `wanted`, the youngest of equals.
fn heaviest(
    candidates: &[Candidate],
    wanted: impl Fn(&Candidate) -> bool,
) -> Option<usize> {
    let all = candidates.iter().enumerate().filter(|(_, it)| wanted(it));
    all.max_by_key(|(_, it)| (it.weight, it.id)).map(|(index, _)| index)
}
