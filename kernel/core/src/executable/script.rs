//! The first line of a script: `#!interpreter argument`.

use kernel_abi::Errno;

#[cfg(test)]
mod tests;

/// How much of a file is looked at.
pub const HEAD: usize = 256;

/// Who runs the script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Script<'a> {
    /// Path of the program; never empty.
    pub interpreter: &'a [u8],
    /// The rest of the line, blanks inside included.
    pub argument: Option<&'a [u8]>,
}

impl<'a> Script<'a> {
    /// Looks at the first [`HEAD`] bytes of a file; `None` if it is no script.
    ///
    /// # Errors
    /// `ENOEXEC` if no interpreter is named, or its name may be cut off.
    pub fn parse(head: &'a [u8]) -> Result<Option<Self>, Errno> {
        let head = &head[..head.len().min(HEAD)];
        let Some(line) = head.strip_prefix(b"#!") else {
            return Ok(None);
        };
        let end = line.iter().position(|&byte| byte == b'\n');
        let is_cut = end.is_none() && head.len() == HEAD;
        let line = trim(&line[..end.unwrap_or(line.len())]);
        let blank = line.iter().position(|&byte| is_blank(byte));
        if line.is_empty() || (is_cut && blank.is_none()) {
            return Err(Errno::ENOEXEC);
        }
        let (interpreter, rest) = line.split_at(blank.unwrap_or(line.len()));
        let rest = trim(rest);
        let argument = (!rest.is_empty()).then_some(rest);
        Ok(Some(Script { interpreter, argument }))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0)
}

/// Blanks at both ends do not count, and a NUL ends the line.
fn trim(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|&byte| byte != b' ' && byte != b'\t');
    let line = &line[start.unwrap_or(line.len())..];
    let nul = line.iter().position(|&byte| byte == 0);
    let line = &line[..nul.unwrap_or(line.len())];
    let end = line.iter().rposition(|&byte| !is_blank(byte));
    &line[..end.map_or(0, |at| at + 1)]
}
