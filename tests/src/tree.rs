//! A device tree with more in it than QEMU puts there.
//!
//! Devicetree Specification, chapter 5 (flattened format).
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, ensure};

/// Bytes of the header that are kept: up to `size_dt_struct`.
const HEADER: usize = 40;

/// Words of the header.
const TOTAL_SIZE: usize = 4;
const STRUCTURE: usize = 8;
const STRINGS: usize = 12;
const STRINGS_SIZE: usize = 32;
const STRUCTURE_SIZE: usize = 36;

/// Tokens of the structure.
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;

fn word(tree: &[u8], at: usize) -> Result<usize> {
    let bytes = tree.get(at..at + 4).context("the tree is cut off")?;
    Ok(u32::from_be_bytes(bytes.try_into()?) as usize)
}

/// The tree `tree`, in which the nodes whose names begin with `node` have a
/// property `name` with one of `values` each, in the order they stand there.
///
/// # Errors
/// It is no tree, or has not as many such nodes.
pub fn with_words(
    tree: &[u8],
    node: &str,
    name: &str,
    values: &[u32],
) -> Result<Vec<u8>> {
    let start = word(tree, STRUCTURE)?;
    let structure = part(tree, start, word(tree, STRUCTURE_SIZE)?)?;
    let strings = part(tree, word(tree, STRINGS)?, word(tree, STRINGS_SIZE)?)?;
    let mut added = Vec::new();
    let mut values = values.iter();
    for end in nodes(structure, node)? {
        let value = values.next().context("more nodes than values")?;
        let words = [PROPERTY, 4, u32::try_from(strings.len())?, *value];
        added.push((end, words.map(u32::to_be_bytes).concat()));
    }
    ensure!(values.next().is_none(), "fewer nodes than values");

    // What stands before the structure stays where it is.
    let mut new = tree[..start].to_vec();
    let mut from = 0;
    for (end, property) in added {
        new.extend(&structure[from..end]);
        new.extend(property);
        from = end;
    }
    new.extend(&structure[from..]);
    let strings_at = new.len();
    new.extend(strings);
    new.extend(name.as_bytes());
    new.push(0);
    let total = new.len();
    for (at, value) in [
        (TOTAL_SIZE, total),
        (STRINGS, strings_at),
        (STRINGS_SIZE, total - strings_at),
        (STRUCTURE_SIZE, strings_at - start),
    ] {
        new[at..at + 4].copy_from_slice(&u32::try_from(value)?.to_be_bytes());
    }
    Ok(new)
}

fn part(tree: &[u8], start: usize, size: usize) -> Result<&[u8]> {
    ensure!(start >= HEADER, "a part lies in the header");
    tree.get(start..start + size).context("a part lies outside")
}

/// Where the names of nodes end that begin with `prefix`.
fn nodes(structure: &[u8], prefix: &str) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let token = u32::try_from(word(structure, at)?)?;
        at = match token {
            BEGIN_NODE => {
                let name = &structure[at + 4..];
                let size = name.iter().position(|byte| *byte == 0);
                let size = size.context("a name without an end")?;
                let end = at + 4 + (size + 1).next_multiple_of(4);
                if name[..size].starts_with(prefix.as_bytes()) {
                    found.push(end);
                }
                end
            }
            END_NODE | NOP => at + 4,
            PROPERTY => {
                let size = word(structure, at + 4)?;
                at + 12 + size.next_multiple_of(4)
            }
            _ => return Ok(found),
        };
    }
}
