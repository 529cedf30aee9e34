//! The kernel's command line.
//!
//! Words separated by blanks, each `key` or `key=value`; double quotes keep
//! blanks together. What the kernel does not know is for the first program:
//! plain words become its arguments, `key=value` its environment; words with a
//! dot in the key are parameters of some module and are dropped. Everything
//! after `--` is an argument. Linux: *The kernel's command-line parameters*.

#[cfg(test)]
mod tests;

/// One word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argument<'a> {
    /// Before the first `=`.
    pub key: &'a str,
    /// After it, without quotes around.
    pub value: Option<&'a str>,
}

/// What is handed to the first program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForInit<'a> {
    /// An argument.
    Argument(&'a str),
    /// A variable and its value.
    Variable(&'a str, &'a str),
}

/// A command line.
#[derive(Clone, Copy, Debug)]
pub struct CommandLine<'a>(&'a str);

impl<'a> CommandLine<'a> {
    /// From the text of the device tree.
    pub const fn new(text: &'a str) -> Self {
        CommandLine(text)
    }

    /// The words before `--`.
    pub fn arguments(self) -> impl Iterator<Item = Argument<'a>> {
        words(self.0).take_while(|word| *word != "--").map(parse)
    }

    /// The value of the last `key=value`.
    pub fn value(self, key: &str) -> Option<&'a str> {
        let same = self.arguments().filter(|word| same_key(word.key, key));
        same.filter_map(|word| word.value).last()
    }

    /// Whether `key` is there, with or without a value.
    pub fn has(self, key: &str) -> bool {
        self.arguments().any(|word| same_key(word.key, key))
    }

    /// What is for the first program: all that `is_known` does not know.
    pub fn for_init(
        self,
        is_known: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = ForInit<'a>> {
        let before = self
            .arguments()
            .filter(move |word| !is_known(word.key) && !word.key.contains('.'))
            .map(|word| match word.value {
                Some(value) => ForInit::Variable(word.key, value),
                None => ForInit::Argument(word.key),
            });
        let after = words(self.0).skip_while(|word| *word != "--").skip(1);
        before.chain(after.map(|word| ForInit::Argument(unquote(word))))
    }
}

/// In keys `-` and `_` are the same.
fn same_key(a: &str, b: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    a.bytes().map(plain).eq(b.bytes().map(plain))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return None;
        }
        let mut quoted = false;
        let end = rest.find(|character| {
            quoted ^= character == '"';
            !quoted && is_blank(character)
        });
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(word)
    })
}

fn is_blank(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\0'
}

fn parse(word: &str) -> Argument<'_> {
    // Quotes may stand around the whole word or around the value.
    let word = if word.starts_with('"') { unquote(word) } else { word };
    match word.split_once('=') {
        Some((key, value)) => Argument { key, value: Some(unquote(value)) },
        None => Argument { key: word, value: None },
    }
}

fn unquote(text: &str) -> &str {
    match text.strip_prefix('"') {
        Some(inner) => inner.strip_suffix('"').unwrap_or(inner),
        None => text,
    }
}
