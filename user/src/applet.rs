//! The list of programs, and the choice of one.

use alloc::string::String;

use user_lib::{arguments, eprintln, println};

use crate::{bench, check, demo, file, init, sh, system, text};

/// A program: takes its arguments (the first is its name), gives its status.
pub type Main = fn(&[String]) -> i32;

/// One program.
pub struct Applet {
    /// What it is called by.
    pub name: &'static str,
    /// What it does and takes, in one line.
    pub help: &'static str,
    /// Its code.
    pub main: Main,
}

const fn applet(name: &'static str, main: Main, help: &'static str) -> Applet {
    Applet { name, help, main }
}

/// All programs, by name.
pub const APPLETS: &[Applet] = &[
    applet("[", text::test::main, "EXPRESSION ]: checks a condition"),
    applet("bench", bench::main, "[micro|freeze|group [NAME]...]: measures"),
    applet("cat", text::cat::main, "[FILE]...: prints files"),
    applet("check", check::main, "[AREA|NAME]...: tests the system calls"),
    applet("chmod", file::chmod::main, "MODE FILE...: sets permissions"),
    applet("clear", text::clear::main, "clears the screen"),
    applet("cp", file::cp::main, "FROM... TO: copies files"),
    applet("date", system::date::main, "[+FORMAT]: prints the time"),
    applet("demo", demo::main, "[NAME]: plays about freezing"),
    applet("dmesg", system::dmesg::main, "[-r]: prints the kernel's log"),
    applet("echo", text::echo::main, "[-n] [WORD]...: prints words"),
    applet("env", system::env::main, "[NAME=VALUE]... [COMMAND [WORD]...]"),
    applet("false", text::constant::fail, "fails"),
    applet("free", system::free::main, "prints memory in use"),
    applet("grep", text::grep::main, "[-ivncqEF] PATTERN [FILE]..."),
    applet("head", text::head::main, "[-n COUNT] [FILE]...: first lines"),
    applet("hexdump", text::hexdump::main, "[-C] [-n BYTES] [FILE]"),
    applet("id", system::id::main, "prints the user"),
    applet("init", init::main, "the first process"),
    applet("kill", system::kill::main, "[-SIGNAL] PID...; -l lists"),
    applet("ln", file::ln::main, "[-s] TARGET NAME: makes a link"),
    applet("ls", file::ls::main, "[-1ad] [-l] [PATH]...: lists files"),
    applet("mkdir", file::mkdir::main, "[-p] DIRECTORY...: makes them"),
    applet("mount", system::mount::main, "[-t TYPE] [-o OPTS] [WHAT WHERE]"),
    applet("mv", file::mv::main, "FROM... TO: renames files"),
    applet("nice", system::nice::main, "[-n ADD] COMMAND [WORD]..."),
    applet("poweroff", system::power::poweroff, "[-f]: ends the machine"),
    applet("printf", text::printf::main, "FORMAT [WORD]..."),
    applet("ps", system::ps::main, "lists processes"),
    applet("pwd", file::pwd::main, "prints the working directory"),
    applet("reboot", system::power::reboot, "[-f]: restarts the machine"),
    applet("rm", file::rm::main, "[-rf] FILE...: removes files"),
    applet("rmdir", file::rmdir::main, "DIRECTORY...: removes empty ones"),
    applet("seq", text::seq::main, "[FIRST [STEP]] LAST: prints numbers"),
    applet("sh", sh::main, "[-c COMMANDS | FILE] [WORD]...: the shell"),
    applet("sleep", system::sleep::main, "SECONDS: waits"),
    applet("spin", system::spin::main, "[--yield] [SECONDS]: burns time"),
    applet("sync", system::sync::main, "writes back file systems"),
    applet("tail", text::tail::main, "[-n COUNT] [FILE]...: last lines"),
    applet("taskset", system::taskset::main, "MASK COMMAND [WORD]..."),
    applet("test", text::test::main, "EXPRESSION: checks a condition"),
    applet("touch", file::touch::main, "FILE...: makes files, sets times"),
    applet("true", text::constant::succeed, "succeeds"),
    applet("umount", system::mount::unmount, "DIRECTORY...: unmounts"),
    applet("uname", system::uname::main, "[-asnrvm]: names the system"),
    applet("uptime", system::uptime::main, "prints the time since start"),
    applet("wc", text::wc::main, "[-lwc] [FILE]...: counts"),
    applet("which", system::which::main, "COMMAND...: finds programs"),
    applet("yes", text::yes::main, "[WORD]...: prints for ever"),
];

/// The names that the initramfs has links for, one in a line.
const LINKS: &str = include_str!("../programs.txt");

const _: () = assert!(links_agree(), "user/programs.txt is not `--list`");

/// Whether the links are the programs, in the same order.
const fn links_agree() -> bool {
    let links = LINKS.as_bytes();
    let (mut at, mut index) = (0, 0);
    while index < APPLETS.len() {
        let name = APPLETS[index].name.as_bytes();
        let mut letter = 0;
        while letter < name.len() {
            if at >= links.len() || links[at] != name[letter] {
                return false;
            }
            at += 1;
            letter += 1;
        }
        if at >= links.len() || links[at] != b'\n' {
            return false;
        }
        at += 1;
        index += 1;
    }
    at == links.len()
}

/// The program of that name.
pub fn find(name: &str) -> Option<&'static Applet> {
    let index = APPLETS.binary_search_by_key(&name, |applet| applet.name);
    index.ok().map(|index| &APPLETS[index])
}

/// The last part of a path.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Runs the program that the arguments ask for.
pub fn run() -> i32 {
    let arguments = arguments();
    let own = arguments.first().map_or("", |name| base_name(name));
    // A login shell is called by a name with a minus before it.
    if let Some(applet) = find(own.trim_start_matches('-')) {
        return start(applet, &arguments);
    }
    match arguments.get(1).map(String::as_str) {
        Some("--list") => list(),
        Some(name) if name.starts_with("--") => usage(),
        Some(name) => match find(name) {
            Some(applet) => start(applet, &arguments[1..]),
            None => unknown(name),
        },
        None => usage(),
    }
}

fn start(applet: &Applet, arguments: &[String]) -> i32 {
    let asks_help = arguments.len() == 2 && arguments[1] == "--help";
    if asks_help && applet.name != "echo" {
        println!("{} {}", applet.name, applet.help);
        return 0;
    }
    (applet.main)(arguments)
}

fn unknown(name: &str) -> i32 {
    eprintln!("firn-user: {name}: no such program");
    127
}

fn list() -> i32 {
    for applet in APPLETS {
        println!("{}", applet.name);
    }
    0
}

fn usage() -> i32 {
    println!("firn-user NAME [WORD]...: runs one of these programs");
    for applet in APPLETS {
        println!("  {:9} {}", applet.name, applet.help);
    }
    0
}
