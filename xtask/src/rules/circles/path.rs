//! The paths that one file names, read from its code.
//!
//! This is a reader of words, not a compiler: it knows `use`, `mod` and
//! `a::b::c`, and that is enough to see which file takes a name from which.
use std::collections::BTreeMap;

/// A path as it stands, `["crate", "task", "wait"]`, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The words between the `::`; `*` may be the last.
    pub words: Vec<String>,
    /// Counts from 1.
    pub line: usize,
    /// The inline modules around it, from the outermost.
    pub inside: Vec<String>,
}

/// What a file says of its own names and of others'.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// What each `use` binds: inline modules around it with the name, and
    /// the path behind it.
    pub bound: BTreeMap<(Vec<String>, String), Path>,
    /// All paths of two words or more, those of `use` among them.
    pub paths: Vec<Path>,
    /// Modules with a body in this file, each with those around it.
    pub inline: Vec<Vec<String>>,
}

/// One word or mark of the code, and its line.
type Token<'a> = (&'a str, usize);

/// Reads `code`, which has no comments and strings.
pub fn read(code: &str) -> Names {
    let mut reader = Reader {
        tokens: tokens(code),
        at: 0,
        modules: Vec::new(),
        depth: 0,
        names: Names::default(),
    };
    reader.file();
    reader.names
}

/// Words, `::`, and single marks.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            found.push((&rest[..length], line));
            rest = rest[length..].trim_start();
        }
    }
    found
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// Inline modules around the place, with the depth of their braces.
    modules: Vec<(&'a str, usize)>,
    depth: usize,
    names: Names,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.0)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.1)
    }

    fn inside(&self) -> Vec<String> {
        self.modules.iter().map(|module| module.0.to_owned()).collect()
    }

    fn file(&mut self) {
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "use" => {
                    self.at += 1;
                    self.tree(&[]);
                }
                "mod" if self.peek(2) == "{" => self.open_module(),
                "{" => self.step(|depth| depth + 1),
                "}" => self.close(),
                word if is_name(word) => self.path(),
                _ => self.at += 1,
            }
        }
    }

    fn step(&mut self, change: fn(usize) -> usize) {
        self.depth = change(self.depth);
        self.at += 1;
    }

    fn open_module(&mut self) {
        self.modules.push((self.peek(1), self.depth));
        self.names.inline.push(self.inside());
        self.at += 2;
    }

    fn close(&mut self) {
        self.step(|depth| depth.saturating_sub(1));
        let depth = self.depth;
        self.modules.pop_if(|module| module.1 == depth);
    }

    /// A path in an expression, a type or a visibility. What follows a dot
    /// is a field or a method.
    fn path(&mut self) {
        let line = self.line();
        let is_member = self.at > 0 && {
            let before = self.tokens[self.at - 1].0;
            before == "." || before == "::"
        };
        let mut words = vec![self.peek(0).to_owned()];
        self.at += 1;
        while self.peek(0) == "::" && is_name(self.peek(1)) {
            words.push(self.peek(1).to_owned());
            self.at += 2;
        }
        if words.len() > 1 && !is_member {
            let inside = self.inside();
            self.names.paths.push(Path { words, line, inside });
        }
    }

    /// One tree of a `use`: `a::b`, `a::{b, c as d}`, `a::*`.
    fn tree(&mut self, prefix: &[String]) {
        let mut words = prefix.to_vec();
        loop {
            match self.peek(0) {
                "::" => self.at += 1,
                "{" => return self.branches(&words),
                word if is_name(word) || word == "*" => {
                    words.push(word.to_owned());
                    self.at += 1;
                    if self.peek(0) != "::" {
                        return self.leaf(words);
                    }
                }
                _ => return,
            }
        }
    }

    fn branches(&mut self, prefix: &[String]) {
        self.at += 1;
        while !matches!(self.peek(0), "}" | "") {
            let start = self.at;
            self.tree(prefix);
            if self.peek(0) == "," || self.at == start {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// The end of a branch: what it binds, and under which name.
    fn leaf(&mut self, mut words: Vec<String>) {
        let (inside, line) = (self.inside(), self.line());
        if words.last().is_some_and(|last| last == "self") {
            words.pop();
        }
        let mut name = words.last().cloned().unwrap_or_default();
        if self.peek(0) == "as" {
            name = self.peek(1).to_owned();
            self.at += 2;
        }
        let path = Path { words, line, inside: inside.clone() };
        self.names.paths.push(path.clone());
        self.names.bound.insert((inside, name), path);
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
