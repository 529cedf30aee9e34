//! Where the kernel image lies, by the symbols of `linker/kernel.ld`.

use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

/// The address the image is linked at.
pub const KERNEL_BASE: usize = 0xffff_8000_0000_0000;

/// Physical address of the first byte; written once at entry.
static LOAD_ADDRESS: AtomicUsize = AtomicUsize::new(0);

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident: $start:ident .. $end:ident;)*) => {
        $($(#[$doc])*
        pub fn $name() -> Range<usize> {
            unsafe extern "C" { static $start: u8; static $end: u8; }
            (&raw const $start).addr()..(&raw const $end).addr()
        })*
    };
}

sections! {
    /// The image with the room for its payload, as virtual addresses.
    linked: _image_start.._end;
    /// Code: read and execute.
    text: _text_start.._text_end;
    /// Constants: read only.
    rodata: _rodata_start.._rodata_end;
    /// Where the payload is, and what stays empty after it: read only.
    payload_room: _payload_start.._payload_end;
    /// The guard page under the boot stack; must not be mapped.
    boot_stack_guard: _boot_stack_guard.._boot_stack_bottom;
    /// The stack that boot runs on; CPU 0's idle task keeps it.
    boot_stack: _boot_stack_bottom.._boot_stack_top;
    /// The guard page under the emergency stacks; must not be mapped.
    emergency_guard: _emergency_guard.._emergency_stacks;
}

/// The header's `image_size`: what a boot loader keeps free, in bytes.
pub fn size() -> usize {
    let field = (KERNEL_BASE + 16) as *const usize;
    // SAFETY: the header is the image's first page and always mapped; the
    // read is volatile since xtask patches what the compiler saw linked.
    unsafe { field.read_volatile() }
}

/// All of `image_size`, as physical addresses.
pub fn physical() -> Range<usize> {
    let start = LOAD_ADDRESS.load(Relaxed);
    start..start + size()
}

/// The physical address of something in the image.
#[inline]
pub fn to_physical(address: usize) -> usize {
    address - KERNEL_BASE + LOAD_ADDRESS.load(Relaxed)
}

/// Notes where the boot loader put the image.
pub(super) fn set_load_address(address: usize) {
    LOAD_ADDRESS.store(address, Relaxed);
}

/// Names the parts that xtask puts into the payload's room. It finds this static by
/// its symbol and fills in what follows the magic number; see the image
/// builder in `xtask`.
#[repr(C)]
struct Payload {
    magic: u64,
    symbols_offset: u64,
    symbols_size: u64,
    initramfs_offset: u64,
    initramfs_size: u64,
    boards_offset: u64,
    boards_size: u64,
}

#[unsafe(no_mangle)]
#[unsafe(link_section = ".data")]
static FIRN_PAYLOAD: Payload = Payload {
    magic: 0x4652_4e50_4159_4c44,
    symbols_offset: 0,
    symbols_size: 0,
    initramfs_offset: 0,
    initramfs_size: 0,
    boards_offset: 0,
    boards_size: 0,
};

/// The payload descriptor as it stands in memory.
fn payload() -> Payload {
    // SAFETY: a valid static of plain numbers; volatile because xtask
    // changes the bytes after the compiler saw the zeros.
    unsafe { (&raw const FIRN_PAYLOAD).read_volatile() }
}

/// The symbol table that back traces use; empty without one.
pub fn symbols() -> &'static [u8] {
    let payload = payload();
    part(payload.symbols_offset, payload.symbols_size)
}

/// The initramfs built into the image; empty without one.
pub fn initramfs() -> &'static [u8] {
    let payload = payload();
    part(payload.initramfs_offset, payload.initramfs_size)
}

/// The table of boards (`kernel_core::board`); empty without one.
pub fn boards() -> &'static str {
    let payload = payload();
    let bytes = part(payload.boards_offset, payload.boards_size);
    core::str::from_utf8(bytes).unwrap_or("")
}

/// Bytes of the image, or nothing if they are not all in the payload.
fn part(offset: u64, length: u64) -> &'static [u8] {
    let room = payload_room();
    let start = (KERNEL_BASE as u64).saturating_add(offset);
    let end = start.saturating_add(length);
    if start < room.start as u64 || end > room.end as u64 {
        return &[];
    }
    let start = start as usize as *const u8;
    // SAFETY: inside the payload's room, which is mapped for reading as long
    // as the kernel runs (mm maps it) and never written.
    unsafe { core::slice::from_raw_parts(start, length as usize) }
}
