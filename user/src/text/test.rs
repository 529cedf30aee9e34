//! `test` and `[`: check a condition; status 0 for yes, 1 for no.

use alloc::string::String;

use user_lib::linux::{
    R_OK, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, W_OK,
    X_OK,
};
use user_lib::{eprintln, file, terminal};

use user_lib::option::USAGE;

/// Runs `test`, or `[`, whose last word is `]`.
pub fn main(arguments: &[String]) -> i32 {
    let (name, mut words) = (&arguments[0], &arguments[1..]);
    if name.ends_with('[') {
        match words.split_last() {
            Some((last, rest)) if last == "]" => words = rest,
            _ => return complain("missing ]"),
        }
    }
    let mut parser = Parser { words };
    match parser.any() {
        Some(value) if parser.words.is_empty() => i32::from(!value),
        _ if words.is_empty() => 1,
        _ => complain("wrong expression"),
    }
}

fn complain(message: &str) -> i32 {
    eprintln!("test: {message}");
    USAGE
}

/// The words that are left.
struct Parser<'a> {
    words: &'a [String],
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.first().is_some_and(|next| next == word);
        if is_next {
            self.words = &self.words[1..];
        }
        is_next
    }

    fn any(&mut self) -> Option<bool> {
        let mut value = self.all()?;
        while self.take("-o") {
            value |= self.all()?;
        }
        Some(value)
    }

    fn all(&mut self) -> Option<bool> {
        let mut value = self.one()?;
        while self.take("-a") {
            value &= self.one()?;
        }
        Some(value)
    }

    /// A condition of three, two or one words, tried in that order.
    fn one(&mut self) -> Option<bool> {
        if let [left, operator, right, ..] = self.words
            && let Some(value) = compare(left, operator, right)
        {
            self.words = &self.words[3..];
            return Some(value);
        }
        if self.words.len() > 1 {
            if self.take("!") {
                return self.one().map(|value| !value);
            }
            if self.take("(") {
                return self.any().filter(|_| self.take(")"));
            }
        }
        if let [operator, operand, ..] = self.words
            && let Some(value) = ask(operator, operand)
        {
            self.words = &self.words[2..];
            return Some(value);
        }
        let (word, rest) = self.words.split_first()?;
        self.words = rest;
        Some(!word.is_empty())
    }
}

fn compare(left: &str, operator: &str, right: &str) -> Option<bool> {
    let ordering = || {
        let left: i64 = left.trim().parse().ok()?;
        let right: i64 = right.trim().parse().ok()?;
        Some(left.cmp(&right))
    };
    Some(match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-eq" => ordering()?.is_eq(),
        "-ne" => ordering()?.is_ne(),
        "-lt" => ordering()?.is_lt(),
        "-le" => ordering()?.is_le(),
        "-gt" => ordering()?.is_gt(),
        "-ge" => ordering()?.is_ge(),
        _ => return None,
    })
}

fn ask(operator: &str, operand: &str) -> Option<bool> {
    Some(match operator {
        "-n" => !operand.is_empty(),
        "-z" => operand.is_empty(),
        "-e" => file::status(operand).is_ok(),
        "-f" => file::is_kind(operand, S_IFREG),
        "-d" => file::is_kind(operand, S_IFDIR),
        "-c" => file::is_kind(operand, S_IFCHR),
        "-b" => file::is_kind(operand, S_IFBLK),
        "-p" => file::is_kind(operand, S_IFIFO),
        "-L" | "-h" => file::link_status(operand)
            .is_ok_and(|status| status.st_mode & S_IFMT == S_IFLNK),
        "-s" => file::status(operand).is_ok_and(|status| status.st_size > 0),
        "-r" => file::is_allowed(operand, R_OK),
        "-w" => file::is_allowed(operand, W_OK),
        "-x" => file::is_allowed(operand, X_OK),
        "-t" => operand.parse().is_ok_and(terminal::is_terminal),
        _ => return None,
    })
}
