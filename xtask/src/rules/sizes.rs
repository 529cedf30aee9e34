//! No file and no function is too long to be read at once.
use super::Finding;
use super::source::Source;

/// Most lines of a file; tests apart.
const FILE: usize = 400;

/// Most lines of a function.
const FUNCTION: usize = 60;

/// Files and functions that are longer.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let lines = source.text.lines().count();
        if lines > FILE && !source.path.ends_with("tests.rs") {
            let text = format!("{lines} lines, of {FILE} at most");
            findings.push(Finding::new(source, 0, text));
        }
        findings.extend(long_functions(source));
    }
    findings
}

fn long_functions(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.code.lines().collect();
    let mut findings = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let length = match is_function(line) {
            true => function_length(&lines[start..]),
            false => 0,
        };
        if length > FUNCTION {
            let text =
                format!("function of {length} lines, of {FUNCTION} at most");
            findings.push(Finding::new(source, start + 1, text));
        }
    }
    findings
}

fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("fn ") || line.contains(" fn ")
}

/// Lines from the signature to the brace that closes the body.
fn function_length(lines: &[&str]) -> usize {
    let mut depth = 0_usize;
    for (number, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => return number + 1,
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 => return number + 1,
                _ => {}
            }
        }
    }
    lines.len()
}
