//! The list of programs, and the choice of one.

use alloc::string::String;

use user_lib::{arguments, eprintln, println};

use crate::program::{Main, Program, find};
use crate::{bench, demo, file, init, sh, system, text};

const fn program(
    name: &'static str,
    main: Main,
    help: &'static str,
) -> Program {
    Program { name, help, main }
}

/// All programs, by name.
pub static PROGRAMS: &[Program] = &[
    program("[", text::test::main, "EXPRESSION ]: checks a condition"),
    program(
        "bench",
        bench::main,
        "[micro|freeze|group [NAME]...]: measures the kernel",
    ),
    program("cat", text::cat::main, "[FILE]...: prints files"),
    program("chmod", file::chmod::main, "MODE FILE...: sets permissions"),
    program("clear", text::clear::main, "clears the screen"),
    program("cp", file::cp::main, "FROM... TO: copies files"),
    program("date", system::date::main, "[+FORMAT]: prints the time"),
    program("demo", demo::main, "[NAME]: plays about freezing"),
    program(
        "df",
        system::df::main,
        "[-a] [PATH]...: prints the room of file systems",
    ),
    program("dmesg", system::dmesg::main, "[-r]: prints the kernel's log"),
    program("echo", text::echo::main, "[-n] [WORD]...: prints words"),
    program(
        "env",
        system::env::main,
        "[NAME=VALUE]... [COMMAND [WORD]...]: sets variables",
    ),
    program("false", text::constant::fail, "fails"),
    program("free", system::free::main, "prints memory in use"),
    program(
        "grep",
        text::grep::main,
        "[-ivncqlEFhH] PATTERN [FILE]...: finds lines",
    ),
    program("head", text::head::main, "[-n COUNT] [FILE]...: first lines"),
    program(
        "hexdump",
        text::hexdump::main,
        "[-C] [-n BYTES] [FILE]: prints bytes as numbers",
    ),
    program("id", system::id::main, "prints the user"),
    program("init", init::main, "the first process"),
    program(
        "kill",
        system::kill::main,
        "[-SIGNAL] PID...: sends a signal; -l lists them",
    ),
    program(
        "less",
        text::less::main,
        "[FILE]...: shows text by the screen; h helps, q ends",
    ),
    program("ln", file::ln::main, "[-s] TARGET NAME: makes a link"),
    program("ls", file::ls::main, "[-1adl] [PATH]...: lists files"),
    program("mkdir", file::mkdir::main, "[-p] DIRECTORY...: makes them"),
    program(
        "more",
        text::less::main,
        "[FILE]...: shows text by the screen, to its end",
    ),
    program(
        "mount",
        system::mount::main,
        "[-t TYPE] [-o OPTIONS] [WHAT WHERE]: mounts",
    ),
    program("mv", file::mv::main, "FROM... TO: renames files"),
    program(
        "nice",
        system::nice::main,
        "[-n ADD] COMMAND [WORD]...: runs with less priority",
    ),
    program("poweroff", system::power::poweroff, "[-f]: ends the machine"),
    program(
        "printf",
        text::printf::main,
        "FORMAT [WORD]...: prints words in a form",
    ),
    program("ps", system::ps::main, "lists processes"),
    program("pwd", file::pwd::main, "prints the working directory"),
    program("reboot", system::power::reboot, "[-f]: restarts the machine"),
    program("rm", file::rm::main, "[-rf] FILE...: removes files"),
    program("rmdir", file::rmdir::main, "DIRECTORY...: removes empty ones"),
    program("seq", text::seq::main, "[FIRST [STEP]] LAST: prints numbers"),
    program("sh", shell, "[-c COMMANDS | FILE] [WORD]...: the shell"),
    program("sleep", system::sleep::main, "SECONDS: waits"),
    program("spin", system::spin::main, "[--yield] [SECONDS]: burns time"),
    program("sync", system::sync::main, "writes back file systems"),
    program("tail", text::tail::main, "[-n COUNT] [FILE]...: last lines"),
    program(
        "taskset",
        system::taskset::main,
        "MASK COMMAND [WORD]...: runs on some CPUs",
    ),
    program("test", text::test::main, "EXPRESSION: checks a condition"),
    program(
        "top",
        system::top::main,
        "[-b] [-n COUNT] [-d SECONDS]: shows who uses CPUs",
    ),
    program("touch", file::touch::main, "FILE...: makes files, sets times"),
    program("true", text::constant::succeed, "succeeds"),
    program("umount", system::mount::unmount, "DIRECTORY...: unmounts"),
    program("uname", system::uname::main, "[-asnrvm]: names the system"),
    program("uptime", system::uptime::main, "prints the time since start"),
    program("wc", text::wc::main, "[-lwc] [FILE]...: counts"),
    program("which", system::which::main, "COMMAND...: finds programs"),
    program("yes", text::yes::main, "[WORD]...: prints for ever"),
];

/// The names that the initramfs has links for, one in a line.
const LINKS: &str = include_str!("../programs.txt");

const _: () = assert!(links_agree(), "user/programs.txt is not `--list`");

/// Whether the links are the programs, in the same order.
const fn links_agree() -> bool {
    let links = LINKS.as_bytes();
    let (mut at, mut index) = (0, 0);
    while index < PROGRAMS.len() {
        let name = PROGRAMS[index].name.as_bytes();
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

fn shell(arguments: &[String]) -> i32 {
    sh::main(arguments, PROGRAMS)
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
    if let Some(program) = find(PROGRAMS, own.trim_start_matches('-')) {
        return program.start(&arguments);
    }
    match arguments.get(1).map(String::as_str) {
        Some("--list") => list(),
        Some(name) if name.starts_with("--") => usage(),
        Some(name) => match find(PROGRAMS, name) {
            Some(program) => program.start(&arguments[1..]),
            None => unknown(name),
        },
        None => usage(),
    }
}

fn unknown(name: &str) -> i32 {
    eprintln!("firn-user: {name}: no such program");
    127
}

fn list() -> i32 {
    for program in PROGRAMS {
        println!("{}", program.name);
    }
    0
}

fn usage() -> i32 {
    println!("firn-user NAME [WORD]...: runs one of these programs");
    for program in PROGRAMS {
        println!("  {:9} {}", program.name, program.help);
    }
    0
}
