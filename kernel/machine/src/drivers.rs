//! The devices the kernel itself drives: console, clock, status light and
//! watchdog of the machine.
//!
//! Everything else is for drivers in user space. Both find their registers
//! through the device tree (`boot.rs`).

pub mod console;
pub mod light;
mod pl011;
pub mod pl031;
mod register;
mod uart16550;
pub mod watchdog;
