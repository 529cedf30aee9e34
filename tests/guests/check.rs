//! What system calls promise, told by the guest's own program `check`.
//!
//! Its tests are grouped by area; each area runs on the usual machine, and
//! all of them on other numbers of CPUs.
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::results::{ensure_passed, ensure_passed_without};
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    processes_keep_their_promises,
    execution_keeps_its_promises,
    stopping_keeps_its_promises,
    signals_keep_their_promises,
    pipes_keep_their_promises,
    descriptors_keep_their_promises,
    files_keep_their_promises,
    memory_keeps_its_promises,
    time_keeps_its_promises,
    futexes_keep_their_promises,
    scheduling_keeps_its_promises,
    edges_keep_their_promises,
    terminals_keep_their_promises,
    shells_keep_their_promises,
    cpus_keep_their_promises,
    tracing_keeps_its_promises,
    groups_keep_their_promises,
    claims_timers_and_traits_keep_their_promises,
    rights_keep_their_promises,
    sockets_and_nameless_files_keep_their_promises,
    texts_and_limits_keep_their_promises,
    advice_and_ways_to_open_keep_their_promises,
    semaphores_messages_and_segments_keep_their_promises,
    nothing_takes_for_ever,
    no_call_makes_a_freeze_wait_for_a_millisecond,
    programs_are_told_what_each_cpu_has: Choice,
    what_depends_on_time_is_right_at_once,
    every_area_is_in_this_list,
    all_promises_hold_on_one_cpu_with_little_memory,
    all_promises_hold_on_two_cpus,
    all_promises_hold_on_eight_cpus,
];

const AREAS: &[&str] = &[
    "process",
    "pidfd",
    "share",
    "capability",
    "execute",
    "stop",
    "signal",
    "pipe",
    "descriptor",
    "file",
    "memory",
    "time",
    "futex",
    "schedule",
    "policy",
    "edge",
    "terminal",
    "pair",
    "pair-flow",
    "shell",
    "freezer-task",
    "freezer-signal",
    "freezer-wait",
    "freezer-power",
    "freezer-wakeup",
    "trace-stop",
    "trace-register",
    "trace-event",
    "cpu",
    "group-tree",
    "group-member",
    "group-signal",
    "group-trace",
    "group-wait",
    "group-clock",
    "group-interface",
    "group-birth",
    "group-removed",
    "group-kind",
    "group-release",
    "notify",
    "claim",
    "timer",
    "cpu-time",
    "traits",
    "habit",
    "access",
    "rights",
    "owner",
    "stranger",
    "socket",
    "memfd",
    "text",
    "tmpfs",
    "limit",
    "resource",
    "long",
    "latency",
    "feature",
    "advice",
    "mapping",
    "open",
    "hole",
    "order",
    "record",
    "ipc-semaphore",
    "ipc-message",
    "ipc-segment",
    "ipc-queue",
    "ipc-freeze",
    "ipc-latency",
];

/// The tests that try several rounds where the host may hold a CPU up
/// (`in_some_round`). Where time is counted in instructions none may fail.
const TIMED: &[&str] = &[
    "a_timer_survives_its_cpu",
    "the_boot_cpu_goes_off_and_comes_back",
    "a_test_lasts_as_long_as_its_delay",
    "a_deadly_alarm_kills_after_the_thaw",
    "a_stopped_task_takes_an_alarm_when_it_continues",
    "an_alarm_ends_a_sleep_after_the_thaw",
    "an_alarm_is_taken_after_the_thaw_and_once",
    "sleepers_freeze_where_they_sleep",
    "time_outs_are_not_stretched_by_a_freeze",
    "time_outs_within_a_freeze_end_after_it",
    "a_reader_waits_until_an_event_is_over",
    "a_signal_ends_the_wait_for_an_event",
    "processor_time_counts_work_and_no_sleep",
    "a_timer_has_one_signal_however_often_it_expires",
    "only_time_on_a_cpu_counts_for_a_timer_of_it",
    "two_timers_have_a_signal_each",
    "spinners_do_not_stop_a_sleeper",
    "an_idle_cpu_finds_the_one_task_it_may_run",
];

/// All tests of `check`, one after the other, on a busy host.
const LIMIT: Duration = Duration::from_secs(300);

fn check(setup: Setup, words: &str) -> Result<()> {
    check_and(setup, words, ensure_passed)
}

fn check_and(
    setup: Setup,
    words: &str,
    judge: impl Fn(&str) -> Result<()>,
) -> Result<()> {
    let mut firn = setup.boot()?;
    let output = firn.run_within(&format!("check {words}"), LIMIT)?;
    judge(&output)?;
    firn.power_off()
}

fn processes_keep_their_promises() -> Result<()> {
    check(Setup::new(), "process pidfd share")
}

fn tracing_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "trace-stop trace-register trace-event")
}

fn groups_keep_their_promises() -> Result<()> {
    let areas = "group-tree group-member group-signal group-trace group-wait \
         group-clock group-interface group-birth group-removed group-kind \
         group-release notify";
    check(Setup::new().append("loglevel=4"), areas)
}

fn claims_timers_and_traits_keep_their_promises() -> Result<()> {
    check(Setup::new(), "claim timer cpu-time traits habit")
}

fn semaphores_messages_and_segments_keep_their_promises() -> Result<()> {
    let areas = "ipc-semaphore ipc-message ipc-segment ipc-queue ipc-freeze";
    check(Setup::new(), areas)
}

fn rights_keep_their_promises() -> Result<()> {
    check(Setup::new(), "access rights owner capability stranger")
}

fn sockets_and_nameless_files_keep_their_promises() -> Result<()> {
    check(Setup::new(), "socket memfd")
}

fn texts_and_limits_keep_their_promises() -> Result<()> {
    check(Setup::new(), "text tmpfs limit resource")?;
    check(Setup::new().cpus(1).memory("128M"), "text tmpfs limit resource")
}

fn advice_and_ways_to_open_keep_their_promises() -> Result<()> {
    check(Setup::new(), "advice mapping open order record")
}

fn nothing_takes_for_ever() -> Result<()> {
    check(Setup::new().cpus(1), "long")
}

// spec: Y9
fn no_call_makes_a_freeze_wait_for_a_millisecond() -> Result<()> {
    check(Setup::new().cpus(1).repeatable(), "--exact latency ipc-latency")
}

/// What Linux 6.1 tells on the same processors, but for what Firn would have
/// to save: SVE, pointer authentication, branch targets; and SSBS, which is
/// broken in many processors.
const FEATURES: [(&str, &str); 4] = [
    ("cortex-a53", "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"),
    ("cortex-a72", "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"),
    (
        "cortex-a76",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp \
         cpuid asimdrdm lrcpc dcpop asimddp",
    ),
    (
        "max",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp \
         cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 sm3 sm4 asimddp sha512 \
         asimdfhm dit ilrcpc flagm sb dcpodp flagm2 frint i8mm bf16 dgh \
         rng",
    ),
];

fn programs_are_told_what_each_cpu_has() -> Result<()> {
    for (model, features) in FEATURES {
        let mut firn = Setup::new().cpus(2).cpu(model).boot()?;
        let text = firn.run("cat /proc/cpuinfo")?;
        let mut lines = text.lines();
        let told = lines.find_map(|line| line.strip_prefix("Features\t: "));
        ensure!(
            told.is_some_and(|told| is_as_told(model, told, features)),
            "{model} has {told:?}"
        );
        ensure_passed(&firn.run_within("check feature", LIMIT)?)?;
        firn.power_off()?;
    }
    Ok(())
}

/// The `max` of a later QEMU has more.
fn is_as_told(model: &str, told: &str, features: &str) -> bool {
    match model {
        "max" => {
            let told: Vec<&str> = told.split(' ').collect();
            features.split(' ').all(|it| told.contains(&it))
        }
        _ => told == features,
    }
}

fn what_depends_on_time_is_right_at_once() -> Result<()> {
    for cpus in [1, 4] {
        let setup = Setup::new().cpus(cpus).repeatable();
        check(setup, &format!("--exact {}", TIMED.join(" ")))?;
    }
    Ok(())
}

fn execution_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "execute")
}

fn stopping_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "stop")
}

fn signals_keep_their_promises() -> Result<()> {
    check(Setup::new(), "signal")
}

fn pipes_keep_their_promises() -> Result<()> {
    check(Setup::new(), "pipe")
}

fn descriptors_keep_their_promises() -> Result<()> {
    check(Setup::new(), "descriptor")
}

fn files_keep_their_promises() -> Result<()> {
    check(Setup::new(), "file")
}

fn memory_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "memory")
}

fn time_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "time")
}

fn futexes_keep_their_promises() -> Result<()> {
    check(Setup::new(), "futex")
}

fn scheduling_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "schedule policy")
}

fn edges_keep_their_promises() -> Result<()> {
    check(Setup::new(), "edge")
}

fn terminals_keep_their_promises() -> Result<()> {
    check(Setup::new(), "terminal pair pair-flow")
}

fn shells_keep_their_promises() -> Result<()> {
    check(Setup::new(), "shell")
}

// spec: O4 M5
fn cpus_keep_their_promises() -> Result<()> {
    check(Setup::new().cpus(8), "cpu")
}

fn every_area_is_in_this_list() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let list = firn.run("check --list")?;
    for line in list.lines() {
        let area = line.split_whitespace().next().unwrap_or("");
        ensure!(AREAS.contains(&area), "nothing runs the area {area:?}");
    }
    firn.power_off()
}

fn all_promises_hold_on_one_cpu_with_little_memory() -> Result<()> {
    let setup = Setup::new().cpus(1).memory("128M").gic(2);
    check_and(setup.cpu("cortex-a53"), "", |output| {
        ensure_passed_without(output, "/sys/devices/system/cpu/cpu1")
    })
}

fn all_promises_hold_on_two_cpus() -> Result<()> {
    check(Setup::new().cpus(2), "")
}

fn all_promises_hold_on_eight_cpus() -> Result<()> {
    check(Setup::new().cpus(8), "")
}
