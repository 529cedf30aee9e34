//! The release agent of cgroup v1.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{O_CREAT, O_WRONLY};
use user_lib::{Result, file};

use super::{Group, Mount, pause};
use crate::freezer::freeze;
use crate::tool::{Failure, Outcome, ensure_eq, fresh_path, tests};
use user_lib::child::Child;

tests! {
    an_empty_group_starts_its_release_agent
    a_group_that_loses_its_last_group_starts_the_agent
    no_release_is_lost_in_a_freeze
    an_agent_that_cannot_run_does_no_harm
}

/// A script that notes what it was called with; it is the agent until this
/// is dropped.
struct Agent<'a> {
    mount: &'a Mount,
    script: String,
    notes: String,
}

impl<'a> Agent<'a> {
    fn new(mount: &'a Mount) -> Result<Self> {
        let (script, notes) = (fresh_path("agent"), fresh_path("notes"));
        let text =
            format!("#!/bin/sh\necho \"$# $1 $PATH $HOME\" >> {notes}\n");
        let made = file::open(&script, O_CREAT | O_WRONLY, 0o755)?;
        file::write_all(made, text.as_bytes())?;
        file::close(made)?;
        file::overwrite(&mount.path("release_agent"), script.as_bytes())?;
        Ok(Self { mount, script, notes })
    }

    /// Waits for so many lines, and gives them all.
    fn notes(&self, count: usize) -> core::result::Result<String, Failure> {
        for _ in 0..10_000 {
            let text = file::text(&self.notes).unwrap_or_default();
            if text.lines().count() >= count {
                return Ok(text);
            }
            pause(1);
        }
        Err(Failure("the agent does not come".into()))
    }
}

impl Drop for Agent<'_> {
    fn drop(&mut self) {
        let _ = file::overwrite(&self.mount.path("release_agent"), b"\n");
        let _ = file::remove(&self.script);
        let _ = file::remove(&self.notes);
    }
}

/// What the agent notes for the group with this path below the mount.
fn note(path: &str) -> String {
    let rest = "/sbin:/bin:/usr/sbin:/usr/bin /";
    format!("1 {path} {rest}\n")
}

/// The group's path below its mount.
fn path_of<'a>(mount: &Mount, group: &'a Group) -> &'a str {
    &group.name()[mount.path("").len() - 1..]
}

fn live_and_die_in(group: &Group) -> Outcome {
    let child = Child::start(|| i32::from(group.write("tasks", "0").is_err()))?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

// spec: V1 H1
fn an_empty_group_starts_its_release_agent() -> Outcome {
    let mount = Mount::v1()?;
    let agent = Agent::new(&mount)?;
    let [silent, group] = [mount.group("silent")?, mount.group("group")?];
    ensure_eq!(group.read("notify_on_release")?, "0");
    group.write("notify_on_release", "1")?;
    live_and_die_in(&silent)?;
    live_and_die_in(&group)?;
    let expected = note(path_of(&mount, &group));
    ensure_eq!(agent.notes(1)?, expected);
    // Who leaves for another group leaves it empty as well.
    let child = Child::start(|| {
        pause(1 << 40);
        0
    })?;
    group.add(child.id())?;
    silent.add(child.id())?;
    ensure_eq!(agent.notes(2)?, expected.repeat(2));
    Ok(())
}

// spec: V1
fn a_group_that_loses_its_last_group_starts_the_agent() -> Outcome {
    let mount = Mount::v1()?;
    let agent = Agent::new(&mount)?;
    let group = mount.group("above")?;
    group.write("notify_on_release", "1")?;
    let below = group.group("below")?;
    ensure_eq!(below.read("notify_on_release")?, "1");
    let expected = [&below, &group].map(|it| note(path_of(&mount, it)));
    live_and_die_in(&below)?;
    ensure_eq!(agent.notes(1)?, expected[0]);
    drop(below);
    ensure_eq!(agent.notes(2)?, expected.concat());
    Ok(())
}

/// Linux refuses helpers while it freezes; here they come after the thaw.
// spec: H1 H2 O4
fn no_release_is_lost_in_a_freeze() -> Outcome {
    const ROUNDS: usize = 20;
    let mount = Mount::v1()?;
    let agent = Agent::new(&mount)?;
    let group = mount.group("group")?;
    group.write("notify_on_release", "1")?;
    let expected = note(path_of(&mount, &group));
    for round in 1..=ROUNDS {
        live_and_die_in(&group)?;
        freeze(0)?;
        ensure_eq!(agent.notes(round)?, expected.repeat(round));
    }
    Ok(())
}

// spec: H1
fn an_agent_that_cannot_run_does_no_harm() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("group")?;
    group.write("notify_on_release", "1")?;
    let path = mount.path("release_agent");
    file::overwrite(&path, b"/no/such/program\n")?;
    ensure_eq!(file::text(&path)?, "/no/such/program\n");
    live_and_die_in(&group)?;
    live_and_die_in(&group)?;
    // The gate is open again, so that the system can be frozen.
    freeze(0)?;
    // The first group's release may still be under way, to either agent.
    let agent = Agent::new(&mount)?;
    let other = mount.group("other")?;
    other.write("notify_on_release", "1")?;
    live_and_die_in(&other)?;
    let expected = note(path_of(&mount, &other));
    let mut lines = 1;
    while !agent.notes(lines)?.contains(&expected) {
        lines += 1;
    }
    Ok(())
}
