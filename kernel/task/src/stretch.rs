//! The watchdog of latency: how long user tasks run in the kernel without a
//! point at which they could freeze.
//!
//! Such a *stretch* begins where a task enters the kernel, or with the freeze
//! point before, and ends with the next one, or where the task goes back to
//! user mode. A request to freeze, or a `SIGKILL`, that comes within waits for
//! its end, so SPECIFICATION.md Y9 bounds it. While the task is off its CPU
//! the stretch stands still: what else runs then is no fault of it. The checked
//! kernel measures each, in ticks of the counter, and keeps the longest of each
//! place; the release kernel keeps no book, and pays nothing.
//!
//! The kernel is never preempted, so what a CPU notes of its own task changes
//! hands only in `scheduler.rs`, which takes a task's stretch along.

#[cfg(debug_assertions)]
mod book {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::sync::atomic::Ordering::Relaxed;
    use core::sync::atomic::{AtomicU32, AtomicU64};

    use kernel_machine::arch::{
        cpu::{self, MAX_CPUS},
        timer,
    };

    /// Where a stretch began.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub struct Place(u32);

    impl Place {
        /// Not in a user task.
        const NONE: Self = Self(0);
        /// On the way back to user mode.
        pub const WORK: Self = Self(1);
        /// A fault of user mode.
        pub const FAULT: Self = Self(2);

        /// The system call of this number.
        pub fn call(number: usize) -> Self {
            Self((number + 3).min(PLACES - 1) as u32)
        }

        fn name(self) -> String {
            match self {
                Self::WORK => String::from("work"),
                Self::FAULT => String::from("fault"),
                Self(call) => format!("call {}", call - 3),
            }
        }
    }

    const PLACES: usize = 512;
    /// So many are shown.
    const SHOWN: usize = 10;

    /// What a CPU notes of the task that it runs.
    struct Running {
        place: AtomicU32,
        since: AtomicU64,
    }

    static RUNNING: [Running; MAX_CPUS] = [const {
        Running { place: AtomicU32::new(0), since: AtomicU64::new(0) }
    }; MAX_CPUS];

    /// The longest stretch of each place, ticks.
    static LONGEST: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];

    /// The stretch of a task that is off its CPU.
    pub struct Stretch {
        place: Place,
        ticks: u64,
    }

    /// The current task enters the kernel.
    pub fn begin(place: Place) {
        resume(Stretch { place, ticks: 0 });
    }

    /// It goes back to user mode.
    pub fn end() {
        leave();
    }

    /// It leaves its CPU.
    pub fn leave() -> Stretch {
        let running = &RUNNING[cpu::id()];
        let place = running.place.swap(Place::NONE.0, Relaxed);
        if place == Place::NONE.0 {
            return Stretch { place: Place::NONE, ticks: 0 };
        }
        let since = running.since.load(Relaxed);
        let ticks = timer::ticks().saturating_sub(since);
        LONGEST[place as usize].fetch_max(ticks, Relaxed);
        Stretch { place: Place(place), ticks }
    }

    /// It is back on a CPU.
    pub fn resume(stretch: Stretch) {
        let running = &RUNNING[cpu::id()];
        let since = timer::ticks().saturating_sub(stretch.ticks);
        running.since.store(since, Relaxed);
        running.place.store(stretch.place.0, Relaxed);
    }

    /// It could freeze here.
    pub fn point() {
        let Stretch { place, .. } = leave();
        begin(place);
    }

    /// A line for each of the longest: nanoseconds, and where.
    pub fn show() -> String {
        let mut all: Vec<(u64, u32)> = (1..PLACES)
            .map(|place| (LONGEST[place].load(Relaxed), place as u32))
            .filter(|(ticks, _)| *ticks > 0)
            .collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        let lines = all.into_iter().take(SHOWN).map(|(ticks, place)| {
            let ns = ticks * 1_000_000_000 / timer::frequency();
            format!("{ns} {}\n", Place(place).name())
        });
        lines.collect()
    }

    /// Forgets all.
    pub fn forget() {
        LONGEST.iter().for_each(|longest| longest.store(0, Relaxed));
    }
}

#[cfg(not(debug_assertions))]
mod book {
    /// Where a stretch began; of no interest.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub struct Place;

    impl Place {
        /// On the way back to user mode.
        pub const WORK: Self = Self;
        /// A fault of user mode.
        pub const FAULT: Self = Self;

        /// The system call of this number.
        #[inline(always)]
        pub fn call(_number: usize) -> Self {
            Self
        }
    }

    /// The current task enters the kernel.
    #[inline(always)]
    pub fn begin(_place: Place) {}

    /// The stretch of a task that is off its CPU; of no interest.
    pub struct Stretch;

    /// It goes back to user mode.
    #[inline(always)]
    pub fn end() {}

    /// It leaves its CPU.
    #[inline(always)]
    pub fn leave() -> Stretch {
        Stretch
    }

    /// It is back on a CPU.
    #[inline(always)]
    pub fn resume(_stretch: Stretch) {}

    /// It could freeze here.
    #[inline(always)]
    pub fn point() {}
}

pub use book::{Place, Stretch, begin, end, leave, point, resume};
#[cfg(debug_assertions)]
pub use book::{forget, show};
