//! Runs tests, each in a child with a time-out, and counts.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{O_CLOEXEC, O_NONBLOCK, SIGCHLD, SIGKILL, WNOHANG};
use user_lib::process::{self, Fork, WaitStatus};
use user_lib::time::{Time, monotonic};
use user_lib::{Result, file, output, print, println, signal, terminal};

use crate::tool::{Failure, Test};

/// How long a test may take, on a host with other things to do.
const LIMIT: Time = Time::from_millis(60_000);

/// Runs tests in order; gives 1 if any failed.
pub fn run(tests: &[&Test]) -> i32 {
    prepare();
    let (mut passed, mut failed) = (0, 0);
    for test in tests {
        print!("test {} ... ", test.name);
        if let Some(missing) = missing(test) {
            println!("ignored: the machine has no {missing}");
            continue;
        }
        match run_one(test) {
            Ok(None) => {
                println!("ok");
                passed += 1;
            }
            Ok(Some(why)) => {
                println!("FAILED: {why}");
                failed += 1;
            }
            Err(error) => {
                println!("FAILED: the runner: {error}");
                failed += 1;
            }
        }
        // Nothing useful can be done if nobody can read it.
        let _ = output::flush();
    }
    println!("{passed} passed, {failed} failed");
    i32::from(failed > 0 || tests.is_empty())
}

/// What a test needs and the machine lacks.
fn missing(test: &Test) -> Option<&'static str> {
    let mut needs = test.needs.iter().copied();
    needs.find(|name| file::status(name).is_err())
}

extern "C" fn ignore(_: i32) {}

/// `SIGCHLD` interrupts nothing but the wait for it.
fn prepare() {
    signal::set_mask(signal::bit(SIGCHLD));
    // A handler, since an ignored signal would not end the wait.
    let _ = signal::handle(SIGCHLD, ignore);
}

/// Runs one test; gives why it failed, if it did.
fn run_one(test: &Test) -> Result<Option<String>> {
    let [from, to] = file::pipe(O_CLOEXEC | O_NONBLOCK)?;
    let child = match process::fork()? {
        Fork::Child => run_in_child(test, to),
        Fork::Parent(child) => child,
    };
    let _ = process::set_group(child, child);
    file::close(to)?;
    let status = wait(child)?;
    // Whatever the test left behind ends here.
    let _ = signal::send(-child, SIGKILL);
    let mut message = [0; 512];
    let length = file::read(from, &mut message).unwrap_or(0);
    file::close(from)?;
    let message = String::from_utf8_lossy(&message[..length]).into_owned();
    Ok(explain(status, message))
}

fn run_in_child(test: &Test, to: i32) -> ! {
    let _ = process::set_group(0, 0);
    signal::set_mask(0);
    // The default, as a program would find it.
    let _ = signal::set_action(SIGCHLD, signal::Action::Default, 0, 0);
    let status = match (test.run)() {
        Ok(()) => 0,
        Err(Failure(message)) => {
            // Without it the status still tells.
            let _ = file::write(to, message.as_bytes());
            1
        }
    };
    process::exit(status)
}

/// Waits for a child, and kills its group when the time is over.
fn wait(child: i32) -> Result<Option<WaitStatus>> {
    let deadline = monotonic() + LIMIT;
    loop {
        if let Some((_, status)) = process::wait(child, WNOHANG)? {
            return Ok(Some(status));
        }
        let now = monotonic();
        if now >= deadline {
            signal::send(-child, SIGKILL)?;
            process::wait_for(child)?;
            return Ok(None);
        }
        // Both ends of the wait show above.
        let _ = terminal::poll(&mut [], Some(deadline - now), Some(0));
    }
}

fn explain(status: Option<WaitStatus>, message: String) -> Option<String> {
    let Some(status) = status else {
        return Some(format!("no end after {} s", LIMIT.seconds));
    };
    if let Some(number) = status.killed_by() {
        let name = signal::name(number).unwrap_or("?");
        return Some(format!("killed by SIG{name}"));
    }
    (status.exit_code() != Some(0)).then_some(message)
}
