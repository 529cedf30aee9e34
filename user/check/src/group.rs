//! Freezer groups: cgroup v1's freezer, what Firn adds to it, and
//! cgroup v2's interface.
//!
//! A test mounts a hierarchy in a directory of its own, makes groups, and
//! looks at tasks through `/proc`. Here is what the tests share; read
//! `group/tree.rs` next.

pub mod birth;
pub mod clock;
pub mod interface;
pub mod kind;
pub mod member;
pub mod release;
pub mod removed;
pub mod signal;
pub mod trace;
pub mod tree;
pub mod wait;

use alloc::format;
use alloc::string::String;

use user_lib::linux::{O_RDWR, O_WRONLY};
use user_lib::time::{self, Time};
use user_lib::{Result, file, process, system};

use crate::freezer::look_at;
use crate::tool::Failure;

/// `MNT_DETACH`
const DETACH: u32 = 2;

/// A mounted hierarchy; unmounted when dropped.
pub struct Mount(String);

impl Mount {
    fn new(kind: &str, options: &str) -> Result<Self> {
        let path = format!("/tmp/check-{}-{kind}", process::current_id());
        file::make_directory(&path, 0o755)?;
        let mount = Self(path);
        system::mount("none", &mount.0, kind, 0, options)?;
        Ok(mount)
    }

    /// That of cgroup v1's freezer.
    pub fn v1() -> Result<Self> {
        Self::new("cgroup", "freezer")
    }

    /// That of cgroup v2.
    pub fn v2() -> Result<Self> {
        Self::new("cgroup2", "")
    }

    /// A new group below the root.
    pub fn group(&self, name: &str) -> Result<Group> {
        let path = format!("{}/{name}-{}", self.0, process::current_id());
        Group::new(path)
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = system::unmount(&self.0, DETACH);
        let _ = file::remove_directory(&self.0);
    }
}

/// A group; thawed, emptied and removed when dropped.
pub struct Group(String);

impl Group {
    /// Its frozen tasks can be killed, so that a test that fails ends.
    fn new(path: String) -> Result<Group> {
        file::make_directory(&path, 0o755)?;
        let group = Group(path);
        // cgroup v2 has no such file, and needs none.
        let _ = group.write("freezer.kill_frozen", "1");
        Ok(group)
    }

    /// The group with this directory, which is there.
    pub fn at(path: &str) -> Group {
        Group(path.into())
    }

    /// The directory.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// A new group in this one.
    fn group(&self, name: &str) -> Result<Group> {
        Group::new(self.path(name))
    }

    /// The path of one of its files.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }

    /// What a file says, without the newline at its end.
    pub fn read(&self, name: &str) -> Result<String> {
        Ok(file::text(&self.path(name))?.trim_end().into())
    }

    /// Writes to a file in one call.
    pub fn write(&self, name: &str, text: &str) -> Result<usize> {
        let descriptor = self.open(name, O_WRONLY)?;
        let result = file::write(descriptor, text.as_bytes());
        file::close(descriptor)?;
        result
    }

    fn open(&self, name: &str, flags: u32) -> Result<i32> {
        file::open(&self.path(name), flags, 0)
    }

    fn open_both(&self, name: &str) -> Result<i32> {
        self.open(name, O_RDWR)
    }

    fn state(&self) -> Result<String> {
        self.read("freezer.state")
    }

    /// Writes the state; with `FROZEN`, waits until it is reached.
    pub fn freeze(&self) -> Result<()> {
        self.write("freezer.state", "FROZEN")?;
        while self.state()? != "FROZEN" {
            time::sleep(Time::from_millis(1));
        }
        Ok(())
    }

    pub fn thaw(&self) -> Result<()> {
        self.write("freezer.state", "THAWED").map(drop)
    }

    /// Freezes or thaws a group of cgroup v2, and waits until it is.
    ///
    /// # Errors
    /// It is no group of cgroup v2, or is gone.
    pub fn set_frozen(
        &self,
        is_frozen: bool,
    ) -> core::result::Result<(), Failure> {
        let text = if is_frozen { "1" } else { "0" };
        self.write("cgroup.freeze", text)?;
        while self.figure("cgroup.events", "frozen ")? != is_frozen.into() {
            time::sleep(Time::from_millis(1));
        }
        Ok(())
    }

    /// Moves a process into it.
    pub fn add(&self, pid: i32) -> Result<()> {
        let name = match file::status(&self.path("tasks")) {
            Ok(_) => "tasks",
            Err(_) => "cgroup.procs",
        };
        self.write(name, &format!("{pid}")).map(drop)
    }

    /// A figure of `freezer.stat` and the like.
    fn figure(
        &self,
        file: &str,
        name: &str,
    ) -> core::result::Result<u64, Failure> {
        let text = self.read(file)?;
        let value = text.lines().find_map(|line| {
            line.strip_prefix(name)?.trim_start().parse().ok()
        });
        value.ok_or_else(|| Failure(format!("no {name} in {text}")))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.write("freezer.state", "THAWED");
        let _ = self.write("cgroup.freeze", "0");
        let _ = self.write("cgroup.kill", "1");
        for _ in 0..1000 {
            if file::remove_directory(&self.0).is_ok() {
                return;
            }
            time::sleep(Time::from_millis(1));
        }
    }
}

/// The state letter of a process.
fn letter(pid: i32) -> core::result::Result<char, Failure> {
    Ok(look_at(pid)?.0)
}

fn pause(ms: i64) {
    time::sleep(Time::from_millis(ms));
}
