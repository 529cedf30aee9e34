//! What Linux costs on the same QEMU machine in the same repeatable mode:
//! measured facts, to compare with. Debian's arm64 kernel 5.10.223, where not
//! said otherwise. And what our own costs must stay below.

/// A figure of Linux.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// As our benchmark program calls it.
    pub name: &'static str,
    /// In the unit that it prints.
    pub value: f64,
    /// The version, where it is another one.
    pub version: Option<&'static str>,
}

const fn figure(name: &'static str, value: f64) -> Figure {
    Figure { name, value, version: None }
}

const fn later(name: &'static str, value: f64) -> Figure {
    Figure { name, value, version: Some("6.12") }
}

/// Costs of single operations, in microseconds, medians of seven runs. Ours
/// must be at most half.
const MICRO: &[Figure] = &[
    figure("getppid", 0.315),
    figure("clock_gettime", 0.485),
    figure("sched_yield", 0.894),
    figure("pipe_self", 2.49),
    figure("sched_yield_pair_1cpu", 4.62),
    figure("pipe_round_trip_1cpu", 11.43),
    figure("pipe_round_trip_2cpu", 18.57),
    figure("futex_wake_1cpu", 6.45),
    figure("futex_wake_2cpu", 7.01),
    figure("fork_exit_wait", 110.0),
    figure("signal_self", 6.74),
    figure("page_touch", 2.66),
    figure("mmap_munmap_64k", 4.12),
];

/// Times in microseconds, sizes in KiB. A freeze of the whole system has a
/// phase for user tasks and one for kernel threads; a name without a phase is
/// their sum.
const OTHERS: &[Figure] = &[
    figure("image", 22_628.0),
    figure("boot", 1_112_700.0),
    figure("memory_used", 49_752.0),
    figure("memory_reserved", 40_908.0),
    figure("nanosleep_1ms", 1056.1),
    figure("freeze_sleep_1_user", 10.0),
    figure("freeze_sleep_1_kernel", 1030.0),
    figure("freeze_sleep_10_user", 10.0),
    figure("freeze_sleep_10_kernel", 1030.0),
    later("freeze_sleep_100_user", 32.0),
    later("freeze_sleep_1000_user", 233.0),
    later("freeze_sleep_1000", 1260.0),
];

/// Groups, in microseconds: from the write of a state until a read gives it;
/// an attach, of which this is the fastest seen, is one write.
const GROUPS: &[Figure] = &[
    figure("group_sleep_1_freeze", 5.15),
    figure("group_sleep_1_thaw", 4.53),
    figure("group_sleep_10_freeze", 8.29),
    figure("group_sleep_10_thaw", 6.08),
    figure("group_sleep_100_freeze", 39.7),
    figure("group_sleep_100_thaw", 21.6),
    figure("group_sleep_1000_freeze", 354.0),
    figure("group_sleep_1000_thaw", 176.0),
    figure("group_sleep_5000_freeze", 1750.0),
    figure("group_sleep_5000_thaw", 868.0),
    figure("group_pipe_1_freeze", 17.0),
    figure("group_pipe_1_thaw", 6.38),
    figure("group_pipe_10_freeze", 92.6),
    figure("group_pipe_10_thaw", 29.2),
    figure("group_pipe_100_freeze", 599.0),
    figure("group_pipe_100_thaw", 602.0),
    figure("group_pipe_1000_freeze", 8076.0),
    figure("group_pipe_1000_thaw", 4971.0),
    figure("group_pipe_5000_freeze", 36_723.0),
    figure("group_pipe_5000_thaw", 34_071.0),
    figure("group_spin_1_freeze", 13.5),
    figure("group_spin_1_thaw", 6.38),
    figure("group_spin_4_freeze", 2109.0),
    figure("group_spin_4_thaw", 12.8),
    figure("group_spin_10_freeze", 3698.0),
    figure("group_spin_10_thaw", 30.2),
    figure("group_spin_100_freeze", 565.0),
    figure("group_spin_100_thaw", 158_602.0),
    figure("group_mix_1_freeze", 13.1),
    figure("group_mix_1_thaw", 6.38),
    figure("group_mix_10_freeze", 49.8),
    figure("group_mix_10_thaw", 17.8),
    figure("group_mix_100_freeze", 3972.0),
    figure("group_mix_100_thaw", 30_889.0),
    figure("group_attach", 19.0),
];

/// What our figures must not exceed, where it is not half of Linux's.
const LIMITS: &[(&str, f64)] = &[
    ("image", 2048.0),
    ("boot", 100_000.0),
    ("memory_used", 16.0 * 1024.0),
    ("nanosleep_1ms", 1020.0),
    ("group_spin_1_freeze", 6.0),
    ("group_spin_1_thaw", 4.0),
    ("group_attach", 8.0),
];

/// A freeze or thaw of a group of sleepers, however many: microseconds.
const GROUP: f64 = 5.0;

/// A freeze of tasks that sleep or wait, however many: microseconds.
const FREEZE: f64 = 30.0;
/// What a spinner adds that has a CPU for itself.
const SPINNER: f64 = 15.0;
/// CPUs of the measured machine.
const CPUS: f64 = 4.0;

/// Linux's figure for `name`, if it was measured.
pub fn find(name: &str) -> Option<Figure> {
    let mut all = MICRO.iter().chain(OTHERS).chain(GROUPS);
    all.find(|figure| figure.name == name).copied()
}

/// What our figure for `name` must not exceed, if anything.
pub fn limit(name: &str) -> Option<f64> {
    let half = MICRO.iter().find(|figure| figure.name == name);
    let listed = LIMITS.iter().find(|(listed, _)| *listed == name);
    half.map(|figure| figure.value / 2.0)
        .or(listed.map(|(_, limit)| *limit))
        .or_else(|| freeze_limit(name))
        .or_else(|| group_limit(name))
}

/// For `group_KIND_COUNT_freeze` and `_thaw`.
fn group_limit(name: &str) -> Option<f64> {
    let kinds = ["group_sleep_", "group_pipe_"];
    kinds.iter().any(|kind| name.starts_with(kind)).then_some(GROUP)
}

/// For `freeze_KIND_COUNT`, the sum of both phases.
fn freeze_limit(name: &str) -> Option<f64> {
    let (kind, count) = name.strip_prefix("freeze_")?.split_once('_')?;
    let count: f64 = count.parse().ok()?;
    match kind {
        "sleep" | "pipe" => Some(FREEZE),
        "spin" if count <= CPUS => Some(FREEZE + SPINNER * count),
        _ => None,
    }
}
