//! The structure block as a sequence of tokens, each checked as it is read.

use super::{TreeError, word};

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

pub enum Token<'a> {
    /// A node with this name begins.
    Begin(&'a str),
    /// The node that began last ends.
    End,
    /// A property of that node: where its name is, and its value.
    Property(Name<'a>, &'a [u8]),
    /// Nothing follows.
    Finish,
}

/// A name in the strings block, found when somebody asks: most properties are
/// passed over, and reading each of their names would take most of the time.
#[derive(Clone, Copy)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// Whether it is `name`.
    pub fn is(self, name: &str) -> bool {
        let rest = self.0.strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| rest.first() == Some(&0))
    }

    /// The name, if it ends and is printable.
    pub fn text(self) -> Option<&'a str> {
        text(self.0, 0)
    }
}

/// Reads tokens from a structure block. Stays put at the first bad token.
#[derive(Clone)]
pub struct Tokens<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
    offset: usize,
}

impl<'a> Tokens<'a> {
    pub fn new(structure: &'a [u8], strings: &'a [u8], offset: usize) -> Self {
        Tokens { structure, strings, offset }
    }

    /// Where the next token starts, in bytes from the structure block.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The next token; `NOP`s are passed over. Names of properties are not
    /// looked at.
    ///
    /// # Errors
    /// `BadToken` and `BadName` with the offset of the culprit.
    pub fn try_next(&mut self) -> Result<Token<'a>, TreeError> {
        loop {
            let at = self.offset;
            let bad = TreeError::BadToken(at);
            let token = word(self.structure, at).ok_or(bad)?;
            match token {
                NOP => self.offset = at + 4,
                BEGIN_NODE => return self.begin(at),
                PROPERTY => return self.property(at),
                END_NODE => {
                    self.offset = at + 4;
                    return Ok(Token::End);
                }
                END => return Ok(Token::Finish),
                _ => return Err(bad),
            }
        }
    }

    /// The next token of a checked block; `None` at its end.
    pub fn next(&mut self) -> Option<Token<'a>> {
        self.try_next().ok().filter(|token| !matches!(token, Token::Finish))
    }

    fn begin(&mut self, at: usize) -> Result<Token<'a>, TreeError> {
        let name =
            text(self.structure, at + 4).ok_or(TreeError::BadName(at))?;
        self.offset = (at + 4 + name.len() + 1).next_multiple_of(4);
        Ok(Token::Begin(name))
    }

    fn property(&mut self, at: usize) -> Result<Token<'a>, TreeError> {
        let bad = TreeError::BadToken(at);
        let size = word(self.structure, at + 4).ok_or(bad)? as usize;
        let name = word(self.structure, at + 8).ok_or(bad)? as usize;
        let start = at + 12;
        let value = self.structure.get(start..start + size).ok_or(bad)?;
        let name = self.strings.get(name..).ok_or(TreeError::BadName(at))?;
        self.offset = (start + size).next_multiple_of(4);
        Ok(Token::Property(Name(name), value))
    }
}

/// The printable, NUL-terminated text at `start`.
fn text(bytes: &[u8], start: usize) -> Option<&str> {
    let bytes = bytes.get(start..)?;
    let length =
        bytes.iter().position(|&byte| !(b' '..=b'~').contains(&byte))?;
    if bytes[length] != 0 {
        return None;
    }
    core::str::from_utf8(&bytes[..length]).ok()
}
