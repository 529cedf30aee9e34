//! Whose a file is, and what its bits give: `inode(7)`, `chown(2)`,
//! `chmod(2)`. Everybody here who tries is user 1000.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::Ordering;

use user_lib::linux::{
    __NR_fchown, __NR_fchownat, __NR_inotify_add_watch, __NR_inotify_init1,
    __NR_mknodat, __NR_renameat2, __NR_setgroups, __NR_setresgid,
    __NR_setresuid, __NR_truncate, __NR_utimensat, O_CREAT, O_RDWR, O_TRUNC,
    O_WRONLY, S_IFCHR, S_IFIFO,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, schedule};

use crate::freezer::words;
use crate::tool::{
    Failure, Outcome, ensure, ensure_eq, fresh_path, in_child, tests,
};

tests! {
    what_is_made_is_its_makers_from_the_first
    a_groups_directory_gives_its_group
    who_changes_a_program_takes_its_rights
    a_group_is_given_by_its_members
    an_owner_is_not_given_away
    errors_come_in_linuxs_order
    a_directory_moves_with_its_owner
    who_may_not_read_hears_of_nothing
}

const USER: usize = 1000;
const GROUP: u32 = 1500;
const HERE: usize = -100_isize as usize;

/// Becomes user 1000, a member of group 1500 too.
fn become_member() -> Result<()> {
    let groups = [GROUP];
    let place = groups.as_ptr() as usize;
    arbitrary(__NR_setgroups, [1, place, 0, 0, 0, 0])?;
    arbitrary(__NR_setresgid, [USER, USER, USER, 0, 0, 0])?;
    arbitrary(__NR_setresuid, [USER, USER, USER, 0, 0, 0]).map(drop)
}

fn as_member(work: impl FnOnce() -> Outcome) -> Outcome {
    let status = in_child(|| {
        become_member()?;
        work().map(|()| 0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn c_string(path: &str) -> String {
    format!("{path}\0")
}

fn change_owner(path: &str, user: u32, group: u32) -> Result<usize> {
    let path = c_string(path);
    let place = path.as_ptr() as usize;
    let ids = [user as usize, group as usize];
    arbitrary(__NR_fchownat, [HERE, place, ids[0], ids[1], 0, 0])
}

/// A directory for one test, that all may write, of this group.
fn directory(name: &str, group: u32, mode: u32) -> Result<String> {
    let path = fresh_path(name);
    file::make_directory(&path, 0o755)?;
    change_owner(&path, 0, group)?;
    file::change_mode(&path, mode)?;
    Ok(path)
}

fn make(path: &str, mode: u32) -> Result<()> {
    file::close(file::open(path, O_CREAT | O_RDWR, mode)?)
}

/// Mode without the type, user, group.
fn facts(path: &str) -> core::result::Result<[u32; 3], Failure> {
    let status = file::link_status(path)?;
    Ok([status.st_mode & 0o7777, status.st_uid, status.st_gid])
}

fn make_node(path: &str, mode: u32, device: usize) -> Result<usize> {
    let path = c_string(path);
    let place = path.as_ptr() as usize;
    arbitrary(__NR_mknodat, [HERE, place, mode as usize, device, 0, 0])
}

/// One makes files with the set-user-id bit; another looks at them as they
/// appear, and never sees one of root's. The maker is in so many groups that
/// whatever asks who it is takes long.
fn what_is_made_is_its_makers_from_the_first() -> Outcome {
    let place = directory("born", 0, 0o777)?;
    let name = format!("{place}/file");
    let [sightings] = words()?;
    let maker = crate::tool::in_background(|| {
        let groups = alloc::vec![GROUP; 1 << 14];
        let place = groups.as_ptr() as usize;
        arbitrary(__NR_setgroups, [groups.len(), place, 0, 0, 0, 0])?;
        arbitrary(__NR_setresuid, [USER, USER, USER, 0, 0, 0])?;
        file::set_creation_mask(0);
        let mut round = 0;
        // Who looks may be held up all the while.
        while round < 500 || sightings.load(Ordering::Relaxed) == 0 {
            round += 1;
            make(&name, 0o4777)?;
            // On one CPU it would hardly ever be seen.
            if round % 10 == 0 {
                schedule::give_way();
            }
            file::remove(&name)?;
        }
        Ok(())
    })?;
    let maker_id = maker.id();
    let is_running = || {
        let text = file::text(&format!("/proc/{maker_id}/stat"));
        text.is_ok_and(|it| !it.contains(" Z "))
    };
    while is_running() {
        for _ in 0..200 {
            if let Ok(status) = file::status(&name) {
                sightings.fetch_add(1, Ordering::Relaxed);
                ensure_eq!(status.st_uid, USER as u32);
            }
        }
    }
    ensure_eq!(maker.wait()?.exit_code(), Some(0));
    file::remove_directory(&place)?;
    Ok(())
}

fn a_groups_directory_gives_its_group() -> Outcome {
    const OTHER: u32 = 1600;
    let place = directory("group", OTHER, 0o2777)?;
    let name = |it: &str| format!("{place}/{it}");
    as_member(|| {
        file::set_creation_mask(0);
        make(&name("plain"), 0o644)?;
        ensure_eq!(facts(&name("plain"))?, [0o644, 1000, OTHER]);
        // Nobody gets rights of a group that he is not in.
        make(&name("program"), 0o2755)?;
        ensure_eq!(facts(&name("program"))?, [0o755, 1000, OTHER]);
        file::make_directory(&name("sub"), 0o755)?;
        ensure_eq!(facts(&name("sub"))?, [0o2755, 1000, OTHER]);
        make_node(&name("fifo"), S_IFIFO | 0o600, 0)?;
        ensure_eq!(facts(&name("fifo"))?, [0o600, 1000, OTHER]);
        Ok(())
    })?;
    for it in ["plain", "program", "fifo"] {
        file::remove(&name(it))?;
    }
    file::remove_directory(&name("sub"))?;
    file::remove_directory(&place)?;
    Ok(())
}

/// Makes a program with all bits that give rights, which all may write.
fn program(path: &str) -> Result<()> {
    make(path, 0o755)?;
    change_owner(path, 0, GROUP)?;
    file::change_mode(path, 0o6777)
}

fn who_changes_a_program_takes_its_rights() -> Outcome {
    let path = fresh_path("program");
    program(&path)?;
    let mode = || facts(&path).map(|it| it[0]);
    let write = || -> Outcome {
        let to = file::open(&path, O_WRONLY, 0)?;
        file::write_all(to, b"x")?;
        Ok(file::close(to)?)
    };
    // Root knows what it writes.
    write()?;
    ensure_eq!(mode()?, 0o6777);
    as_member(|| file::open(&path, O_WRONLY, 0).map(drop).map_err(Into::into))?;
    ensure_eq!(mode()?, 0o6777);
    as_member(write)?;
    ensure_eq!(mode()?, 0o777);
    program(&path)?;
    as_member(|| {
        let to = file::open(&path, O_WRONLY | O_TRUNC, 0)?;
        Ok(file::close(to)?)
    })?;
    ensure_eq!(mode()?, 0o777);
    program(&path)?;
    as_member(|| {
        let name = c_string(&path);
        let place = name.as_ptr() as usize;
        arbitrary(__NR_truncate, [place, 10, 0, 0, 0, 0])?;
        Ok(())
    })?;
    ensure_eq!(mode()?, 0o777);
    // A chown takes them even if root does it; without the group's right to
    // execute the bit means something else.
    program(&path)?;
    change_owner(&path, 5, u32::MAX)?;
    ensure_eq!(mode()?, 0o777);
    file::change_mode(&path, 0o6767)?;
    change_owner(&path, u32::MAX, 6)?;
    ensure_eq!(mode()?, 0o2767);
    file::remove(&path)?;
    Ok(())
}

fn a_group_is_given_by_its_members() -> Outcome {
    let path = fresh_path("member");
    as_member(|| {
        make(&path, 0o644)?;
        ensure_eq!(change_owner(&path, u32::MAX, GROUP), Ok(0));
        ensure_eq!(facts(&path)?, [0o644, 1000, GROUP]);
        ensure_eq!(change_owner(&path, u32::MAX, 7), Err(Errno::EPERM));
        file::change_mode(&path, 0o2755)?;
        ensure_eq!(facts(&path)?[0], 0o2755);
        Ok(())
    })?;
    change_owner(&path, u32::MAX, 7)?;
    as_member(|| {
        file::change_mode(&path, 0o2755)?;
        ensure_eq!(facts(&path)?[0], 0o755);
        Ok(())
    })?;
    file::remove(&path)?;
    Ok(())
}

fn an_owner_is_not_given_away() -> Outcome {
    let path = fresh_path("owner");
    as_member(|| {
        make(&path, 0o644)?;
        ensure_eq!(change_owner(&path, 0, u32::MAX), Err(Errno::EPERM));
        ensure_eq!(change_owner(&path, 1000, u32::MAX), Ok(0));
        let touch = |path: &str, times: Option<&[[i64; 2]; 2]>| {
            let path = c_string(path);
            let times = times.map_or(0, |it| it.as_ptr() as usize);
            let place = path.as_ptr() as usize;
            arbitrary(__NR_utimensat, [HERE, place, times, 0, 0, 0])
        };
        ensure_eq!(touch("/dev/null", None), Ok(0));
        let then = [[1, 1]; 2];
        ensure_eq!(touch("/dev/null", Some(&then)), Err(Errno::EPERM));
        ensure_eq!(touch("/bin", None), Err(Errno::EACCES));
        Ok(())
    })?;
    file::remove(&path)?;
    Ok(())
}

fn errors_come_in_linuxs_order() -> Outcome {
    as_member(|| {
        let none = arbitrary(__NR_fchown, [99, 0, 0, 0, 0, 0]);
        ensure_eq!(none, Err(Errno::EBADF));
        let bad = arbitrary(__NR_fchownat, [HERE, 8, 0, 0, 0, 0]);
        ensure_eq!(bad, Err(Errno::EFAULT));
        ensure_eq!(change_owner("/nothing", 0, 0), Err(Errno::ENOENT));
        let device = S_IFCHR | 0o600;
        ensure_eq!(make_node("/bin", device, 5), Err(Errno::EEXIST));
        ensure_eq!(make_node("/bin/x", device, 5), Err(Errno::EACCES));
        ensure_eq!(make_node("/tmp/x", device, 5), Err(Errno::EPERM));
        Ok(())
    })
}

fn a_directory_moves_with_its_owner() -> Outcome {
    let from = directory("from", 0, 0o777)?;
    let to = directory("to", 0, 0o777)?;
    file::make_directory(&format!("{from}/d"), 0o755)?;
    let rename = |old: &str, new: &str| {
        let (old, new) = (c_string(old), c_string(new));
        let (from, to) = (old.as_ptr() as usize, new.as_ptr() as usize);
        arbitrary(__NR_renameat2, [HERE, from, HERE, to, 0, 0])
    };
    as_member(|| {
        let (old, new) = (format!("{from}/d"), format!("{to}/d"));
        ensure_eq!(rename(&old, &new), Err(Errno::EACCES));
        // Its name may change where it stands.
        ensure_eq!(rename(&old, &format!("{from}/e")), Ok(0));
        Ok(())
    })?;
    for path in [&format!("{from}/e"), &from, &to] {
        file::remove_directory(path)?;
    }
    Ok(())
}

fn who_may_not_read_hears_of_nothing() -> Outcome {
    let place = directory("silent", 0, 0o711)?;
    as_member(|| {
        let set = arbitrary(__NR_inotify_init1, [0; 6])?;
        let watch = |path: &str| {
            let path = c_string(path);
            let place = path.as_ptr() as usize;
            arbitrary(__NR_inotify_add_watch, [set, place, 0x100, 0, 0, 0])
        };
        ensure_eq!(watch(&place), Err(Errno::EACCES));
        ensure!(watch("/tmp").is_ok());
        Ok(())
    })?;
    file::remove_directory(&place)?;
    Ok(())
}
