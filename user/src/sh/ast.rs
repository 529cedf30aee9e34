//! What the parser makes of shell text, and the executor runs.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

/// One piece of a word. `is_quoted` pieces are not split and not globbed.
#[derive(Clone, Debug)]
pub enum Part {
    /// Letters as they stand, open to globbing.
    Literal(String),
    /// Letters that stood in quotes or after a backslash.
    Quoted(String),
    /// `$name` or `${name…}`.
    Parameter { parameter: Box<Parameter>, is_quoted: bool },
    /// `$(…)` or backquotes.
    Command { list: Rc<List>, is_quoted: bool },
    /// `$((…))`.
    Arithmetic { expression: Word, is_quoted: bool },
}

/// Pieces without a gap.
pub type Word = Vec<Part>;

/// A parameter and what is done with its value.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// A variable's name, a digit, or one of `@*#?$!-`.
    pub name: String,
    /// `${#name}` and so on.
    pub operation: Operation,
}

/// What stands after the name in `${name…}`.
#[derive(Clone, Debug)]
pub enum Operation {
    /// The value itself.
    Value,
    /// `${#name}`.
    Length,
    /// `-`, `=`, `?` or `+` and a word; with a colon before it, an empty
    /// value counts as none.
    Choice { kind: char, has_colon: bool, word: Word },
    /// `#`, `##`, `%` or `%%` and a pattern to take away.
    Trim { is_suffix: bool, is_longest: bool, pattern: Word },
}

/// What a redirection does with its descriptor.
#[derive(Clone, Debug)]
pub enum Target {
    /// Opens a file with these flags.
    File { name: Word, flags: u32 },
    /// Copies a descriptor, or closes for `-`.
    Descriptor(Word),
    /// Reads this text; it is set when its lines have been read.
    Here(Rc<OnceCell<Word>>),
}

/// One redirection.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The descriptor that changes.
    pub descriptor: i32,
    /// What becomes of it.
    pub target: Target,
}

/// Words to run, with assignments before them.
#[derive(Clone, Debug, Default)]
pub struct Simple {
    /// `NAME=WORD` before the command.
    pub assignments: Vec<(String, Word)>,
    /// The command and its arguments.
    pub words: Vec<Word>,
    /// In order.
    pub redirects: Vec<Redirect>,
}

/// One command of a pipeline.
#[derive(Clone, Debug)]
pub enum Command {
    /// Words.
    Simple(Simple),
    /// A construct with its redirections.
    Compound(Box<Compound>, Vec<Redirect>),
    /// `name() …`.
    Function { name: String, body: Rc<Command> },
}

/// A construct that holds commands.
#[derive(Clone, Debug)]
pub enum Compound {
    /// `{ …; }`.
    Group(List),
    /// `( … )`.
    Subshell(List),
    /// `if`: conditions with what follows them, and `else`.
    If { branches: Vec<(List, List)>, otherwise: Option<List> },
    /// `while` and `until`.
    Loop { condition: List, body: List, is_until: bool },
    /// `for`; without words over the positional parameters.
    For { name: String, words: Option<Vec<Word>>, body: List },
    /// `case`.
    Case { word: Word, arms: Vec<(Vec<Word>, List)> },
}

/// Commands joined by `|`.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Whether `!` stands before it.
    pub is_negated: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// What stands between two pipelines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Join {
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The first pipeline.
    pub first: Pipeline,
    /// The others, each with what stands before it.
    pub rest: Vec<(Join, Pipeline)>,
    /// The text of a chain that runs in the background.
    pub background: Option<String>,
}

/// Chains joined by `;`, `&` or newlines.
pub type List = Vec<Chain>;
