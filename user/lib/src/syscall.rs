//! The `svc` instruction, by number of arguments.
//!
//! Linux's convention for aarch64: number in `x8`, arguments in `x0` to `x5`,
//! result in `x0`, where the last 4095 values are negative error numbers. The
//! kernel changes no other register.

use core::arch::asm;

use crate::{Errno, Result};

/// The largest error number a system call can give.
const MAX_ERRNO: usize = 4095;

fn decode(value: usize) -> Result<usize> {
    if value < MAX_ERRNO.wrapping_neg() {
        Ok(value)
    } else {
        Err(Errno(value.wrapping_neg() as u16))
    }
}

macro_rules! system_calls {
    ($($name:ident($($argument:ident $register:tt),*);)*) => {$(
        /// System call `number` with as many arguments as the name says.
        ///
        /// # Safety
        /// Pointers among the arguments must be good for what the call does
        /// with them, for as long as the kernel may use them.
        #[inline(always)]
        pub(crate) unsafe fn $name(
            number: u32,
            first: usize,
            $($argument: usize),*
        ) -> Result<usize> {
            let result;
            // SAFETY: the caller vouches for the pointers; the kernel
            // preserves every register but x0.
            unsafe {
                asm!(
                    "svc 0",
                    in("x8") number as usize,
                    inlateout("x0") first => result,
                    $(in($register) $argument,)*
                    options(nostack),
                );
            }
            decode(result)
        }
    )*};
}

system_calls! {
    call1();
    call2(second "x1");
    call3(second "x1", third "x2");
    call4(second "x1", third "x2", fourth "x3");
    call5(second "x1", third "x2", fourth "x3", fifth "x4");
    call6(second "x1", third "x2", fourth "x3", fifth "x4", sixth "x5");
}

/// A system call whose arguments are values, never pointers.
///
/// Only this library may use it: a number whose call writes through an
/// argument would break memory safety.
#[inline(always)]
pub(crate) fn plain<const N: usize>(
    number: u32,
    arguments: [usize; N],
) -> Result<usize> {
    let mut all = [0; 6];
    all[..N].copy_from_slice(&arguments);
    let [a, b, c, d, e, f] = all;
    if N <= 1 {
        // SAFETY: no pointer is passed (contract of this function).
        unsafe { call1(number, a) }
    } else {
        // SAFETY: as above; the call ignores what it does not take.
        unsafe { call6(number, a, b, c, d, e, f) }
    }
}

/// Any system call with any arguments, for tests of how the kernel treats
/// numbers and pointers that no sane program passes.
///
/// The caller risks its own memory, nobody else's: tests run it in a child
/// process of their own, with pointers into a [`crate::memory::Mapping`].
pub fn arbitrary(number: u32, arguments: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the process is a throw-away child, as documented above.
    unsafe { call6(number, a, b, c, d, e, f) }
}
