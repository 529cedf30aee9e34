//! What a program is: a name, a line of help, and a function.

use alloc::string::String;

use user_lib::println;

/// A program's code: takes its arguments (the first is its name), gives its
/// status.
pub type Main = fn(&[String]) -> i32;

/// One program.
pub struct Program {
    /// What it is called by.
    pub name: &'static str,
    /// What it does and takes, in one line.
    pub help: &'static str,
    /// Its code.
    pub main: Main,
}

impl Program {
    /// Runs it, or prints its help if that is all it is asked for.
    pub fn start(&self, arguments: &[String]) -> i32 {
        let asks_help = arguments.len() == 2 && arguments[1] == "--help";
        if asks_help && self.name != "echo" {
            println!("{} {}", self.name, self.help);
            return 0;
        }
        (self.main)(arguments)
    }
}

/// The program of that name in a list that is sorted by names.
pub fn find(
    programs: &'static [Program],
    name: &str,
) -> Option<&'static Program> {
    let index = programs.binary_search_by_key(&name, |program| program.name);
    index.ok().map(|index| &programs[index])
}
