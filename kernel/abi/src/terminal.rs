//! Terminals as programs see them: `struct termios` and its flags.
//!
//! Numbers are aarch64's (Linux's generic ones).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::structure::structure;

/// Number of control characters.
pub const NCCS: usize = 19;

/// The kernel's `struct termios` (36 bytes; the C library's is larger).
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Termios {
    /// Input flags.
    pub iflag: u32,
    /// Output flags.
    pub oflag: u32,
    /// Control flags: speed and size.
    pub cflag: u32,
    /// Local flags.
    pub lflag: u32,
    /// Line discipline, 0.
    pub line: u8,
    /// Control characters, indexed by `V*`.
    pub cc: [u8; NCCS],
}

impl Default for Termios {
    /// What a fresh console has: canonical, with echo and signals.
    fn default() -> Self {
        let mut cc = [0; NCCS];
        cc[VINTR] = 0x03;
        cc[VQUIT] = 0x1c;
        cc[VERASE] = 0x7f;
        cc[VKILL] = 0x15;
        cc[VEOF] = 0x04;
        cc[VMIN] = 1;
        cc[VSTART] = 0x11;
        cc[VSTOP] = 0x13;
        cc[VSUSP] = 0x1a;
        cc[VREPRINT] = 0x12;
        cc[VDISCARD] = 0x0f;
        cc[VWERASE] = 0x17;
        cc[VLNEXT] = 0x16;
        let echo = ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
        Termios {
            iflag: ICRNL | IXON,
            oflag: OPOST | ONLCR,
            cflag: B115200 | CS8 | CREAD | HUPCL | CLOCAL,
            lflag: ISIG | ICANON | IEXTEN | echo,
            line: 0,
            cc,
        }
    }
}

structure! {
    /// `struct winsize`.
    Winsize 8 {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
        /// Pixels, mostly 0.
        width: u16,
        /// Pixels, mostly 0.
        height: u16,
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $value:literal;)*) => {
        $($(#[$doc])* pub const $name: $kind = $value;)*
    };
}

numbers! {
    /// `cc`: interrupts.
    VINTR: usize = 0;
    /// `cc`: quits.
    VQUIT: usize = 1;
    /// `cc`: erases a character.
    VERASE: usize = 2;
    /// `cc`: erases the line.
    VKILL: usize = 3;
    /// `cc`: ends the file.
    VEOF: usize = 4;
    /// `cc`: time-out of a raw read, in tenths of a second.
    VTIME: usize = 5;
    /// `cc`: least number of bytes of a raw read.
    VMIN: usize = 6;
    /// `cc`: restarts output.
    VSTART: usize = 8;
    /// `cc`: stops output.
    VSTOP: usize = 9;
    /// `cc`: stops the foreground processes.
    VSUSP: usize = 10;
    /// `cc`: ends a line.
    VEOL: usize = 11;
    /// `cc`: shows the line again.
    VREPRINT: usize = 12;
    /// `cc`: discards output; has no effect, as in Linux.
    VDISCARD: usize = 13;
    /// `cc`: erases a word.
    VWERASE: usize = 14;
    /// `cc`: takes the next character literally.
    VLNEXT: usize = 15;
    /// `cc`: ends a line, too.
    VEOL2: usize = 16;

    /// `iflag`: clear the top bit.
    ISTRIP: u32 = 0o40;
    /// `iflag`: NL becomes CR.
    INLCR: u32 = 0o100;
    /// `iflag`: CR is dropped.
    IGNCR: u32 = 0o200;
    /// `iflag`: CR becomes NL.
    ICRNL: u32 = 0o400;
    /// `iflag`: upper case becomes lower case.
    IUCLC: u32 = 0o1000;
    /// `iflag`: VSTOP and VSTART stop and restart output.
    IXON: u32 = 0o2000;
    /// `iflag`: any character restarts output.
    IXANY: u32 = 0o4000;
    /// `iflag`: ring the bell when the line is too long.
    IMAXBEL: u32 = 0o20000;
    /// `iflag`: input is UTF-8.
    IUTF8: u32 = 0o40000;

    /// `oflag`: process output at all.
    OPOST: u32 = 0o1;
    /// `oflag`: lower case becomes upper case.
    OLCUC: u32 = 0o2;
    /// `oflag`: NL becomes CR NL.
    ONLCR: u32 = 0o4;
    /// `oflag`: CR becomes NL.
    OCRNL: u32 = 0o10;
    /// `oflag`: no CR in column 0.
    ONOCR: u32 = 0o20;
    /// `oflag`: NL returns to column 0.
    ONLRET: u32 = 0o40;
    /// `oflag`: what to do with tabs.
    TABDLY: u32 = 0o14000;
    /// `oflag`: tabs become spaces.
    XTABS: u32 = 0o14000;

    /// `cflag`: 38,400 baud.
    B38400: u32 = 0o17;
    /// `cflag`: 115,200 baud.
    B115200: u32 = 0o10002;
    /// `cflag`: 8 data bits.
    CS8: u32 = 0o60;
    /// `cflag`: the receiver is on.
    CREAD: u32 = 0o200;
    /// `cflag`: hang up on last close.
    HUPCL: u32 = 0o2000;
    /// `cflag`: no modem lines.
    CLOCAL: u32 = 0o4000;

    /// `lflag`: VINTR, VQUIT, VSUSP send signals.
    ISIG: u32 = 0o1;
    /// `lflag`: lines can be edited.
    ICANON: u32 = 0o2;
    /// `lflag`: input is shown.
    ECHO: u32 = 0o10;
    /// `lflag`: VERASE removes the character from the screen.
    ECHOE: u32 = 0o20;
    /// `lflag`: NL after VKILL.
    ECHOK: u32 = 0o40;
    /// `lflag`: NL is shown even without ECHO.
    ECHONL: u32 = 0o100;
    /// `lflag`: do not flush on signals.
    NOFLSH: u32 = 0o200;
    /// `lflag`: output from the background raises SIGTTOU.
    TOSTOP: u32 = 0o400;
    /// `lflag`: control characters are shown as ^X.
    ECHOCTL: u32 = 0o1000;
    /// `lflag`: erased characters are shown between \ and /.
    ECHOPRT: u32 = 0o2000;
    /// `lflag`: VKILL removes the line from the screen.
    ECHOKE: u32 = 0o4000;
    /// `lflag`: VWERASE, VREPRINT, VLNEXT work.
    IEXTEN: u32 = 0o100000;

    /// `ioctl`: read the termios.
    TCGETS: u32 = 0x5401;
    /// `ioctl`: set the termios now.
    TCSETS: u32 = 0x5402;
    /// `ioctl`: set the termios once output is drained.
    TCSETSW: u32 = 0x5403;
    /// `ioctl`: the same, and flush input.
    TCSETSF: u32 = 0x5404;
    /// `ioctl`: drain output or send a break.
    TCSBRK: u32 = 0x5409;
    /// `ioctl`: stop or restart output or input.
    TCXONC: u32 = 0x540a;
    /// `ioctl`: flush queues.
    TCFLSH: u32 = 0x540b;
    /// `ioctl`: become the controlling terminal.
    TIOCSCTTY: u32 = 0x540e;
    /// `ioctl`: read the foreground process group.
    TIOCGPGRP: u32 = 0x540f;
    /// `ioctl`: set the foreground process group.
    TIOCSPGRP: u32 = 0x5410;
    /// `ioctl`: read the window size.
    TIOCGWINSZ: u32 = 0x5413;
    /// `ioctl`: set the window size.
    TIOCSWINSZ: u32 = 0x5414;
    /// `ioctl`: how many bytes can be read.
    FIONREAD: u32 = 0x541b;
    /// `ioctl`: how many bytes wait to be shown.
    TIOCOUTQ: u32 = 0x5411;
    /// `ioctl`: packets instead of bytes for the master of a pair.
    TIOCPKT: u32 = 0x5420;
    /// `ioctl`: give up the controlling terminal.
    TIOCNOTTY: u32 = 0x5422;
    /// `ioctl`: session of the terminal.
    TIOCGSID: u32 = 0x5429;
    /// `ioctl`: number of a pair.
    TIOCGPTN: u32 = 0x8004_5430;
    /// `ioctl`: lock or unlock a pair.
    TIOCSPTLCK: u32 = 0x4004_5431;
    /// `ioctl`: send a signal to the foreground.
    TIOCSIG: u32 = 0x4004_5436;
    /// `ioctl`: whether there are packets.
    TIOCGPKT: u32 = 0x8004_5438;
    /// `ioctl`: whether a pair is locked.
    TIOCGPTLCK: u32 = 0x8004_5439;
}
