//! `demo`: short plays about freezing, each with a chapter's explanation.
//!
//! Two are scripts for the shell, to be read as they are: `demo/shells.sh`,
//! `demo/batch.sh`; both begin with `demo/common.sh`, which mounts the
//! freezer. `demo/watch.rs` needs a system call that no shell has.

mod watch;

use alloc::string::String;

use user_lib::{Message, environment, eprintln, output, println, process};

use user_lib::option::usage;

/// What a chapter does.
enum Play {
    /// The shell runs it.
    Script(&'static str),
    /// A function, after the script has mounted the freezer.
    Function(fn() -> user_lib::Result<()>),
}

struct Chapter {
    name: &'static str,
    title: &'static str,
    play: Play,
}

const COMMON: &str = include_str!("demo/common.sh");

const CHAPTERS: [Chapter; 3] = [
    Chapter {
        name: "shells",
        title: "two shells: a stop is noticed, a freeze is not",
        play: Play::Script(include_str!("demo/shells.sh")),
    },
    Chapter {
        name: "batch",
        title: "a batch system in sh: start, park and resume jobs",
        play: Play::Script(include_str!("demo/batch.sh")),
    },
    Chapter {
        name: "watch",
        title: "a parent watches its child with waitpid during freezes",
        play: Play::Function(watch::play),
    },
];

/// Runs `demo [NAME]`; without a name it lists the chapters.
pub fn main(arguments: &[String]) -> i32 {
    let Some(name) = arguments.get(1) else {
        for Chapter { name, title, .. } in &CHAPTERS {
            println!("demo {name:8} {title}");
        }
        return 0;
    };
    let chapter = CHAPTERS.iter().find(|chapter| chapter.name == name);
    match chapter {
        None => usage("demo", "[NAME]; without a name, lists them"),
        Some(chapter) => {
            println!("{}: {}", chapter.name, chapter.title);
            play(&chapter.play)
        }
    }
}

fn play(play: &Play) -> i32 {
    match play {
        Play::Script(text) => run(text),
        Play::Function(function) => match run("") {
            0 => tell(function()),
            status => status,
        },
    }
}

/// Runs the common part and a script; gives the shell's status.
fn run(text: &str) -> i32 {
    let script = alloc::format!("{COMMON}\n{text}");
    let arguments = ["sh", "-c", &script];
    let _ = output::flush();
    let ended = process::spawn("/bin/sh", &arguments, &environment())
        .and_then(process::wait_for);
    match ended {
        Ok(status) => status.shell_status(),
        Err(error) => tell(Err(error)),
    }
}

fn tell(result: user_lib::Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("demo: {}", error.message());
            1
        }
    }
}
