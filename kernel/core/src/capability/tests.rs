//! What capabilities(7) says, line by line.

use super::{ALL, Capabilities, Capability, Exec, OF_FILES, SecureBits};
use kernel_abi::Errno;
use kernel_abi::capability::{CAP_KILL, CAP_SYS_TIME};

const NONE: Capability = Capability::empty();

fn of_user() -> Capabilities {
    let mut sets = Capabilities::default();
    sets.change_user([0; 3], [1000; 3]);
    sets
}

fn plain(user: u32) -> Exec {
    Exec { users: [user; 2], is_set_id: false }
}

#[test]
fn who_leaves_user_0_for_good_has_nothing() {
    let sets = of_user();
    assert_eq!((sets.permitted, sets.effective), (NONE, NONE));
    assert_eq!(sets.bounding, ALL);
}

#[test]
fn who_leaves_user_0_for_a_while_has_it_back() {
    let mut sets = Capabilities::default();
    sets.change_user([0; 3], [0, 1000, 0]);
    assert_eq!((sets.permitted, sets.effective), (ALL, NONE));
    sets.change_user([0, 1000, 0], [0; 3]);
    assert_eq!(sets.effective, ALL);
}

#[test]
fn what_is_kept_is_not_effective_and_ends_with_an_exec() {
    let mut sets = Capabilities::default();
    sets.keep(true).unwrap();
    sets.change_user([0; 3], [1000; 3]);
    assert_eq!((sets.permitted, sets.effective), (ALL, NONE));
    let new = sets.exec(plain(1000));
    assert_eq!(new.permitted, NONE);
    assert!(!new.secure.contains(SecureBits::KEEP_CAPS));
}

#[test]
fn a_change_of_user_changes_nothing_where_that_is_said() {
    let mut sets = Capabilities::default();
    let bits = SecureBits::NO_SETUID_FIXUP | SecureBits::NO_SETUID_FIXUP_LOCKED;
    sets.set_secure(bits.bits() as usize).unwrap();
    sets.change_user([0; 3], [1000; 3]);
    sets.change_file_user(0, 1000);
    assert_eq!(sets.effective, ALL);
    assert_eq!(sets.set_secure(0), Err(Errno::EPERM), "it is locked");
}

#[test]
fn the_user_of_files_takes_the_rights_over_files_along() {
    let mut sets = Capabilities::default();
    sets.change_file_user(0, 1000);
    assert_eq!(sets.effective, ALL - OF_FILES);
    assert!(!sets.has(Capability::DAC_OVERRIDE) && sets.has(Capability::KILL));
    sets.change_file_user(1000, 0);
    assert_eq!(sets.effective, ALL);
}

#[test]
fn sets_only_shrink() {
    let mut sets = Capabilities::default();
    let two = Capability::KILL | Capability::CHOWN;
    sets.set([Capability::KILL, two, Capability::KILL]).unwrap();
    assert!(sets.has(Capability::KILL) && !sets.has(Capability::CHOWN));
    sets.set([two, two, Capability::KILL]).unwrap();
    assert!(sets.has(two));
    let more = Capability::KILL | Capability::SETUID;
    assert_eq!(sets.set([Capability::KILL, more, NONE]), Err(Errno::EPERM));
    assert_eq!(sets.set([more, two, NONE]), Err(Errno::EPERM));
    // Without the right to, only what is permitted is inheritable.
    assert_eq!(sets.set([two, two, more]), Err(Errno::EPERM));
    assert_eq!(sets.set_secure(0), Err(Errno::EPERM));
    assert_eq!(sets.drop_bounding(CAP_KILL as usize), Err(Errno::EPERM));
}

#[test]
fn nothing_outside_the_bounding_set_comes_back() {
    let mut sets = Capabilities::default();
    sets.drop_bounding(CAP_SYS_TIME as usize).unwrap();
    assert_eq!(sets.drop_bounding(41), Err(Errno::EINVAL));
    assert!(sets.has(Capability::SYS_TIME), "not before an exec");
    assert_eq!(sets.set([ALL, ALL, Capability::SYS_TIME]), Err(Errno::EPERM));
    let new = sets.exec(plain(0));
    assert!(!new.has(Capability::SYS_TIME) && new.has(Capability::KILL));
}

#[test]
fn user_0_means_nothing_where_that_is_said() {
    let mut sets = Capabilities::default();
    sets.set_secure(SecureBits::NO_ROOT.bits() as usize).unwrap();
    assert_eq!(sets.exec(plain(0)).permitted, NONE);
}

#[test]
fn what_is_ambient_outlives_an_exec_but_no_set_id() {
    let mut sets = Capabilities::default();
    assert_eq!(sets.raise_ambient(Capability::KILL), Err(Errno::EPERM));
    sets.set([ALL, ALL, Capability::KILL]).unwrap();
    sets.raise_ambient(Capability::KILL).unwrap();
    sets.keep(true).unwrap();
    sets.change_user([0; 3], [1000; 3]);
    assert_eq!(sets.ambient, NONE, "a change of user takes it");
    sets.raise_ambient(Capability::KILL).unwrap();
    let new = sets.exec(plain(1000));
    assert_eq!(
        (new.permitted, new.effective),
        (Capability::KILL, Capability::KILL)
    );
    let set_id = Exec { users: [1000, 5], is_set_id: true };
    assert_eq!(sets.exec(set_id).effective, NONE);
    // Who takes the right away takes it from there as well.
    let mut less = new;
    less.set([NONE, NONE, NONE]).unwrap();
    assert_eq!(less.ambient, NONE);
}

#[test]
fn a_set_user_id_program_of_user_0_has_all() {
    let sets = of_user();
    let root = Exec { users: [1000, 0], is_set_id: true };
    let mut new = sets.exec(root);
    assert_eq!((new.permitted, new.effective), (ALL, ALL));
    new.restrict(sets.permitted);
    assert_eq!((new.permitted, new.effective), (NONE, NONE));
    // The real user alone gives what may be made effective.
    let other = Exec { users: [0, 1000], is_set_id: true };
    let new = of_user().exec(other);
    assert_eq!((new.permitted, new.effective), (ALL, NONE));
}

#[test]
fn rights_have_numbers() {
    assert_eq!(Capability::numbered(5), Ok(Capability::KILL));
    assert_eq!(Capability::numbered(40), Ok(Capability::CHECKPOINT_RESTORE));
    assert_eq!(Capability::numbered(41), Err(Errno::EINVAL));
}
