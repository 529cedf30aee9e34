//! A parent that watches its child: what `waitpid` tells of stops, and what
//! it does not tell of freezes.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{SIGCONT, SIGSTOP, WCONTINUED, WNOHANG, WUNTRACED};
use user_lib::process::{self, WaitStatus};
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, println, signal};

use user_lib::child::Child;

const GROUP: &str = "/sys/fs/cgroup/freezer/demo-watch";

/// Time enough for a change to be reported.
const MOMENT: Time = Time::from_millis(200);

/// What the parent is told. It waits for news that must come, and asks a
/// moment later for those that must not.
fn told(child: i32, is_news: bool) -> Result<Option<WaitStatus>> {
    let options = WUNTRACED | WCONTINUED;
    let options = if is_news {
        options
    } else {
        time::sleep(MOMENT);
        options | WNOHANG
    };
    Ok(process::wait(child, options)?.map(|(_, status)| status))
}

fn words(status: Option<WaitStatus>) -> String {
    match status {
        None => "nothing".into(),
        Some(status) if status.is_continued() => "it goes on".into(),
        Some(status) => match status.stopped_by() {
            Some(signal) => format!("it is stopped by signal {signal}"),
            None => "it has ended".into(),
        },
    }
}

/// One act, and what the parent learns of it.
fn act(
    child: i32,
    what: &str,
    is_news: bool,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    work()?;
    println!("    {what:44} waitpid: {}", words(told(child, is_news)?));
    Ok(())
}

/// An act that the parent is told of.
const NEWS: bool = true;

/// An act that it never hears of.
const QUIET: bool = false;

fn set_state(state: &str) -> Result<()> {
    let path = format!("{GROUP}/freezer.state");
    file::overwrite(&path, state.as_bytes())?;
    while file::text(&path)?.trim() != state {
        time::sleep(Time::from_millis(1));
    }
    Ok(())
}

/// Plays the chapter; the freezer is mounted.
pub fn play() -> Result<()> {
    file::make_directory(GROUP, 0o755)?;
    let child = Child::start(|| {
        loop {
            time::sleep(MOMENT);
        }
    })?;
    let id = child.id();
    let number = format!("{id}");
    file::overwrite(&format!("{GROUP}/tasks"), number.as_bytes())?;
    let stop = || signal::send(id, SIGSTOP);
    let go_on = || signal::send(id, SIGCONT);
    let freeze = || set_state("FROZEN");
    let thaw = || set_state("THAWED");
    println!("A parent asks waitpid(WUNTRACED | WCONTINUED) after each act.\n");
    act(id, "SIGSTOP", NEWS, stop)?;
    act(id, "SIGCONT", NEWS, go_on)?;
    act(id, "freeze", QUIET, freeze)?;
    act(id, "thaw", QUIET, thaw)?;
    println!(
        "\nA freeze is no news. A stop that comes meanwhile waits for the"
    );
    println!("thaw, since a frozen task takes no signal:\n");
    act(id, "freeze", QUIET, freeze)?;
    act(id, "SIGSTOP to the frozen child", QUIET, stop)?;
    act(id, "thaw", NEWS, thaw)?;
    println!("\nTo go on is told at once, even of a child that is frozen:\n");
    act(id, "freeze the stopped child", QUIET, freeze)?;
    act(id, "SIGCONT to the frozen child", NEWS, go_on)?;
    act(id, "thaw", QUIET, thaw)?;
    drop(child);
    remove()
}

/// The child leaves its group when it has been waited for.
fn remove() -> Result<()> {
    loop {
        match file::remove_directory(GROUP) {
            Err(Errno::EBUSY) => time::sleep(Time::from_millis(1)),
            result => return result,
        }
    }
}
