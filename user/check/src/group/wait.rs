//! What Firn adds to the freezer: telling, waiting, killing, leases,
//! deadlines, figures.

use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    O_NONBLOCK, O_RDONLY, O_WRONLY, POLLERR, POLLPRI, SIGKILL, SIGTERM, SIGUSR1,
};
use user_lib::time::{Time, monotonic};
use user_lib::{Errno, file, process, schedule, signal, terminal};

use super::{Group, Mount, letter, pause};
use crate::freezer::{
    Spinner, wait_for, wait_for_place, wait_for_state, words,
};
use crate::tool::{Failure, Outcome, ensure, ensure_eq, soon, tests};
use user_lib::child::Child;

tests! {
    changes_of_the_state_can_be_polled
    a_read_waits_until_all_stand_still
    a_read_that_waited_too_long_tells_who_still_runs
    a_task_that_has_not_parked_yet_is_named
    figures_tell_of_freezes
    a_fatal_signal_ends_a_frozen_task_if_the_group_lets_it
    a_whole_group_is_killed_frozen_or_not
    a_lease_freezes_as_long_as_somebody_holds_it
    a_lease_ends_with_its_holder
    a_freeze_with_a_deadline_happens_in_time_or_not_at_all
    a_frozen_reader_keeps_no_byte_from_another
}

/// What a poll of one descriptor finds within a time.
fn poll(descriptor: i32, ms: i64) -> user_lib::Result<u32> {
    let mut entry = [terminal::poll_entry(descriptor, POLLPRI)];
    terminal::poll(&mut entry, Some(Time::from_millis(ms)), None)?;
    Ok(entry[0].revents as u32)
}

// spec: V11
fn changes_of_the_state_can_be_polled() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("events")?;
    let events = group.open("freezer.events", O_RDONLY)?;
    let mut text = [0; 32];
    let mut look =
        || -> user_lib::Result<usize> { file::read_at(events, &mut text, 0) };
    look()?;
    ensure_eq!(poll(events, 0)?, 0);
    group.write("freezer.state", "FROZEN")?;
    ensure_eq!(poll(events, 10_000)?, POLLPRI | POLLERR);
    look()?;
    ensure_eq!(poll(events, 0)?, 0);
    group.thaw()?;
    ensure_eq!(poll(events, 10_000)?, POLLPRI | POLLERR);
    look()?;
    // The last task to stand still tells, and those above are told too.
    let below = group.group("below")?;
    let spinner = Spinner::start()?;
    below.add(spinner.child.id())?;
    group.write("freezer.state", "FROZEN")?;
    while group.read("freezer.events")? != "state FROZEN" {
        look()?;
        if group.state()? != "FROZEN" {
            ensure_eq!(poll(events, 10_000)?, POLLPRI | POLLERR);
        }
    }
    file::close(events)?;
    Ok(())
}

// spec: V11
fn a_read_waits_until_all_stand_still() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("wait")?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    let [noted] = words()?;
    let reader = Child::start(|| {
        let text = group.open_both("freezer.wait").and_then(|wait| {
            file::write(wait, b"60000")?;
            let mut text = [0; 16];
            let length = file::read(wait, &mut text)?;
            Ok(u32::from(&text[..length] == b"FROZEN\n"))
        });
        noted.store(text.unwrap_or(9) + 1, Ordering::SeqCst);
        0
    })?;
    wait_for_state(reader.id(), 'S')?;
    ensure_eq!(noted.load(Ordering::SeqCst), 0);
    group.write("freezer.state", "FROZEN")?;
    wait_for(noted, 1);
    ensure_eq!(noted.load(Ordering::SeqCst), 2);
    ensure_eq!(group.state()?, "FROZEN");
    Ok(())
}

// spec: V11 P3
fn a_read_that_waited_too_long_tells_who_still_runs() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("late")?;
    let start = monotonic();
    let wait = group.open_both("freezer.wait")?;
    file::write(wait, b"30")?;
    let mut text = [0; 16];
    let length = file::read(wait, &mut text)?;
    ensure_eq!(&text[..length], b"THAWED\n");
    ensure!(monotonic() - start >= Time::from_millis(30));
    file::close(wait)?;
    let wait = group.open("freezer.wait", O_RDONLY | O_NONBLOCK)?;
    ensure_eq!(file::read(wait, &mut text)?, 7);
    file::close(wait)?;
    Ok(())
}

/// A spinner on the reader's own CPU cannot park before the reader sleeps.
// spec: V11
fn a_task_that_has_not_parked_yet_is_named() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("named")?;
    schedule::set_affinity(0, 1)?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    let name = alloc::format!("pid:{}", spinner.child.id());
    // The clock's interrupt may come between.
    for _ in 0..100 {
        let wait = group.open("freezer.wait", O_RDONLY | O_NONBLOCK)?;
        group.write("freezer.state", "FROZEN")?;
        let text = file::read_to_end(wait)?;
        file::close(wait)?;
        group.freeze()?;
        group.thaw()?;
        spinner.wait_for_more();
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines();
        if lines.next() == Some("FREEZING") {
            let line = lines.next().unwrap_or("");
            ensure!(line.contains(&name) && line.ends_with(" runnable"));
            ensure_eq!(lines.next(), None);
            return Ok(());
        }
        ensure_eq!(text, "FROZEN\n");
    }
    Err(Failure("it was parked every time".into()))
}

// spec: V5
fn figures_tell_of_freezes() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("figures")?;
    let figure = |name| group.figure("freezer.stat", name);
    let spinner = Spinner::start()?;
    let sleeper = Child::start(|| {
        pause(1 << 40);
        0
    })?;
    wait_for_state(sleeper.id(), 'S')?;
    group.add(spinner.child.id())?;
    group.add(sleeper.id())?;
    let cycle = || -> Outcome {
        group.freeze()?;
        pause(5);
        group.thaw()?;
        spinner.wait_for_more();
        Ok(())
    };
    // On its way to sleep it shows `S` already. Once it was found asleep, it
    // does not run again.
    while figure("asleep ")? == 0 {
        cycle()?;
    }
    let names = ["freezes ", "frozen_usec ", "signalled ", "asleep "];
    let mut before = [0; 4];
    for (value, name) in before.iter_mut().zip(names) {
        *value = figure(name)?;
    }
    (0..3).try_for_each(|_| cycle())?;
    let [freezes, frozen, signalled, asleep] = before;
    ensure_eq!(figure("freezes ")?, freezes + 3);
    ensure!(figure("frozen_usec ")? >= frozen + 15_000);
    let all = figure("signalled ")? + figure("asleep ")?;
    ensure_eq!(all, signalled + asleep + 6);
    ensure!(figure("asleep ")? >= asleep + 3);
    ensure!(figure("worst_latency_usec ")? >= figure("last_latency_usec ")?);
    ensure_eq!(figure("self_freezing ")?, 0);
    group.freeze()?;
    ensure_eq!(figure("self_freezing ")?, 1);
    Ok(())
}

// spec: G1
fn a_fatal_signal_ends_a_frozen_task_if_the_group_lets_it() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("fatal")?;
    let plain = alloc::format!("{}-plain", group.0);
    file::make_directory(&plain, 0o755)?;
    let plain = Group(plain);
    ensure_eq!(plain.read("freezer.kill_frozen")?, "0");
    ensure_eq!(group.read("freezer.kill_frozen")?, "1");
    let spinners = [Spinner::start()?, Spinner::start()?, Spinner::start()?];
    for spinner in &spinners {
        group.add(spinner.child.id())?;
    }
    group.freeze()?;
    let [first, second, third] = spinners;
    signal::send(first.child.id(), SIGKILL)?;
    ensure_eq!(first.child.wait()?.killed_by(), Some(SIGKILL));
    // Another fatal signal does as well; the group stays frozen.
    signal::send(second.child.id(), SIGTERM)?;
    ensure_eq!(second.child.wait()?.killed_by(), Some(SIGTERM));
    ensure_eq!(group.state()?, "FROZEN");
    ensure_eq!(letter(third.child.id())?, 'D');
    // Switched on later, it sets free whoever was killed before.
    group.write("freezer.kill_frozen", "0")?;
    signal::send(third.child.id(), SIGKILL)?;
    pause(5);
    ensure_eq!(letter(third.child.id())?, 'D');
    group.write("freezer.kill_frozen", "1")?;
    ensure_eq!(third.child.wait()?.killed_by(), Some(SIGKILL));
    Ok(())
}

// spec: G1 P2
fn a_whole_group_is_killed_frozen_or_not() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("all")?;
    for is_frozen in [false, true] {
        let below = group.group("below")?;
        let [one, two] = [Spinner::start()?, Spinner::start()?];
        group.add(one.child.id())?;
        below.add(two.child.id())?;
        if is_frozen {
            group.freeze()?;
        }
        group.write("cgroup.kill", "1")?;
        ensure_eq!(one.child.wait()?.killed_by(), Some(SIGKILL));
        ensure_eq!(two.child.wait()?.killed_by(), Some(SIGKILL));
        let state = if is_frozen { "FROZEN" } else { "THAWED" };
        ensure_eq!(group.state()?, state);
        ensure_eq!(group.read("tasks")?, "");
    }
    ensure_eq!(group.write("cgroup.kill", "0"), Err(Errno::ERANGE));
    ensure_eq!(group.write("cgroup.kill", "x"), Err(Errno::EINVAL));
    Ok(())
}

// spec: V6
fn a_lease_freezes_as_long_as_somebody_holds_it() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("lease")?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    let mut leases = [0; 2];
    for lease in &mut leases {
        *lease = group.open("freezer.lease", O_WRONLY)?;
        file::write(*lease, b"FROZEN")?;
    }
    wait_frozen(&group)?;
    ensure_eq!(group.read("freezer.lease")?, "2");
    ensure_eq!(group.read("freezer.self_freezing")?, "0");
    // The group's own request comes and goes beside them.
    group.freeze()?;
    group.thaw()?;
    ensure_eq!(group.state()?, "FROZEN");
    file::close(leases[0])?;
    ensure_eq!(group.state()?, "FROZEN");
    file::write(leases[1], b"THAWED")?;
    spinner.wait_for_more();
    ensure_eq!(group.state()?, "THAWED");
    file::close(leases[1])?;
    let inside = Child::start(|| {
        let written = group
            .write("tasks", "0")
            .and_then(|_| group.write("freezer.lease", "FROZEN"));
        i32::from(written != Err(Errno::EDEADLK))
    })?;
    ensure_eq!(inside.wait()?.exit_code(), Some(0));
    Ok(())
}

fn wait_frozen(group: &Group) -> user_lib::Result<()> {
    while group.state()? != "FROZEN" {
        pause(1);
    }
    Ok(())
}

// spec: V6
fn a_lease_ends_with_its_holder() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("holder")?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    let holder = Child::start(|| {
        let lease = group.open("freezer.lease", O_WRONLY);
        let held = lease.and_then(|lease| file::write(lease, b"FROZEN"));
        if held.is_ok() {
            pause(1 << 40);
        }
        process::exit(1)
    })?;
    wait_frozen(&group)?;
    signal::send(holder.id(), SIGKILL)?;
    holder.wait()?;
    ensure_eq!(group.state()?, "THAWED");
    spinner.wait_for_more();
    Ok(())
}

// spec: V3 V4
fn a_freeze_with_a_deadline_happens_in_time_or_not_at_all() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("deadline")?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    let freeze = |text| group.write("freezer.state", text);
    ensure_eq!(freeze("FROZEN 30000")?, 12);
    ensure_eq!(group.state()?, "FROZEN");
    group.thaw()?;
    spinner.wait_for_more();
    // A spinner needs longer than no time at all.
    while freeze("FROZEN 0").is_ok() {
        group.thaw()?;
        spinner.wait_for_more();
    }
    ensure_eq!(group.read("freezer.self_freezing")?, "0");
    ensure_eq!(group.state()?, "THAWED");
    spinner.wait_for_more();
    ensure_eq!(freeze("FROZEN 5x"), Err(Errno::EINVAL));
    let inside = Child::start(|| {
        let written = group
            .write("tasks", "0")
            .and_then(|_| group.write("freezer.state", "FROZEN 10"));
        i32::from(written != Err(Errno::EDEADLK))
    })?;
    ensure_eq!(inside.wait()?.exit_code(), Some(0));
    Ok(())
}

/// A child that reads a byte of a pipe and counts it.
fn reader(pipe: [i32; 2], count: &'static AtomicU32) -> Result<Child, Failure> {
    extern "C" fn go_on(_signal: i32) {}
    let child = Child::start(|| {
        let is_handled = signal::handle(SIGUSR1, go_on).is_ok();
        let read = file::read(pipe[0], &mut [0]);
        count.fetch_add(1, Ordering::SeqCst);
        i32::from(!is_handled || read != Ok(1))
    })?;
    wait_for_place(child.id(), "pipe_read")?;
    wait_for_state(child.id(), 'S')?;
    Ok(child)
}

/// The frozen one stands first in the queue, asleep there; or a signal woke it
/// and it went to the refrigerator.
// spec: S1 R5
fn a_frozen_reader_keeps_no_byte_from_another() -> Outcome {
    let mount = Mount::v1()?;
    for is_signalled in [false, true] {
        let group = mount.group("readers")?;
        let pipe = file::pipe(0)?;
        let [frozen_count, free_count] = words()?;
        let frozen = reader(pipe, frozen_count)?;
        group.add(frozen.id())?;
        let free = reader(pipe, free_count)?;
        group.freeze()?;
        if is_signalled {
            signal::send(frozen.id(), SIGUSR1)?;
            wait_for_state(frozen.id(), 'D')?;
        }
        file::write(pipe[1], b"x")?;
        ensure!(soon(|| free_count.load(Ordering::SeqCst) != 0));
        ensure_eq!(free.wait()?.exit_code(), Some(0));
        ensure_eq!(frozen_count.load(Ordering::SeqCst), 0);
        group.thaw()?;
        file::write(pipe[1], b"x")?;
        ensure_eq!(frozen.wait()?.exit_code(), Some(0));
        pipe.iter().try_for_each(|&end| file::close(end))?;
    }
    Ok(())
}
