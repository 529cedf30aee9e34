//! The devices the kernel itself drives: console and clock of the machine.
//!
//! Everything else is for drivers in user space. Both find their registers
//! through the device tree (`boot.rs`).

pub mod console;
mod pl011;
pub mod pl031;
mod uart16550;
