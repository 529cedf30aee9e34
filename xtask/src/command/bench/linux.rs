//! What Linux 5.10.223 (Debian, arm64) costs on the same QEMU machine in the
//! same repeatable mode: measured facts, to compare with.

/// A figure of Linux: the name our benchmark program uses, and the value in
/// the unit it prints.
pub type Figure = (&'static str, f64);

/// Times in microseconds, sizes in KiB; medians of seven runs.
const FIGURES: &[Figure] = &[
    ("boot", 1_112_700.0),
    ("image", 22_628.0),
    ("memory_used", 49_752.0),
    ("memory_reserved", 40_908.0),
    ("null_call", 0.315),
    ("clock_gettime", 0.485),
    ("sched_yield", 0.894),
    ("sched_yield_pair", 4.62),
    ("pipe_self", 2.49),
    ("pipe_one_cpu", 11.43),
    ("pipe_two_cpus", 18.57),
    ("futex_wake_one_cpu", 6.45),
    ("futex_wake_two_cpus", 7.01),
    ("fork_exit_wait", 110.0),
    ("signal_self", 6.74),
    ("page_touch", 2.66),
    ("mmap_munmap", 4.12),
    ("sleep_1ms_error", 56.1),
];

/// Linux's figure for `name`, if it was measured.
pub fn figure(name: &str) -> Option<f64> {
    let found = FIGURES.iter().find(|figure| figure.0 == name);
    found.map(|figure| figure.1)
}
