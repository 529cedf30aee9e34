//! AArch64, with GICv2 or v3, the generic timer and PSCI.
//!
//! | file | what |
//! |---|---|
//! | `boot.s`, `boot.rs` | from the boot loader to `kernel_main` |
//! | `image.rs`, `mmu.rs` | where the image lies; early tables, devices |
//! | `vectors.s`, `trap.rs`, `fault.rs`, `fixup.rs` | exceptions in and out |
//! | `step.rs` | one instruction of user mode at a time |
//! | `context.rs` | what a CPU runs |
//! | `thread.s`, `thread.rs` | stacks that CPUs switch between |
//! | `cpu.rs`, `irq.rs`, `smp.rs` | one CPU, its interrupts, all CPUs |
//! | `backtrace.rs` | who called whom |
//! | `copy.s`, `copy.rs` | moving bytes |
//! | `gic.rs`, `timer.rs`, `psci.rs` | what every Arm machine has |
//! | `selftest.rs` | tests that need the machine |

pub mod backtrace;
pub mod boot;
mod context;
mod copy;
pub mod cpu;
pub mod fault;
pub mod fixup;
pub mod gic;
pub mod image;
pub mod irq;
pub mod mmu;
pub mod psci;
pub mod selftest;
pub mod smp;
pub mod step;
pub mod thread;
pub mod timer;
pub mod trap;
