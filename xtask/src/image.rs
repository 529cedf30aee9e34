//! From the kernel's ELF file to the `Image` a boot loader starts.
//!
//! ```text
//! 0               _start: 64-byte header, then code, read-only data, data
//! _payload_start  symbol table, for back traces        } the payload
//! …               initramfs                            }
//! …               table of boards                      }
//! …               end of the file
//! _payload_end    bss, stacks, page tables: in memory only
//! image_size, a multiple of 2 MiB
//! ```
//!
//! The kernel finds the payload through its static `FIRN_PAYLOAD`, which is
//! patched here. Linux's *Booting AArch64 Linux* defines the header.
mod flatten;
mod grammar;
mod header;
mod kernel;
mod payload;
mod symbols;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, ensure};

use kernel::Kernel;

/// Makes the boot image of the kernel `elf` with `initramfs` and the table
/// `boards` inside.
///
/// # Errors
/// The file is no kernel of ours: not ELF, no header at its start, or no
/// `FIRN_PAYLOAD`; or the payload is too large.
pub fn assemble(elf: &[u8], initramfs: &[u8], boards: &str) -> Result<Vec<u8>> {
    let kernel =
        Kernel::minimal_parse(elf).context("the kernel is no ELF file")?;
    let start = symbols::address(&kernel, "_image_start")?;
    let mut image = flatten::flatten(&kernel, start)?;
    header::check(&image)?;
    let table = symbols::table(&kernel, start)?;
    let slot = symbols::address(&kernel, "FIRN_PAYLOAD")? - start;
    let parts = [&table, initramfs, boards.as_bytes()];
    payload::add(&mut image, slot, parts)?;
    let room = symbols::address(&kernel, "_payload_end")? - start;
    ensure!(
        image.len() as u64 <= room,
        "symbols and initramfs reach {:#x}, beyond the {room:#x} that \
         PAYLOAD_ROOM in linker/kernel.ld leaves them",
        image.len(),
    );
    header::round_size(&mut image);
    Ok(image)
}
