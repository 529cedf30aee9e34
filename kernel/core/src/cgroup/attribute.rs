//! Whose the files of a group are, and who may do what with them: so a user
//! is given a part of the tree (*delegation*, Linux cgroup v2's document).
//!
//! All of a group is its maker's until somebody says otherwise of one file.
//! Such files are few, so they stand in a list.

use alloc::vec::Vec;

/// The directory itself, among a group's files.
pub const DIRECTORY: usize = usize::MAX;

/// What `chmod` and `chown` change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The bits of the mode.
    pub permissions: u32,
    /// The user.
    pub user: u32,
    /// The group of users.
    pub group: u32,
}

/// Those of all files of one group.
#[derive(Debug, Default)]
pub struct AttributeTable {
    /// The user and group who made it.
    maker: [u32; 2],
    /// The bits of the directory's mode.
    directory: u32,
    changed: Vec<(usize, Attributes)>,
}

impl AttributeTable {
    /// Of a group that `maker` makes, with these bits for its directory.
    pub fn new(maker: [u32; 2], directory: u32) -> Self {
        Self { maker, directory, changed: Vec::new() }
    }

    /// Those of a file, whose mode has `permissions` unless they were changed.
    pub fn get(&self, file: usize, permissions: u32) -> Attributes {
        let changed = self.changed.iter().find(|(it, _)| *it == file);
        let permissions = match file {
            DIRECTORY => self.directory,
            _ => permissions,
        };
        let [user, group] = self.maker;
        let made = Attributes { permissions, user, group };
        changed.map_or(made, |(_, attributes)| *attributes)
    }

    /// Changes those of a file.
    pub fn set(&mut self, file: usize, attributes: Attributes) {
        match self.changed.iter_mut().find(|(it, _)| *it == file) {
            Some((_, known)) => *known = attributes,
            None => self.changed.push((file, attributes)),
        }
    }
}
