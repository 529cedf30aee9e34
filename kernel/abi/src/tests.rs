//! Numbers and layouts against the values of Linux's headers for aarch64.

use crate::signal::{self, SigInfo};
use crate::signal_frame;
use crate::stat::{Dirent, device_number, dirent_size};
use crate::syscall;
use crate::time::{Timespec, Timeval};
use zerocopy::IntoBytes;

#[test]
fn system_calls_have_their_generic_numbers() {
    let known = [
        (syscall::GETCWD, 17, "getcwd"),
        (syscall::OPENAT, 56, "openat"),
        (syscall::NEWFSTATAT, 79, "newfstatat"),
        (syscall::RT_SIGRETURN, 139, "rt_sigreturn"),
        (syscall::CLONE, 220, "clone"),
        (syscall::WAIT4, 260, "wait4"),
        (syscall::CLONE3, 435, "clone3"),
    ];
    for (constant, number, name) in known {
        assert_eq!(constant, number);
        assert_eq!(syscall::name(number), Some(name));
    }
    assert_eq!(syscall::name(250), None);
    assert_eq!(syscall::name(usize::MAX), None);
    assert!(syscall::name(syscall::COUNT - 1).is_some());
}

#[test]
fn siginfo_of_a_child_has_linux_offsets() {
    let info = SigInfo::child(signal::CLD_EXITED, 7, 8, -3, [9, 10]);
    let bytes = info.as_bytes();
    assert_eq!(bytes[0..4], 17_i32.to_le_bytes());
    assert_eq!(bytes[8..12], 1_i32.to_le_bytes());
    assert_eq!(bytes[16..20], 7_u32.to_le_bytes());
    assert_eq!(bytes[20..24], 8_u32.to_le_bytes());
    assert_eq!(bytes[24..28], (-3_i32).to_le_bytes());
    assert_eq!(bytes[32..40], 9_u64.to_le_bytes());
    assert_eq!((info.pid(), info.uid()), (7, 8));
}

#[test]
fn a_signal_frame_is_aligned_and_below_the_stack() {
    for top in [0x8000_u64, 0x8001, 0x800f, u64::MAX] {
        let place = signal_frame::place(top).unwrap();
        assert!(place.record + 16 <= top);
        assert_eq!(place.frame % 16, 0);
        assert_eq!(place.frame + signal_frame::FRAME_SIZE, place.record);
    }
    assert_eq!(signal_frame::place(0), None);
    assert_eq!(signal_frame::place(4700), None);
}

#[test]
fn directory_entries_are_padded_to_eight_bytes() {
    let entry = Dirent { ino: 5, next_offset: 6, kind: 4, name: b"hello" };
    let mut buffer = [0xaa; 40];
    assert_eq!(entry.encode(&mut buffer), Some(32));
    assert_eq!(buffer[16..19], [32, 0, 4]);
    assert_eq!(&buffer[19..33], b"hello\0\0\0\0\0\0\0\0\xaa");
    assert_eq!(entry.encode(&mut [0; 31]), None);
    assert_eq!(dirent_size(4), 24);
    assert_eq!(dirent_size(5), 32);
}

#[test]
fn times_are_checked_and_do_not_overflow() {
    let time = Timespec::from_ns(3_000_000_004);
    assert_eq!(time, Timespec { sec: 3, nsec: 4 });
    assert_eq!(time.to_ns(), Ok(3_000_000_004));
    assert!(Timespec { sec: -1, nsec: 0 }.to_ns().is_err());
    assert!(Timespec { sec: 0, nsec: 1_000_000_000 }.to_ns().is_err());
    assert!(Timespec { sec: 0, nsec: -1 }.to_ns().is_err());
    assert_eq!(Timespec { sec: i64::MAX, nsec: 0 }.to_ns(), Ok(u64::MAX));
    assert!(Timeval { sec: 0, usec: i64::MAX }.to_ns().is_err());
    assert_eq!(Timeval::from_ns(1_000_002_999).usec, 2);
}

#[test]
fn device_numbers_are_split_as_in_linux() {
    assert_eq!(device_number(5, 1), 0x501);
    assert_eq!(device_number(1, 0x12345), 0x1230_0145);
}

#[test]
fn only_the_codes_of_programs_may_be_told_to_others() {
    let is_forged = |code| SigInfo::new(1, code).is_forged();
    // `SI_USER`, `SI_KERNEL`, `CLD_EXITED`, `SI_TKILL`.
    for code in [0, 0x80, 1, -6] {
        assert!(is_forged(code), "{code}");
    }
    // `SI_QUEUE`, `SI_TIMER`, `SI_MESGQ`, `SI_ASYNCIO`.
    for code in [-1, -2, -3, -4] {
        assert!(!is_forged(code), "{code}");
    }
}
