//! What programs say and ask of their memory: `madvise`, `mlock`, `mincore`,
//! `msync`, and what `/proc` tells of it.

use alloc::format;
use alloc::string::String;
use alloc::vec;

use user_lib::linux::{
    __NR_madvise, __NR_mincore, __NR_mlock, __NR_mlock2, __NR_mlockall,
    __NR_mmap, __NR_msync, __NR_munlock, __NR_munlockall,
    __NR_remap_file_pages, MAP_ANONYMOUS, MAP_POPULATE, MAP_PRIVATE, O_RDONLY,
    PROT_NONE, PROT_READ, PROT_WRITE, SIGSEGV,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, memory};

use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_child, tests};

tests! {
    wiped_memory_is_zero_in_a_child
    unforked_memory_is_not_there_in_a_child
    advice_that_is_not_known_is_refused
    discarded_memory_is_zero
    populated_memory_is_there
    presence_is_told_page_by_page
    locked_memory_is_there_and_told
    locks_of_all_memory_hold_for_new_memory
    ranges_for_msync_are_checked
    regions_are_told_in_detail
    pages_of_a_shared_mapping_change_places
}

const DONTNEED: usize = 4;
const FREE: usize = 8;
const REMOVE: usize = 9;
const DONTFORK: usize = 10;
const DOFORK: usize = 11;
const MERGEABLE: usize = 12;
const DONTDUMP: usize = 16;
const WIPEONFORK: usize = 18;
const KEEPONFORK: usize = 19;
const POPULATE_READ: usize = 22;
const POPULATE_WRITE: usize = 23;

fn call(number: u32, words: [usize; 3]) -> Result<usize> {
    let [a, b, c] = words;
    arbitrary(number, [a, b, c, 0, 0, 0])
}

fn advise(mapping: &Mapping, advice: usize) -> Result<usize> {
    call(__NR_madvise, [mapping.address(), mapping.length(), advice])
}

fn private(pages: usize) -> Result<Mapping> {
    Mapping::new(pages * PAGE_SIZE, Sharing::Private)
}

fn wiped_memory_is_zero_in_a_child() -> Outcome {
    let mapping = private(2)?;
    mapping.write(1, 7);
    advise(&mapping, WIPEONFORK)?;
    let found = || in_child(|| Ok(mapping.read(1).into()));
    ensure_eq!(found()?.exit_code(), Some(0));
    ensure_eq!(mapping.read(1), 7);
    // It is so in the child's own children.
    let status = in_child(|| {
        mapping.write(1, 9);
        Ok(found()?.exit_code().unwrap_or(99))
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    advise(&mapping, KEEPONFORK)?;
    ensure_eq!(found()?.exit_code(), Some(7));
    let shared = Mapping::new(PAGE_SIZE, Sharing::Shared)?;
    ensure_eq!(advise(&shared, WIPEONFORK), Err(Errno::EINVAL));
    Ok(())
}

fn unforked_memory_is_not_there_in_a_child() -> Outcome {
    let mapping = private(1)?;
    mapping.write(1, 7);
    advise(&mapping, DONTFORK)?;
    let found = || in_child(|| Ok(mapping.read(1).into()));
    ensure_eq!(found()?.killed_by(), Some(SIGSEGV));
    advise(&mapping, DOFORK)?;
    ensure_eq!(found()?.exit_code(), Some(7));
    Ok(())
}

fn advice_that_is_not_known_is_refused() -> Outcome {
    let mapping = private(3)?;
    for advice in [5, REMOVE, MERGEABLE, 14, 15, 26, 100, 1212] {
        ensure_eq!(
            (advice, advise(&mapping, advice)),
            (advice, Err(Errno::EINVAL))
        );
    }
    let [start, length] = [mapping.address(), mapping.length()];
    let at =
        |start, length, advice| call(__NR_madvise, [start, length, advice]);
    ensure_eq!(at(start + 1, length, 0), Err(Errno::EINVAL));
    ensure_eq!(at(start, usize::MAX - 99, 0), Err(Errno::EINVAL));
    ensure_eq!(at(start, 0, 0), Ok(0));
    mapping.unmap(PAGE_SIZE, PAGE_SIZE)?;
    for advice in [0, 3, DONTNEED, DONTFORK, DONTDUMP, POPULATE_READ] {
        ensure_eq!(
            (advice, at(start, length, advice)),
            (advice, Err(Errno::ENOMEM))
        );
    }
    Ok(())
}

fn discarded_memory_is_zero() -> Outcome {
    let mapping = private(2)?;
    for advice in [DONTNEED, FREE] {
        mapping.write(PAGE_SIZE, 7);
        advise(&mapping, advice)?;
        // Free memory may stay for a while.
        ensure!(mapping.read(PAGE_SIZE) == 0 || advice == FREE);
    }
    call(__NR_mlock, [mapping.address(), PAGE_SIZE, 0])?;
    ensure_eq!(advise(&mapping, DONTNEED), Err(Errno::EINVAL));
    Ok(())
}

/// For each page, whether it is in memory.
fn presence(address: usize, pages: usize) -> Result<alloc::vec::Vec<u8>> {
    let mut found = vec![0x55; pages];
    let place = found.as_mut_ptr() as usize;
    call(__NR_mincore, [address, pages * PAGE_SIZE, place])?;
    Ok(found)
}

fn populated_memory_is_there() -> Outcome {
    let mapping = private(3)?;
    ensure_eq!(presence(mapping.address(), 3)?, [0, 0, 0]);
    advise(&mapping, POPULATE_WRITE)?;
    ensure_eq!(presence(mapping.address(), 3)?, [1, 1, 1]);
    mapping.protect(0, PAGE_SIZE, PROT_READ)?;
    ensure_eq!(advise(&mapping, POPULATE_WRITE), Err(Errno::EINVAL));
    ensure_eq!(advise(&mapping, POPULATE_READ), Ok(0));
    let flags = (MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE) as usize;
    let rights = (PROT_READ | PROT_WRITE) as usize;
    let length = 5 * PAGE_SIZE;
    let none = usize::MAX;
    let address = arbitrary(__NR_mmap, [0, length, rights, flags, none, 0])?;
    ensure_eq!(presence(address, 5)?, [1; 5]);
    Ok(())
}

fn presence_is_told_page_by_page() -> Outcome {
    let mapping = private(1030)?;
    for page in [0, 511, 512, 1029] {
        mapping.write(page * PAGE_SIZE, 1);
    }
    let found = presence(mapping.address(), 1030)?;
    let there = |page: &usize| [0, 511, 512, 1029].contains(page);
    ensure!((0..1030).all(|page| (found[page] == 1) == there(&page)));
    let [start, length] = [mapping.address(), mapping.length()];
    let ask = |words| call(__NR_mincore, words);
    ensure_eq!(ask([start + 1, length, start]), Err(Errno::EINVAL));
    ensure_eq!(ask([start, length, 1]), Err(Errno::EFAULT));
    ensure_eq!(ask([start, usize::MAX, start]), Err(Errno::ENOMEM));
    let answer = private(1)?;
    let place = answer.address();
    mapping.unmap(PAGE_SIZE, PAGE_SIZE)?;
    ensure_eq!(ask([start, 2 * PAGE_SIZE, place]), Err(Errno::ENOMEM));
    Ok(())
}

/// A figure of `/proc/self/status`, in KiB.
fn figure(name: &str) -> core::result::Result<u64, Failure> {
    let text = file::text("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.split_whitespace().next());
    let number = word.and_then(|word| word.parse().ok());
    number.ok_or(Failure(String::from("no such figure")))
}

fn locked_memory_is_there_and_told() -> Outcome {
    let mapping = private(6)?;
    let start = mapping.address();
    let before = figure("VmLck:")?;
    // A range that ends within pages takes them whole.
    call(__NR_mlock, [start + 100, PAGE_SIZE, 0])?;
    ensure_eq!(figure("VmLck:")?, before + 8);
    ensure_eq!(presence(start, 3)?, [1, 1, 0]);
    call(__NR_munlock, [start + 1, 1, 0])?;
    ensure_eq!(figure("VmLck:")?, before + 4);
    const ON_FAULT: usize = 1;
    call(__NR_mlock2, [start + 4 * PAGE_SIZE, PAGE_SIZE, ON_FAULT])?;
    ensure_eq!(figure("VmLck:")?, before + 8);
    ensure_eq!(presence(start + 4 * PAGE_SIZE, 1)?, [0]);
    ensure_eq!(call(__NR_mlock2, [start, 1, 2]), Err(Errno::EINVAL));
    // A child has its memory without the locks.
    let status = in_child(|| Ok(i32::from(figure("VmLck:")? != 0)))?;
    ensure_eq!(status.exit_code(), Some(0));
    mapping.unmap(2 * PAGE_SIZE, PAGE_SIZE)?;
    let lock = |number| call(number, [start, 4 * PAGE_SIZE, 0]);
    ensure_eq!(lock(__NR_mlock), Err(Errno::ENOMEM));
    ensure_eq!(lock(__NR_munlock), Err(Errno::ENOMEM));
    mapping.protect(3 * PAGE_SIZE, PAGE_SIZE, PROT_NONE)?;
    let place = start + 3 * PAGE_SIZE;
    ensure_eq!(call(__NR_mlock, [place, 1, 0]), Err(Errno::ENOMEM));
    Ok(())
}

fn locks_of_all_memory_hold_for_new_memory() -> Outcome {
    const CURRENT: usize = 1;
    const FUTURE: usize = 2;
    for flags in [0, 4, 8, 1 << 20] {
        let result = call(__NR_mlockall, [flags, 0, 0]);
        ensure_eq!((flags, result), (flags, Err(Errno::EINVAL)));
    }
    call(__NR_mlockall, [CURRENT | FUTURE, 0, 0])?;
    let locked = figure("VmLck:")?;
    ensure!(locked > 0);
    let mapping = private(4)?;
    ensure_eq!(presence(mapping.address(), 4)?, [1; 4]);
    ensure_eq!(figure("VmLck:")?, locked + 16);
    call(__NR_munlockall, [0, 0, 0])?;
    ensure_eq!(figure("VmLck:")?, 0);
    let mapping = private(4)?;
    ensure_eq!(presence(mapping.address(), 4)?, [0; 4]);
    Ok(())
}

fn ranges_for_msync_are_checked() -> Outcome {
    const ASYNC: usize = 1;
    const INVALIDATE: usize = 2;
    const SYNC: usize = 4;
    let mapping = private(3)?;
    let start = mapping.address();
    let sync = |start, flags| call(__NR_msync, [start, 100, flags]);
    ensure_eq!(sync(start, SYNC), Ok(0));
    ensure_eq!(sync(start + 1, SYNC), Err(Errno::EINVAL));
    ensure_eq!(sync(start, SYNC | ASYNC), Err(Errno::EINVAL));
    ensure_eq!(sync(start, 8), Err(Errno::EINVAL));
    call(__NR_mlock, [start, 1, 0])?;
    ensure_eq!(sync(start, INVALIDATE), Err(Errno::EBUSY));
    mapping.unmap(PAGE_SIZE, PAGE_SIZE)?;
    ensure_eq!(sync(start + PAGE_SIZE, SYNC), Err(Errno::ENOMEM));
    Ok(())
}

fn regions_are_told_in_detail() -> Outcome {
    let mapping = private(4)?;
    mapping.write(PAGE_SIZE, 1);
    advise(&mapping, DONTDUMP)?;
    call(__NR_mlock, [mapping.address(), 2 * PAGE_SIZE, 0])?;
    let text = file::text("/proc/self/smaps")?;
    let head = format!("{:08x}-", mapping.address());
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&head));
    lines.next();
    let eight = Some(String::from("8"));
    let mut next = |name: &str| {
        let line = lines.find(|line| line.starts_with(name));
        let words = line.map(|line| line.split_whitespace().nth(1));
        words.flatten().map(String::from)
    };
    ensure_eq!(next("Size:"), eight);
    ensure_eq!(next("Rss:"), eight);
    ensure_eq!(next("Private_Dirty:"), eight);
    ensure_eq!(next("Anonymous:"), eight);
    ensure_eq!(next("Locked:"), eight);
    let flags = text.lines().skip_while(|line| !line.starts_with(&head));
    let flags = flags.into_iter().find(|line| line.starts_with("VmFlags:"));
    ensure_eq!(flags, Some("VmFlags: rd wr mr mw me lo ac dd "));
    let sums = file::text("/proc/self/smaps_rollup")?;
    ensure!(sums.lines().next().is_some_and(|it| it.ends_with("[rollup]")));
    // The second page of the unlocked half is not there.
    let pages = file::open("/proc/self/pagemap", O_RDONLY, 0)?;
    let mut entries = [0; 4 * 8];
    let place = mapping.address() / PAGE_SIZE * 8;
    file::seek(pages, place as i64, 0)?;
    ensure_eq!(file::read(pages, &mut entries)?, entries.len());
    let present = |page: usize| entries[page * 8 + 7] >> 7;
    ensure_eq!([0, 1, 2, 3].map(present), [1, 1, 0, 0]);
    ensure_eq!(file::read(pages, &mut entries[..7]), Err(Errno::EINVAL));
    Ok(())
}

fn pages_of_a_shared_mapping_change_places() -> Outcome {
    let shared = Mapping::new(3 * PAGE_SIZE, Sharing::Shared)?;
    (0..3).for_each(|page| shared.write(page * PAGE_SIZE, page as u8 + 1));
    let show = |address: usize, first: usize| {
        let words = [address, PAGE_SIZE, 0, first, 0, 0];
        arbitrary(__NR_remap_file_pages, words)
    };
    show(shared.address(), 2)?;
    let read =
        |page: usize| memory::read_byte(shared.address() + page * PAGE_SIZE);
    ensure_eq!([0, 1, 2].map(read), [3, 2, 3]);
    shared.write(0, 9);
    ensure_eq!(shared.read(2 * PAGE_SIZE), 9);
    let own = private(1)?;
    ensure_eq!(show(own.address(), 0), Err(Errno::EINVAL));
    Ok(())
}
