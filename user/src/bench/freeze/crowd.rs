//! The processes that are there while the system freezes.

use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::SIGKILL;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, cpu, file, memory, schedule, signal};

use user_lib::child::Child;

/// First in every choice, so that few turns are waited for.
const NICE: i32 = -20;

/// How often a process looks whether the others have come so far.
const POLL: Time = Time::from_millis(1);

/// What a process does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sleeps for ever.
    Sleep,
    /// Waits for a byte that never comes.
    Pipe,
    /// Runs in user mode, without a system call.
    Spin,
    /// One of eight spins, of the rest the odd ones sleep.
    Mix,
}

impl Kind {
    /// What the process of that index does.
    fn of(self, index: usize) -> Kind {
        match self {
            Kind::Mix if index.is_multiple_of(8) => Kind::Spin,
            Kind::Mix if index % 2 == 1 => Kind::Sleep,
            Kind::Mix => Kind::Pipe,
            kind => kind,
        }
    }
}

/// What spinners share with the one who measures.
#[derive(Clone, Copy)]
struct Turns {
    /// Processes that have started.
    ready: &'static AtomicU32,
    /// Rounds begun; 0 keeps spinners asleep.
    round: &'static AtomicU32,
    /// Turns that spinners had, all rounds together.
    taken: &'static AtomicU32,
    spinners: u32,
}

/// Some increments and a hint.
fn burn() {
    for round in 0..256 {
        black_box(round);
    }
    cpu::relax();
}

impl Turns {
    fn new(spinners: u32) -> Result<Self> {
        match memory::shared_words(3)? {
            [ready, round, taken] => Ok(Self { ready, round, taken, spinners }),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// A spinner, for ever. At the beginning of a round it notes that it had
    /// a turn and lets the others have theirs; then it only burns.
    fn spin(&self) -> ! {
        while self.round.load(Ordering::Acquire) == 0 {
            // Woken, or too late to sleep: the loop looks.
            let _ = schedule::futex_wait(self.round, 0, None);
        }
        let mut seen = 0;
        loop {
            burn();
            let round = self.round.load(Ordering::Acquire);
            if round == seen {
                continue;
            }
            seen = round;
            self.taken.fetch_add(1, Ordering::Release);
            while self.taken.load(Ordering::Acquire) < round * self.spinners {
                schedule::give_way();
                cpu::relax();
            }
        }
    }

    /// Lets every spinner run for a moment.
    fn begin_round(&self) {
        let round = self.round.fetch_add(1, Ordering::Release) + 1;
        // Nobody sleeps there after the first round.
        let _ = schedule::futex_wake(self.round, u32::MAX >> 1);
        while self.taken.load(Ordering::Acquire) < round * self.spinners {
            time::sleep(POLL);
        }
    }
}

/// So many processes of a kind; they are gone when it is dropped.
pub struct Crowd {
    children: Vec<Child>,
    turns: Turns,
    pipe: [i32; 2],
}

impl Crowd {
    /// Starts `count` processes. Until the crowd is dropped this process goes
    /// before all others.
    ///
    /// # Errors
    /// Those of `clone(2)`, `mmap(2)` and `pipe2(2)`.
    pub fn start(kind: Kind, count: usize) -> Result<Self> {
        let is_spinner = |index: &usize| kind.of(*index) == Kind::Spin;
        let spinners = (0..count).filter(is_spinner).count() as u32;
        let (turns, pipe) = (Turns::new(spinners)?, file::pipe(0)?);
        let mut crowd = Self { children: Vec::new(), turns, pipe };
        for index in 0..count {
            let child = Child::start(|| crowd.live(kind.of(index)))?;
            crowd.children.push(child);
        }
        schedule::set_nice(0, NICE)?;
        while turns.ready.load(Ordering::Acquire) < count as u32 {
            time::sleep(POLL);
        }
        Ok(crowd)
    }

    /// What a child does, for ever.
    fn live(&self, kind: Kind) -> i32 {
        self.turns.ready.fetch_add(1, Ordering::Release);
        if kind == Kind::Spin {
            self.turns.spin();
        }
        loop {
            match kind {
                // Its other end stays open and silent.
                Kind::Pipe => drop(file::read(self.pipe[0], &mut [0])),
                _ => time::sleep(Time::from_millis(1 << 40)),
            }
        }
    }

    /// Waits until everybody does what is its kind: until what was thawed has
    /// run again, freezing it would cost nothing.
    pub fn settle(&self) {
        if self.turns.spinners != 0 {
            self.turns.begin_round();
        }
        time::sleep(Time::from_millis(20));
    }

    /// How many spin.
    pub fn spinners(&self) -> u32 {
        self.turns.spinners
    }

    /// The numbers of all processes.
    pub fn ids(&self) -> impl Iterator<Item = i32> {
        self.children.iter().map(Child::id)
    }

    /// The first process's number.
    pub fn first(&self) -> Option<i32> {
        self.children.first().map(Child::id)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // All at once: each needs a turn to die, and that would come late
        // while the others still spin.
        for child in &self.children {
            let _ = signal::send(child.id(), SIGKILL);
        }
        self.children.clear();
        // Nobody needs these any more, and both numbers are good.
        let _ = schedule::set_nice(0, 0);
        let _ = file::close(self.pipe[0]);
        let _ = file::close(self.pipe[1]);
    }
}
