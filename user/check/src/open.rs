//! Ways to open files, and what open files can do: `openat2`, files without a
//! name, files that are only places, holes.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;

use user_lib::linux::{
    __NR_copy_file_range, __NR_fadvise64, __NR_fchmod, __NR_fdatasync,
    __NR_linkat, __NR_openat2, __NR_ppoll, __NR_preadv2, __NR_pwritev2,
    __NR_readahead, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, F_GETFL,
    F_SETFL, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOATIME, O_PATH,
    O_RDONLY, O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, process};

use crate::hole::file_with_holes;
use crate::limit::set_limit;
use crate::tool::{
    Failure, NOBODY, Outcome, ensure, ensure_eq, fresh_path, in_child, tests,
};

tests! {
    a_walk_stays_within_its_bounds
    what_openat2_does_not_know_is_refused
    a_file_without_a_name_may_get_one
    a_file_that_is_a_place_is_nothing_else
    without_a_descriptor_nothing_is_made_or_cut
    only_owners_read_without_a_trace
    one_write_may_go_to_the_end
    calls_about_contents_know_what_has_none
    bytes_are_copied_where_they_may_be
    what_is_known_of_a_descriptor_is_told
}

const NO_XDEV: u64 = 1;
const NO_MAGICLINKS: u64 = 2;
const NO_SYMLINKS: u64 = 4;
pub(crate) const BENEATH: u64 = 8;
pub(crate) const IN_ROOT: u64 = 16;
const HERE: usize = AT_FDCWD as usize;

fn text(path: &str) -> core::result::Result<CString, Failure> {
    CString::new(path).map_err(|_| Failure(String::from("a NUL")))
}

/// Opens by `openat2`, with flags, mode and bounds.
pub(crate) fn open2(base: i32, path: &str, how: [u64; 3]) -> Result<i32> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    let words = [
        base as usize,
        path.as_ptr() as usize,
        how.as_ptr() as usize,
        size_of_val(&how),
        0,
        0,
    ];
    Ok(arbitrary(__NR_openat2, words)? as i32)
}

/// A directory with a file, links, and a directory.
fn place() -> core::result::Result<(String, i32), Failure> {
    let path = fresh_path("bounds");
    file::make_directory(&path, 0o755)?;
    file::make_directory(&format!("{path}/below"), 0o755)?;
    let name = format!("{path}/below/file");
    file::close(file::open(&name, O_CREAT | O_WRONLY, 0o644)?)?;
    file::symbolic_link("/below/file", &format!("{path}/absolute"))?;
    file::symbolic_link("below/file", &format!("{path}/relative"))?;
    file::symbolic_link("../etc", &format!("{path}/out"))?;
    let base = file::open(&path, O_RDONLY | O_DIRECTORY, 0)?;
    Ok((path, base))
}

fn a_walk_stays_within_its_bounds() -> Outcome {
    let (_, base) = place()?;
    let open = |path: &str, bounds| match open2(base, path, [0, 0, bounds]) {
        Ok(open) => file::close(open),
        Err(error) => Err(error),
    };
    for path in ["below/file", "relative", "below/../below/./file"] {
        ensure_eq!((path, open(path, BENEATH)), (path, Ok(())));
        ensure_eq!((path, open(path, IN_ROOT)), (path, Ok(())));
    }
    for path in ["absolute", "out", "..", "below/../../x", "/", "/etc"] {
        ensure_eq!((path, open(path, BENEATH)), (path, Err(Errno::EXDEV)));
    }
    for path in ["absolute", "..", "/below/file", "../../below/file"] {
        ensure_eq!((path, open(path, IN_ROOT)), (path, Ok(())));
    }
    ensure_eq!(open("out", IN_ROOT), Err(Errno::ENOENT));
    for path in ["absolute", "relative"] {
        ensure_eq!((path, open(path, NO_SYMLINKS)), (path, Err(Errno::ELOOP)));
    }
    ensure_eq!(open("relative", NO_MAGICLINKS), Ok(()));
    ensure_eq!(open("/proc/self/exe", NO_MAGICLINKS), Err(Errno::ELOOP));
    ensure_eq!(open("/proc/self/exe", 0), Ok(()));
    ensure_eq!(open("/proc/self", NO_XDEV), Err(Errno::EXDEV));
    let proc = file::open("/proc", O_RDONLY, 0)?;
    let out = open2(proc, "..", [0, 0, NO_XDEV]);
    ensure_eq!(out, Err(Errno::EXDEV));
    ensure!(open2(proc, "self/stat", [0, 0, NO_XDEV]).is_ok());
    // Where an absolute name begins is no move, whatever the descriptor is.
    ensure!(open2(proc, "/", [0, 0, NO_XDEV]).is_ok());
    ensure!(open2(-1, "/", [0, 0, NO_SYMLINKS]).is_ok());
    ensure_eq!(open2(-1, "/", [0, 0, BENEATH]), Err(Errno::EXDEV));
    ensure_eq!(open2(-1, "/", [0, 0, IN_ROOT]), Err(Errno::EBADF));
    Ok(())
}

fn what_openat2_does_not_know_is_refused() -> Outcome {
    let (_, base) = place()?;
    let open = |how| open2(base, "below/file", how);
    for how in [
        [1 << 40, 0, 0],
        [0, 0o644, 0],
        [O_CREAT.into(), 0o20000, 0],
        [0, 0, 64],
        [0, 0, BENEATH | IN_ROOT],
        [(O_PATH | O_RDWR).into(), 0, 0],
    ] {
        ensure_eq!((how, open(how)), (how, Err(Errno::EINVAL)));
    }
    const CACHED: u64 = 32;
    ensure!(open([0, 0, CACHED]).is_ok());
    let makes = [O_CREAT.into(), 0o644, CACHED];
    ensure_eq!(open(makes), Err(Errno::EAGAIN));
    // A longer structure is good as long as the rest is zero.
    let mut how = [0_u64; 5];
    let name = text("below/file")?;
    let ask = |how: &[u64; 5], size| {
        let [path, how] = [name.as_ptr() as usize, how.as_ptr() as usize];
        arbitrary(__NR_openat2, [base as usize, path, how, size, 0, 0])
    };
    ensure!(ask(&how, 40).is_ok());
    ensure_eq!(ask(&how, 16), Err(Errno::EINVAL));
    how[4] = 1;
    ensure_eq!(ask(&how, 40), Err(Errno::E2BIG));
    Ok(())
}

fn link_open(open: i32, path: &str) -> Result<usize> {
    let from = CString::new(format!("/proc/self/fd/{open}"));
    let (from, to) = (from, CString::new(path));
    let (Ok(from), Ok(to)) = (from, to) else { return Err(Errno::EINVAL) };
    let [from, to] = [from.as_ptr() as usize, to.as_ptr() as usize];
    let follow = AT_SYMLINK_FOLLOW as usize;
    arbitrary(__NR_linkat, [HERE, from, HERE, to, follow, 0])
}

fn a_file_without_a_name_may_get_one() -> Outcome {
    let (path, _) = place()?;
    let open = file::open(&path, O_TMPFILE | O_RDWR, 0o640)?;
    file::write_all(open, b"found")?;
    ensure_eq!(file::descriptor_status(open)?.st_nlink, 0);
    ensure_eq!(file::descriptor_status(open)?.st_mode, 0o100_640);
    let name = format!("{path}/name");
    link_open(open, &name)?;
    ensure_eq!(file::text(&name)?, "found");
    ensure_eq!(file::descriptor_status(open)?.st_nlink, 1);
    file::remove(&name)?;
    // It has had a name, and gets none again.
    ensure_eq!(link_open(open, &name), Err(Errno::ENOENT));
    let alone = file::open(&path, O_TMPFILE | O_RDWR | O_EXCL, 0o600)?;
    ensure_eq!(link_open(alone, &name), Err(Errno::ENOENT));
    let by_number = file::open(&path, O_TMPFILE | O_RDWR, 0o600)?;
    let (empty, to) = (text("")?, text(&name)?);
    let [from, to] = [empty.as_ptr() as usize, to.as_ptr() as usize];
    let number = by_number as usize;
    let flags = AT_EMPTY_PATH as usize;
    arbitrary(__NR_linkat, [number, from, HERE, to, flags, 0])?;
    ensure!(file::status(&name).is_ok());
    let wrong = file::open(&path, O_TMPFILE | O_RDONLY, 0o600);
    ensure_eq!(wrong, Err(Errno::EINVAL));
    let wrong = file::open(&name, O_TMPFILE | O_RDWR, 0o600);
    ensure_eq!(wrong, Err(Errno::ENOTDIR));
    Ok(())
}

fn a_file_that_is_a_place_is_nothing_else() -> Outcome {
    let (path, _) = place()?;
    let open = file::open(&format!("{path}/below/file"), O_PATH, 0)?;
    let number = open as usize;
    let calls = [__NR_fchmod, __NR_fdatasync, __NR_fadvise64];
    for call in calls {
        let result = arbitrary(call, [number, 0o600, 0, 0, 0, 0]);
        ensure_eq!((call, result), (call, Err(Errno::EBADF)));
    }
    let mut byte = [0];
    ensure_eq!(file::read(open, &mut byte), Err(Errno::EBADF));
    ensure_eq!(file::control(open, F_SETFL, 0), Err(Errno::EBADF));
    ensure_eq!(file::control(open, F_GETFL, 0)? as u32 & O_PATH, O_PATH);
    ensure_eq!(file::seek(open, 0, 0), Err(Errno::EBADF));
    let mut entry = [0_u32; 2];
    entry[0] = open as u32;
    entry[1] = 1;
    let poll = [entry.as_mut_ptr() as usize, 1, 0, 0, 0, 0];
    const INVALID: u32 = 0x20;
    ensure_eq!(arbitrary(__NR_ppoll, poll)?, 1);
    ensure_eq!(core::hint::black_box(entry)[1] >> 16, INVALID);
    ensure!(file::descriptor_status(open).is_ok());
    ensure!(file::duplicate_above(open, 50).is_ok());
    // What else is asked for is not looked at.
    let none = format!("{path}/below/none");
    let made = file::open(&none, O_PATH | O_CREAT, 0o600);
    ensure_eq!(made, Err(Errno::ENOENT));
    let all = O_PATH | O_CREAT | O_EXCL | O_TRUNC | O_WRONLY;
    file::open(&format!("{path}/below/file"), all, 0)?;
    let nameless = O_TMPFILE | O_CREAT | O_RDWR;
    ensure_eq!(file::open(&path, nameless, 0o600), Err(Errno::EINVAL));
    Ok(())
}

fn without_a_descriptor_nothing_is_made_or_cut() -> Outcome {
    const FILES: usize = 7;
    let (path, _) = place()?;
    let (old, new) = (format!("{path}/below/file"), format!("{path}/new"));
    file::overwrite(&old, b"kept")?;
    let status = in_child(|| {
        set_limit(FILES, 3, 3)?;
        let cut = file::open(&old, O_WRONLY | O_TRUNC, 0);
        ensure_eq!(cut, Err(Errno::EMFILE));
        let made = file::open(&new, O_CREAT | O_RDWR, 0o600);
        ensure_eq!(made, Err(Errno::EMFILE));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(file::text(&old)?, "kept");
    ensure_eq!(file::open(&new, O_RDONLY, 0), Err(Errno::ENOENT));
    Ok(())
}

fn only_owners_read_without_a_trace() -> Outcome {
    let path = fresh_path("noatime");
    let flags = O_CREAT | O_RDWR | O_NOATIME;
    file::close(file::open(&path, flags, 0o666)?)?;
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        let open = file::open(&path, O_RDONLY | O_NOATIME, 0);
        ensure_eq!(open, Err(Errno::EPERM));
        let open = file::open(&path, O_RDONLY, 0)?;
        let set = file::control(open, F_SETFL, O_NOATIME as usize);
        ensure_eq!(set, Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn one_write_may_go_to_the_end() -> Outcome {
    const APPEND: usize = 16;
    const NO_WAIT: usize = 8;
    let open = file_with_holes()?;
    let bytes = b"end";
    let piece = [bytes.as_ptr() as usize, bytes.len()];
    let at = piece.as_ptr() as usize;
    let write = |place, flags| {
        arbitrary(__NR_pwritev2, [open as usize, at, 1, place, 0, flags])
    };
    file::seek(open, 5, 0)?;
    ensure_eq!(write(0, APPEND)?, 3);
    ensure_eq!(file::descriptor_status(open)?.st_size, 7 * 4096 + 3);
    ensure_eq!(file::seek(open, 0, 1)?, 5);
    ensure_eq!(write(usize::MAX, APPEND)?, 3);
    ensure_eq!(file::seek(open, 0, 1)?, 7 * 4096 + 6);
    ensure_eq!(write(0, 0x100), Err(Errno::EOPNOTSUPP));
    let [from, _to] = file::pipe(0)?;
    let mut room = [0_u8; 1];
    let piece = [room.as_mut_ptr() as usize, 1];
    let at = piece.as_ptr() as usize;
    let read = [from as usize, at, 1, usize::MAX, 0, NO_WAIT];
    ensure_eq!(arbitrary(__NR_preadv2, read), Err(Errno::EAGAIN));
    Ok(())
}

fn calls_about_contents_know_what_has_none() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let null = file::open("/dev/null", O_RDWR, 0)?;
    let write = fresh_path("write");
    let write = file::open(&write, O_CREAT | O_WRONLY, 0o600)?;
    for (call, open, advice, error) in [
        (__NR_fdatasync, from, 0, Errno::EINVAL),
        (__NR_fdatasync, null, 0, Errno::EINVAL),
        (__NR_fadvise64, to, 0, Errno::ESPIPE),
        (__NR_fadvise64, write, 6, Errno::EINVAL),
        (__NR_readahead, write, 0, Errno::EBADF),
        (__NR_readahead, from, 0, Errno::EINVAL),
        (__NR_fdatasync, 99, 0, Errno::EBADF),
    ] {
        let result = arbitrary(call, [open as usize, 0, 0, advice, 0, 0]);
        ensure_eq!((call, open, result), (call, open, Err(error)));
    }
    Ok(())
}

fn bytes_are_copied_where_they_may_be() -> Outcome {
    let from = file_with_holes()?;
    let path = fresh_path("copy");
    let end = file::open(&path, O_CREAT | O_WRONLY | O_APPEND, 0o600)?;
    let copy = |from: i32, at: u64, to: i32, place: u64, count: usize| {
        let [at, place] = [&at, &place].map(|it| &raw const *it as usize);
        let words = [from as usize, at, to as usize, place, count, 0];
        arbitrary(__NR_copy_file_range, words)
    };
    ensure_eq!(copy(from, 0, end, 0, 9), Err(Errno::EBADF));
    ensure_eq!(copy(from, 0, from, 5, 9), Err(Errno::EINVAL));
    ensure_eq!(copy(from, 0, from, 4096, 9)?, 9);
    let mut bytes = [0; 10];
    file::seek(from, 4096, 0)?;
    ensure_eq!(file::read(from, &mut bytes)?, 10);
    ensure_eq!(&bytes, &[7, 7, 7, 7, 7, 7, 7, 7, 7, 0]);
    Ok(())
}

fn what_is_known_of_a_descriptor_is_told() -> Outcome {
    let open = file_with_holes()?;
    file::seek(open, 77, 0)?;
    let told = file::text(&format!("/proc/self/fdinfo/{open}"))?;
    let mut lines = told.lines();
    ensure_eq!(lines.next(), Some("pos:\t77"));
    ensure_eq!(lines.next(), Some("flags:\t0400002"));
    ensure!(lines.next().is_some_and(|line| line.starts_with("mnt_id:\t")));
    let inode = file::descriptor_status(open)?.st_ino;
    ensure_eq!(lines.next(), Some(&*format!("ino:\t{inode}")));
    let missing = file::text("/proc/self/fdinfo/99");
    ensure_eq!(missing, Err(Errno::ENOENT));
    Ok(())
}
