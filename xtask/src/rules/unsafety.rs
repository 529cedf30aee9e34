//! Unsafe code stays where its arguments can be checked: the kernel's machine
//! crate and the user programs' library. All other crates forbid it, so that
//! the compiler checks it.
use super::Finding;
use super::source::Source;

/// Where `unsafe` may stand.
const ALLOWED: [&str; 2] = ["kernel/machine/src/", "user/lib/src/"];

/// What forbids it, in the root of a crate or in its manifest.
const FORBIDS: [&str; 2] =
    ["#![forbid(unsafe_code)]", "unsafe_code = \"forbid\""];

/// `unsafe` outside the allowed places, and crates that forgot to forbid it.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !is_allowed(&source.path)) {
        if source.is_rust() {
            findings.extend(uses(source));
        }
        let folder = source.path.strip_suffix("/Cargo.toml");
        if folder.is_some_and(|folder| !forbids(sources, source, folder)) {
            let text = "the crate lacks #![forbid(unsafe_code)]";
            findings.push(Finding::new(source, 0, text));
        }
    }
    findings
}

fn is_allowed(path: &str) -> bool {
    let is_manifest = path.ends_with("/Cargo.toml");
    ALLOWED.iter().any(|place| {
        let folder = place.trim_end_matches("src/");
        path.starts_with(place) || is_manifest && path.starts_with(folder)
    })
}

/// Whether the crate in `folder` forbids unsafe code: in its manifest, or in
/// each root that it has.
fn forbids(sources: &[Source], manifest: &Source, folder: &str) -> bool {
    let roots = ["lib.rs", "main.rs"].map(|n| format!("{folder}/src/{n}"));
    let mut roots = sources.iter().filter(|s| roots.contains(&s.path));
    let says = |text: &str| FORBIDS.iter().any(|words| text.contains(words));
    says(&manifest.text) || roots.all(|root| says(&root.code))
}

fn uses(source: &Source) -> impl Iterator<Item = Finding> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    source
        .code_lines()
        .filter(move |(_, line)| {
            line.split(|c| !is_word(c)).any(|word| word == "unsafe")
        })
        .map(|(line, _)| {
            Finding::new(source, line, "unsafe outside kernel/machine")
        })
}
