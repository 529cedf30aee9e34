//! Source files, and what of them is code.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders of the root with sources in them.
const FOLDERS: [&str; 5] = ["kernel", "user", "xtask", "tests", "boards"];

/// The page in the root.
const FIRST_PAGE: &str = "README.md";

/// What the name of a page ends with.
const PAGE: &str = ".md";

/// What else is read.
const MANIFEST: &str = "/Cargo.toml";

/// One file.
#[derive(Clone, Debug)]
pub struct Source {
    /// From the root of the source tree, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// With spaces in place of comments, strings and characters; lines and
    /// columns stay. A page has none.
    pub code: String,
}

impl Source {
    /// A source with this text.
    pub fn new(path: &str, text: &str) -> Source {
        let is_page = path.ends_with(PAGE);
        let code = if is_page { String::new() } else { code_of(text) };
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// The lines of code with their numbers, from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// Whether it is Rust, rather than a manifest or a page.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is a page to read.
    pub fn is_page(&self) -> bool {
        self.path.ends_with(PAGE)
    }
}

/// Every Rust file, manifest and page below `root`, and the page in it.
///
/// # Errors
/// A file or folder cannot be read.
pub fn read_all(root: &Path) -> Result<Vec<Source>> {
    let text = fs::read_to_string(root.join(FIRST_PAGE)).context(FIRST_PAGE)?;
    let mut sources = vec![Source::new(FIRST_PAGE, &text)];
    for folder in FOLDERS {
        if root.join(folder).is_dir() {
            read_folder(root, folder, &mut sources)?;
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn read_folder(
    root: &Path,
    folder: &str,
    sources: &mut Vec<Source>,
) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_folder(root, &path, sources)?;
        } else if [".rs", MANIFEST, PAGE].iter().any(|it| path.ends_with(it)) {
            let text = fs::read_to_string(entry.path())
                .with_context(|| path.clone())?;
            sources.push(Source::new(&path, &text));
        }
    }
    Ok(())
}

/// `text` with comments, strings and characters blanked out.
pub(super) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = blank_length(rest);
        let size = if length == 0 { first.len_utf8() } else { length };
        let (piece, after) = rest.split_at(size);
        if length == 0 {
            code.push_str(piece);
            if is_word(first) {
                // What follows within a word starts no string: `br` is one.
                let more =
                    after.len() - after.trim_start_matches(is_word).len();
                code.push_str(&after[..more]);
                rest = &after[more..];
                continue;
            }
        } else {
            let keep = |c| if c == '\n' { '\n' } else { ' ' };
            code.extend(piece.chars().map(keep));
        }
        rest = after;
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the comment, string or character `text` begins with; 0 for code.
fn blank_length(text: &str) -> usize {
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        block_comment(text)
    } else if text.starts_with('"') {
        quoted(text, 1, '"')
    } else if let Some(length) = prefixed_string(text) {
        length
    } else if text.starts_with('\'') {
        character(text)
    } else {
        0
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Length of a literal that ends with `quote`, from its `start` on.
fn quoted(text: &str, start: usize, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text[start..].char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return start + at + 1;
        }
    }
    text.len()
}

/// Length of a string with a prefix: `r"…"`, `r#"…"#`, `b"…"`, `br"…"`,
/// `c"…"` or `b'…'`.
fn prefixed_string(text: &str) -> Option<usize> {
    let letters = text.find(|c| !matches!(c, 'b' | 'c' | 'r'))?;
    let prefix = &text[..letters];
    if !matches!(prefix, "r" | "b" | "c" | "br" | "cr") {
        return None;
    }
    let after = &text[letters..];
    if prefix == "b" && after.starts_with('\'') {
        return Some(quoted(text, letters + 1, '\''));
    }
    if !prefix.ends_with('r') {
        let is_string = after.starts_with('"');
        return is_string.then(|| quoted(text, letters + 1, '"'));
    }
    let marks = after.len() - after.trim_start_matches('#').len();
    let body = after[marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(letters + marks + 1 + length)
}

/// Length of a character; 0 when the quote begins a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => quoted(text, 1, '\''),
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 0,
    }
}
