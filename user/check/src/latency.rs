//! No system call makes a freeze or a `SIGKILL` wait for longer than a
//! millisecond, whatever it is asked to do.
//!
//! The checked kernel measures the longest stretches between two points where
//! a task could freeze. Where time is counted in instructions
//! (`check --exact`) they must be short; elsewhere the host decides how long
//! an instruction takes, and the calls must only do what they should.
//!
//! The figures of a bad kernel are far above: before, the calls here took 2 to
//! 140 ms.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use user_lib::linux::{
    __NR_ftruncate, __NR_getrandom, __NR_madvise, __NR_mmap, __NR_mprotect,
    __NR_munmap, __NR_preadv, __NR_process_vm_readv, __NR_pwrite64,
    __NR_pwritev, MAP_ANONYMOUS, MAP_PRIVATE, O_CREAT, O_RDONLY, O_RDWR,
    PROT_NONE, PROT_READ,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing, read_byte};
use user_lib::syscall::arbitrary;
use user_lib::{environment, file, println, process};

use super::tool::{
    Failure, Outcome, ensure, ensure_eq, fresh_path, in_child, is_exact, tests,
};
use user_lib::child::Child;

tests! {
    the_longest_stretches_are_measured: STRETCHES
    many_page_tables_are_unmapped_in_pieces: STRETCHES
    much_memory_is_unmapped_in_pieces: STRETCHES
    much_memory_is_left_in_pieces: STRETCHES
    a_sparse_space_is_copied_in_pieces: STRETCHES
    memory_of_another_is_read_in_pieces: STRETCHES
    a_hole_is_read_in_pieces: STRETCHES
    a_long_write_is_done_in_pieces: STRETCHES
    a_file_is_cut_in_pieces: STRETCHES
    many_regions_are_shown_and_joined_in_pieces: STRETCHES
    many_regions_take_advice_at_once: STRETCHES
    many_arguments_are_copied_in_pieces: STRETCHES
    random_bytes_are_made_in_pieces: STRETCHES
    the_longest_stretches_are_shown: STRETCHES
}

/// The longest stretches, a line for each: nanoseconds, and where.
pub const STRETCHES: &str = "/sys/power/longest_stretches";
/// The longest that may be.
const MOST_NS: u64 = 1_000_000;
/// What one page table serves.
const TABLE: usize = 2 << 20;

/// Does something, and looks how long the kernel was busy with it at a time.
pub fn measure(work: impl FnOnce() -> Outcome) -> Outcome {
    work()?;
    let text = file::text(STRETCHES)?;
    let first = text.lines().next().unwrap_or("").split(' ').next();
    let ns: Option<u64> = first.and_then(|word| word.parse().ok());
    if ns.is_some_and(|ns| ns <= MOST_NS || !is_exact()) {
        return Ok(());
    }
    // What comes next is not to blame.
    file::overwrite(STRETCHES, b"0")?;
    Err(Failure(text.replace('\n', "; ")))
}

/// A call of known length is among them.
fn the_longest_stretches_are_measured() -> Outcome {
    const BYTES_PER_NS: u64 = 64;
    file::overwrite(STRETCHES, b"0")?;
    let mut buffer = vec![1; 48 << 10];
    let zeros = file::open("/dev/zero", O_RDONLY, 0)?;
    file::read(zeros, &mut buffer)?;
    file::close(zeros)?;
    let text = file::text(STRETCHES)?;
    let reads = text.lines().find_map(|line| line.strip_suffix(" call 63"));
    let ns: u64 = reads.and_then(|ns| ns.parse().ok()).unwrap_or(0);
    ensure!(ns >= buffer.len() as u64 / BYTES_PER_NS);
    let shown = text.lines().count();
    ensure!((2..=10).contains(&shown));
    Ok(())
}

/// Addresses that can be read, or not even that; no memory is promised.
fn reserve(length: usize, protection: u32) -> Result<usize, Failure> {
    let flags = (MAP_PRIVATE | MAP_ANONYMOUS) as usize;
    let arguments = [0, length, protection as usize, flags, usize::MAX, 0];
    Ok(arbitrary(__NR_mmap, arguments)?)
}

fn unmap(address: usize, length: usize) -> Outcome {
    arbitrary(__NR_munmap, [address, length, 0, 0, 0, 0])?;
    Ok(())
}

/// Memory of so many page tables, one page in each.
fn sparse(tables: usize) -> Result<usize, Failure> {
    let address = reserve(tables * TABLE, PROT_READ)?;
    for table in 0..tables {
        read_byte(address + table * TABLE);
    }
    Ok(address)
}

fn many_page_tables_are_unmapped_in_pieces() -> Outcome {
    const TABLES: usize = 5000;
    let address = sparse(TABLES)?;
    measure(|| unmap(address, TABLES * TABLE))
}

/// Memory with all its pages.
fn touched(length: usize) -> Result<Mapping, Failure> {
    let memory = Mapping::new(length, Sharing::Private)?;
    for offset in (0..length).step_by(PAGE_SIZE) {
        memory.write(offset, 1);
    }
    Ok(memory)
}

fn much_memory_is_unmapped_in_pieces() -> Outcome {
    const LENGTH: usize = 48 << 20;
    let memory = touched(LENGTH)?;
    measure(|| Ok(memory.unmap(0, LENGTH)?))
}

fn much_memory_is_left_in_pieces() -> Outcome {
    measure(|| {
        let status = in_child(|| {
            let memory = touched(32 << 20)?;
            Ok(i32::from(memory.read(0) != 1))
        })?;
        ensure_eq!(status.exit_code(), Some(0));
        Ok(())
    })
}

fn a_sparse_space_is_copied_in_pieces() -> Outcome {
    const TABLES: usize = 2000;
    let address = sparse(TABLES)?;
    measure(|| {
        let last = address + (TABLES - 1) * TABLE;
        let status = in_child(|| Ok(i32::from(read_byte(last))))?;
        ensure_eq!(status.exit_code(), Some(0));
        Ok(())
    })
}

/// A buffer named so many times.
fn again_and_again(buffer: &mut [u8], times: usize) -> Vec<[usize; 2]> {
    vec![[buffer.as_mut_ptr() as usize, buffer.len()]; times]
}

fn memory_of_another_is_read_in_pieces() -> Outcome {
    const TIMES: usize = 128;
    let child = Child::start(|| {
        loop {
            user_lib::time::sleep(user_lib::time::Time::from_millis(1000));
        }
    })?;
    let (mut to, mut from) = (vec![1_u8; 1 << 20], vec![2_u8; 1 << 20]);
    let own = process::current_id() as usize;
    let local = again_and_again(&mut to, TIMES);
    let remote = again_and_again(&mut from, TIMES);
    let places = [local.as_ptr() as usize, remote.as_ptr() as usize];
    measure(|| {
        let arguments = [own, places[0], TIMES, places[1], TIMES, 0];
        let count = arbitrary(__NR_process_vm_readv, arguments)?;
        ensure_eq!(count, TIMES << 20);
        Ok(())
    })?;
    ensure!(to.iter().all(|byte| *byte == 2));
    drop(child);
    Ok(())
}

/// A new file without a name.
fn nameless(name: &str) -> Result<usize, Failure> {
    let path = fresh_path(name);
    let number = file::open(&path, O_RDWR | O_CREAT, 0o600)?;
    file::remove(&path)?;
    Ok(number as usize)
}

fn a_hole_is_read_in_pieces() -> Outcome {
    const TIMES: usize = 256;
    let hole = nameless("hole")?;
    arbitrary(__NR_ftruncate, [hole, 1 << 30, 0, 0, 0, 0])?;
    let mut buffer = vec![1_u8; 1 << 20];
    let list = again_and_again(&mut buffer, TIMES);
    measure(|| {
        let place = list.as_ptr() as usize;
        let count = arbitrary(__NR_preadv, [hole, place, TIMES, 0, 0, 0])?;
        ensure_eq!(count, TIMES << 20);
        Ok(())
    })?;
    ensure!(buffer.iter().all(|byte| *byte == 0));
    Ok(())
}

fn a_long_write_is_done_in_pieces() -> Outcome {
    const TIMES: usize = 16;
    let to = nameless("long")?;
    let mut buffer = vec![3_u8; 1 << 20];
    let list = again_and_again(&mut buffer, TIMES);
    measure(|| {
        let place = list.as_ptr() as usize;
        let count = arbitrary(__NR_pwritev, [to, place, TIMES, 0, 0, 0])?;
        ensure_eq!(count, TIMES << 20);
        Ok(())
    })?;
    measure(|| {
        let place = buffer.as_ptr() as usize;
        let arguments = [to, place, buffer.len(), 1 << 19, 0, 0];
        ensure_eq!(arbitrary(__NR_pwrite64, arguments)?, buffer.len());
        Ok(())
    })
}

fn a_file_is_cut_in_pieces() -> Outcome {
    const TIMES: usize = 24;
    let to = nameless("cut")?;
    let mut buffer = vec![4_u8; 1 << 20];
    let list = again_and_again(&mut buffer, TIMES);
    let place = list.as_ptr() as usize;
    arbitrary(__NR_pwritev, [to, place, TIMES, 0, 0, 0])?;
    measure(|| {
        arbitrary(__NR_ftruncate, [to, 100, 0, 0, 0, 0])?;
        Ok(())
    })?;
    let size = file::descriptor_status(to as i32)?.st_size;
    ensure_eq!(size, 100);
    Ok(())
}

fn many_regions_are_shown_and_joined_in_pieces() -> Outcome {
    const REGIONS: usize = 8000;
    const LENGTH: usize = 2 * REGIONS * PAGE_SIZE;
    let address = reserve(LENGTH, PROT_NONE)?;
    let protect = |start: usize, length: usize, protection: u32| {
        let arguments = [start, length, protection as usize, 0, 0, 0];
        arbitrary(__NR_mprotect, arguments)
    };
    measure(|| {
        for region in 0..REGIONS {
            let start = address + 2 * region * PAGE_SIZE;
            protect(start, PAGE_SIZE, PROT_READ)?;
        }
        let text = file::text("/proc/self/maps")?;
        ensure!(text.lines().count() >= 2 * REGIONS);
        protect(address, LENGTH, PROT_NONE)?;
        unmap(address, LENGTH)
    })
}

/// Advice on every second page cuts memory up, and advice on all joins it.
fn many_regions_take_advice_at_once() -> Outcome {
    const REGIONS: usize = 8000;
    const LENGTH: usize = 2 * REGIONS * PAGE_SIZE;
    const DONT_DUMP: usize = 16;
    const DO_DUMP: usize = 17;
    let address = reserve(LENGTH, PROT_NONE)?;
    let advise = |start: usize, length: usize, advice: usize| {
        arbitrary(__NR_madvise, [start, length, advice, 0, 0, 0])
    };
    measure(|| {
        for region in 0..REGIONS {
            let start = address + 2 * region * PAGE_SIZE;
            advise(start, PAGE_SIZE, DONT_DUMP)?;
        }
        let text = file::text("/proc/self/maps")?;
        ensure!(text.lines().count() >= 2 * REGIONS);
        advise(address, LENGTH, DO_DUMP)?;
        let text = file::text("/proc/self/maps")?;
        ensure!(text.lines().count() < REGIONS);
        unmap(address, LENGTH)
    })
}

fn many_arguments_are_copied_in_pieces() -> Outcome {
    let long: String = core::iter::repeat_n('x', 100_000).collect();
    let mut arguments = vec![String::from("true")];
    arguments.extend(vec![long; 8]);
    arguments.extend(vec![String::from("x"); 60_000]);
    measure(|| {
        let child = Child::start(|| {
            process::execute("/bin/true", &arguments, &environment());
            127
        })?;
        ensure_eq!(child.wait()?.exit_code(), Some(0));
        Ok(())
    })
}

fn random_bytes_are_made_in_pieces() -> Outcome {
    let mut bytes = vec![0_u8; 1 << 20];
    let place = bytes.as_mut_ptr() as usize;
    measure(|| {
        let arguments = [place, bytes.len(), 0, 0, 0, 0];
        ensure_eq!(arbitrary(__NR_getrandom, arguments)?, bytes.len());
        Ok(())
    })
}

/// All of this area's, and what came before it.
fn the_longest_stretches_are_shown() -> Outcome {
    measure(|| {
        println!("{}", file::text(STRETCHES)?.trim_end());
        Ok(())
    })
}
