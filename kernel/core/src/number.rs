//! Numbers as people write them into `/sys` and on the command line.
//!
//! As in Linux's `kstrto*`: digits only, an optional sign, and one newline at
//! the end, since `echo` writes one.

use kernel_abi::Errno;

#[cfg(test)]
mod tests;

/// The text without blanks and newlines around.
pub fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

fn without_newline(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

/// A number without a minus sign, in base 10.
///
/// # Errors
/// `EINVAL` if it is not a number, `ERANGE` if it is too large.
pub fn parse_decimal(text: &[u8]) -> Result<u64, Errno> {
    let text = without_newline(text);
    parse_digits(text.strip_prefix(b"+").unwrap_or(text), 10)
}

/// A number without a minus sign; `0x` starts base 16, `0` base 8.
///
/// # Errors
/// `EINVAL` if it is not a number, `ERANGE` if it is too large.
pub fn parse_any_base(text: &[u8]) -> Result<u64, Errno> {
    let text = without_newline(text);
    parse_with_base(text.strip_prefix(b"+").unwrap_or(text))
}

fn parse_with_base(text: &[u8]) -> Result<u64, Errno> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] => parse_digits(digits, 16),
        [b'0', digits @ ..] if !digits.is_empty() => parse_digits(digits, 8),
        _ => parse_digits(text, 10),
    }
}

/// A number with an optional sign; `0x` starts base 16, `0` base 8.
///
/// # Errors
/// `EINVAL` if it is not a number, `ERANGE` if it does not fit.
pub fn parse_signed(text: &[u8]) -> Result<i64, Errno> {
    match without_newline(text).strip_prefix(b"-") {
        Some(digits) => {
            let value = parse_with_base(digits)?;
            0_i64.checked_sub_unsigned(value).ok_or(Errno::ERANGE)
        }
        None => {
            let value = parse_any_base(text)?;
            i64::try_from(value).map_err(|_| Errno::ERANGE)
        }
    }
}

fn parse_digits(digits: &[u8], base: u32) -> Result<u64, Errno> {
    if digits.is_empty() {
        return Err(Errno::EINVAL);
    }
    let mut value = Some(0_u64);
    for &byte in digits {
        let digit = char::from(byte).to_digit(base).ok_or(Errno::EINVAL)?;
        value = value
            .and_then(|value| value.checked_mul(u64::from(base)))
            .and_then(|value| value.checked_add(u64::from(digit)));
    }
    value.ok_or(Errno::ERANGE)
}

/// A size in bytes such as `64K`, `128M`, `0x10000`, `8G`.
///
/// # Errors
/// `EINVAL` if it is not a size, `ERANGE` if it is too large.
pub fn parse_size(text: &[u8]) -> Result<u64, Errno> {
    let text = without_newline(text);
    let (digits, shift) = match text {
        [digits @ .., b'k' | b'K'] => (digits, 10),
        [digits @ .., b'm' | b'M'] => (digits, 20),
        [digits @ .., b'g' | b'G'] => (digits, 30),
        [digits @ .., b't' | b'T'] => (digits, 40),
        _ => (text, 0),
    };
    let value = parse_any_base(digits)?;
    value.checked_mul(1 << shift).ok_or(Errno::ERANGE)
}

/// Yes or no: `1`, `y`, `Y`, `on`; `0`, `n`, `N`, `off`.
///
/// # Errors
/// `EINVAL` for anything else.
pub fn parse_bool(text: &[u8]) -> Result<bool, Errno> {
    match without_newline(text) {
        [b'1' | b'y' | b'Y', ..] => Ok(true),
        [b'0' | b'n' | b'N', ..] => Ok(false),
        [b'o' | b'O', b'n' | b'N', ..] => Ok(true),
        [b'o' | b'O', b'f' | b'F', ..] => Ok(false),
        _ => Err(Errno::EINVAL),
    }
}
