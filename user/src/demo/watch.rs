//! A parent that watches its child: what `waitpid` tells of stops, and what
//! it does not tell of freezes.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{SIGCONT, SIGSTOP, WCONTINUED, WNOHANG, WUNTRACED};
use user_lib::process::{self, WaitStatus};
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, println, signal};

use crate::child::Child;

const GROUP: &str = "/sys/fs/cgroup/freezer/demo-watch";

/// Time enough for a change to be reported.
const MOMENT: Time = Time::from_millis(200);

/// What the parent is told, if anything.
fn told(child: i32) -> Result<Option<WaitStatus>> {
    time::sleep(MOMENT);
    let options = WNOHANG | WUNTRACED | WCONTINUED;
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
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    work()?;
    println!("    {what:44} waitpid: {}", words(told(child)?));
    Ok(())
}

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
    println!("A parent asks waitpid(WUNTRACED | WCONTINUED) after each act.\n");
    act(id, "SIGSTOP", stop)?;
    act(id, "SIGCONT", go_on)?;
    act(id, "freeze", || set_state("FROZEN"))?;
    act(id, "thaw", || set_state("THAWED"))?;
    println!(
        "\nA freeze is no news. A stop that comes meanwhile waits for the"
    );
    println!("thaw, since a frozen task takes no signal:\n");
    act(id, "freeze", || set_state("FROZEN"))?;
    act(id, "SIGSTOP to the frozen child", stop)?;
    act(id, "thaw", || set_state("THAWED"))?;
    println!("\nTo go on is told at once, even of a child that is frozen:\n");
    act(id, "freeze the stopped child", || set_state("FROZEN"))?;
    act(id, "SIGCONT to the frozen child", go_on)?;
    act(id, "thaw", || set_state("THAWED"))?;
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
