//! Lays the segments of an ELF file out as they are in memory.
use anyhow::{Context, Result, bail};
use elf::abi::PT_LOAD;
use elf::segment::ProgramHeader;

use super::kernel::{Kernel, PAGE};
use super::symbols;

/// A kernel larger than this is a linker script gone wrong.
const LARGEST: u64 = 64 << 20;

/// The memory of the kernel from `start` to where the payload goes; what is
/// after that is not in the file.
pub fn flatten(kernel: &Kernel, start: u64) -> Result<Vec<u8>> {
    let end = symbols::address(kernel, "_payload_start")?;
    let size = end.checked_sub(start).filter(|size| *size <= LARGEST);
    let Some(size) = size else {
        bail!("the kernel reaches from {start:#x} to {end:#x}")
    };
    let size = usize::try_from(size)?.next_multiple_of(PAGE);
    let mut image = vec![0; size];
    let segments = kernel.segments().context("the kernel has no segments")?;
    for segment in segments.iter().filter(|one| one.p_type == PT_LOAD) {
        place(kernel, &segment, start, &mut image)?;
    }
    Ok(image)
}

fn place(
    kernel: &Kernel,
    segment: &ProgramHeader,
    start: u64,
    image: &mut [u8],
) -> Result<()> {
    let bytes = kernel.segment_data(segment)?;
    let address = segment.p_vaddr;
    let outside = || format!("segment at {address:#x} is outside the image");
    let offset = address.checked_sub(start).with_context(outside)?;
    let offset = usize::try_from(offset)?;
    image
        .get_mut(offset..offset + bytes.len())
        .with_context(outside)?
        .copy_from_slice(bytes);
    Ok(())
}
