//! How the wall clock goes beside the monotonic one: a distance, which grows
//! at a rate for good (`ADJ_FREQUENCY`, `ADJ_TICK`) and for a while
//! (`adjtime(3)`): a *slew*.
//!
//! ```text
//!  wall time less monotonic time
//!       |            ________________  distance + slew
//!       |         __/
//!       |______ _/  at 500 us a second
//!       +------+---------+-----------  monotonic time
//!            begin      end
//! ```

mod distance;
#[cfg(test)]
mod tests;

pub use distance::{Change, Distance};

const NS_PER_S: i128 = 1_000_000_000;

/// Nanoseconds in a second by which a slew changes the clock.
pub const SLEW_PPB: u64 = 500_000;

/// What the clock gains or loses in a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Slew {
    /// Monotonic time of its begin, ns.
    begin_ns: u64,
    /// Nanoseconds in all.
    total_ns: i64,
}

impl Slew {
    /// One that begins now.
    pub fn new(now_ns: u64, total_ns: i64) -> Self {
        Self { begin_ns: now_ns, total_ns }
    }

    fn gained_ns(&self, now_ns: u64) -> i64 {
        let time_ns = u128::from(now_ns.saturating_sub(self.begin_ns));
        let most = time_ns * u128::from(SLEW_PPB) / NS_PER_S as u128;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        most.min(self.total_ns.saturating_abs()) * self.total_ns.signum()
    }

    /// What it has still to do at `now_ns`.
    pub fn left_ns(&self, now_ns: u64) -> i64 {
        self.total_ns - self.gained_ns(now_ns)
    }
}

/// The way of a wall clock, from some moment on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    /// Monotonic time at that moment.
    since_ns: u64,
    /// Wall time less monotonic time then.
    distance_ns: u64,
    /// What it gains in a second of monotonic time, ns.
    rate_ppb: i64,
    /// By `adjtime`, and by the phase-locked loop.
    slews: [Slew; 2],
}

/// The two slews of a clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// `ADJ_OFFSET_SINGLESHOT`.
    Once,
    /// `ADJ_OFFSET`.
    Loop,
}

impl Course {
    /// Straight on, at a distance.
    pub const fn new(distance_ns: u64) -> Self {
        let none = Slew { begin_ns: 0, total_ns: 0 };
        Self { since_ns: 0, distance_ns, rate_ppb: 0, slews: [none; 2] }
    }

    /// Wall time less monotonic time at `now_ns`.
    pub fn distance_at(&self, now_ns: u64) -> u64 {
        let time_ns = i128::from(now_ns.saturating_sub(self.since_ns));
        let rated = time_ns * i128::from(self.rate_ppb) / NS_PER_S;
        let slewed = self.slews.iter().map(|it| it.gained_ns(now_ns));
        let gained = rated + i128::from(slewed.sum::<i64>());
        let distance = i128::from(self.distance_ns) + gained;
        distance.clamp(0, u64::MAX.into()) as u64
    }

    /// The distance, if it stays as it is at `now_ns`.
    pub fn settled(&self, now_ns: u64) -> Option<u64> {
        let is_over = |slew: &Slew| slew.left_ns(now_ns) == 0;
        let is_straight = self.rate_ppb == 0 && self.slews.iter().all(is_over);
        is_straight.then(|| self.distance_at(now_ns))
    }

    /// The monotonic time at which the clock reads `wall_ns`, and not before;
    /// while it slews, up to a thousandth too soon.
    pub fn monotonic_of(&self, wall_ns: u64, now_ns: u64) -> u64 {
        if let Some(distance) = self.settled(now_ns) {
            return wall_ns.saturating_sub(distance);
        }
        let distance = self.distance_at(now_ns);
        let Some(ahead) = wall_ns.checked_sub(distance.saturating_add(now_ns))
        else {
            return wall_ns.saturating_sub(distance);
        };
        // A faster clock comes there sooner: who sleeps looks again.
        let fastest = i128::from(self.rate_ppb.max(0)) + 2 * SLEW_PPB as i128;
        let soonest = i128::from(ahead) * NS_PER_S / (NS_PER_S + fastest);
        now_ns.saturating_add(soonest as u64)
    }

    /// From `now_ns` on it reads `wall_ns`; slews end.
    pub fn set(&mut self, now_ns: u64, wall_ns: u64) {
        let distance_ns = wall_ns.saturating_sub(now_ns);
        let rate_ppb = self.rate_ppb;
        *self = Self { since_ns: now_ns, rate_ppb, ..Self::new(distance_ns) };
    }

    /// From `now_ns` on it is so far ahead of what it was.
    pub fn shift(&mut self, now_ns: u64, by_ns: i64) {
        self.rebase(now_ns);
        self.distance_ns = self.distance_ns.saturating_add_signed(by_ns);
    }

    /// From `now_ns` on it gains so much in a second.
    pub fn set_rate(&mut self, now_ns: u64, rate_ppb: i64) {
        self.rebase(now_ns);
        self.rate_ppb = rate_ppb;
    }

    /// From `now_ns` on it slews by so much, instead of what is left of
    /// before.
    pub fn slew(&mut self, cause: Cause, now_ns: u64, total_ns: i64) {
        self.rebase(now_ns);
        self.slews[cause as usize] = Slew::new(now_ns, total_ns);
    }

    /// What a slew has still to do.
    pub fn left_ns(&self, cause: Cause, now_ns: u64) -> i64 {
        self.slews[cause as usize].left_ns(now_ns)
    }

    fn rebase(&mut self, now_ns: u64) {
        self.distance_ns = self.distance_at(now_ns);
        self.since_ns = now_ns;
        for slew in &mut self.slews {
            *slew = Slew::new(now_ns, slew.left_ns(now_ns));
        }
    }
}
