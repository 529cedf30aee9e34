//! Unsafe code stays where its arguments can be checked: the machine, memory,
//! locks and device registers of the kernel, and the user programs' library.
use super::Finding;
use super::source::Source;

/// Where `unsafe` may stand. `kernel/src/arch` is also `kernel/src/arch.rs`.
const ALLOWED: [&str; 5] = [
    "kernel/src/arch",
    "kernel/src/mm",
    "kernel/src/sync",
    "kernel/src/drivers",
    "user/lib/src",
];

/// Crates whose root forbids unsafe code, so that the compiler checks it.
const FORBIDDING: [&str; 3] = [
    "kernel/abi/src/lib.rs",
    "kernel/core/src/lib.rs",
    "user/prompt/src/lib.rs",
];

/// `unsafe` outside the allowed places, and crates that forgot to forbid it.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        if !is_allowed(&source.path) {
            findings.extend(uses(source));
        }
        let must_forbid = FORBIDDING.contains(&source.path.as_str());
        if must_forbid && !source.code.contains("#![forbid(unsafe_code)]") {
            let text = "lacks #![forbid(unsafe_code)]";
            findings.push(Finding::new(source, 0, text));
        }
    }
    findings
}

fn is_allowed(path: &str) -> bool {
    ALLOWED.iter().any(|place| {
        path.strip_prefix(place)
            .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    })
}

fn uses(source: &Source) -> impl Iterator<Item = Finding> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    source
        .code_lines()
        .filter(move |(_, line)| {
            line.split(|c| !is_word(c)).any(|word| word == "unsafe")
        })
        .map(|(line, _)| {
            Finding::new(source, line, "unsafe outside arch, mm, sync, drivers")
        })
}
