//! A kick: makes a CPU look at what it should run.
//!
//! Next to read: `scheduler.rs`, whose handler takes it.

use super::current;
use kernel_machine::arch;
use kernel_machine::arch::thread::work;

/// Makes `cpu` pass through [`schedule`](super::scheduler::schedule) soon.
pub fn request_reschedule(cpu: usize) {
    if cpu == arch::cpu::id() {
        current().set_work(work::RESCHEDULE);
    } else {
        arch::gic::send_ipi(cpu, arch::gic::Ipi::Reschedule);
    }
}
