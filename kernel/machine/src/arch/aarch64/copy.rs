//! Moving bytes: the functions behind every copy that the compiler emits.
//!
//! The symbols in `copy.s` take the place of the compiler's own, which are
//! weak. [`check`] tests them on the machine.

use core::arch::global_asm;

global_asm!(include_str!("copy.s"));

/// Copies, moves and fills blocks of every small size at every alignment,
/// overlapping both ways, and compares with loops over bytes.
///
/// # Errors
/// What differed.
pub fn check() -> Result<(), &'static str> {
    const SIZES: [usize; 16] =
        [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 32, 33, 64, 65, 129, 200];
    for size in SIZES {
        for from in 0..9 {
            for to in 0..9 {
                check_one(size, from, to)?;
            }
        }
    }
    Ok(())
}

fn pattern() -> [u8; 256] {
    core::array::from_fn(|at| (at * 7 + 1) as u8)
}

fn check_one(size: usize, from: usize, to: usize) -> Result<(), &'static str> {
    let source = pattern();
    let mut expected = [0; 256];
    for at in 0..size {
        // The byte is hidden, or the compiler makes a `memcpy` of the loop.
        expected[to + at] = core::hint::black_box(source[from + at]);
    }
    let mut copied = [0; 256];
    let range = to..to + size;
    copied[range.clone()].copy_from_slice(&source[from..from + size]);
    if copied != expected {
        return Err("memcpy");
    }
    let mut moved = source;
    moved.copy_within(from..from + size, to);
    let (inside, before) = (&moved[range.clone()], &moved[..to]);
    if inside != &expected[range.clone()] || before != &source[..to] {
        return Err("memmove");
    }
    let mut filled = source;
    filled[range.clone()].fill(0xa5);
    let is_filled = filled[range].iter().all(|&byte| byte == 0xa5);
    let is_kept = filled[to + size..] == source[to + size..];
    if is_filled && is_kept { Ok(()) } else { Err("memset") }
}
