//! The known word that a wrong one was probably meant to be.

use alloc::vec;
use alloc::vec::Vec;

#[cfg(test)]
mod tests;

/// Two letters in the wrong order, one too many or one too few.
const SLIP: usize = 2;
/// A letter for another one. It is dearer, so that `sl` is rather `ls`.
const WRONG: usize = 3;

/// The word closest to `word`, the first of several; `None` if none is close.
pub fn nearest<'a>(
    word: &str,
    words: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let letters: Vec<char> = word.chars().collect();
    // A short word has too many neighbours.
    let most = if letters.len() < 5 { WRONG } else { 2 * SLIP };
    let close = words.filter_map(|known| {
        let other: Vec<char> = known.chars().collect();
        let cost = distance(&letters, &other);
        let is_close = cost <= most && cost < WRONG * letters.len();
        is_close.then_some((cost, known))
    });
    close.min_by_key(|(cost, _)| *cost).map(|(_, known)| known)
}

/// What the cheapest way from one word to the other costs: letters are
/// inserted, erased, changed, or swapped with their neighbour (the distance of
/// Damerau and Levenshtein, for words whose parts are edited once).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).map(|at| at * SLIP).collect();
    for (row, letter) in from.iter().enumerate() {
        let mut next = vec![(row + 1) * SLIP];
        for (column, other) in to.iter().enumerate() {
            let change = if letter == other { 0 } else { WRONG };
            let mut cost = (last[column] + change)
                .min(last[column + 1] + SLIP)
                .min(next[column] + SLIP);
            let is_swap = row > 0
                && column > 0
                && from[row - 1] == *other
                && to[column - 1] == *letter;
            if is_swap {
                cost = cost.min(before[column - 1] + SLIP);
            }
            next.push(cost);
        }
        before = core::mem::replace(&mut last, next);
    }
    last[to.len()]
}
