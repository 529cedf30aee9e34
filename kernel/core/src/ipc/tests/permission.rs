use kernel_abi::Errno;
use kernel_abi::ipc::IpcPerm;

use crate::capability::{ALL, Capability};
use crate::ipc::permission::{Asker, EXECUTE, Permission, READ, WRITE};
use crate::ipc::setting;

const ADMIN: Capability = Capability::SYS_ADMIN;

fn asker(user: u32, group: u32) -> Asker<'static> {
    Asker { user, group, groups: &[], capabilities: Capability::empty() }
}

#[test]
fn owner_group_and_others_have_their_bits() {
    let own = Permission::new(7, 0o640, &asker(1, 10));
    assert_eq!(own.check(&asker(1, 99), READ | WRITE), Ok(()));
    assert_eq!(own.check(&asker(1, 99), EXECUTE), Err(Errno::EACCES));
    assert_eq!(own.check(&asker(2, 10), READ), Ok(()));
    assert_eq!(own.check(&asker(2, 10), WRITE), Err(Errno::EACCES));
    assert_eq!(own.check(&asker(2, 11), READ), Err(Errno::EACCES));
    let further = Asker { groups: &[3, 10], ..asker(2, 11) };
    assert_eq!(own.check(&further, READ), Ok(()));
    let root = Asker { capabilities: Capability::IPC_OWNER, ..asker(0, 0) };
    assert_eq!(own.check(&root, READ | WRITE | EXECUTE), Ok(()));
    let other = Asker { capabilities: ALL - Capability::IPC_OWNER, ..root };
    assert_eq!(own.check(&other, READ), Err(Errno::EACCES));
}

#[test]
fn a_mode_asks_for_all_that_it_names() {
    let own = Permission::new(7, 0o600, &asker(1, 10));
    assert_eq!(own.check(&asker(1, 10), 0o600), Ok(()));
    assert_eq!(own.check(&asker(1, 10), 0o006), Ok(()));
    assert_eq!(own.check(&asker(1, 10), 0o001), Err(Errno::EACCES));
    assert_eq!(own.check(&asker(2, 20), 0), Ok(()));
}

#[test]
fn the_creator_stays_an_owner() {
    let mut own = Permission::new(7, 0o600, &asker(1, 10));
    let new = IpcPerm { uid: 2, gid: 20, mode: 0o7440, ..IpcPerm::default() };
    own.mode |= 0o1000;
    assert_eq!(own.set(&new), Ok(()));
    assert_eq!(own.mode, 0o1440);
    for user in [1, 2] {
        assert_eq!(own.check_owner(&asker(user, 0), ADMIN), Ok(()));
        assert_eq!(own.check(&asker(user, 0), READ), Ok(()));
    }
    assert_eq!(own.check_owner(&asker(3, 10), ADMIN), Err(Errno::EPERM));
    let admin = Asker { capabilities: ADMIN, ..asker(3, 10) };
    assert_eq!(own.check_owner(&admin, ADMIN), Ok(()));
    let other = Capability::IPC_LOCK;
    assert_eq!(own.check_owner(&admin, other), Err(Errno::EPERM));
    assert_eq!(own.check(&asker(3, 10), READ), Ok(()));
    let nobody = IpcPerm { uid: u32::MAX, ..new };
    assert_eq!(own.set(&nobody), Err(Errno::EINVAL));
    let shown = own.show(5 << 15 | 3);
    assert_eq!((shown.seq, shown.cuid, shown.cgid), (5, 1, 10));
}

#[test]
fn limits_are_numbers_within_their_ranges() {
    let parse = |text: &[u8]| setting::parse(text, [1, 2], [0..=9, 0..=9]);
    assert_eq!(parse(b"3\t4\n"), Ok([3, 4]));
    assert_eq!(parse(b"5"), Ok([5, 2]));
    for bad in [&b""[..], b"x", b"-1", b"10", b"1 2 3"] {
        assert_eq!(parse(bad), Err(Errno::EINVAL), "{bad:?}");
    }
    let most = u64::MAX.to_string();
    let large = setting::parse(most.as_bytes(), [0], [0..=u64::MAX]);
    assert_eq!(large, Ok([u64::MAX]));
    assert_eq!(setting::show([250, 32]), "250\t32\n");
}
