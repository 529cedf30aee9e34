//! Names as symbols of a grammar: the pair of symbols that is most frequent
//! becomes a symbol, again and again. `kernel_core::symbol_table` reads them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};

/// The first symbol that is no byte.
pub(super) const FIRST_RULE: usize = 256;
/// As deep as the kernel reads.
pub(super) const MOST_DEPTH: usize = 40;
/// A pair that is rarer is not worth a rule.
const RARE: usize = 3;

/// Two neighbours, the left one above. A number is quickest to hash.
type Pair = u32;

/// Names, and what their symbols from 256 on stand for.
#[derive(Default)]
pub struct Grammar {
    pub rules: Vec<[u16; 2]>,
    pub names: Vec<Vec<u16>>,
}

impl Grammar {
    /// The grammar of `names`.
    ///
    /// # Errors
    /// A name is not ASCII, or there are too many.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut grammar = Self::default();
        for name in names {
            ensure!(name.is_ascii(), "{name} is not ASCII");
            grammar.names.push(name.bytes().map(u16::from).collect());
        }
        let mut times = Times::default();
        grammar.names.iter().for_each(|name| times.add(name));
        loop {
            let chosen = grammar.choose(&times);
            if chosen.0.is_empty() {
                break;
            }
            for name in &mut grammar.names {
                if chosen.is_in(name) {
                    times.take(name);
                    replace(name, &chosen);
                    times.add(name);
                }
            }
        }
        let end = FIRST_RULE + grammar.rules.len();
        ensure!(end <= usize::from(u16::MAX), "{end} symbols are too many");
        let depth = grammar.depth();
        ensure!(depth <= MOST_DEPTH, "rules are nested {depth} deep");
        Ok(grammar)
    }

    /// Makes rules of the most frequent pairs that have no symbol in common,
    /// none of them much rarer than the first.
    fn choose(&mut self, times: &Times) -> Chosen {
        let most = times.0.values().copied().max().unwrap_or(0);
        let least = RARE.max(most / 2);
        let frequent = times.0.iter().filter(|(_, times)| **times >= least);
        let mut frequent: Vec<(&Pair, &usize)> = frequent.collect();
        // The order among equals makes each build the same.
        frequent.sort_unstable_by_key(|(pair, times)| (Reverse(*times), *pair));
        let mut chosen = Chosen::default();
        let mut used: HashSet<u16> = HashSet::new();
        for (pair, _) in frequent {
            let symbol = u16::try_from(FIRST_RULE + self.rules.len());
            let Ok(symbol) = symbol else { break };
            let both = parts(*pair);
            if both.iter().all(|it| !used.contains(it)) {
                used.extend(both);
                self.rules.push(both);
                chosen.add(both, symbol);
            }
        }
        chosen
    }

    /// How deep the rules are nested.
    fn depth(&self) -> usize {
        let mut depths = vec![0; FIRST_RULE];
        for [left, right] in &self.rules {
            let of = |symbol: &u16| depths[usize::from(*symbol)];
            let depth = 1 + of(left).max(of(right));
            depths.push(depth);
        }
        depths.into_iter().max().unwrap_or(0)
    }
}

/// How often each pair occurs.
#[derive(Default)]
struct Times(HashMap<Pair, usize>);

impl Times {
    fn add(&mut self, name: &[u16]) {
        pairs(name).for_each(|pair| *self.0.entry(pair).or_default() += 1);
    }

    fn take(&mut self, name: &[u16]) {
        pairs(name).for_each(|pair| *self.0.entry(pair).or_default() -= 1);
    }
}

/// All neighbours in a name.
fn pairs(name: &[u16]) -> impl Iterator<Item = Pair> {
    name.windows(2).map(|it| u32::from(it[0]) << 16 | u32::from(it[1]))
}

fn parts(pair: Pair) -> [u16; 2] {
    [(pair >> 16) as u16, pair as u16]
}

/// Pairs that get symbols of their own: the right one and the pair's, by the
/// left one, which is in no other.
#[derive(Default)]
struct Chosen(Vec<Option<(u16, u16)>>);

impl Chosen {
    fn add(&mut self, [left, right]: [u16; 2], symbol: u16) {
        let left = usize::from(left);
        self.0.resize(self.0.len().max(left + 1), None);
        self.0[left] = Some((right, symbol));
    }

    fn symbol(&self, left: u16, right: u16) -> Option<u16> {
        match self.0.get(usize::from(left)) {
            Some(Some((it, symbol))) if *it == right => Some(*symbol),
            _ => None,
        }
    }

    fn is_in(&self, name: &[u16]) -> bool {
        name.windows(2).any(|it| self.symbol(it[0], it[1]).is_some())
    }
}

/// Replaces the pairs by their symbols.
fn replace(name: &mut Vec<u16>, chosen: &Chosen) {
    let (mut from, mut to) = (0, 0);
    while from < name.len() {
        let next = name.get(from + 1).copied();
        let symbol = next.and_then(|next| chosen.symbol(name[from], next));
        name[to] = symbol.unwrap_or(name[from]);
        from += if symbol.is_some() { 2 } else { 1 };
        to += 1;
    }
    name.truncate(to);
}
