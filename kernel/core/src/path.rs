//! Paths as system calls take them: length rules, components, the last name.
//!
//! A path is bytes, not text. Nothing here looks at a file system; `.` is
//! dropped, but `..` is passed on, because only the walk knows where a
//! symbolic link has led.

use kernel_abi::Errno;

mod changes;
#[cfg(test)]
mod tests;

pub use changes::Changes;

/// Longest name of a file, in bytes.
pub const NAME_MAX: usize = 255;
/// Longest path, its NUL included, in bytes.
pub const PATH_MAX: usize = 4096;

/// One step of a walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Component<'a> {
    /// `..`
    Parent,
    /// Any other name, of 1 to 255 bytes.
    Name(&'a [u8]),
}

/// What a path ends with, for calls that make or remove a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Last<'a> {
    /// Nothing but slashes: the root.
    Root,
    /// `.`
    Current,
    /// `..`
    Parent,
    /// A name.
    Name(&'a [u8]),
}

/// A path of acceptable length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path<'a>(&'a [u8]);

impl<'a> Path<'a> {
    /// Checks a path that a program passed, without its NUL.
    ///
    /// # Errors
    /// `ENOENT` if it is empty, `ENAMETOOLONG` if it is too long.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Errno> {
        match bytes.len() {
            0 => Err(Errno::ENOENT),
            PATH_MAX.. => Err(Errno::ENAMETOOLONG),
            _ => Ok(Path(bytes)),
        }
    }

    /// The path as it was given.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether the walk starts at the root.
    pub fn is_absolute(self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Whether the path can only name a directory: it ends with a slash, or
    /// with `.` or `..`.
    pub fn wants_directory(self) -> bool {
        self.0.ends_with(b"/") || !matches!(self.split_last().1, Last::Name(_))
    }

    /// The steps of the walk; an error ends it.
    pub fn components(self) -> Components<'a> {
        Components { rest: self.0 }
    }

    /// The steps to the directory that holds the last name, and that name,
    /// which is not checked yet. Slashes at the end do not count.
    pub fn split_last(self) -> (Components<'a>, Last<'a>) {
        let end = self.0.iter().rposition(|&byte| byte != b'/');
        let Some(end) = end else {
            return (Components { rest: &[] }, Last::Root);
        };
        let path = &self.0[..=end];
        let start = path.iter().rposition(|&byte| byte == b'/');
        let (directory, name) = path.split_at(start.map_or(0, |at| at + 1));
        let last = match name {
            b"." => Last::Current,
            b".." => Last::Parent,
            _ => Last::Name(name),
        };
        (Components { rest: directory }, last)
    }
}

/// Checks a single name.
///
/// # Errors
/// `ENAMETOOLONG` if it is longer than 255 bytes.
pub fn check_name(name: &[u8]) -> Result<(), Errno> {
    if name.len() > NAME_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    Ok(())
}

/// Iterates over the steps of a walk. Can be copied to look ahead.
#[derive(Clone, Copy, Debug)]
pub struct Components<'a> {
    rest: &'a [u8],
}

impl<'a> Components<'a> {
    /// Whether only slashes and `.` are left.
    pub fn is_finished(mut self) -> bool {
        self.next().is_none()
    }

    /// What has not been walked yet, to be put behind a link's target.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Components<'a> {
    type Item = Result<Component<'a>, Errno>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.rest.iter().position(|&byte| byte != b'/')?;
            let path = &self.rest[start..];
            let slash = path.iter().position(|&byte| byte == b'/');
            let (name, rest) = path.split_at(slash.unwrap_or(path.len()));
            self.rest = rest;
            match name {
                b"." => continue,
                b".." => return Some(Ok(Component::Parent)),
                _ => {
                    let checked = check_name(name);
                    return Some(checked.map(|()| Component::Name(name)));
                }
            }
        }
    }
}

/// Iterates over the options of `mount`: `name` or `name=value`, separated
/// by commas. Empty ones are skipped.
pub fn mount_options(
    data: &[u8],
) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let options = data.split(|&byte| byte == b',');
    options.filter(|option| !option.is_empty()).map(|option| {
        match option.iter().position(|&byte| byte == b'=') {
            Some(at) => (&option[..at], Some(&option[at + 1..])),
            None => (option, None),
        }
    })
}
