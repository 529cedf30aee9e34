//! Frames, the heap, stacks and the kernel's own map.

use alloc::vec::Vec;
use core::alloc::Layout;

use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameUse;

use super::check::{Outcome, ensure, without_leak};
use crate::arch::image;
use crate::arch::selftest::{may_read, may_write};
use crate::arch::thread::Stack;
use crate::mm::frame::{self, Frame, FrameRef};
use crate::mm::stack::{self, KernelStack, STACK_SIZE};
use crate::mm::{heap, map, page};

/// Beyond this the test that takes all frames would last too long: 1 GiB.
const MOST_FRAMES: usize = 1 << 18;

fn alloc() -> Result<Frame, &'static str> {
    frame::alloc(FrameUse::User).ok_or("no frame")
}

pub fn frames_come_back() -> Outcome {
    without_leak(|| {
        let mut frames = Vec::new();
        for _ in 0..1000 {
            frames.push(FrameRef::from(alloc()?));
        }
        let copies = frames.clone();
        drop(frames);
        for copy in &copies {
            copy.write(0, &[1; 8]);
        }
        Ok(())
    })
}

pub fn frames_are_cleared() -> Outcome {
    for _ in 0..200 {
        alloc()?.bytes_mut().fill(0xa5);
    }
    for _ in 0..200 {
        let frame = frame::alloc_zeroed(FrameUse::User).ok_or("no frame")?;
        let is_clear = frame.bytes().iter().all(|&byte| byte == 0);
        ensure(is_clear, "a cleared frame holds something")?;
    }
    Ok(())
}

pub fn users_leave_the_reserve() -> Outcome {
    let mut last: Option<FrameRef> = None;
    let before = frame::stats();
    if before.total > MOST_FRAMES {
        return Ok(());
    }
    // A chain: each frame holds the number of the one before.
    while let Some(frame) = frame::alloc(FrameUse::User) {
        let frame = FrameRef::from(frame);
        let link = last.map_or(0, FrameRef::into_number);
        frame.write(0, &link.to_le_bytes());
        last = Some(frame);
    }
    let low = frame::stats();
    let kernel = frame::alloc(FrameUse::Kernel);
    while let Some(frame) = last {
        let mut link = [0; 4];
        frame.read(0, &mut link);
        let number = u32::from_le_bytes(link);
        last = (number != 0).then(|| FrameRef::from_number(number));
    }
    ensure(kernel.is_some(), "the kernel's reserve was empty")?;
    drop(kernel);
    ensure(low.free >= low.reserve, "users took from the reserve")?;
    ensure(low.free < low.reserve + 64, "users did not get the rest")?;
    ensure(frame::stats() == before, "frames were lost")
}

pub fn heap_objects_are_apart() -> Outcome {
    let mut objects: Vec<Vec<u8>> = Vec::new();
    for index in 0..400usize {
        objects.push(alloc::vec![index as u8; index * 37 % 9000 + 1]);
    }
    for index in (0..400).step_by(3) {
        objects[index] = alloc::vec![index as u8; 11];
    }
    for (index, object) in objects.iter().enumerate() {
        let is_own = object.iter().all(|&byte| byte == index as u8);
        ensure(is_own, "a heap object was overwritten")?;
    }
    Ok(())
}

pub fn heap_objects_are_aligned() -> Outcome {
    for shift in 0..13 {
        for size in [1, 24, 100, 1000, 5000, 20_000] {
            let layout = Layout::from_size_align(size, 1 << shift)
                .map_err(|_| "bad layout")?;
            ensure(heap::is_aligned(layout), "an object is not aligned")?;
        }
    }
    Ok(())
}

pub fn heap_bytes_come_back() -> Outcome {
    let before = heap::stats().used;
    let mut list: Vec<u64> = Vec::new();
    (0..50_000).for_each(|value| list.push(value));
    let is_kept = list.iter().enumerate().all(|(i, &v)| i as u64 == v);
    drop(list);
    ensure(is_kept, "growing a list changed it")?;
    ensure(heap::stats().used == before, "heap bytes were lost")
}

pub fn heap_frames_come_back() -> Outcome {
    // The lists may keep some; as many as they keep at the most come first.
    let fill = || {
        let objects = (0..20_000).map(|index| alloc::vec![0u8; index % 2500]);
        drop(objects.collect::<Vec<_>>());
    };
    fill();
    let before = heap::stats();
    let free = frame::stats().free;
    fill();
    ensure(heap::stats().used == before.used, "heap bytes were lost")?;
    // Other CPUs may take and give some meanwhile.
    let is_back = |now: usize, before: usize| now.abs_diff(before) < 64;
    ensure(is_back(frame::stats().free, free), "the heap keeps frames")
}

pub fn scattered_frames_make_an_object() -> Outcome {
    let before = frame::stats().free;
    for pages in [1, 2, 3, 70, 2, 3] {
        let is_right = heap::scattered_frames_do(pages);
        ensure(is_right, "frames apart make no object")?;
    }
    let now = frame::stats().free;
    ensure(now.abs_diff(before) < 16, "frames were lost")
}

pub fn unmapped_frames_are_forgotten() -> Outcome {
    let is_forgotten = heap::unmapped_frames_are_forgotten();
    ensure(is_forgotten, "a store goes to a frame that is not there any more")
}

pub fn stacks_have_guards() -> Outcome {
    without_leak(|| {
        let mut stacks = Vec::new();
        for _ in 0..64 {
            stacks.push(KernelStack::new().map_err(|_| "no stack")?);
        }
        for stack in &stacks {
            let (top, bottom) = (stack.top(), stack.bottom());
            ensure(top - bottom == STACK_SIZE, "a stack has a wrong size")?;
            for page in (bottom..top).step_by(PAGE_SIZE) {
                ensure(map::is_mapped(page), "part of a stack is missing")?;
            }
            let guard = bottom - 1;
            ensure(!map::is_mapped(guard), "a guard page is mapped")?;
            ensure(stack::is_guard(guard), "a guard is not known as one")?;
            ensure(!stack::is_guard(bottom), "a stack counts as guard")?;
        }
        Ok(())
    })
}

pub fn kernel_pages_keep_w_xor_x() -> Outcome {
    ensure(map::keeps_w_xor_x(), "a page is writable and executable")
}

pub fn constants_have_no_writable_alias() -> Outcome {
    let constant = image::text().start..image::rodata().end;
    for address in constant.step_by(PAGE_SIZE) {
        let alias = page::linear(image::to_physical(address) as u64);
        ensure(!may_write(alias.addr()), "an alias of text is writable")?;
    }
    let data = page::linear(image::to_physical(image::rodata().end) as u64);
    ensure(may_write(data.addr()), "the alias of data is not writable")
}

pub fn only_ram_is_mapped() -> Outcome {
    let ram = map::mapped().ok_or("nothing is mapped")?;
    let mut hole = 0;
    for range in ram.as_slice() {
        for address in [hole, range.start.saturating_sub(PAGE_SIZE as u64)] {
            let is_hole = address >= hole && address < range.start;
            let alias = page::linear(address).addr();
            ensure(!is_hole || !may_read(alias), "a hole is mapped")?;
        }
        let last = page::linear(range.end - 1).addr();
        ensure(may_read(last), "the last page of RAM is not mapped")?;
        hole = range.end;
    }
    ensure(!may_read(page::linear(hole).addr()), "more than RAM")
}
