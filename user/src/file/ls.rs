//! `ls`: lists files, one in a line, or in columns on a terminal.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{
    S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK,
};
use user_lib::{Result, directory, file, print, println, terminal};

use crate::file::join;
use user_lib::option::{Options, fail};

/// Width of the screen, in characters.
const WIDTH: usize = 80;

/// Runs `ls`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "1ald") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mut paths = options.operands.clone();
    if paths.is_empty() {
        paths.push(String::from("."));
    }
    let (directories, files): (Vec<_>, Vec<_>) = paths
        .iter()
        .cloned()
        .partition(|path| !options.has('d') && file::is_directory(path));
    let mut status = list_files(&files, &options);
    for (index, path) in directories.iter().enumerate() {
        if paths.len() > 1 {
            let gap = if index > 0 || !files.is_empty() { "\n" } else { "" };
            println!("{gap}{path}:");
        }
        if let Err(error) = list_directory(path, &options) {
            status = fail("ls", path, error);
        }
    }
    status
}

fn list_directory(path: &str, options: &Options) -> Result<()> {
    let mut names: Vec<_> = directory::entries(path)?
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| options.has('a') || !name.starts_with('.'))
        .collect();
    if options.has('a') {
        names.extend([String::from("."), String::from("..")]);
    }
    names.sort();
    let located: Vec<_> =
        names.iter().map(|name| (join(path, name), name.clone())).collect();
    show(&located, options);
    Ok(())
}

fn list_files(paths: &[String], options: &Options) -> i32 {
    let mut status = 0;
    let mut found = Vec::new();
    for path in paths {
        match file::link_status(path) {
            Ok(_) => found.push((path.clone(), path.clone())),
            Err(error) => status = fail("ls", path, error),
        }
    }
    show(&found, options);
    status
}

/// Prints entries, each a path and what to call it.
fn show(entries: &[(String, String)], options: &Options) {
    if options.has('l') {
        for (path, name) in entries {
            show_long(path, name);
        }
    } else if options.has('1') || !terminal::is_terminal(1) {
        for (_, name) in entries {
            println!("{name}");
        }
    } else {
        show_columns(entries);
    }
}

fn show_columns(entries: &[(String, String)]) {
    let longest = entries.iter().map(|(_, name)| name.chars().count()).max();
    let width = longest.unwrap_or(0) + 2;
    let columns = (WIDTH / width).max(1);
    let rows = entries.len().div_ceil(columns);
    for row in 0..rows {
        let line: String = entries[row..]
            .iter()
            .step_by(rows)
            .map(|(_, name)| format!("{name:width$}"))
            .collect();
        println!("{}", line.trim_end());
    }
}

fn show_long(path: &str, name: &str) {
    let Ok(status) = file::link_status(path) else {
        println!("?????????? {name}");
        return;
    };
    let mode = mode_text(status.st_mode);
    print!(
        "{mode} {:3} {:4} {:4} ",
        status.st_nlink, status.st_uid, status.st_gid
    );
    match status.st_mode & S_IFMT {
        S_IFCHR | S_IFBLK => print!("{:>10}", device(status.st_rdev)),
        _ => print!("{:10}", status.st_size),
    }
    print!(" {} {name}", crate::system::date::minute(status.st_mtime));
    if status.st_mode & S_IFMT == S_IFLNK {
        print!(" -> {}", file::link_target(path).unwrap_or_default());
    }
    println!();
}

/// Major and minor number of a device (Linux's `new_decode_dev`).
fn device(number: u64) -> String {
    let major = number >> 8 & 0xfff;
    let minor = number & 0xff | number >> 12 & 0xfff00;
    format!("{major}, {minor}")
}

fn mode_text(mode: u32) -> String {
    let kind = match mode & S_IFMT {
        S_IFDIR => 'd',
        S_IFCHR => 'c',
        S_IFBLK => 'b',
        S_IFLNK => 'l',
        S_IFIFO => 'p',
        S_IFSOCK => 's',
        _ => '-',
    };
    let mut text = String::from(kind);
    for (index, letter) in "rwxrwxrwx".chars().enumerate() {
        let is_set = mode & (0o400 >> index) != 0;
        text.push(if is_set { letter } else { '-' });
    }
    text
}
