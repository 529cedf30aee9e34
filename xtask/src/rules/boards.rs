//! Boards are data: nothing outside `boards/` names one.
//!
//! Code that asks which board this is would have to be changed for each new
//! one. What differs goes into `boards/NAME/board.toml`, under a name that says
//! what it is for.
use super::Finding;
use super::source::Source;
use crate::board::Board;

/// Where boards are described.
const FOLDER: &str = "boards/";

/// Words by which a board may be known, in small letters.
pub fn names(boards: &[Board]) -> Vec<String> {
    let words = |board: &Board| {
        [&board.name, &board.title, &board.compatible].map(|w| w.to_lowercase())
    };
    boards.iter().flat_map(words).collect()
}

/// Names of boards outside `boards/`, in comments and strings too. Pages may
/// name them.
pub fn check(sources: &[Source], names: &[String]) -> Vec<Finding> {
    let is_outside = |s: &&Source| !s.path.starts_with(FOLDER) && !s.is_page();
    let outside = sources.iter().filter(is_outside);
    outside.flat_map(|source| check_one(source, names)).collect()
}

fn check_one(source: &Source, names: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(source.text.lines()) {
        // A name may be written with marks around a word of it.
        let text = text.to_lowercase().replace('`', "");
        if let Some(name) = names.iter().find(|name| text.contains(*name)) {
            let text = format!("names the board {name}; see boards/README.md");
            findings.push(Finding::new(source, line, text));
        }
    }
    findings
}
