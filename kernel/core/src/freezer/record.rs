//! What a freeze leaves behind: the figures of its phases, and what it tells
//! the kernel log. Only data; the words are `power/console.rs`'s.
//!
//! Read next: `host.rs`.

/// The tasks a freeze is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// User tasks; kernel threads run on.
    User,
    /// Freezable kernel threads and works too, with user tasks frozen.
    Kernel,
}

/// How a phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everybody stands still.
    Frozen,
    /// The time was over.
    TimedOut,
    /// A wakeup event came.
    Aborted,
}

/// The figures of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which phase.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// Its duration in nanoseconds.
    pub elapsed_ns: u64,
    /// The clock at its end, in nanoseconds.
    pub ended_ns: u64,
    /// Tasks awake when it began.
    pub awake: u32,
    /// Requests sent.
    pub signalled: u32,
    /// Of those, how many woke a sleeper.
    pub woken: u32,
    /// Of those, how many interrupted a CPU.
    pub kicked: u32,
    /// Tasks that refused in the end.
    pub refusing: u32,
    /// Freezable works still active in the end.
    pub busy_works: u32,
}

/// What a freeze or thaw tells the kernel log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// A phase has ended, this way.
    Phase(Record),
    /// The out-of-memory killer is off.
    OomDisabled,
    /// The out-of-memory killer is on again.
    OomEnabled,
    /// User tasks run again.
    TasksRestarted,
    /// Kernel threads run again; user tasks do not.
    KthreadsRestarted,
    /// `thaw_processes` is called by a task that did not freeze the others.
    NotTheFreezer,
    /// Workqueues are frozen already: two freezes without a thaw.
    WorkqueuesFrozenTwice,
}
