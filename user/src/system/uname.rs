//! `uname`: names the system.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{println, system};

use user_lib::option::{Options, fail};

/// Runs `uname`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "asnrvm") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let names = match system::names() {
        Ok(names) => names,
        Err(error) => return fail("uname", "system", error),
    };
    let fields = [
        ('s', names.system),
        ('n', names.node),
        ('r', names.release),
        ('v', names.version),
        ('m', names.machine),
    ];
    let has_choice = fields.iter().any(|(letter, _)| options.has(*letter));
    let is_shown = |letter: char| {
        let by_default = !has_choice && letter == 's';
        options.has('a') || options.has(letter) || by_default
    };
    let shown: Vec<_> = fields
        .into_iter()
        .filter(|(letter, _)| is_shown(*letter))
        .map(|(_, field)| field)
        .collect();
    println!("{}", shown.join(" "));
    0
}
