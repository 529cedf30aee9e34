//! The terminal, if the tests have one.

use user_lib::linux::{
    __NR_ioctl, CLOCK_PROCESS_CPUTIME_ID, ECHO, ICANON, ISIG, O_RDWR, O_WRONLY,
};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, Result, file, process, terminal};

use crate::tool::{
    NOBODY, Outcome, become_user, ensure, ensure_eq, in_child, in_some_round,
    tests,
};

tests! {
    a_file_is_no_terminal
    a_terminal_has_settings
    settings_are_kept
    a_slow_console_costs_no_time_on_a_cpu
    only_a_session_has_a_terminal
    a_terminal_is_stolen_by_a_capability_only
}

fn a_file_is_no_terminal() -> Outcome {
    let null = file::open("/dev/null", O_RDWR, 0)?;
    ensure_eq!(terminal::settings(null).err(), Some(Errno::ENOTTY));
    ensure_eq!(terminal::foreground_group(null), Err(Errno::ENOTTY));
    ensure_eq!(terminal::settings(77).err(), Some(Errno::EBADF));
    Ok(())
}

/// The terminal of this session, if there is one.
fn own_terminal() -> Option<i32> {
    file::open("/dev/tty", O_RDWR, 0).ok()
}

fn a_terminal_has_settings() -> Outcome {
    let Some(tty) = own_terminal() else { return Ok(()) };
    let settings = terminal::settings(tty)?;
    ensure_eq!(settings.c_lflag & (ICANON | ISIG), ICANON | ISIG);
    ensure!(terminal::size(tty).is_ok());
    ensure!(terminal::foreground_group(tty)? > 0);
    Ok(())
}

fn settings_are_kept() -> Outcome {
    let Some(tty) = own_terminal() else { return Ok(()) };
    // Only the group in front may change them without a signal.
    if terminal::foreground_group(tty)? != process::group(0)? {
        return Ok(());
    }
    let before = terminal::settings(tty)?;
    let mut silent = before;
    silent.c_lflag &= !ECHO;
    terminal::set_settings(tty, &silent)?;
    let after = terminal::settings(tty)?;
    terminal::set_settings(tty, &before)?;
    ensure_eq!(after.c_lflag, silent.c_lflag);
    Ok(())
}

/// Bytes that the console still has to send.
fn unsent(console: i32) -> Result<u32> {
    const TIOCOUTQ: usize = 0x5411;
    let mut count = 0_u32;
    let place = &raw mut count as usize;
    arbitrary(__NR_ioctl, [console as usize, TIOCOUTQ, place, 0, 0, 0])?;
    Ok(count)
}

/// Waits until the console has sent all (`tcdrain(3)`).
fn drain(console: i32) -> Result<()> {
    const TCSBRK: usize = 0x5409;
    arbitrary(__NR_ioctl, [console as usize, TCSBRK, 1, 0, 0, 0]).map(drop)
}

fn a_slow_console_costs_no_time_on_a_cpu() -> Outcome {
    let end = in_child(|| {
        // Whose terminal it is does not count then.
        process::new_session()?;
        let console = file::open("/dev/console", O_WRONLY, 0)?;
        drain(console)?;
        in_some_round(|| {
            let began = monotonic();
            let used = time::read(CLOCK_PROCESS_CPUTIME_ID)?;
            // They show nothing, and are more than the kernel keeps.
            file::write_all(console, &[b'\r'; 16 << 10])?;
            drain(console)?;
            ensure_eq!(unsent(console)?, 0);
            let took = monotonic() - began;
            let own = time::read(CLOCK_PROCESS_CPUTIME_ID)? - used;
            // A port without a wire takes them at once, or nearly so where
            // the host holds the CPU up.
            Ok(took < Time::from_millis(80) || own + own < took)
        })?;
        Ok(0)
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    Ok(())
}

fn only_a_session_has_a_terminal() -> Outcome {
    let status = in_child(|| {
        process::new_session()?;
        let opened = file::open("/dev/tty", O_RDWR, 0);
        ensure_eq!(opened, Err(Errno::ENXIO));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn a_terminal_is_stolen_by_a_capability_only() -> Outcome {
    const TIOCSCTTY: usize = 0x540e;
    let Some(tty) = own_terminal() else { return Ok(()) };
    let end = in_child(|| {
        process::new_session()?;
        become_user(NOBODY)?;
        let words = [tty as usize, TIOCSCTTY, 1, 0, 0, 0];
        ensure_eq!(arbitrary(__NR_ioctl, words), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    file::close(tty)?;
    Ok(())
}
