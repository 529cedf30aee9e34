//! Files and directories by their paths.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{
    O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY,
    RENAME_NOREPLACE, S_IFDIR, S_IFMT, S_IFREG,
};
use user_lib::{Errno, directory, file};

use crate::tool::{Failure, Outcome, ensure, ensure_eq, fresh_path, tests};

tests! {
    what_is_written_is_read
    opening_reports_what_is_wrong
    exclusive_creation_refuses_what_is_there
    truncation_empties
    a_removed_file_lives_while_it_is_open
    a_directory_lists_its_names
    a_long_directory_is_listed_in_pieces
    directories_refuse_what_harms_them
    renaming_moves_and_replaces
    renaming_refuses_what_cannot_be
    paths_are_walked
    the_working_directory_is_kept
    a_symbolic_link_is_followed
    a_loop_of_links_is_refused
    status_tells_kind_and_size
    a_second_name_is_the_same_file
    null_and_zero_are_devices
    permissions_of_new_files_follow_the_mask
    long_names_are_refused
}

/// Makes an empty directory for one test.
fn place(name: &str) -> Result<String, Failure> {
    let path = fresh_path(name);
    file::make_directory(&path, 0o755)?;
    Ok(path)
}

/// Makes a file with some content.
fn put(path: &str, content: &[u8]) -> user_lib::Result<()> {
    let flags = O_WRONLY | O_CREAT | O_TRUNC;
    let descriptor = file::open(path, flags, 0o644)?;
    file::write_all(descriptor, content)?;
    file::close(descriptor)
}

fn what_is_written_is_read() -> Outcome {
    let path = fresh_path("content");
    let bytes: Vec<u8> = (0..100_000u32).map(|i| (i % 253) as u8).collect();
    put(&path, &bytes)?;
    ensure!(file::contents(&path)? == bytes);
    ensure_eq!(file::status(&path)?.st_size, 100_000);
    file::remove(&path)?;
    Ok(())
}

fn opening_reports_what_is_wrong() -> Outcome {
    let open = |path, flags| file::open(path, flags, 0o644);
    ensure_eq!(open("/tmp/nothing", O_RDONLY), Err(Errno::ENOENT));
    ensure_eq!(open("/nothing/x", O_RDWR | O_CREAT), Err(Errno::ENOENT));
    ensure_eq!(open("", O_RDONLY), Err(Errno::ENOENT));
    ensure_eq!(open("/tmp", O_RDWR), Err(Errno::EISDIR));
    ensure_eq!(open("/bin/sh/x", O_RDONLY), Err(Errno::ENOTDIR));
    ensure_eq!(open("/bin/sh", O_DIRECTORY), Err(Errno::ENOTDIR));
    let directory = open("/tmp", O_RDONLY)?;
    ensure_eq!(file::read(directory, &mut [0]), Err(Errno::EISDIR));
    Ok(())
}

fn exclusive_creation_refuses_what_is_there() -> Outcome {
    let path = fresh_path("exclusive");
    let flags = O_WRONLY | O_CREAT | O_EXCL;
    file::close(file::open(&path, flags, 0o644)?)?;
    ensure_eq!(file::open(&path, flags, 0o644), Err(Errno::EEXIST));
    file::remove(&path)?;
    Ok(())
}

fn truncation_empties() -> Outcome {
    let path = fresh_path("truncate");
    put(&path, b"something long")?;
    put(&path, b"new")?;
    ensure_eq!(file::contents(&path)?, b"new");
    let descriptor = file::open(&path, O_RDWR, 0)?;
    file::truncate(descriptor, 1)?;
    file::truncate(descriptor, 3)?;
    ensure_eq!(file::contents(&path)?, b"n\0\0");
    file::remove(&path)?;
    Ok(())
}

fn a_removed_file_lives_while_it_is_open() -> Outcome {
    let path = fresh_path("removed");
    put(&path, b"still here")?;
    let descriptor = file::open(&path, O_RDWR, 0)?;
    file::remove(&path)?;
    ensure_eq!(file::status(&path).err(), Some(Errno::ENOENT));
    ensure_eq!(file::read_to_end(descriptor)?, b"still here");
    file::write(descriptor, b"!")?;
    ensure_eq!(file::descriptor_status(descriptor)?.st_size, 11);
    ensure_eq!(file::descriptor_status(descriptor)?.st_nlink, 0);
    Ok(())
}

fn a_directory_lists_its_names() -> Outcome {
    const DT_DIR: u8 = 4;
    const DT_REG: u8 = 8;
    let base = place("list")?;
    put(&format!("{base}/file"), b"")?;
    file::make_directory(&format!("{base}/below"), 0o755)?;
    let mut entries = directory::entries(&base)?;
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    let kinds: Vec<(&str, u8)> =
        entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    ensure_eq!(kinds, [("below", DT_DIR), ("file", DT_REG)]);
    let inode = file::status(&format!("{base}/file"))?.st_ino;
    ensure_eq!(entries[1].inode, inode);
    file::remove(&format!("{base}/file"))?;
    file::remove_directory(&format!("{base}/below"))?;
    file::remove_directory(&base)?;
    Ok(())
}

fn a_long_directory_is_listed_in_pieces() -> Outcome {
    const COUNT: usize = 300;
    let base = place("long")?;
    let name = |index: usize| format!("{base}/a-rather-long-name-{index:04}");
    for index in 0..COUNT {
        put(&name(index), b"")?;
    }
    let mut entries = directory::entries(&base)?;
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    entries.dedup_by(|left, right| left.name == right.name);
    ensure_eq!(entries.len(), COUNT);
    // A buffer that no record fits into is refused.
    let descriptor = file::open(&base, O_RDONLY, 0)?;
    let result = directory::read(descriptor, &mut [0; 8]);
    ensure_eq!(result, Err(Errno::EINVAL));
    (0..COUNT).try_for_each(|index| file::remove(&name(index)))?;
    file::remove_directory(&base)?;
    Ok(())
}

fn directories_refuse_what_harms_them() -> Outcome {
    let base = place("harm")?;
    let inner = format!("{base}/inner");
    put(&inner, b"")?;
    ensure_eq!(file::make_directory(&base, 0o755), Err(Errno::EEXIST));
    ensure_eq!(file::remove_directory(&base), Err(Errno::ENOTEMPTY));
    ensure_eq!(file::remove(&base), Err(Errno::EISDIR));
    ensure_eq!(file::remove_directory(&inner), Err(Errno::ENOTDIR));
    let dot = file::remove_directory(&format!("{base}/."));
    ensure_eq!(dot, Err(Errno::EINVAL));
    ensure_eq!(file::remove_directory("/"), Err(Errno::EBUSY));
    file::remove(&inner)?;
    file::remove_directory(&base)?;
    ensure_eq!(file::remove_directory(&base), Err(Errno::ENOENT));
    Ok(())
}

fn renaming_moves_and_replaces() -> Outcome {
    let base = place("rename")?;
    let [one, two, below] =
        ["one", "two", "below"].map(|name| format!("{base}/{name}"));
    put(&one, b"1")?;
    put(&two, b"2")?;
    file::rename(&one, &two, 0)?;
    ensure_eq!(file::contents(&two)?, b"1");
    ensure_eq!(file::contents(&one), Err(Errno::ENOENT));
    file::make_directory(&below, 0o755)?;
    let moved = format!("{below}/moved");
    file::rename(&two, &moved, 0)?;
    ensure_eq!(file::contents(&moved)?, b"1");
    file::rename(&below, &one, 0)?;
    ensure_eq!(file::contents(&format!("{one}/moved"))?, b"1");
    file::remove(&format!("{one}/moved"))?;
    file::remove_directory(&one)?;
    file::remove_directory(&base)?;
    Ok(())
}

fn renaming_refuses_what_cannot_be() -> Outcome {
    let base = place("norename")?;
    let [plain, full, inner] =
        ["plain", "full", "full/inner"].map(|name| format!("{base}/{name}"));
    put(&plain, b"")?;
    file::make_directory(&full, 0o755)?;
    put(&inner, b"")?;
    ensure_eq!(file::rename(&plain, &full, 0), Err(Errno::EISDIR));
    ensure_eq!(file::rename(&full, &plain, 0), Err(Errno::ENOTDIR));
    let into_itself = format!("{full}/sub");
    ensure_eq!(file::rename(&full, &into_itself, 0), Err(Errno::EINVAL));
    let kept = file::rename(&plain, &inner, RENAME_NOREPLACE);
    ensure_eq!(kept, Err(Errno::EEXIST));
    let missing = file::rename("/tmp/nothing", &plain, 0);
    ensure_eq!(missing, Err(Errno::ENOENT));
    file::remove(&inner)?;
    file::remove_directory(&full)?;
    file::remove(&plain)?;
    file::remove_directory(&base)?;
    Ok(())
}

fn paths_are_walked() -> Outcome {
    let same = |path: &str| file::status(path).map(|status| status.st_ino);
    let root = same("/")?;
    ensure_eq!(same("/..")?, root);
    ensure_eq!(same("//tmp/.././")?, root);
    ensure_eq!(same("/tmp/../bin/")?, same("/bin")?);
    ensure_eq!(same("/nothing/.."), Err(Errno::ENOENT));
    ensure_eq!(same("/bin/sh/"), Err(Errno::ENOTDIR));
    Ok(())
}

fn the_working_directory_is_kept() -> Outcome {
    let base = place("cwd")?;
    directory::change(&base)?;
    ensure_eq!(directory::current()?, base);
    put("here", b"x")?;
    ensure_eq!(file::contents(&format!("{base}/here"))?, b"x");
    ensure_eq!(directory::change("here"), Err(Errno::ENOTDIR));
    ensure_eq!(directory::change("nothing"), Err(Errno::ENOENT));
    file::remove("./here")?;
    directory::change("..")?;
    ensure_eq!(directory::current()?, "/tmp");
    file::remove_directory(&base)?;
    Ok(())
}

fn a_symbolic_link_is_followed() -> Outcome {
    let base = place("link")?;
    let [target, link] =
        ["target", "link"].map(|name| format!("{base}/{name}"));
    put(&target, b"behind")?;
    file::symbolic_link("target", &link)?;
    ensure_eq!(file::contents(&link)?, b"behind");
    ensure_eq!(file::link_target(&link)?, "target");
    ensure_eq!(file::link_status(&link)?.st_size, 6);
    ensure_eq!(file::status(&link)?.st_ino, file::status(&target)?.st_ino);
    ensure_eq!(file::link_target(&target), Err(Errno::EINVAL));
    file::remove(&target)?;
    ensure_eq!(file::contents(&link), Err(Errno::ENOENT));
    file::remove(&link)?;
    file::remove_directory(&base)?;
    Ok(())
}

fn a_loop_of_links_is_refused() -> Outcome {
    let base = place("loop")?;
    let [one, two] = ["one", "two"].map(|name| format!("{base}/{name}"));
    file::symbolic_link(&two, &one)?;
    file::symbolic_link(&one, &two)?;
    ensure_eq!(file::contents(&one), Err(Errno::ELOOP));
    file::remove(&one)?;
    file::remove(&two)?;
    file::remove_directory(&base)?;
    Ok(())
}

fn status_tells_kind_and_size() -> Outcome {
    let kind = |path| file::status(path).map(|found| found.st_mode & S_IFMT);
    ensure_eq!(kind("/")?, S_IFDIR);
    ensure_eq!(kind("/bin/sh")?, S_IFREG);
    ensure!(file::status("/bin/sh")?.st_size > 1000);
    ensure!(file::status("/")?.st_nlink >= 2);
    Ok(())
}

fn a_second_name_is_the_same_file() -> Outcome {
    let base = place("second")?;
    let [one, two] = ["one", "two"].map(|name| format!("{base}/{name}"));
    put(&one, b"same")?;
    file::link(&one, &two)?;
    ensure_eq!(file::status(&one)?.st_nlink, 2);
    file::remove(&one)?;
    ensure_eq!(file::contents(&two)?, b"same");
    ensure_eq!(file::status(&two)?.st_nlink, 1);
    file::remove(&two)?;
    file::remove_directory(&base)?;
    Ok(())
}

fn null_and_zero_are_devices() -> Outcome {
    let null = file::open("/dev/null", O_RDWR, 0)?;
    ensure_eq!(file::write(null, b"gone")?, 4);
    ensure_eq!(file::read(null, &mut [0; 4])?, 0);
    let zero = file::open("/dev/zero", O_RDWR, 0)?;
    let mut buffer = [7; 100];
    ensure_eq!(file::read(zero, &mut buffer)?, 100);
    ensure_eq!(buffer, [0; 100]);
    let random = file::open("/dev/urandom", O_RDONLY, 0)?;
    ensure_eq!(file::read(random, &mut buffer)?, 100);
    ensure!(buffer != [0; 100]);
    ensure_eq!(file::status("/dev/null")?.st_rdev, 0x103);
    Ok(())
}

fn permissions_of_new_files_follow_the_mask() -> Outcome {
    let path = fresh_path("mask");
    file::set_creation_mask(0o027);
    put(&path, b"")?;
    ensure_eq!(file::status(&path)?.st_mode & 0o777, 0o640);
    file::change_mode(&path, 0o751)?;
    ensure_eq!(file::status(&path)?.st_mode & 0o777, 0o751);
    file::remove(&path)?;
    ensure_eq!(file::set_creation_mask(0o022), 0o027);
    Ok(())
}

fn long_names_are_refused() -> Outcome {
    let name = format!("/tmp/{}", "x".repeat(256));
    let opened = file::open(&name, O_WRONLY | O_CREAT, 0o644);
    ensure_eq!(opened, Err(Errno::ENAMETOOLONG));
    let path = "/tmp/../".repeat(600);
    ensure_eq!(file::status(&path).err(), Some(Errno::ENAMETOOLONG));
    let longest = format!("/tmp/{}", "y".repeat(255));
    put(&longest, b"")?;
    file::remove(&longest)?;
    Ok(())
}
