//! Memory: mappings, protection, copies on write, the break, the stack.

use core::hint::black_box;

use user_lib::linux::{
    __NR_brk, __NR_mmap, __NR_mprotect, __NR_munmap, MAP_ANONYMOUS, MAP_FIXED,
    MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, SIGSEGV,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing, shared_words};
use user_lib::process::WaitStatus;
use user_lib::syscall::arbitrary;
use user_lib::{Errno, memory, time};

use core::sync::atomic::Ordering;

use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_child, tests};
use user_lib::child::Child;

tests! {
    new_memory_is_zero
    unmapped_memory_faults
    read_only_memory_refuses_writes
    memory_without_rights_refuses_reads
    protection_comes_back
    a_hole_is_made_and_the_rest_stays
    a_fixed_mapping_replaces
    a_child_writes_its_own_copy
    a_parent_writes_its_own_copy
    shared_memory_is_shared_with_children
    many_children_share_one_page
    the_break_grows_and_shrinks
    the_stack_grows
    an_endless_stack_is_a_fault
    program_text_refuses_writes
    data_cannot_be_run
    wrong_mappings_are_refused
    kernel_addresses_fault
    freed_memory_is_given_out_again
    a_large_mapping_costs_nothing_until_touched
    a_copy_keeps_protection
}

/// How a child ends that does something with memory.
fn ends<T>(work: impl FnOnce() -> T) -> Result<WaitStatus, Failure> {
    in_child(|| {
        work();
        Ok(0)
    })
}

fn faults<T>(work: impl FnOnce() -> T) -> Result<bool, Failure> {
    Ok(ends(work)?.killed_by() == Some(SIGSEGV))
}

fn private(pages: usize) -> user_lib::Result<Mapping> {
    Mapping::new(pages * PAGE_SIZE, Sharing::Private)
}

fn new_memory_is_zero() -> Outcome {
    let mapping = private(16)?;
    ensure!((0..mapping.length()).all(|offset| mapping.read(offset) == 0));
    mapping.write(5 * PAGE_SIZE + 9, 7);
    ensure_eq!(mapping.read(5 * PAGE_SIZE + 9), 7);
    ensure_eq!(mapping.read(5 * PAGE_SIZE + 8), 0);
    Ok(())
}

fn unmapped_memory_faults() -> Outcome {
    let mapping = private(2)?;
    mapping.write(0, 1);
    mapping.unmap(0, PAGE_SIZE)?;
    ensure!(faults(|| mapping.read(0))?);
    ensure!(faults(|| mapping.write(0, 1))?);
    ensure!(!faults(|| mapping.write(PAGE_SIZE, 1))?);
    ensure!(faults(|| memory::read_byte(0))?);
    Ok(())
}

fn read_only_memory_refuses_writes() -> Outcome {
    let mapping = private(1)?;
    mapping.write(3, 9);
    mapping.protect(0, PAGE_SIZE, PROT_READ)?;
    ensure_eq!(mapping.read(3), 9);
    ensure!(faults(|| mapping.write(3, 1))?);
    Ok(())
}

fn memory_without_rights_refuses_reads() -> Outcome {
    let mapping = private(1)?;
    mapping.write(3, 9);
    mapping.protect(0, PAGE_SIZE, PROT_NONE)?;
    ensure!(faults(|| mapping.read(3))?);
    Ok(())
}

fn protection_comes_back() -> Outcome {
    let mapping = private(3)?;
    mapping.write(PAGE_SIZE, 5);
    mapping.protect(PAGE_SIZE, PAGE_SIZE, PROT_NONE)?;
    mapping.write(0, 1);
    mapping.write(2 * PAGE_SIZE, 1);
    mapping.protect(PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE)?;
    ensure_eq!(mapping.read(PAGE_SIZE), 5);
    mapping.write(PAGE_SIZE, 6);
    ensure_eq!(mapping.read(PAGE_SIZE), 6);
    Ok(())
}

fn a_hole_is_made_and_the_rest_stays() -> Outcome {
    let mapping = private(3)?;
    (0..3).for_each(|page| mapping.write(page * PAGE_SIZE, page as u8 + 1));
    mapping.unmap(PAGE_SIZE, PAGE_SIZE)?;
    ensure_eq!(mapping.read(0), 1);
    ensure_eq!(mapping.read(2 * PAGE_SIZE), 3);
    ensure!(faults(|| mapping.read(PAGE_SIZE))?);
    // Unmapping nothing is no mistake.
    mapping.unmap(PAGE_SIZE, PAGE_SIZE)?;
    let all = mapping.protect(0, 3 * PAGE_SIZE, PROT_READ);
    ensure_eq!(all, Err(Errno::ENOMEM));
    Ok(())
}

const READ_WRITE: usize = (PROT_READ | PROT_WRITE) as usize;
const ANONYMOUS: usize = (MAP_PRIVATE | MAP_ANONYMOUS) as usize;

fn map(address: usize, length: usize, flags: usize) -> user_lib::Result<usize> {
    arbitrary(__NR_mmap, [address, length, READ_WRITE, flags, usize::MAX, 0])
}

fn a_fixed_mapping_replaces() -> Outcome {
    let mapping = private(3)?;
    mapping.write(PAGE_SIZE, 5);
    mapping.write(2 * PAGE_SIZE, 6);
    let middle = mapping.address() + PAGE_SIZE;
    let fixed = ANONYMOUS | MAP_FIXED as usize;
    ensure_eq!(map(middle, PAGE_SIZE, fixed), Ok(middle));
    ensure_eq!(mapping.read(PAGE_SIZE), 0);
    ensure_eq!(mapping.read(2 * PAGE_SIZE), 6);
    ensure_eq!(map(middle + 1, PAGE_SIZE, fixed), Err(Errno::EINVAL));
    Ok(())
}

fn a_child_writes_its_own_copy() -> Outcome {
    let mapping = private(2)?;
    mapping.write(0, 1);
    let status = in_child(|| {
        ensure_eq!(mapping.read(0), 1);
        mapping.write(0, 2);
        mapping.write(PAGE_SIZE, 3);
        ensure_eq!(mapping.read(0), 2);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(mapping.read(0), 1);
    ensure_eq!(mapping.read(PAGE_SIZE), 0);
    Ok(())
}

fn a_parent_writes_its_own_copy() -> Outcome {
    let mapping = private(1)?;
    mapping.write(0, 1);
    let go = &shared_words(1)?[0];
    let child = Child::start(|| {
        while go.load(Ordering::Acquire) == 0 {
            time::sleep(time::Time::from_millis(1));
        }
        i32::from(mapping.read(0))
    })?;
    mapping.write(0, 2);
    go.store(1, Ordering::Release);
    ensure_eq!(child.wait()?.exit_code(), Some(1));
    ensure_eq!(mapping.read(0), 2);
    Ok(())
}

fn shared_memory_is_shared_with_children() -> Outcome {
    let mapping = Mapping::new(2 * PAGE_SIZE, Sharing::Shared)?;
    mapping.write(0, 1);
    ends(|| {
        mapping.write(0, 2);
        // A page that the parent has not touched yet is shared as well.
        mapping.write(PAGE_SIZE, 3);
    })?;
    ensure_eq!(mapping.read(0), 2);
    ensure_eq!(mapping.read(PAGE_SIZE), 3);
    Ok(())
}

fn many_children_share_one_page() -> Outcome {
    const CHILDREN: u32 = 8;
    const EACH: u32 = 2000;
    let word = &shared_words(1)?[0];
    let mut children = alloc::vec::Vec::new();
    for _ in 0..CHILDREN {
        children.push(Child::start(|| {
            for _ in 0..EACH {
                word.fetch_add(1, Ordering::Relaxed);
            }
            0
        })?);
    }
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    ensure_eq!(word.load(Ordering::Relaxed), CHILDREN * EACH);
    Ok(())
}

fn the_break_grows_and_shrinks() -> Outcome {
    let status = in_child(|| {
        let set = |address| arbitrary(__NR_brk, [address, 0, 0, 0, 0, 0]);
        let before = set(0)?;
        let grown = before + 10 * PAGE_SIZE + 5;
        ensure_eq!(set(grown)?, grown);
        ensure_eq!(memory::read_byte(grown - 1), 0);
        ensure_eq!(set(before)?, before);
        // A break below the program's data is refused.
        ensure_eq!(set(4096)?, before);
        ensure_eq!(set(1 << 47)?, before);
        let page = before.next_multiple_of(PAGE_SIZE);
        ensure!(faults(|| memory::read_byte(page))?);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

/// Uses about a page of stack for each step.
fn descend(depth: u32) -> u32 {
    let page = black_box([depth as u8; 4000]);
    match depth {
        0 => u32::from(page[7]),
        depth => descend(depth - 1) + u32::from(black_box(page)[9] == 0),
    }
}

fn the_stack_grows() -> Outcome {
    let steps = black_box(1000);
    ensure_eq!(descend(steps), steps / 256);
    Ok(())
}

fn an_endless_stack_is_a_fault() -> Outcome {
    ensure!(faults(|| black_box(descend(u32::MAX)))?);
    Ok(())
}

fn program_text_refuses_writes() -> Outcome {
    let text = 0x40_0000 + 0x200;
    let read =
        arbitrary(user_lib::linux::__NR_getrandom, [text, 4, 0, 0, 0, 0]);
    ensure_eq!(read, Err(Errno::EFAULT));
    Ok(())
}

fn data_cannot_be_run() -> Outcome {
    let mapping = private(1)?;
    // `ret`, in the order of bytes in memory.
    for (offset, byte) in [0xc0, 0x03, 0x5f, 0xd6].into_iter().enumerate() {
        mapping.write(offset, byte);
    }
    ensure!(faults(|| mapping.run())?);
    Ok(())
}

fn wrong_mappings_are_refused() -> Outcome {
    ensure_eq!(map(0, 0, ANONYMOUS), Err(Errno::EINVAL));
    ensure_eq!(map(0, 1 << 60, ANONYMOUS), Err(Errno::ENOMEM));
    ensure_eq!(map(0, PAGE_SIZE, MAP_PRIVATE as usize), Err(Errno::EBADF));
    let none = (MAP_ANONYMOUS) as usize;
    ensure_eq!(map(0, PAGE_SIZE, none), Err(Errno::EINVAL));
    let unmap =
        |address, length| arbitrary(__NR_munmap, [address, length, 0, 0, 0, 0]);
    ensure_eq!(unmap(1, PAGE_SIZE), Err(Errno::EINVAL));
    ensure_eq!(unmap(PAGE_SIZE, 0), Err(Errno::EINVAL));
    ensure_eq!(unmap(1 << 52, PAGE_SIZE), Err(Errno::EINVAL));
    let protect = |address, length| {
        arbitrary(__NR_mprotect, [address, length, 0, 0, 0, 0])
    };
    ensure_eq!(protect(1, PAGE_SIZE), Err(Errno::EINVAL));
    ensure_eq!(protect(PAGE_SIZE, PAGE_SIZE), Err(Errno::ENOMEM));
    ensure_eq!(protect(PAGE_SIZE, 0), Ok(0));
    Ok(())
}

fn kernel_addresses_fault() -> Outcome {
    for address in [0xffff_0000_0000_0000usize, 0xffff_8000_0000_0000, 1 << 52]
    {
        ensure!(faults(|| memory::read_byte(address))?);
    }
    Ok(())
}

fn freed_memory_is_given_out_again() -> Outcome {
    const PAGES: usize = 1024;
    for round in 0..20 {
        let mapping = private(PAGES)?;
        for page in 0..PAGES {
            ensure_eq!(mapping.read(page * PAGE_SIZE), 0);
            mapping.write(page * PAGE_SIZE, round + 1);
        }
    }
    Ok(())
}

fn a_large_mapping_costs_nothing_until_touched() -> Outcome {
    let mapping = Mapping::new(1 << 32, Sharing::Private);
    // A system may refuse to promise more than it has.
    if let Ok(mapping) = mapping {
        mapping.write((1 << 32) - 1, 1);
        ensure_eq!(mapping.read((1 << 32) - 1), 1);
        ensure_eq!(mapping.read(1 << 31), 0);
    }
    Ok(())
}

fn a_copy_keeps_protection() -> Outcome {
    let mapping = private(2)?;
    mapping.write(0, 4);
    mapping.protect(0, PAGE_SIZE, PROT_READ)?;
    ensure!(faults(|| mapping.write(0, 1))?);
    let status = in_child(|| {
        mapping.protect(0, PAGE_SIZE, PROT_READ | PROT_WRITE)?;
        mapping.write(0, 8);
        ensure_eq!(mapping.read(0), 8);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(mapping.read(0), 4);
    Ok(())
}
