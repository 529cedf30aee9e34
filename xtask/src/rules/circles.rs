//! No two files of a crate import each other, not even by way of others.
//!
//! Which crate may use which is cargo's business; within a crate the compiler
//! allows any order. So here: file A imports file B if it takes a name from
//! it that B defines. A re-export is no import, it leads on to the file that
//! defines the name; nor is `mod name;`, or a `use` of a module alone.
//! Methods are found by their type, not by a path, so they do not count.
mod path;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::source::Source;
use tree::Tree;

/// File names that are the root of a crate, wherever they stand.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

/// Circles of imports, one finding for each knot of files.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let roots = sources.iter().filter(|source| is_root(&source.path));
    roots.flat_map(|root| knots(&Graph::new(&root.path, sources))).collect()
}

fn is_root(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|parts| ROOTS.contains(&parts.1))
}

/// Which file takes which names from which.
struct Graph<'a> {
    edges: BTreeMap<&'a str, BTreeMap<&'a str, BTreeSet<String>>>,
}

impl<'a> Graph<'a> {
    fn new(root: &str, sources: &'a [Source]) -> Graph<'a> {
        let tree = Tree::new(root, sources);
        let mut edges = BTreeMap::<_, BTreeMap<_, BTreeSet<_>>>::new();
        for (module, (source, names)) in &tree.files {
            for path in &names.paths {
                let definer = tree.definer(module, path);
                let Some(other) = definer.filter(|other| *other != module)
                else {
                    continue;
                };
                let to = tree.files[other].0.path.as_str();
                let from = edges.entry(source.path.as_str()).or_default();
                let name = path.words.last().cloned().unwrap_or_default();
                from.entry(to).or_default().insert(name);
            }
        }
        Graph { edges }
    }

    fn next(&self, file: &str) -> impl Iterator<Item = &'a str> {
        self.edges.get(file).into_iter().flat_map(|to| to.keys().copied())
    }

    /// All files that can be reached from `start` by one import or more.
    fn reach(&self, start: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut todo: Vec<_> = self.next(start).collect();
        while let Some(file) = todo.pop() {
            if reached.insert(file) {
                todo.extend(self.next(file));
            }
        }
        reached
    }

    /// A shortest way from `start` back to it.
    fn circle(&self, start: &'a str) -> Vec<&'a str> {
        let mut ways = vec![vec![start]];
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                let last = way.last().copied().unwrap_or(start);
                for next in self.next(last) {
                    let way = [&way[..], &[next]].concat();
                    if next == start {
                        return way;
                    }
                    if seen.insert(next) {
                        longer.push(way);
                    }
                }
            }
            ways = longer;
        }
        Vec::new()
    }

    /// `a > b (Name) > a (Other)`.
    fn tell(&self, way: &[&str]) -> String {
        let mut text = way.first().copied().unwrap_or_default().to_owned();
        for pair in way.windows(2) {
            let names = &self.edges[pair[0]][pair[1]];
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            text += &format!(" > {} ({})", pair[1], names.join(", "));
        }
        text
    }
}

/// Files that can all reach each other: a shortest circle of each knot, and
/// how many files are tied into it.
fn knots(graph: &Graph<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut told = BTreeSet::new();
    for file in graph.edges.keys().copied() {
        let reached = graph.reach(file);
        if told.contains(file) || !reached.contains(file) {
            continue;
        }
        let is_tied = |other: &&str| graph.reach(other).contains(file);
        let knot: Vec<_> = reached.into_iter().filter(is_tied).collect();
        let way = graph.tell(&graph.circle(file));
        let text =
            format!("imports form a circle of {} files: {way}", knot.len());
        findings.push(Finding { path: file.to_owned(), line: 0, text });
        told.extend(knot);
    }
    findings
}
