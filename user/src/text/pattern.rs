//! Regular expressions for `grep`: `.`, `[…]`, `^`, `$`, `*`, `+`, `?`, `|`.
//!
//! Matching goes back and tries again where it failed; the patterns people
//! type at a prompt are short. Read [`Pattern::is_in`] first.

use alloc::vec::Vec;

/// What one place of the text must be.
enum Atom {
    Byte(u8),
    Any,
    Set { ranges: Vec<(u8, u8)>, is_negated: bool },
    Start,
    End,
}

/// An atom and how often it may stand there.
struct Piece {
    atom: Atom,
    least: usize,
    most: usize,
}

/// A pattern: it matches where one of its branches does.
pub struct Pattern {
    branches: Vec<Vec<Piece>>,
    ignores_case: bool,
}

impl Pattern {
    /// A pattern that is just these letters.
    pub fn literal(text: &str, ignores_case: bool) -> Self {
        let pieces = text.bytes().map(|byte| single(Atom::Byte(byte)));
        Self { branches: Vec::from([pieces.collect()]), ignores_case }
    }

    /// Reads a pattern. `\|`, `\+` and `\?` mean the same as without the
    /// backslash; before any other letter it takes the meaning away.
    pub fn parse(text: &str, ignores_case: bool) -> Self {
        let mut branches = Vec::new();
        let mut rest = text.as_bytes();
        loop {
            let (branch, after) = parse_branch(rest);
            branches.push(branch);
            match after {
                Some(after) => rest = after,
                None => return Self { branches, ignores_case },
            }
        }
    }

    /// Whether the pattern matches anywhere in a line.
    pub fn is_in(&self, line: &[u8]) -> bool {
        let lowered;
        let line = if self.ignores_case {
            lowered = line.to_ascii_lowercase();
            &lowered
        } else {
            line
        };
        (0..=line.len()).any(|start| {
            let is_here =
                |branch: &Vec<Piece>| self.matches(branch, line, start);
            self.branches.iter().any(is_here)
        })
    }

    fn matches(&self, pieces: &[Piece], line: &[u8], at: usize) -> bool {
        let Some((piece, rest)) = pieces.split_first() else {
            return true;
        };
        match piece.atom {
            Atom::Start => at == 0 && self.matches(rest, line, at),
            Atom::End => at == line.len() && self.matches(rest, line, at),
            _ => {
                let most = line[at..]
                    .iter()
                    .take(piece.most)
                    .take_while(|byte| self.accepts(&piece.atom, **byte))
                    .count();
                (piece.least..=most)
                    .rev()
                    .any(|count| self.matches(rest, line, at + count))
            }
        }
    }

    fn accepts(&self, atom: &Atom, byte: u8) -> bool {
        let is_it = |wanted: u8| {
            let lowered = wanted.to_ascii_lowercase();
            byte == if self.ignores_case { lowered } else { wanted }
        };
        match atom {
            Atom::Byte(wanted) => is_it(*wanted),
            Atom::Any => true,
            Atom::Set { ranges, is_negated } => {
                let holds = |byte: u8| {
                    ranges
                        .iter()
                        .any(|(low, high)| (*low..=*high).contains(&byte))
                };
                let upper =
                    self.ignores_case && holds(byte.to_ascii_uppercase());
                (holds(byte) || upper) != *is_negated
            }
            Atom::Start | Atom::End => false,
        }
    }
}

fn single(atom: Atom) -> Piece {
    Piece { atom, least: 1, most: 1 }
}

/// Reads up to a `|`; gives the branch, and what follows if one was there.
fn parse_branch(mut text: &[u8]) -> (Vec<Piece>, Option<&[u8]>) {
    let mut pieces: Vec<Piece> = Vec::new();
    while let Some((&byte, rest)) = text.split_first() {
        let (byte, is_escaped, rest) = match (byte, rest) {
            (b'\\', [escaped, rest @ ..]) => (*escaped, true, rest),
            _ => (byte, false, rest),
        };
        text = rest;
        match (byte, is_escaped, pieces.last_mut()) {
            (b'|', _, _) => return (pieces, Some(rest)),
            (b'*', false, Some(last)) => {
                (last.least, last.most) = (0, usize::MAX)
            }
            (b'+', _, Some(last)) => last.most = usize::MAX,
            (b'?', _, Some(last)) => last.least = 0,
            (b'.', false, _) => pieces.push(single(Atom::Any)),
            (b'^', false, None) => pieces.push(single(Atom::Start)),
            (b'$', false, _) if rest.is_empty() || rest[0] == b'|' => {
                pieces.push(single(Atom::End));
            }
            (b'[', false, _) => {
                let (set, rest) = parse_set(rest);
                pieces.push(single(set));
                text = rest;
            }
            _ => pieces.push(single(Atom::Byte(byte))),
        }
    }
    (pieces, None)
}

/// Reads a set up to its `]`, which may also be its first letter.
fn parse_set(mut text: &[u8]) -> (Atom, &[u8]) {
    let is_negated = text.first() == Some(&b'^');
    if is_negated {
        text = &text[1..];
    }
    let mut ranges = Vec::new();
    let mut is_first = true;
    loop {
        match text {
            [] => break,
            [b']', rest @ ..] if !is_first => {
                text = rest;
                break;
            }
            [low, b'-', high, rest @ ..] if *high != b']' => {
                ranges.push((*low, *high));
                text = rest;
            }
            [byte, rest @ ..] => {
                ranges.push((*byte, *byte));
                text = rest;
            }
        }
        is_first = false;
    }
    (Atom::Set { ranges, is_negated }, text)
}
