//! The weight of each nice level.
//!
//! One level of nice is worth about a tenth of a processor between two tasks,
//! so each weight is 1.25 times the next. Nice 0 weighs 1024, as in Linux's
//! *CFS Scheduler* document. Read next: `entity.rs`, which divides by them.

/// The most favoured nice level.
pub const NICE_MIN: i8 = -20;
/// The least favoured nice level.
pub const NICE_MAX: i8 = 19;
/// The weight of nice 0.
pub const NICE_0_WEIGHT: u32 = 1024;
/// The weight of `SCHED_IDLE`, a fifth of that of nice 19.
pub(super) const IDLE: u32 = 3;
/// What a real-time task weighs when load is compared: nothing else should
/// count on its CPU.
pub(super) const REAL_TIME: u32 = 1 << 17;

const LEVELS: usize = 40;
const FRACTION_BITS: u32 = 20;
/// `INVERSES[i] = 2^INVERSE_BITS / WEIGHTS[i]`.
pub(super) const INVERSE_BITS: u32 = 32;

const WEIGHTS: [u32; LEVELS] = weights();
const INVERSES: [u64; LEVELS] = inverses();

/// 1024 x 1.25^-nice, in fixed point, each rounded to the nearest integer.
const fn weights() -> [u32; LEVELS] {
    let zero = NICE_MIN.unsigned_abs() as usize;
    let one = (NICE_0_WEIGHT as u64) << FRACTION_BITS;
    let mut table = [NICE_0_WEIGHT; LEVELS];
    let (mut value, mut level) = (one, zero);
    while level > 0 {
        value = value * 5 / 4;
        level -= 1;
        table[level] = rounded(value);
    }
    (value, level) = (one, zero + 1);
    while level < LEVELS {
        value = value * 4 / 5;
        table[level] = rounded(value);
        level += 1;
    }
    table
}

const fn rounded(fixed: u64) -> u32 {
    ((fixed + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS) as u32
}

const fn inverses() -> [u64; LEVELS] {
    let mut table = [0; LEVELS];
    let mut level = 0;
    while level < LEVELS {
        table[level] = inverse(WEIGHTS[level]);
        level += 1;
    }
    table
}

/// `2^32 / weight`, so that a division becomes a multiplication.
pub(super) const fn inverse(weight: u32) -> u64 {
    (1 << INVERSE_BITS) / weight as u64
}

/// `nice` brought into the range -20..=19.
pub const fn clamp_nice(nice: i32) -> i8 {
    if nice < NICE_MIN as i32 {
        NICE_MIN
    } else if nice > NICE_MAX as i32 {
        NICE_MAX
    } else {
        nice as i8
    }
}

fn level(nice: i8) -> usize {
    (i32::from(nice) - i32::from(NICE_MIN)).clamp(0, LEVELS as i32 - 1) as usize
}

/// The weight of a nice level; levels out of range count as the nearest.
pub fn of_nice(nice: i8) -> u32 {
    WEIGHTS[level(nice)]
}

/// [`inverse`] of the weight of a nice level.
pub(super) fn inverse_of_nice(nice: i8) -> u64 {
    INVERSES[level(nice)]
}
