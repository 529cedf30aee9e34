//! `$((…))`: C's integer expressions over 64 bits.
//!
//! Operators are read by rising precedence; an assignment changes a variable
//! through [`Names`].

use alloc::format;
use alloc::string::String;

use crate::sh::name::{is_name, is_name_letter};

/// The variables an expression works on.
pub trait Names {
    /// A variable's value; 0 if it has none.
    fn value(&self, name: &str) -> i64;
    /// Sets a variable.
    fn set(&mut self, name: &str, value: i64);
}

/// Operators between two values, with their precedence; the longer before
/// those they start with.
const BINARY: [(&str, u8); 18] = [
    ("||", 1),
    ("&&", 2),
    ("==", 6),
    ("!=", 6),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("<", 7),
    (">", 7),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

/// Works an expression out.
///
/// # Errors
/// A message about what is wrong with it.
pub fn evaluate(text: &str, names: &mut dyn Names) -> Result<i64, String> {
    let mut reader = Reader { rest: text, names, is_skipping: false };
    let value = reader.assignment()?;
    reader.skip_blanks();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.trouble()) }
}

struct Reader<'a> {
    rest: &'a str,
    names: &'a mut dyn Names,
    /// Within a branch that is not taken: nothing is assigned or divided.
    is_skipping: bool,
}

impl<'a> Reader<'a> {
    fn trouble(&self) -> String {
        format!("arithmetic: wrong expression at \"{}\"", self.rest)
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, operator: &str) -> bool {
        self.skip_blanks();
        let after = self.rest.strip_prefix(operator);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn name(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let rest = self.rest;
        let end = rest.find(|letter| !is_name_letter(letter));
        let name = &rest[..end.unwrap_or(rest.len())];
        self.rest = &rest[name.len()..];
        if is_name(name) {
            return Some(name);
        }
        self.rest = rest;
        None
    }

    fn assignment(&mut self) -> Result<i64, String> {
        let start = self.rest;
        if let Some(name) = self.name() {
            if let Some(operator) = self.assigning() {
                let right = self.assignment()?;
                let left = self.names.value(name);
                let value = match operator {
                    "" => right,
                    operator => self.apply(operator, left, right)?,
                };
                if !self.is_skipping {
                    self.names.set(name, value);
                }
                return Ok(value);
            }
            self.rest = start;
        }
        self.choice()
    }

    /// Takes `=` or an operator with `=` after it; gives the operator.
    fn assigning(&mut self) -> Option<&'static str> {
        self.skip_blanks();
        if self.rest.starts_with('=') && !self.rest.starts_with("==") {
            self.rest = &self.rest[1..];
            return Some("");
        }
        let is_plain = |operator: &&str| {
            !matches!(*operator, "==" | "!=" | "<=" | ">=" | "<" | ">")
        };
        let operators = BINARY.iter().map(|(operator, _)| *operator);
        operators.filter(is_plain).find(|operator| {
            let after = self.rest.strip_prefix(operator);
            let after = after.and_then(|after| after.strip_prefix('='));
            let after = after.filter(|after| !after.starts_with('='));
            self.rest = after.unwrap_or(self.rest);
            after.is_some()
        })
    }

    fn choice(&mut self) -> Result<i64, String> {
        let condition = self.binary(1)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.maybe(condition != 0, Self::assignment)?;
        if !self.take(":") {
            return Err(self.trouble());
        }
        let no = self.maybe(condition == 0, Self::assignment)?;
        Ok(if condition != 0 { yes } else { no })
    }

    /// Reads a part that counts only if `is_taken`.
    fn maybe(
        &mut self,
        is_taken: bool,
        read: impl FnOnce(&mut Self) -> Result<i64, String>,
    ) -> Result<i64, String> {
        let before = self.is_skipping;
        self.is_skipping |= !is_taken;
        let value = read(self);
        self.is_skipping = before;
        value
    }

    fn binary(&mut self, least: u8) -> Result<i64, String> {
        let mut left = self.unary()?;
        loop {
            self.skip_blanks();
            let rest = self.rest;
            let is_next =
                |(operator, _): &&(&str, u8)| rest.starts_with(operator);
            let Some((operator, level)) = BINARY.iter().find(is_next) else {
                return Ok(left);
            };
            if *level < least {
                return Ok(left);
            }
            self.rest = &rest[operator.len()..];
            let is_taken = match *operator {
                "||" => left == 0,
                "&&" => left != 0,
                _ => true,
            };
            let right = self.maybe(is_taken, |r| r.binary(level + 1))?;
            left = self.apply(operator, left, right)?;
        }
    }

    fn unary(&mut self) -> Result<i64, String> {
        if self.take("!") {
            return self.unary().map(|value| i64::from(value == 0));
        }
        if self.take("~") {
            return self.unary().map(|value| !value);
        }
        if self.take("-") {
            return self.unary().map(i64::wrapping_neg);
        }
        if self.take("+") {
            return self.unary();
        }
        if self.take("(") {
            let value = self.assignment()?;
            return if self.take(")") {
                Ok(value)
            } else {
                Err(self.trouble())
            };
        }
        match self.name() {
            Some(name) => Ok(self.names.value(name)),
            None => self.number(),
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let rest = self.rest;
        let end = rest.find(|letter| !is_name_letter(letter));
        let word = &rest[..end.unwrap_or(rest.len())];
        let value = parse(word).ok_or_else(|| self.trouble())?;
        self.rest = &rest[word.len()..];
        Ok(value)
    }

    fn apply(
        &self,
        operator: &str,
        left: i64,
        right: i64,
    ) -> Result<i64, String> {
        if matches!(operator, "/" | "%") && right == 0 {
            if self.is_skipping {
                return Ok(0);
            }
            return Err("arithmetic: division by zero".into());
        }
        Ok(match operator {
            "||" => i64::from(left != 0 || right != 0),
            "&&" => i64::from(left != 0 && right != 0),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<" => i64::from(left < right),
            "<=" => i64::from(left <= right),
            ">" => i64::from(left > right),
            ">=" => i64::from(left >= right),
            "<<" => left.wrapping_shl(right as u32),
            ">>" => left.wrapping_shr(right as u32),
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" => left.wrapping_div(right),
            _ => left.wrapping_rem(right),
        })
    }
}

/// A number as C writes it.
pub fn parse(word: &str) -> Option<i64> {
    let lowered = word.to_ascii_lowercase();
    if let Some(digits) = lowered.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok();
    }
    if word.len() > 1 && word.starts_with('0') {
        return i64::from_str_radix(word, 8).ok();
    }
    word.parse().ok()
}
