//! Shell patterns: `*`, `?`, `[…]`, and a backslash that quotes.

/// Whether the pattern matches the whole text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern_letters = pattern.chars();
    let mut text_letters = text.chars();
    let Some(first) = pattern_letters.next() else {
        return text.is_empty();
    };
    let rest = pattern_letters.as_str();
    match first {
        '*' => {
            let starts = text.char_indices().map(|(index, _)| index);
            starts
                .chain([text.len()])
                .any(|start| matches(rest, &text[start..]))
        }
        '?' => {
            text_letters.next().is_some()
                && matches(rest, text_letters.as_str())
        }
        '[' => match (set(rest), text_letters.next()) {
            (Some(set), Some(letter)) => {
                set.holds(letter) && matches(set.after, text_letters.as_str())
            }
            (None, Some('[')) => matches(rest, text_letters.as_str()),
            _ => false,
        },
        '\\' => {
            let quoted = pattern_letters.next().unwrap_or('\\');
            text_letters.next() == Some(quoted)
                && matches(pattern_letters.as_str(), text_letters.as_str())
        }
        letter => {
            text_letters.next() == Some(letter)
                && matches(rest, text_letters.as_str())
        }
    }
}

/// Whether a pattern can match anything but itself.
pub fn is_special(pattern: &str) -> bool {
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

/// A set of letters and the pattern after it.
struct Set<'a> {
    is_negated: bool,
    members: &'a str,
    after: &'a str,
}

/// Reads a set after its `[`; `None` if it has no end.
fn set(text: &str) -> Option<Set<'_>> {
    let inner = text.strip_prefix(['!', '^']);
    let is_negated = inner.is_some();
    let inner = inner.unwrap_or(text);
    // A bracket right at the start is a member.
    let skip = usize::from(inner.starts_with(']'));
    let end = inner[skip..].find(']')? + skip;
    let (members, after) = (&inner[..end], &inner[end + 1..]);
    Some(Set { is_negated, members, after })
}

impl Set<'_> {
    fn holds(&self, letter: char) -> bool {
        let mut rest = self.members;
        let mut is_found = false;
        while let Some(low) = rest.chars().next() {
            rest = &rest[low.len_utf8()..];
            let mut high = low;
            let range = rest.strip_prefix('-').filter(|r| !r.is_empty());
            if let Some(last) = range.and_then(|range| range.chars().next()) {
                high = last;
                rest = &rest[1 + last.len_utf8()..];
            }
            is_found |= (low..=high).contains(&letter);
        }
        is_found != self.is_negated
    }
}
