//! `init`: the first process. It prepares the console, runs the shell, reaps
//! orphans, and ends the machine on request.
//!
//! Requests are signals, the same that BusyBox's init takes: `SIGUSR2` for
//! power-off, `SIGTERM` for restart. The shell's end is a power-off too.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_CMD_RESTART, O_RDWR, SIGCHLD,
    SIGKILL, SIGTERM, SIGUSR1, SIGUSR2, WNOHANG,
};
use user_lib::process::{self, Fork};
use user_lib::signal::{self, bit};
use user_lib::time::Time;
use user_lib::{
    Errno, directory, eprintln, file, output, system, terminal, time, variable,
};

use user_lib::option::fail;

const CONSOLE: &str = "/dev/console";
const SHELL: &str = "/bin/sh";
const SCRIPT: &str = "/etc/rc";
const PATH: &str = "PATH=/bin:/sbin:/usr/bin:/usr/sbin";
/// What a kernel calls a terminal that it was told nothing about.
const UNKNOWN: &str = "linux";
/// How long processes may take to end when they are asked to.
const GRACE: Time = Time::from_millis(200);

/// The signals that wake init. They are blocked but while it waits, so none
/// is missed between a look and the wait.
const AWAITED: u64 = bit(SIGCHLD) | bit(SIGTERM) | bit(SIGUSR1) | bit(SIGUSR2);

/// The last request's signal, or 0.
static REQUEST: AtomicU32 = AtomicU32::new(0);

/// Runs `init`. Its arguments mean nothing.
pub fn main(_: &[String]) -> i32 {
    if process::current_id() != 1 {
        eprintln!("init: must be process 1");
        return 1;
    }
    prepare();
    if file::status(SCRIPT).is_ok() {
        match start(&["sh", SCRIPT]) {
            Ok(child) => serve(child),
            Err(error) => drop(fail("init", SCRIPT, error)),
        }
    }
    match start(&["sh"]) {
        Ok(child) => serve(child),
        Err(error) => drop(fail("init", SHELL, error)),
    }
    eprintln!("init: the shell has ended, powering off");
    end(LINUX_REBOOT_CMD_POWER_OFF)
}

/// File systems, console and signals.
fn prepare() {
    signal::set_mask(AWAITED);
    for number in [SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2] {
        // These signals may all be handled.
        let _ = signal::handle(number, noted);
    }
    let mounts = [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("devpts", "/dev/pts"),
    ];
    for (kind, target) in mounts {
        // What is there already needs no directory and no mount.
        let _ = file::make_directory(target, 0o755);
        match system::mount(kind, target, kind, 0, "") {
            Ok(()) | Err(Errno::EBUSY) => {}
            Err(error) => drop(fail("init", target, error)),
        }
    }
    // The kernel may have opened the console and set the directory.
    let _ = directory::change("/");
    if let Ok(console) = file::open(CONSOLE, O_RDWR, 0) {
        use_console(console);
        set_size();
    }
}

extern "C" fn noted(number: i32) {
    if number as u32 != SIGCHLD {
        REQUEST.store(number as u32, Ordering::Relaxed);
    }
}

/// Waits for one of the awaited signals, at most for a time.
fn wait_for_signal(timeout: Option<Time>) {
    // Both ends of the wait, signal and time-out, show elsewhere.
    let _ = terminal::poll(&mut [], timeout, Some(0));
}

/// The environment of the shell. What the terminal is, init was told by the
/// kernel's command line (`TERM=xterm LINES=50 COLUMNS=132`), or not.
fn environment() -> [String; 4] {
    let term = variable("TERM").unwrap_or_else(|| String::from(UNKNOWN));
    let shell = format!("SHELL={SHELL}");
    ["HOME=/".into(), PATH.into(), format!("TERM={term}"), shell]
}

/// Tells the console's size, if init was told it.
fn set_size() {
    let number = |name| variable(name)?.parse().ok();
    if let (Some(rows), Some(columns)) = (number("LINES"), number("COLUMNS")) {
        // A console without a size needs none.
        let _ = terminal::set_size(0, rows, columns);
    }
}

fn use_console(console: i32) {
    for descriptor in 0..3 {
        if descriptor != console {
            // Without a console there is nobody to tell.
            let _ = file::duplicate(console, descriptor, 0);
        }
    }
    if console > 2 {
        let _ = file::close(console);
    }
}

/// Starts the shell as the leader of a session on the console.
fn start(arguments: &[&str]) -> user_lib::Result<i32> {
    match process::fork()? {
        Fork::Parent(child) => Ok(child),
        Fork::Child => {
            signal::set_mask(0);
            // A kernel without sessions still gets a shell.
            let _ = process::new_session();
            let _ = terminal::make_controlling(0);
            let error = process::execute(SHELL, arguments, &environment());
            output::discard();
            process::exit(fail("init", SHELL, error))
        }
    }
}

/// Reaps children until `child` has ended, and obeys requests meanwhile.
fn serve(child: i32) {
    while !reap(child) {
        match REQUEST.load(Ordering::Relaxed) {
            0 => wait_for_signal(None),
            SIGTERM => end(LINUX_REBOOT_CMD_RESTART),
            _ => end(LINUX_REBOOT_CMD_POWER_OFF),
        }
    }
}

/// Takes all children that have ended; says whether `child` was among them.
fn reap(child: i32) -> bool {
    let mut has_ended = false;
    while let Ok(Some((ended, _))) = process::wait(-1, WNOHANG) {
        has_ended |= ended == child;
    }
    has_ended
}

/// Ends all processes, then the machine.
fn end(command: u32) -> ! {
    end_processes();
    system::synchronize();
    if let Err(error) = system::reboot(command) {
        fail("init", "reboot", error);
    }
    // The kernel refused; process 1 must not end.
    loop {
        wait_for_signal(None);
        reap(0);
    }
}

fn end_processes() {
    // Without other processes there is nothing to wait for.
    if signal::send(-1, SIGTERM).is_err() {
        return;
    }
    let deadline = time::monotonic() + GRACE;
    while has_children() {
        let now = time::monotonic();
        if now >= deadline {
            break;
        }
        wait_for_signal(Some(deadline - now));
    }
    let _ = signal::send(-1, SIGKILL);
    while let Ok(Some(_)) = process::wait(-1, 0) {}
}

fn has_children() -> bool {
    loop {
        match process::wait(-1, WNOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}
