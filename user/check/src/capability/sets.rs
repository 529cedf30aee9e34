//! The sets of capabilities of a process, as it reads and changes them.

use user_lib::Result;
use user_lib::linux::{__NR_capget, __NR_capset, __NR_prctl};
use user_lib::syscall::arbitrary;

pub const PR_CAPBSET_DROP: u32 = 24;

/// Effective, permitted, inheritable.
pub type Sets = [u64; 3];

/// The sets of this process.
pub fn get() -> Result<Sets> {
    let header = [0x2008_0522_u32, 0];
    let mut words = [0_u32; 6];
    let place = words.as_mut_ptr().addr();
    let head = core::hint::black_box(&header).as_ptr().addr();
    arbitrary(__NR_capget, [head, place, 0, 0, 0, 0])?;
    let words = core::hint::black_box(words);
    let whole =
        |at: usize| u64::from(words[at]) | u64::from(words[at + 3]) << 32;
    Ok([whole(0), whole(1), whole(2)])
}

/// Sets them.
pub fn set(sets: Sets) -> Result<()> {
    let header = [0x2008_0522_u32, 0];
    let low = sets.map(|set| set as u32);
    let high = sets.map(|set| (set >> 32) as u32);
    let words = [low, high];
    let place = core::hint::black_box(&words).as_ptr().addr();
    let head = core::hint::black_box(&header).as_ptr().addr();
    arbitrary(__NR_capset, [head, place, 0, 0, 0, 0]).map(drop)
}

/// Gives capabilities up, for good or to be taken again.
pub fn give_up(given: u64, is_for_good: bool) -> Result<()> {
    let [effective, permitted, inheritable] = get()?;
    let left = if is_for_good { permitted & !given } else { permitted };
    set([effective & !given, left, inheritable])
}

/// `prctl` with two words.
pub fn control(option: u32, words: [usize; 2]) -> Result<usize> {
    let [one, other] = words;
    arbitrary(__NR_prctl, [option as usize, one, other, 0, 0, 0])
}
