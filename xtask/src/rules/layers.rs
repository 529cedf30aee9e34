//! Imports go one way.
//!
//! The kernel's modules lie in layers; a module imports from its own layer
//! and from those below it. Within a layer, files of different modules form
//! no circle. Only `crate::` paths are looked at: the order of the crates
//! themselves is cargo's business.
use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::source::Source;

/// Where the kernel's modules are.
const KERNEL: &str = "kernel/src/";

/// From the bottom to the top. `main` is what is in `main.rs` itself.
const LAYERS: [&[&str]; 9] = [
    &["sync", "arch"],
    &["mm", "drivers", "trace"],
    &["log"],
    &["panic"],
    &["task"],
    &["freezer", "signal"],
    &["files"],
    &["process", "syscall", "cgroup", "power", "hub", "heartbeat"],
    &["main", "boot", "start"],
];

/// The one call upwards: where the boot code hands over.
const HANDOVER: &str = "kernel_main";

/// One `crate::` path in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    line: usize,
    path: Vec<String>,
}

/// Imports from a higher layer, and circles.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let files: Vec<&Source> =
        sources.iter().filter(|source| is_kernel(source)).collect();
    let names: BTreeSet<&str> =
        files.iter().map(|file| module(&file.path)).collect();
    let mut findings = Vec::new();
    let mut graph = Graph::default();
    for file in files {
        let from = module(&file.path);
        if layer(top(from)).is_none() {
            let text = "in no layer; see xtask/src/rules/layers.rs";
            findings.push(Finding::new(file, 0, text));
        }
        for import in imports(&file.code) {
            if import.path == [HANDOVER] {
                continue;
            }
            let to = resolve(&names, &import.path);
            findings.extend(against_order(file, &import, &to));
            graph.add(from, &to);
        }
    }
    findings.extend(graph.circle());
    findings
}

fn is_kernel(source: &Source) -> bool {
    source.path.starts_with(KERNEL)
        && source.is_rust()
        && !source.path.ends_with("tests.rs")
}

/// `kernel/src/task/wait.rs` gives `task/wait`.
fn module(path: &str) -> &str {
    path.trim_start_matches(KERNEL).trim_end_matches(".rs")
}

fn top(module: &str) -> &str {
    module.split('/').next().unwrap_or(module)
}

fn layer(top: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&top))
}

/// The file that `crate::PATH` leads to. `arch` re-exports its machine.
fn resolve(names: &BTreeSet<&str>, path: &[String]) -> String {
    let machine =
        [&["arch".into(), "aarch64".into()], path.get(1..).unwrap_or(&[])]
            .concat();
    let is_machine = path.first().is_some_and(|first| first == "arch");
    let candidates = [is_machine.then_some(machine), Some(path.to_vec())];
    for candidate in candidates.into_iter().flatten() {
        for end in (1..=candidate.len()).rev() {
            let name = candidate[..end].join("/");
            if names.contains(name.as_str()) {
                return name;
            }
        }
    }
    match path.first() {
        Some(first) if layer(first).is_some() => first.clone(),
        _ => "main".into(),
    }
}

fn against_order(file: &Source, import: &Import, to: &str) -> Option<Finding> {
    let from = top(module(&file.path));
    let to = top(to);
    (layer(to)? > layer(from)?).then(|| {
        let path = import.path.join("::");
        let text = format!("{from} must not import crate::{path}");
        Finding::new(file, import.line, text)
    })
}

/// All `crate::` paths in `code`, with braces resolved.
fn imports(code: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (at, mark) in code.match_indices("crate::") {
        let line = code[..at].lines().count().max(1);
        let mut paths = Vec::new();
        tree(&code[at + mark.len()..], &[], &mut paths);
        found.extend(paths.into_iter().map(|path| Import { line, path }));
    }
    found
}

/// Reads one use tree, `a::b` or `a::{b, c::d}`, and returns what follows.
fn tree<'a>(
    code: &'a str,
    prefix: &[String],
    paths: &mut Vec<Vec<String>>,
) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        loop {
            rest = tree(rest, prefix, paths).trim_start();
            match rest.strip_prefix(',') {
                Some(after) if !after.trim_start().starts_with('}') => {
                    rest = after;
                }
                Some(after) => {
                    return after.trim_start().trim_start_matches('}');
                }
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let end = code.find(|c| !is_word(c)).unwrap_or(code.len());
    let (word, rest) = code.split_at(end);
    let path = [prefix, &[word.to_owned()]].concat();
    match rest.strip_prefix("::") {
        Some(rest) if !word.is_empty() => tree(rest, &path, paths),
        _ => {
            paths.push(path);
            rest.strip_prefix(" as ")
                .map_or(rest, |rest| rest.trim_start_matches(is_word))
        }
    }
}

/// Which file imports which, of another module.
#[derive(Default)]
struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn add(&mut self, from: &str, to: &str) {
        if top(from) != top(to) {
            let edges = self.edges.entry(from.to_owned()).or_default();
            edges.insert(to.to_owned());
        }
    }

    /// One circle, if there is any.
    fn circle(&self) -> Option<Finding> {
        let mut finished = BTreeSet::new();
        self.edges.keys().find_map(|start| {
            let mut way = Vec::new();
            let circle = self.walk(start, &mut way, &mut finished)?;
            Some(Finding {
                path: format!("{KERNEL}{}.rs", circle[0]),
                line: 0,
                text: format!("imports form a circle: {}", circle.join(" > ")),
            })
        })
    }

    /// Depth first from `file`; `way` is how we came here.
    fn walk(
        &self,
        file: &str,
        way: &mut Vec<String>,
        finished: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|other| other == file) {
            let end = file.to_owned();
            return Some(way[start..].iter().cloned().chain([end]).collect());
        }
        if finished.contains(file) {
            return None;
        }
        way.push(file.to_owned());
        let next = self.edges.get(file).into_iter().flatten();
        for other in next {
            if let Some(circle) = self.walk(other, way, finished) {
                return Some(circle);
            }
        }
        way.pop();
        finished.insert(file.to_owned());
        None
    }
}
