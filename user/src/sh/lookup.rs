//! The names that there are: commands, and files.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{directory, file};
use user_prompt::completion::{Names, Place};

use crate::sh::state::Shell;
use crate::system::which;

/// Everything that a command may start with.
pub fn commands(shell: &Shell) -> BTreeSet<String> {
    let builtins = shell.builtins.iter().map(|builtin| builtin.name);
    let programs = shell.programs.iter().map(|program| program.name);
    let mut names: BTreeSet<String> =
        builtins.chain(programs).map(String::from).collect();
    names.extend(shell.functions.keys().cloned());
    let path = shell.variable("PATH").unwrap_or(which::DEFAULT_PATH);
    for folder in path.split(':') {
        // A folder that is not there has no programs.
        let entries = directory::entries(folder).unwrap_or_default();
        names.extend(entries.into_iter().map(|entry| entry.name));
    }
    names
}

/// The paths that start with `word`, those of folders with a slash.
fn files(word: &str) -> Vec<String> {
    let (folder, start) = match word.rfind('/') {
        Some(at) => word.split_at(at + 1),
        None => ("", word),
    };
    let place = if folder.is_empty() { "." } else { folder };
    // A folder that cannot be read has no files.
    let entries = directory::entries(place).unwrap_or_default();
    let names = entries.into_iter().map(|entry| entry.name);
    let is_shown = |name: &String| {
        name.starts_with(start)
            && (start.starts_with('.') || !name.starts_with('.'))
    };
    let path = |name| {
        let path = format!("{folder}{name}");
        if file::is_directory(&path) { path + "/" } else { path }
    };
    names.filter(is_shown).map(path).collect()
}

impl Names for Shell {
    fn starting_with(&self, word: &str, place: Place) -> Vec<String> {
        let mut names = match place {
            Place::Command => commands(self).into_iter().collect(),
            Place::File => files(word),
        };
        names.retain(|name| name.starts_with(word));
        names
    }
}
