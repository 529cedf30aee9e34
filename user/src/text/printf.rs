//! `printf`: prints words by a format.

use alloc::format;
use alloc::string::{String, ToString};
use core::iter::Peekable;
use core::slice::Iter;
use core::str::Chars;

use user_lib::print;

use user_lib::option::usage;

/// Runs `printf`.
pub fn main(arguments: &[String]) -> i32 {
    match arguments.get(1) {
        Some(form) => print!("{}", text(form, &arguments[2..])),
        None => return usage("printf", "FORMAT [WORD]..."),
    }
    0
}

/// What `printf` prints. The format is used again while words are left.
pub fn text(form: &str, words: &[String]) -> String {
    let form = unescape(form);
    let mut words = words.iter();
    let mut printed = String::new();
    loop {
        let before = words.len();
        once(&form, &mut words, &mut printed);
        if words.len() == 0 || words.len() == before {
            return printed;
        }
    }
}

fn once(form: &str, words: &mut Iter<String>, printed: &mut String) {
    let mut letters = form.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '%' if letters.next_if_eq(&'%').is_some() => printed.push('%'),
            '%' => printed.push_str(&conversion(&mut letters, words)),
            other => printed.push(other),
        }
    }
}

/// Flags and width of one conversion.
#[derive(Default)]
struct Shape {
    is_left: bool,
    has_zeros: bool,
    width: usize,
    precision: Option<usize>,
}

impl Shape {
    fn parse(letters: &mut Peekable<Chars>) -> Self {
        let mut shape = Self::default();
        while let Some(flag) =
            letters.next_if(|letter| matches!(letter, '-' | '0' | '+' | ' '))
        {
            shape.is_left |= flag == '-';
            shape.has_zeros |= flag == '0';
        }
        shape.width = number(letters);
        if letters.next_if_eq(&'.').is_some() {
            shape.precision = Some(number(letters));
        }
        shape
    }

    fn pad(&self, text: String) -> String {
        let width = self.width;
        if self.is_left {
            return format!("{text:<width$}");
        }
        match text.strip_prefix('-') {
            Some(digits) if self.has_zeros && width > 0 => {
                format!("-{digits:0>width$}", width = width - 1)
            }
            None if self.has_zeros => format!("{text:0>width$}"),
            _ => format!("{text:>width$}"),
        }
    }
}

fn number(letters: &mut Peekable<Chars>) -> usize {
    let mut value = 0usize;
    while let Some(letter) = letters.next_if(char::is_ascii_digit) {
        value = value.saturating_mul(10) + (letter as usize - '0' as usize);
    }
    value.min(4096)
}

fn conversion(
    letters: &mut Peekable<Chars>,
    words: &mut Iter<String>,
) -> String {
    let shape = Shape::parse(letters);
    let kind = letters.next().unwrap_or('%');
    let word = words.next().map_or("", String::as_str);
    match kind {
        's' | 'b' => {
            let text = if kind == 'b' { unescape(word) } else { word.into() };
            let limit = shape.precision.unwrap_or(usize::MAX);
            let text = text.chars().take(limit).collect();
            Shape { has_zeros: false, ..shape }.pad(text)
        }
        'c' => shape.pad(word.chars().take(1).collect()),
        'd' | 'i' | 'u' => shape.pad(integer(word).to_string()),
        'x' => shape.pad(format!("{:x}", integer(word))),
        'X' => shape.pad(format!("{:X}", integer(word))),
        'o' => shape.pad(format!("{:o}", integer(word))),
        other => format!("%{other}"),
    }
}

/// A number as C writes it: decimal, `0x…`, `0…`; 0 for anything else.
fn integer(word: &str) -> i64 {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word),
    };
    let value = if let Some(digits) = digits.strip_prefix("0x") {
        i64::from_str_radix(digits, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    sign * value.unwrap_or(0)
}

/// Replaces backslash escapes by what they mean.
pub fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('a') => plain.push('\x07'),
            Some('b') => plain.push('\x08'),
            Some('e') => plain.push('\x1b'),
            Some('\\') => plain.push('\\'),
            Some('x') => plain.push(digits(&mut letters, 16, 2, 0)),
            Some(first @ '0'..='7') => {
                let value = first as u32 - '0' as u32;
                plain.push(digits(&mut letters, 8, 3, value));
            }
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

fn digits(
    letters: &mut Peekable<Chars>,
    radix: u32,
    most: usize,
    first: u32,
) -> char {
    let mut value = first;
    for _ in 0..most {
        let Some(digit) = letters.peek().and_then(|c| c.to_digit(radix)) else {
            break;
        };
        letters.next();
        value = value * radix + digit;
    }
    char::from(value as u8)
}
