//! `inotify(7)`, on plain files and on those of groups.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use user_lib::linux::{
    __NR_inotify_add_watch, __NR_inotify_init1, __NR_inotify_rm_watch,
    __NR_pwrite64, IN_ATTRIB, IN_CLOSE_WRITE, IN_CREATE, IN_DELETE,
    IN_DELETE_SELF, IN_EXCL_UNLINK, IN_IGNORED, IN_ISDIR, IN_MODIFY,
    IN_MOVED_FROM, IN_MOVED_TO, IN_OPEN, O_CREAT, O_NONBLOCK, O_TRUNC,
    O_WRONLY, POLLIN,
};
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, Result, file, terminal};

use crate::freezer::Spinner;
use crate::group::Mount;
use crate::tool::{Outcome, ensure, ensure_eq, fresh_path, tests};

tests! {
    a_directory_tells_what_happens_to_its_names
    a_file_tells_of_its_end
    a_file_tells_of_every_change
    watches_are_changed_and_ended
    groups_tell_when_they_are_frozen
    a_watch_outlives_the_name_of_an_open_file
    a_new_file_is_not_cut
}

/// What a program watches.
pub struct Watcher(i32);

impl Watcher {
    /// Nothing yet.
    pub fn new() -> Result<Self> {
        let flags = O_NONBLOCK as usize;
        let set = arbitrary(__NR_inotify_init1, [flags, 0, 0, 0, 0, 0])?;
        Ok(Self(set as i32))
    }

    /// Watches a file for the events of `mask`.
    pub fn watch(&self, path: &str, mask: u32) -> Result<i32> {
        let path = format!("{path}\0");
        let (set, place) = (self.0 as usize, path.as_ptr() as usize);
        let arguments = [set, place, mask as usize, 0, 0, 0];
        Ok(arbitrary(__NR_inotify_add_watch, arguments)? as i32)
    }

    fn end(&self, watch: i32) -> Result<()> {
        let arguments = [self.0 as usize, watch as usize, 0, 0, 0, 0];
        arbitrary(__NR_inotify_rm_watch, arguments).map(drop)
    }

    /// The masks and names of the events that wait.
    fn events(&self) -> Result<Vec<(u32, String)>> {
        let mut buffer = [0; 4096];
        let length = file::read(self.0, &mut buffer)?;
        let (mut rest, mut all) = (&buffer[..length], Vec::new());
        while let [_, _, _, _, a, b, c, d, _, _, _, _, e, f, g, h, tail @ ..] =
            rest
        {
            let mask = u32::from_ne_bytes([*a, *b, *c, *d]);
            let size = u32::from_ne_bytes([*e, *f, *g, *h]) as usize;
            let name = tail[..size].split(|byte| *byte == 0).next();
            let name = String::from_utf8_lossy(name.unwrap_or(&[]));
            all.push((mask, name.into_owned()));
            rest = &tail[size..];
        }
        Ok(all)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = file::close(self.0);
    }
}

fn a_directory_tells_what_happens_to_its_names() -> Outcome {
    let path = fresh_path("watched");
    file::make_directory(&path, 0o755)?;
    let (one, two) = (format!("{path}/one"), format!("{path}/two"));
    let watcher = Watcher::new()?;
    watcher.watch(&path, 0xfff)?;
    ensure_eq!(watcher.events(), Err(Errno::EAGAIN));
    let open = file::open(&one, O_WRONLY | O_CREAT, 0o644)?;
    file::write(open, b"text")?;
    file::close(open)?;
    file::rename(&one, &two, 0)?;
    file::remove(&two)?;
    file::make_directory(&one, 0o755)?;
    file::remove_directory(&one)?;
    let expected = [
        (IN_CREATE, "one"),
        (IN_OPEN, "one"),
        (IN_MODIFY, "one"),
        (IN_CLOSE_WRITE, "one"),
        (IN_MOVED_FROM, "one"),
        (IN_MOVED_TO, "two"),
        (IN_DELETE, "two"),
        (IN_CREATE | IN_ISDIR, "one"),
        (IN_DELETE | IN_ISDIR, "one"),
    ];
    let found = watcher.events()?;
    let found: Vec<_> =
        found.iter().map(|(mask, name)| (*mask, name.as_str())).collect();
    ensure_eq!(found, expected);
    file::remove_directory(&path)?;
    Ok(())
}

fn a_file_tells_of_its_end() -> Outcome {
    let path = fresh_path("ends");
    file::close(file::open(&path, O_WRONLY | O_CREAT, 0o644)?)?;
    let watcher = Watcher::new()?;
    watcher.watch(&path, IN_DELETE_SELF | IN_MODIFY)?;
    file::overwrite(&path, b"1")?;
    file::remove(&path)?;
    let masks: Vec<_> =
        watcher.events()?.into_iter().map(|event| event.0).collect();
    ensure_eq!(masks, [IN_MODIFY, IN_DELETE_SELF, IN_IGNORED]);
    Ok(())
}

fn a_file_tells_of_every_change() -> Outcome {
    let path = fresh_path("every");
    let open = file::open(&path, O_WRONLY | O_CREAT, 0o644)?;
    let watcher = Watcher::new()?;
    watcher.watch(&path, IN_ATTRIB | IN_MODIFY)?;
    let events = || -> Result<Vec<u32>> {
        let all = watcher.events()?;
        Ok(all.into_iter().map(|event| event.0).collect())
    };
    file::change_mode(&path, 0o600)?;
    ensure_eq!(events()?, [IN_ATTRIB]);
    file::truncate(open, 100)?;
    ensure_eq!(events()?, [IN_MODIFY]);
    let text = [b'x'];
    let place = text.as_ptr() as usize;
    arbitrary(__NR_pwrite64, [open as usize, place, 1, 5, 0, 0])?;
    ensure_eq!(events()?, [IN_MODIFY]);
    file::touch(&path)?;
    ensure_eq!(events()?, [IN_ATTRIB]);
    let other = fresh_path("other");
    file::link(&path, &other)?;
    ensure_eq!(events()?, [IN_ATTRIB]);
    file::remove(&other)?;
    ensure_eq!(events()?, [IN_ATTRIB]);
    file::close(open)?;
    file::remove(&path)?;
    Ok(())
}

fn watches_are_changed_and_ended() -> Outcome {
    let path = fresh_path("changed");
    file::close(file::open(&path, O_WRONLY | O_CREAT, 0o644)?)?;
    let watcher = Watcher::new()?;
    // To add to what there is, and only where nothing is, cannot be.
    const ADD_AND_CREATE: u32 = 0x3000_0000;
    let both = watcher.watch("/tmp", IN_OPEN | ADD_AND_CREATE);
    ensure_eq!(both, Err(Errno::EINVAL));
    ensure_eq!(watcher.watch(&path, 0), Err(Errno::EINVAL));
    ensure_eq!(watcher.watch("/no/such", IN_MODIFY), Err(Errno::ENOENT));
    let watch = watcher.watch(&path, IN_OPEN)?;
    ensure_eq!(watcher.watch(&path, IN_MODIFY)?, watch);
    file::overwrite(&path, b"1")?;
    ensure_eq!(watcher.events()?, [(IN_MODIFY, String::new())]);
    watcher.end(watch)?;
    ensure_eq!(watcher.events()?, [(IN_IGNORED, String::new())]);
    file::overwrite(&path, b"2")?;
    ensure_eq!(watcher.events(), Err(Errno::EAGAIN));
    ensure_eq!(watcher.end(watch), Err(Errno::EINVAL));
    file::remove(&path)?;
    Ok(())
}

// spec: V11 B1
fn groups_tell_when_they_are_frozen() -> Outcome {
    for (mount, events) in
        [(Mount::v1()?, "freezer.events"), (Mount::v2()?, "cgroup.events")]
    {
        let group = mount.group("told")?;
        let spinner = Spinner::start()?;
        group.add(spinner.child.id())?;
        let watcher = Watcher::new()?;
        watcher.watch(&group.path(events), IN_MODIFY)?;
        match events {
            "freezer.events" => group.write("freezer.state", "FROZEN")?,
            _ => group.write("cgroup.freeze", "1")?,
        };
        // Told of the request, and again when all stand still.
        while !group.read(events)?.contains("FROZEN")
            && !group.read(events)?.contains("frozen 1")
        {
            let mut entry = [terminal::poll_entry(watcher.0, POLLIN)];
            let limit = Some(Time::from_millis(10_000));
            ensure_eq!(terminal::poll(&mut entry, limit, None)?, 1);
            ensure!(watcher.events()?.contains(&(IN_MODIFY, String::new())));
        }
    }
    Ok(())
}

fn a_watch_outlives_the_name_of_an_open_file() -> Outcome {
    let path = fresh_path("unnamed");
    let open = file::open(&path, O_WRONLY | O_CREAT, 0o644)?;
    let (all, named) = (Watcher::new()?, Watcher::new()?);
    all.watch(&path, IN_MODIFY | IN_DELETE_SELF)?;
    named.watch(&path, IN_MODIFY | IN_EXCL_UNLINK)?;
    file::remove(&path)?;
    ensure_eq!(all.events(), Err(Errno::EAGAIN));
    file::write(open, b"text")?;
    let event = |mask| (mask, String::new());
    ensure_eq!(all.events()?, [event(IN_MODIFY)]);
    ensure_eq!(named.events(), Err(Errno::EAGAIN));
    let told = file::text(&format!("/proc/self/fdinfo/{}", named.0))?;
    ensure!(told.contains("inotify wd:1 ") && told.contains("mask:4000002"));
    file::close(open)?;
    ensure_eq!(all.events()?, [event(IN_DELETE_SELF), event(IN_IGNORED)]);
    ensure_eq!(named.events()?, [event(IN_IGNORED)]);
    Ok(())
}

fn a_new_file_is_not_cut() -> Outcome {
    let path = fresh_path("new");
    file::make_directory(&path, 0o755)?;
    let watcher = Watcher::new()?;
    watcher.watch(&path, IN_CREATE | IN_MODIFY | IN_OPEN)?;
    let name = format!("{path}/file");
    for expected in [vec![IN_CREATE, IN_OPEN], vec![IN_MODIFY, IN_OPEN]] {
        let flags = O_WRONLY | O_CREAT | O_TRUNC;
        file::close(file::open(&name, flags, 0o644)?)?;
        let told: Vec<u32> =
            watcher.events()?.into_iter().map(|it| it.0).collect();
        ensure_eq!(told, expected);
    }
    Ok(())
}
