//! The terminal, if the tests have one.

use user_lib::linux::{__NR_ioctl, ECHO, ICANON, ISIG, O_RDWR};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, file, process, terminal};

use crate::tool::{
    NOBODY, Outcome, become_user, ensure, ensure_eq, in_child, tests,
};

tests! {
    a_file_is_no_terminal
    a_terminal_has_settings
    settings_are_kept
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
