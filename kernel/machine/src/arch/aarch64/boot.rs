//! From `boot.s` to `kernel_main`, on the CPU that booted.
//!
//! Only what an exception needs is prepared here: vectors, the clock, the
//! CPU's number. The device tree and all that follows from it are
//! `kernel/src/boot.rs`.

use core::arch::global_asm;

use super::{cpu, image, mmu, timer, trap};

global_asm!(include_str!("boot.s"));

/// What the boot loader and the first instructions leave behind.
#[derive(Clone, Copy, Debug)]
pub struct Handover {
    tree: usize,
    /// The counter at the first instruction.
    pub ticks: u64,
    /// Firmware has set the frequency of the counter, so that there is time.
    pub has_clock: bool,
}

impl Handover {
    /// The physical address of the device tree, as the boot loader gave it.
    pub fn tree_address(&self) -> usize {
        self.tree
    }

    /// The first `size` bytes at the address of the device tree, mapped for
    /// ever. `None` if that is no address, or the bytes are more than a tree
    /// may have. Reserve the memory before anybody can write to it.
    pub fn tree_bytes(&self, size: usize) -> Option<&'static [u8]> {
        let is_physical = self.tree >> cpu::physical_bits() == 0;
        if self.tree == 0 || !is_physical || !self.tree.is_multiple_of(8) {
            return None;
        }
        // SAFETY: only boot code has a `Handover`, and reserves the memory.
        unsafe { mmu::map_tree(self.tree, size) }
    }
}

// SAFETY: `entry!` defines it with this signature, once in a binary, or the
// linker refuses.
unsafe extern "Rust" {
    safe fn kernel_main(handover: Handover) -> !;
}

/// Names the function, `fn(Handover) -> !`, that the boot code hands over to:
/// on one CPU, exceptions are caught, interrupts masked.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        const _: () = {
            // SAFETY: no other symbol of the kernel has this name.
            #[unsafe(no_mangle)]
            fn kernel_main(handover: $crate::arch::boot::Handover) -> ! {
                $main(handover)
            }
        };
    };
}

/// The first Rust: `tree` and `load` are physical addresses, `ticks` the
/// counter at entry.
#[unsafe(no_mangle)]
extern "C" fn boot_start(tree: usize, load: usize, ticks: u64) -> ! {
    image::set_load_address(load);
    cpu::init(0);
    trap::init_cpu();
    let has_clock = timer::init_clock(ticks);
    kernel_main(Handover { tree, ticks, has_clock })
}
