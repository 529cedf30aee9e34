//! One code for all: what is tested is what runs.
//!
//! `cfg(loom)` swaps the atomics in `kernel/core/src/sync` and nothing else,
//! apart from code that is only there in tests; `kernel-core` has no cargo
//! features.
use super::Finding;
use super::source::Source;

const CORE: &str = "kernel/core/";
const SYNC: [&str; 2] = ["kernel/core/src/sync.rs", "kernel/core/src/sync/"];

/// Conditional code outside the places for it.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(check_one).collect()
}

fn check_one(source: &Source) -> Vec<Finding> {
    source
        .code_lines()
        .filter_map(|(line, code)| {
            let text = problem(source, code)?;
            Some(Finding::new(source, line, text))
        })
        .collect()
}

fn problem(source: &Source, code: &str) -> Option<&'static str> {
    let is_core = source.path.starts_with(CORE);
    if !source.is_rust() {
        let is_table = is_core && code.trim() == "[features]";
        return is_table.then_some("features in kernel-core");
    }
    if !code.contains("cfg") {
        return None;
    }
    let is_sync = SYNC.iter().any(|place| source.path.starts_with(place));
    if has_loom(code) && !is_sync && !code.contains("test") {
        return Some("cfg(loom) outside kernel/core/src/sync");
    }
    let is_feature = is_core && code.contains("feature");
    is_feature.then_some("cfg(feature) in kernel-core")
}

fn has_loom(code: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric()).any(|word| word == "loom")
}
