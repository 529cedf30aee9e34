//! What tests share: outcomes, conditions, programs whose output is kept.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_setgroups, __NR_setresgid, __NR_setresuid, O_CLOEXEC,
};
use user_lib::process::WaitStatus;
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, environment, file, process};

use user_lib::child::Child;

/// One test.
pub struct Test {
    /// What it promises.
    pub name: &'static str,
    /// Files without which the machine cannot keep the promise.
    pub needs: &'static [&'static str],
    /// Runs it.
    pub run: fn() -> Outcome,
}

/// How a test went.
pub type Outcome = Result<(), Failure>;

/// Why a test failed.
pub struct Failure(pub String);

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self(format!("unexpected {error}"))
    }
}

/// Makes the list of an area's tests from their functions. What a test needs of
/// the machine stands after its name: `test: FILE, FILE`.
macro_rules! tests {
    ($($name:ident $(: $($file:ident),+)?)*) => {
        /// The tests of this area.
        pub const TESTS: &[crate::tool::Test] = &[
            $(crate::tool::Test {
                name: stringify!($name),
                needs: &[$($($file),+)?],
                run: $name,
            },)*
        ];
    };
}

/// Fails the test unless a condition holds.
macro_rules! ensure {
    ($condition:expr) => {
        if !$condition {
            return Err(crate::tool::Failure(alloc::format!(
                "line {}: {}",
                line!(),
                stringify!($condition)
            )));
        }
    };
}

/// Fails the test unless two values are equal.
macro_rules! ensure_eq {
    ($left:expr, $right:expr) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            return Err(crate::tool::Failure(alloc::format!(
                "line {}: {} is {left:?}, not {right:?}",
                line!(),
                stringify!($left)
            )));
        }
    }};
}

pub(crate) use {ensure, ensure_eq, tests};

/// The status of a child that ran a closure; a failing child is 1.
pub fn in_child(
    work: impl FnOnce() -> Result<i32, Failure>,
) -> Result<WaitStatus, Failure> {
    let child = Child::start(|| match work() {
        Ok(status) => status,
        Err(Failure(message)) => {
            user_lib::eprintln!("in child: {message}");
            1
        }
    })?;
    Ok(child.wait()?)
}

/// The user without rights. It runs what may do anything, such as a damaged
/// program: one in a few thousand finds a system call by itself, and asks for
/// everybody's death.
pub const NOBODY: u32 = 65_534;

/// Root becomes an ordinary user, in that user's group only, for good.
///
/// # Errors
/// Those of `setgroups(2)`, `setresgid(2)` and `setresuid(2)`.
pub fn become_user(user: u32) -> user_lib::Result<()> {
    let id = user as usize;
    arbitrary(__NR_setgroups, [0; 6])?;
    arbitrary(__NR_setresgid, [id, id, id, 0, 0, 0])?;
    arbitrary(__NR_setresuid, [id, id, id, 0, 0, 0]).map(drop)
}

/// One past the last byte of every program's stack.
///
/// # Errors
/// This process does not show where it is.
pub fn stack_top() -> user_lib::Result<usize> {
    let maps = file::text("/proc/self/maps")?;
    let line = maps.lines().find(|line| line.ends_with("[stack]"));
    let end = line.and_then(|line| line.split(['-', ' ']).nth(1));
    usize::from_str_radix(end.unwrap_or(""), 16).map_err(|_| Errno::EINVAL)
}

/// How many rounds [`in_some_round`] makes before one must have been good.
static ROUNDS: AtomicU32 = AtomicU32::new(20);

/// From here on the first round must be good (`check --exact`).
pub fn be_exact() {
    ROUNDS.store(1, Ordering::Relaxed);
}

/// Whether time is counted in instructions, so that all figures repeat.
pub fn is_exact() -> bool {
    ROUNDS.load(Ordering::Relaxed) == 1
}

/// Makes rounds until one is good. The host may hold a CPU up at any
/// instruction, and such a round shows nothing; but a wrong kernel spoils all.
/// What must hold in every round fails as an error. Where time is counted in
/// instructions nobody holds a CPU up, and [`be_exact`] asks for the first.
pub fn in_some_round(
    mut round: impl FnMut() -> Result<bool, Failure>,
) -> Outcome {
    let rounds = ROUNDS.load(Ordering::Relaxed);
    for _ in 0..rounds {
        if round()? {
            return Ok(());
        }
    }
    Err(Failure(format!("none of {rounds} rounds was good")))
}

/// Whether something holds within ten seconds.
pub fn soon(holds: impl Fn() -> bool) -> bool {
    let end = time::monotonic() + Time::from_millis(10_000);
    while !holds() {
        if time::monotonic() > end {
            return false;
        }
        time::sleep(Time::from_millis(1));
    }
    true
}

/// Starts a child that does something; it exits with 0 or says what failed.
pub fn in_background(work: impl FnOnce() -> Outcome) -> Result<Child, Failure> {
    let child = Child::start(|| match work() {
        Ok(()) => 0,
        Err(Failure(message)) => {
            user_lib::eprintln!("in background: {message}");
            1
        }
    })?;
    Ok(child)
}

/// Runs a program and keeps what it prints.
pub fn output_of(
    path: &str,
    arguments: &[&str],
) -> Result<(String, WaitStatus), Failure> {
    let [from, to] = file::pipe(O_CLOEXEC)?;
    let child = Child::start(|| {
        // Both numbers are good.
        let _ = file::duplicate(to, 1, 0);
        process::execute(path, arguments, &environment());
        127
    })?;
    file::close(to)?;
    let bytes = file::read_to_end(from)?;
    file::close(from)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok((text, child.wait()?))
}

/// A path in `/tmp` for one test, without anything there.
pub fn fresh_path(name: &str) -> String {
    let path = format!("/tmp/check-{}-{name}", process::current_id());
    // Nothing is there but after a test that was cut short.
    let _ = file::remove(&path);
    path
}
