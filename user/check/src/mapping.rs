//! Mappings that change: files that are cut, mappings that move, stacks that
//! meet a limit.

use user_lib::linux::{
    __NR_madvise, __NR_memfd_create, __NR_mmap, __NR_mprotect, __NR_mremap,
    __NR_munmap, __NR_remap_file_pages, MAP_ANONYMOUS, MAP_FIXED,
    MAP_GROWSDOWN, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ, PROT_WRITE,
    SIGBUS, SIGSEGV,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, memory};

use crate::limit::set_limit;
use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_child, tests};

tests! {
    what_is_cut_off_a_file_is_gone_from_its_mappings
    shared_memory_ends_where_it_was_made
    a_mapping_past_the_longest_file_is_refused
    stacks_are_private_memory
    a_stack_counts_against_all_memory
    a_locked_stack_counts_against_locked_memory
    a_mapping_of_several_parts_shrinks
    no_bytes_of_shared_memory_are_mapped_once_more
    a_move_that_fails_moves_nothing
    rights_that_are_not_known_are_refused_later
    nothing_is_past_the_end_of_all_addresses
    low_addresses_are_not_for_everybody
}

const ADDRESS_SPACE: usize = 9;
const LOCKED: usize = 8;
const MAY_MOVE: usize = 1;
const FIXED: usize = 2;

fn map(address: usize, pages: usize, rights: u32, flags: u32) -> Result<usize> {
    let flags = (flags | MAP_ANONYMOUS) as usize;
    let length = pages * PAGE_SIZE;
    let words = [address, length, rights as usize, flags, usize::MAX, 0];
    arbitrary(__NR_mmap, words)
}

fn remap(address: usize, pages: [usize; 2], how: [usize; 2]) -> Result<usize> {
    let [old, new] = pages.map(|it| it * PAGE_SIZE);
    arbitrary(__NR_mremap, [address, old, new, how[0], how[1], 0])
}

/// The signal that a load from `address` or a store to it ends a child with.
fn killed_by(
    address: usize,
    is_store: bool,
) -> core::result::Result<Option<u32>, Failure> {
    let status = in_child(|| {
        if is_store {
            memory::write_byte(address, 1);
        }
        memory::read_byte(address);
        Ok(0)
    })?;
    Ok(status.killed_by())
}

/// A file of so many pages, mapped to be shared.
fn shared_file(pages: usize) -> Result<(i32, usize)> {
    let name = c"cut".as_ptr() as usize;
    let open = arbitrary(__NR_memfd_create, [name, 0, 0, 0, 0, 0])?;
    file::truncate(open as i32, (pages * PAGE_SIZE) as u64)?;
    let rights = (PROT_READ | PROT_WRITE) as usize;
    let length = pages * PAGE_SIZE;
    let words = [0, length, rights, MAP_SHARED as usize, open, 0];
    Ok((open as i32, arbitrary(__NR_mmap, words)?))
}

fn what_is_cut_off_a_file_is_gone_from_its_mappings() -> Outcome {
    const PAGES: usize = 1500;
    let (open, address) = shared_file(PAGES)?;
    let page = |index: usize| address + index * PAGE_SIZE;
    (0..PAGES).for_each(|index| memory::write_byte(page(index), 7));
    memory::write_byte(page(1) + 100, 7);
    file::truncate(open, PAGE_SIZE as u64 + 100)?;
    ensure_eq!(memory::read_byte(page(1)), 7);
    ensure_eq!(memory::read_byte(page(1) + 100), 0);
    ensure_eq!(killed_by(page(2), false)?, Some(SIGBUS));
    ensure_eq!(killed_by(page(PAGES - 1), true)?, Some(SIGBUS));
    file::truncate(open, (PAGES * PAGE_SIZE) as u64)?;
    ensure!((2..PAGES).all(|index| memory::read_byte(page(index)) == 0));
    // They are the file's pages again.
    memory::write_byte(page(PAGES - 1), 9);
    let mut found = [0];
    file::read_at(open, &mut found, (PAGES - 1) * PAGE_SIZE)?;
    ensure_eq!(found, [9]);
    Ok(())
}

fn shared_memory_ends_where_it_was_made() -> Outcome {
    let rights = PROT_READ | PROT_WRITE;
    let address = map(0, 2, rights, MAP_SHARED)?;
    memory::write_byte(address + PAGE_SIZE, 3);
    let address = remap(address, [2, 4], [MAY_MOVE, 0])?;
    ensure_eq!(memory::read_byte(address + PAGE_SIZE), 3);
    ensure_eq!(killed_by(address + 2 * PAGE_SIZE, true)?, Some(SIGBUS));
    let words = [address, PAGE_SIZE, 0, 1 << 30, 0, 0];
    arbitrary(__NR_remap_file_pages, words)?;
    ensure_eq!(killed_by(address, true)?, Some(SIGBUS));
    Ok(())
}

fn a_mapping_past_the_longest_file_is_refused() -> Outcome {
    let (open, address) = shared_file(1)?;
    let at = |first: usize| {
        let words = [address, PAGE_SIZE, 0, first, 0, 0];
        arbitrary(__NR_remap_file_pages, words)
    };
    ensure_eq!(at(1 << 52), Err(Errno::EOVERFLOW));
    ensure_eq!(at(usize::MAX), Err(Errno::EINVAL));
    at((1 << 51) - 2)?;
    let map = |offset: usize| {
        let flags = MAP_SHARED as usize;
        let words =
            [0, PAGE_SIZE, PROT_READ as usize, flags, open as usize, offset];
        arbitrary(__NR_mmap, words)
    };
    ensure_eq!(map(1 << 63), Err(Errno::EOVERFLOW));
    map((1 << 63) - 2 * PAGE_SIZE)?;
    let maps = file::text("/proc/self/maps")?;
    ensure!(maps.contains(" 7fffffffffffe000 "));
    Ok(())
}

fn stacks_are_private_memory() -> Outcome {
    let (open, _) = shared_file(1)?;
    let rights = PROT_READ | PROT_WRITE;
    let shared = map(0, 1, rights, MAP_SHARED | MAP_GROWSDOWN);
    ensure_eq!(shared, Err(Errno::EINVAL));
    for kind in [MAP_SHARED, MAP_PRIVATE] {
        let flags = (kind | MAP_GROWSDOWN) as usize;
        let words = [0, PAGE_SIZE, rights as usize, flags, open as usize, 0];
        ensure_eq!(arbitrary(__NR_mmap, words), Err(Errno::EINVAL));
    }
    map(0, 1, rights, MAP_PRIVATE | MAP_GROWSDOWN)?;
    Ok(())
}

/// A page that grows down, far from all others.
fn stack() -> Result<usize> {
    const FREE: usize = 0x1234_0000_0000;
    let flags = MAP_PRIVATE | MAP_GROWSDOWN | MAP_FIXED;
    map(FREE, 1, PROT_READ | PROT_WRITE, flags)
}

fn a_stack_counts_against_all_memory() -> Outcome {
    let stack = stack()?;
    let sizes = file::text("/proc/self/statm")?;
    let mapped: usize = sizes
        .split_whitespace()
        .next()
        .and_then(|it| it.parse().ok())
        .ok_or(Errno::EIO)?;
    let most = ((mapped + 20) * PAGE_SIZE) as u64;
    set_limit(ADDRESS_SPACE, most, most)?;
    ensure_eq!(killed_by(stack - 200 * PAGE_SIZE, true)?, Some(SIGSEGV));
    ensure_eq!(killed_by(stack - 10 * PAGE_SIZE, true)?, None);
    Ok(())
}

fn a_locked_stack_counts_against_locked_memory() -> Outcome {
    let status = in_child(|| {
        let most = 8 * PAGE_SIZE as u64;
        set_limit(LOCKED, most, most)?;
        user_lib::process::set_user_id(crate::tool::NOBODY)?;
        let stack = stack()?;
        let words = [stack, PAGE_SIZE, 0, 0, 0, 0];
        arbitrary(user_lib::linux::__NR_mlock, words)?;
        memory::write_byte(stack - 4 * PAGE_SIZE, 1);
        memory::write_byte(stack - 100 * PAGE_SIZE, 1);
        Ok(0)
    })?;
    ensure_eq!(status.killed_by(), Some(SIGSEGV));
    Ok(())
}

fn a_mapping_of_several_parts_shrinks() -> Outcome {
    let own = Mapping::new(6 * PAGE_SIZE, Sharing::Private)?;
    own.write(0, 5);
    own.protect(2 * PAGE_SIZE, PAGE_SIZE, PROT_READ)?;
    ensure_eq!(remap(own.address(), [6, 4], [0, 0]), Ok(own.address()));
    ensure_eq!(own.read(0), 5);
    ensure_eq!(own.read(3 * PAGE_SIZE), 0);
    let gone = own.address() + 4 * PAGE_SIZE;
    ensure_eq!(killed_by(gone, false)?, Some(SIGSEGV));
    let all = remap(own.address(), [4, 5], [MAY_MOVE, 0]);
    ensure_eq!(all, Err(Errno::EFAULT));
    // Nothing goes where the move cannot begin.
    let other = Mapping::new(PAGE_SIZE, Sharing::Private)?;
    other.write(0, 8);
    let to = [MAY_MOVE | FIXED, other.address()];
    ensure_eq!(remap(own.address(), [4, 4], to), Err(Errno::EFAULT));
    ensure_eq!(other.read(0), 8);
    Ok(())
}

fn no_bytes_of_shared_memory_are_mapped_once_more() -> Outcome {
    let shared = Mapping::new(2 * PAGE_SIZE, Sharing::Shared)?;
    let at = shared.address() + PAGE_SIZE;
    memory::write_byte(at, 4);
    let again = remap(at, [0, 1], [MAY_MOVE, 0])?;
    ensure!(again != at);
    ensure_eq!(memory::read_byte(again), 4);
    memory::write_byte(again, 6);
    ensure_eq!(memory::read_byte(at), 6);
    ensure_eq!(remap(at, [0, 1], [0, 0]), Err(Errno::ENOMEM));
    let own = Mapping::new(PAGE_SIZE, Sharing::Private)?;
    let none = remap(own.address(), [0, 1], [MAY_MOVE, 0]);
    ensure_eq!(none, Err(Errno::EINVAL));
    Ok(())
}

/// Makes as many mappings as there may be; where they begin.
fn many_mappings() -> Result<usize> {
    const PAGES: usize = 70_000;
    let start = map(0, PAGES, PROT_NONE, MAP_PRIVATE)?;
    let mut at = start + PAGE_SIZE;
    loop {
        let words = [at, PAGE_SIZE, PROT_READ as usize, 0, 0, 0];
        match arbitrary(__NR_mprotect, words) {
            Ok(_) => at += 2 * PAGE_SIZE,
            Err(Errno::ENOMEM) => return Ok(start),
            Err(error) => return Err(error),
        }
    }
}

fn a_move_that_fails_moves_nothing() -> Outcome {
    let rights = PROT_READ | PROT_WRITE;
    let place = map(0, 3, rights, MAP_PRIVATE)?;
    memory::write_byte(place + PAGE_SIZE, 7);
    let start = many_mappings()?;
    let mut has_failed = false;
    for step in 0..8 {
        match remap(place + PAGE_SIZE, [1, 2], [MAY_MOVE, 0]) {
            Ok(new) => {
                ensure_eq!(memory::read_byte(new), 7);
                ensure!(has_failed);
                return Ok(());
            }
            Err(error) => ensure_eq!(error, Errno::ENOMEM),
        }
        has_failed = true;
        ensure_eq!(memory::read_byte(place + PAGE_SIZE), 7);
        // One mapping less.
        let words = [start + step * PAGE_SIZE, PAGE_SIZE, 0, 0, 0, 0];
        arbitrary(__NR_munmap, words)?;
    }
    // It never moves.
    ensure!(!has_failed);
    Ok(())
}

fn rights_that_are_not_known_are_refused_later() -> Outcome {
    const SEMAPHORE: u32 = 8;
    const UNKNOWN: u32 = 0x40;
    let address = map(0, 1, PROT_READ | UNKNOWN, MAP_PRIVATE)?;
    let protect = |rights: u32| {
        let words = [address, PAGE_SIZE, rights as usize, 0, 0, 0];
        arbitrary(__NR_mprotect, words)
    };
    protect(PROT_READ | PROT_WRITE | SEMAPHORE)?;
    memory::write_byte(address, 1);
    ensure_eq!(protect(PROT_READ | UNKNOWN), Err(Errno::EINVAL));
    Ok(())
}

fn nothing_is_past_the_end_of_all_addresses() -> Outcome {
    const END: usize = 1 << 48;
    const DONTNEED: usize = 4;
    let protect = |address: usize, length: usize| {
        let words = [address, length, PROT_READ as usize, 0, 0, 0];
        arbitrary(__NR_mprotect, words)
    };
    ensure_eq!(protect(END - PAGE_SIZE, 2 * PAGE_SIZE), Err(Errno::ENOMEM));
    ensure_eq!(protect(PAGE_SIZE, usize::MAX), Err(Errno::ENOMEM));
    ensure_eq!(protect(1, 0), Err(Errno::EINVAL));
    let words = [END - PAGE_SIZE, 2 * PAGE_SIZE, DONTNEED, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_madvise, words), Err(Errno::ENOMEM));
    let words = [PAGE_SIZE, usize::MAX, DONTNEED, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_madvise, words), Err(Errno::EINVAL));
    Ok(())
}

fn low_addresses_are_not_for_everybody() -> Outcome {
    let status = in_child(|| {
        user_lib::process::set_user_id(crate::tool::NOBODY)?;
        let low = map(PAGE_SIZE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
        ensure_eq!(low, Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}
