//! Address spaces, seen from outside through `read_at` and `write_at`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameUse;
use kernel_core::memory::region::{Placement, Protection};

use super::check::{Outcome, ensure, without_leak};
use crate::arch::trap::{Access, Fault};
use crate::mm::frame::{self, FrameRef};
use crate::mm::{
    AddressSpace, FaultError, MapRequest, PageSource, STACK_TOP, Sharing,
};

const RW: Protection = Protection::READ.union(Protection::WRITE);
const BASE: usize = 0x40_0000;

pub fn new_space() -> Result<Arc<AddressSpace>, &'static str> {
    AddressSpace::new().map_err(|_| "no address space")
}

/// Maps `pages` anonymous pages at `address`.
pub fn map_at(
    space: &AddressSpace,
    address: usize,
    pages: usize,
    protection: Protection,
) -> Outcome {
    let placement = Placement::Fixed(address);
    let request = MapRequest {
        placement,
        ..MapRequest::anonymous(pages * PAGE_SIZE, protection)
    };
    let mapped = space.map(request).map_err(|_| "map failed")?;
    ensure(mapped == address, "mapped somewhere else")
}

fn put(space: &AddressSpace, address: usize, value: u64) -> Outcome {
    let bytes = value.to_le_bytes();
    space.write_at(address, &bytes).map_err(|_| "write_at failed")
}

fn get(space: &AddressSpace, address: usize) -> Result<u64, &'static str> {
    let mut bytes = [0; 8];
    space.read_at(address, &mut bytes).map_err(|_| "read_at failed")?;
    Ok(u64::from_le_bytes(bytes))
}

fn fault(
    space: &AddressSpace,
    address: usize,
    access: Access,
) -> Result<(), FaultError> {
    space.fault(&Fault { address, access, is_permission: false })
}

fn resident(space: &AddressSpace) -> usize {
    space.resident_pages()
}

pub fn spaces_return_every_frame() -> Outcome {
    without_leak(|| {
        let space = new_space()?;
        for region in 0..20 {
            let address = BASE + region * 0x1234_5000;
            map_at(&space, address, 64, RW)?;
            for page in 0..64 {
                put(&space, address + page * PAGE_SIZE, page as u64)?;
            }
        }
        let children: Vec<_> = (0..5).map(|_| space.fork()).collect();
        for child in children.iter().flatten() {
            put(child, BASE, 7)?;
        }
        drop(space);
        ensure(children.iter().all(Result::is_ok), "fork failed")
    })
}

pub fn fork_copies_on_write() -> Outcome {
    let parent = new_space()?;
    map_at(&parent, BASE, 4, RW)?;
    put(&parent, BASE, 1)?;
    put(&parent, BASE + PAGE_SIZE, 2)?;
    let child = parent.fork().map_err(|_| "fork failed")?;
    ensure(get(&child, BASE)? == 1, "the child lacks a page")?;
    put(&child, BASE, 10)?;
    put(&parent, BASE + PAGE_SIZE, 20)?;
    put(&child, BASE + 2 * PAGE_SIZE, 30)?;
    ensure(get(&parent, BASE)? == 1, "the child wrote to its parent")?;
    ensure(get(&child, BASE)? == 10, "the child's write was lost")?;
    let second = BASE + PAGE_SIZE;
    ensure(get(&child, second)? == 2, "the parent wrote to its child")?;
    ensure(get(&parent, second)? == 20, "the parent's write was lost")?;
    let third = BASE + 2 * PAGE_SIZE;
    ensure(get(&parent, third)? == 0, "a new page is shared")
}

pub fn the_last_holder_keeps() -> Outcome {
    let parent = new_space()?;
    map_at(&parent, BASE, 1, RW)?;
    put(&parent, BASE, 1)?;
    drop(parent.fork().map_err(|_| "fork failed")?);
    let before = frame::stats().free;
    put(&parent, BASE, 2)?;
    ensure(frame::stats().free == before, "a sole page was copied")?;
    ensure(get(&parent, BASE)? == 2, "a write was lost")
}

pub fn shared_memory_stays_shared() -> Outcome {
    without_leak(|| {
        let parent = new_space()?;
        let sharing = Sharing::Shared;
        let request =
            MapRequest { sharing, ..MapRequest::anonymous(0x4000, RW) };
        let address = parent.map(request).map_err(|_| "map failed")?;
        put(&parent, address, 5)?;
        let child = parent.fork().map_err(|_| "fork failed")?;
        ensure(get(&child, address)? == 5, "the child sees something else")?;
        put(&child, address + 0x2000, 6)?;
        let seen = get(&parent, address + 0x2000)?;
        ensure(seen == 6, "the parent does not see the child's write")
    })
}

/// A file of `N` pages; each begins with its index plus 100.
struct File(Vec<FrameRef>);

impl File {
    fn new(pages: usize) -> Result<Arc<Self>, &'static str> {
        let mut frames = Vec::new();
        for index in 0..pages {
            let frame =
                frame::alloc_zeroed(FrameUse::User).ok_or("no frame")?;
            let frame = FrameRef::from(frame);
            frame.write(0, &(index as u64 + 100).to_le_bytes());
            frames.push(frame);
        }
        Ok(Arc::new(Self(frames)))
    }

    /// Maps the whole file privately, and a page more.
    fn map(self: &Arc<Self>, space: &AddressSpace) -> Outcome {
        let length = (self.0.len() + 1) * PAGE_SIZE;
        let request = MapRequest {
            placement: Placement::Fixed(BASE),
            source: Some((self.clone(), 0)),
            ..MapRequest::anonymous(length, RW)
        };
        space.map(request).map(drop).map_err(|_| "map failed")
    }
}

impl PageSource for File {
    fn page(&self, index: usize) -> Result<FrameRef, Errno> {
        self.0.get(index).cloned().ok_or(Errno::ENXIO)
    }
    fn name(&self) -> String {
        String::from("/file")
    }
}

pub fn files_are_mapped() -> Outcome {
    without_leak(|| {
        let (file, space) = (File::new(40)?, new_space()?);
        file.map(&space)?;
        let before = frame::stats().free;
        let third = BASE + 3 * PAGE_SIZE;
        ensure(get(&space, third)? == 103, "the wrong page was mapped")?;
        let tables = before - frame::stats().free;
        ensure(tables == 3, "a page of a file was copied")?;
        // Root, three tables, and the window of 16 pages around the third.
        ensure(resident(&space) == 20, "the window is not mapped")?;
        let end = BASE + 40 * PAGE_SIZE;
        let past = fault(&space, end, Access::Read);
        ensure(past == Err(FaultError::PastEnd), "no error past the end")
    })
}

pub fn private_writes_spare_file() -> Outcome {
    without_leak(|| {
        let (file, space) = (File::new(4)?, new_space()?);
        file.map(&space)?;
        ensure(get(&space, BASE)? == 100, "the wrong page was mapped")?;
        put(&space, BASE, 1)?;
        put(&space, BASE + PAGE_SIZE, 2)?;
        let child = space.fork().map_err(|_| "fork failed")?;
        ensure(get(&child, BASE)? == 1, "fork lost a written page")?;
        let last = BASE + 3 * PAGE_SIZE;
        ensure(get(&child, last)? == 103, "fork lost a file's page")?;
        for (index, frame) in file.0.iter().enumerate() {
            let mut bytes = [0; 8];
            frame.read(0, &mut bytes);
            let is_kept = u64::from_le_bytes(bytes) == index as u64 + 100;
            ensure(is_kept, "a private write reached the file")?;
        }
        Ok(())
    })
}

pub fn unmapping_frees() -> Outcome {
    let space = new_space()?;
    let before = frame::stats().free;
    for round in 0..2 {
        let address = BASE + (round << 40);
        map_at(&space, address, 600, RW)?;
        for page in 0..600 {
            put(&space, address + page * PAGE_SIZE, 1)?;
        }
        let middle = address + 100 * PAGE_SIZE;
        let done = space.unmap(middle, 400 * PAGE_SIZE);
        ensure(done.is_ok(), "unmap failed")?;
        let gone = fault(&space, middle, Access::Read);
        ensure(gone == Err(FaultError::Unmapped), "a page is still there")?;
        ensure(get(&space, address)? == 1, "unmap took too much")?;
        let done = space.unmap(address, 600 * PAGE_SIZE);
        ensure(done.is_ok(), "unmap failed")?;
    }
    ensure(resident(&space) == 1, "a page or table stayed")?;
    ensure(frame::stats().free == before, "frames were lost")
}

pub fn protection_is_obeyed() -> Outcome {
    let space = new_space()?;
    map_at(&space, BASE, 2, RW)?;
    put(&space, BASE, 1)?;
    let denied = Err(FaultError::Denied);
    let protect = |protection| {
        let done = space.protect(BASE, 2 * PAGE_SIZE, protection);
        ensure(done.is_ok(), "protect failed")
    };
    let execute = fault(&space, BASE, Access::Execute);
    ensure(execute == denied, "data was executable")?;
    protect(Protection::READ)?;
    let write = fault(&space, BASE, Access::Write);
    ensure(write == denied, "a read-only page was written")?;
    protect(Protection::empty())?;
    let read = fault(&space, BASE, Access::Read);
    ensure(read == denied, "a closed page was read")?;
    protect(RW)?;
    ensure(get(&space, BASE)? == 1, "protect lost a page")?;
    put(&space, BASE, 2)?;
    let gap = space.protect(BASE, 3 * PAGE_SIZE, RW);
    ensure(gap == Err(Errno::ENOMEM), "a gap was protected")
}

pub fn stacks_grow_on_demand() -> Outcome {
    let space = new_space()?;
    let request = MapRequest {
        placement: Placement::Fixed(STACK_TOP - PAGE_SIZE),
        is_stack: true,
        ..MapRequest::anonymous(PAGE_SIZE, RW)
    };
    space.map(request).map_err(|_| "map failed")?;
    put(&space, STACK_TOP - 40 * PAGE_SIZE, 3)?;
    let limit = STACK_TOP - super::super::STACK_LIMIT;
    put(&space, limit, 4)?;
    let below = fault(&space, limit - 1, Access::Write);
    ensure(below == Err(FaultError::Unmapped), "a stack passed its limit")
}

pub fn the_break_gives_and_takes() -> Outcome {
    let space = new_space()?;
    space.set_heap_start(BASE);
    ensure(space.set_break(0) == BASE, "the break is not at its start")?;
    let end = BASE + 10 * PAGE_SIZE + 5;
    ensure(space.set_break(end) == end, "the break did not move")?;
    put(&space, end - 8, 9)?;
    ensure(space.set_break(BASE) == BASE, "the break did not return")?;
    let gone = fault(&space, end - 8, Access::Read);
    ensure(gone == Err(FaultError::Unmapped), "heap pages stayed")?;
    ensure(space.set_break(end) == end, "the break did not move again")?;
    ensure(get(&space, end - 8)? == 0, "a heap page was not cleared")
}

pub fn reaped_spaces_stay_empty() -> Outcome {
    without_leak(|| {
        let space = new_space()?;
        map_at(&space, BASE, 300, RW)?;
        for page in 0..300 {
            put(&space, BASE + page * PAGE_SIZE, 1)?;
        }
        let before = frame::stats().free;
        ensure(space.reap() == 300, "the reaper missed a page")?;
        let freed = frame::stats().free - before;
        ensure(freed == 300, "reaped pages were not freed")?;
        let again = fault(&space, BASE, Access::Read);
        let is_refused = again == Err(FaultError::OutOfMemory);
        ensure(is_refused, "a reaped page came back empty")
    })
}

pub fn large_forks() -> Outcome {
    without_leak(|| {
        let parent = new_space()?;
        map_at(&parent, BASE, 2000, RW)?;
        for page in 0..2000 {
            put(&parent, BASE + page * PAGE_SIZE, page as u64)?;
        }
        let child = parent.fork().map_err(|_| "fork failed")?;
        let counts = (resident(&parent), resident(&child));
        ensure(counts.0 == counts.1, "the child has more or fewer pages")?;
        drop(parent);
        for page in 0..2000 {
            let value = get(&child, BASE + page * PAGE_SIZE)?;
            ensure(value == page as u64, "a page differs")?;
        }
        Ok(())
    })
}
