//! The two texts by which U-Boot boots Firn. They stand beside this file as
//! they come onto the card; only the command line and the name of the device
//! tree are filled in.
use anyhow::{Result, bail};

const BOOT_CMD: &str = include_str!("boot.cmd");
const EXTLINUX: &str = include_str!("extlinux.conf");

/// What U-Boot's shell would take for its own, or ends a line.
const SPECIAL: [char; 7] = ['"', '\'', '$', '\\', ';', '\n', '\r'];

/// Checks that both texts can carry the command line.
///
/// # Errors
/// It has a character in it that means something to U-Boot.
pub fn check(command_line: &str) -> Result<()> {
    match command_line.chars().find(|c| SPECIAL.contains(c)) {
        None => Ok(()),
        Some(c) => {
            bail!("the command line has {c:?} in it, which U-Boot would change")
        }
    }
}

/// The script for a board whose tree is the file `tree` below `/dtbs`.
/// Without a command line, `bootargs` stays as the person at U-Boot set it.
pub fn boot_cmd(command_line: &str, tree: &str) -> String {
    let arguments = match command_line {
        "" => String::new(),
        words => format!("setenv bootargs \"{words}\"\n"),
    };
    BOOT_CMD.replace("@BOOTARGS@\n", &arguments).replace("@TREE@", tree)
}

/// The configuration.
pub fn extlinux(command_line: &str) -> String {
    match command_line {
        "" => EXTLINUX.to_owned(),
        words => format!("{EXTLINUX}    append {words}\n"),
    }
}
