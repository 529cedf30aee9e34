//! The structure block as a sequence of tokens, each checked as it is read.

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// Why a blob is refused. Offsets are in bytes from the structure block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The first word is this, not the magic number of a device tree.
    BadMagic(u32),
    /// The header says this size: below its own or above
    /// [`MAX_SIZE`](super::MAX_SIZE), or more than the bytes at hand.
    BadSize(u32),
    /// Readers of version 17 cannot read it: oldest compatible version.
    BadVersion(u32),
    /// This part lies outside the blob or is not aligned.
    BadBlock(&'static str),
    /// An unknown token, a property outside its place, or a cut-off one.
    BadToken(usize),
    /// A name without end or with characters that are not printable ASCII.
    BadName(usize),
    /// Nodes nest deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep(usize),
    /// Nodes do not nest as one tree.
    NotATree(usize),
}

impl core::fmt::Display for TreeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            TreeError::BadMagic(word) => write!(f, "bad magic {word:#010x}"),
            TreeError::BadSize(size) => write!(f, "bad size {size:#x}"),
            TreeError::BadVersion(version) => {
                write!(f, "version {version} is not readable")
            }
            TreeError::BadBlock(what) => {
                write!(f, "{what} block outside the blob")
            }
            TreeError::BadToken(at) => write!(f, "bad token at {at:#x}"),
            TreeError::BadName(at) => write!(f, "bad name at {at:#x}"),
            TreeError::TooDeep(at) => write!(f, "too deep at {at:#x}"),
            TreeError::NotATree(at) => write!(f, "not a tree at {at:#x}"),
        }
    }
}

/// The two blocks that hold nodes, properties and their names.
#[derive(Clone, Copy)]
pub struct Blocks<'a> {
    pub structure: &'a [u8],
    pub strings: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// The tokens from `offset` of the structure block on.
    pub fn tokens(self, offset: usize) -> Tokens<'a> {
        Tokens { blocks: self, offset }
    }
}

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
    blocks: Blocks<'a>,
    offset: usize,
}

impl<'a> Tokens<'a> {
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
            let token = word(self.blocks.structure, at).ok_or(bad)?;
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
        let name = text(self.blocks.structure, at + 4)
            .ok_or(TreeError::BadName(at))?;
        self.offset = (at + 4 + name.len() + 1).next_multiple_of(4);
        Ok(Token::Begin(name))
    }

    fn property(&mut self, at: usize) -> Result<Token<'a>, TreeError> {
        let bad = TreeError::BadToken(at);
        let size = word(self.blocks.structure, at + 4).ok_or(bad)? as usize;
        let name = word(self.blocks.structure, at + 8).ok_or(bad)? as usize;
        let start = at + 12;
        let value =
            self.blocks.structure.get(start..start + size).ok_or(bad)?;
        let name =
            self.blocks.strings.get(name..).ok_or(TreeError::BadName(at))?;
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

/// The big-endian word at byte `at`, if it is there.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// A big-endian number of any length; the high bits of a long one are lost.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}
