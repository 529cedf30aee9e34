//! What `freezer.stat` tells of a group: how often and how long it was
//! frozen, how long that took, and what it cost.

use core::fmt::{Display, Formatter, Result};

/// Times are nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    freezes: u64,
    /// Of all freezes that are over.
    frozen_ns: u64,
    last_latency_ns: u64,
    worst_latency_ns: u64,
    signalled: u64,
    asleep: u64,
    /// When the last request came, or the last task joined.
    asked_at_ns: u64,
    /// When all stood still; 0 while they do not.
    frozen_at_ns: u64,
}

impl Figures {
    /// Somebody asks for freezing, as the first reason to.
    pub(super) fn asked(&mut self, now_ns: u64) {
        self.freezes += 1;
        self.asked_at_ns = now_ns;
    }

    /// Requests were sent to `signalled` of `members` tasks.
    pub(super) fn sent(&mut self, signalled: u32, members: u32) {
        self.signalled += u64::from(signalled);
        self.asleep += u64::from(members.saturating_sub(signalled));
    }

    /// All stand still since `quiet_ns`, or since the request if that is
    /// later. Gives the time that counts.
    pub(super) fn reached(&mut self, quiet_ns: u64) -> u64 {
        self.frozen_at_ns = quiet_ns.max(self.asked_at_ns);
        let latency = self.frozen_at_ns - self.asked_at_ns;
        self.last_latency_ns = latency;
        self.worst_latency_ns = self.worst_latency_ns.max(latency);
        self.frozen_at_ns
    }

    /// When all stood still; 0 while they do not.
    pub(super) fn frozen_at_ns(&self) -> u64 {
        self.frozen_at_ns
    }

    /// They stand still no more: a thaw, or a task that joins.
    pub(super) fn left(&mut self, now_ns: u64) {
        if self.frozen_at_ns != 0 {
            self.frozen_ns += now_ns.saturating_sub(self.frozen_at_ns);
            self.frozen_at_ns = 0;
        }
        self.asked_at_ns = now_ns;
    }

    /// The text of the figures, with what has not ended counted until now.
    pub fn show(&self, now_ns: u64) -> impl Display {
        Shown(*self, now_ns)
    }
}

struct Shown(Figures, u64);

impl Display for Shown {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self(figures, now_ns) = self;
        let current = match figures.frozen_at_ns {
            0 => 0,
            since => now_ns.saturating_sub(since),
        };
        let rows = [
            ("freezes", figures.freezes),
            ("frozen_usec", (figures.frozen_ns + current) / 1000),
            ("last_latency_usec", figures.last_latency_ns.div_ceil(1000)),
            ("worst_latency_usec", figures.worst_latency_ns.div_ceil(1000)),
            ("signalled", figures.signalled),
            ("asleep", figures.asleep),
        ];
        rows.iter().try_for_each(|(name, value)| writeln!(f, "{name} {value}"))
    }
}
