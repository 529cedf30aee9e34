//! Firn: the machine, and all code of the kernel that is `unsafe`.
//!
//! Modules, each using only those before it:
//!
//! 1. one CPU: [`arch::cpu`], [`arch::irq`], and under them `context.rs`,
//!    which says what the CPU runs
//! 2. [`sync`], locks, which must know the CPU and its interrupt mask
//! 3. the rest of [`arch`], from the interrupt controller to all CPUs
//! 4. [`mm`], [`drivers`], [`trace`]
//! 5. [`log`]
//! 6. [`panic`], which tells what all of these know, and has the exceptions of
//!    the kernel itself
//!
//! The order within `arch` and `mm` is in their chapters. What is above, from
//! tasks to system calls, is safe code in other crates; what it does for this
//! one is plugged into [`sync::Hook`]s.
#![no_std]

extern crate alloc;

pub mod arch;
pub mod drivers;
pub mod log;
pub mod mm;
pub mod panic;
pub mod sync;
pub mod trace;
