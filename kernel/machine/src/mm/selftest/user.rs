//! Copies through user addresses. Nobody handles faults while these run, so
//! a page is there because it was touched before, or the copy fails.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::region::{HIGHEST, Protection};

use super::check::{Outcome, ensure};
use super::space::{map_at, new_space};
use crate::mm::AddressSpace;
use crate::mm::user::{self, UserSlice};

const RW: Protection = Protection::READ.union(Protection::WRITE);
const BASE: usize = 0x40_0000;
const SIZE: usize = 3 * PAGE_SIZE;

/// A space that is active as long as this lives: three pages, touched.
struct Active(Arc<AddressSpace>);

impl Active {
    fn new() -> Result<Self, &'static str> {
        let space = new_space()?;
        map_at(&space, BASE, SIZE / PAGE_SIZE, RW)?;
        let touched = space.write_at(BASE, &[0; SIZE]);
        touched.map_err(|_| "write_at failed")?;
        space.activate();
        Ok(Self(space))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        AddressSpace::deactivate();
    }
}

fn slice(address: usize, length: usize) -> Result<UserSlice, &'static str> {
    UserSlice::new(address, length).map_err(|_| "a good slice was refused")
}

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + seed + 1) as u8).collect()
}

pub fn copies_are_exact() -> Outcome {
    let _active = Active::new()?;
    let whole = slice(BASE, SIZE)?;
    for length in (0..200).chain([511, 1000, 4096, 5000]) {
        for offset in [0, 1, 7, 63, PAGE_SIZE - 100] {
            let data = pattern(length, offset);
            let mut all = vec![0xee; SIZE];
            let mut back = vec![0; length];
            let done = whole
                .write(0, &all)
                .and_then(|()| whole.write(offset, &data))
                .and_then(|()| whole.read(offset, &mut back))
                .and_then(|()| whole.read(0, &mut all));
            ensure(done.is_ok(), "a copy failed")?;
            ensure(back == data, "a copy changed bytes")?;
            let around = all[..offset].iter().chain(&all[offset + length..]);
            let is_kept = around.copied().all(|byte| byte == 0xee);
            ensure(is_kept, "a copy wrote beside its range")?;
            let done = whole
                .zero(offset, length)
                .and_then(|()| whole.read(0, &mut all));
            ensure(done.is_ok(), "clearing failed")?;
            let count = all.iter().filter(|&&byte| byte == 0).count();
            ensure(count == length, "clearing missed its range")?;
        }
    }
    Ok(())
}

pub fn bad_addresses_fault() -> Outcome {
    let active = Active::new()?;
    let mut bytes = [0; 100];
    for start in [0, 8, BASE - 1, BASE + SIZE - 99, HIGHEST - 100] {
        let unmapped = slice(start, 100)?;
        let read = unmapped.read(0, &mut bytes);
        ensure(read == Err(Errno::EFAULT), "an unmapped page was read")?;
        let write = unmapped.write(0, &bytes);
        ensure(write == Err(Errno::EFAULT), "an unmapped page was written")?;
        let zero = unmapped.zero(0, 100);
        ensure(zero == Err(Errno::EFAULT), "an unmapped page was cleared")?;
    }
    let kernel = core::ptr::from_ref(&bytes).addr();
    for start in [kernel, HIGHEST - 99, usize::MAX, usize::MAX - 99, 1 << 63] {
        let refused = UserSlice::new(start, 100).is_err();
        ensure(refused, "a kernel address was taken")?;
    }
    let done = active.0.protect(BASE, SIZE, Protection::READ);
    ensure(done.is_ok(), "protect failed")?;
    let read_only = slice(BASE, 100)?;
    let write = read_only.write(0, &bytes);
    ensure(write == Err(Errno::EFAULT), "a read-only page was written")?;
    ensure(read_only.read(0, &mut bytes).is_ok(), "reading failed")?;
    let exchange = user::compare_exchange_word(BASE, 0, 1);
    ensure(exchange == Err(Errno::EFAULT), "a read-only word was changed")?;
    let over = read_only.read(60, &mut bytes);
    ensure(over == Err(Errno::EFAULT), "a slice was left")
}

pub fn strings_end_or_fail() -> Outcome {
    let _active = Active::new()?;
    let text = pattern(300, 0).iter().map(|b| b | 1).collect::<Vec<u8>>();
    let whole = slice(BASE, SIZE)?;
    for start in [0, 1, PAGE_SIZE - 150, SIZE - 301] {
        ensure(whole.write(start, &text).is_ok(), "a write failed")?;
        ensure(whole.zero(start + 300, 1).is_ok(), "a write failed")?;
        let read = user::read_cstr(BASE + start, 4096);
        ensure(read.is_ok_and(|s| s == text), "a string came out wrong")?;
        let long = user::read_cstr(BASE + start, 300);
        let is_refused = long == Err(Errno::ENAMETOOLONG);
        ensure(is_refused, "a string was too long unnoticed")?;
    }
    ensure(whole.write(SIZE - 1, b"x").is_ok(), "a write failed")?;
    let open = user::read_cstr(BASE + SIZE - 100, 4096);
    ensure(open == Err(Errno::EFAULT), "a string ran off its page")
}

pub fn words_are_exchanged() -> Outcome {
    let _active = Active::new()?;
    let word = BASE + 16;
    ensure(user::write_value(word, &5u32).is_ok(), "a write failed")?;
    ensure(user::load_word(word) == Ok(5), "a load failed")?;
    let failed = user::compare_exchange_word(word, 4, 9);
    ensure(failed == Ok(5), "a wrong word was reported")?;
    let done = user::compare_exchange_word(word, 5, 9);
    ensure(done == Ok(5), "an exchange failed")?;
    let value = user::read_value::<u64>(word);
    ensure(value == Ok(9), "an exchange was lost")?;
    let odd = user::load_word(word + 1);
    ensure(odd == Err(Errno::EINVAL), "an odd address was taken")?;
    let outside = user::load_word(8);
    ensure(outside == Err(Errno::EFAULT), "an unmapped word was loaded")?;
    let outside = user::compare_exchange_word(8, 0, 0);
    ensure(outside == Err(Errno::EFAULT), "an unmapped word was changed")
}

pub fn spaces_are_apart() -> Outcome {
    let mut spaces = Vec::new();
    for index in 0..300u64 {
        let active = Active::new()?;
        let done = user::write_value(BASE, &index);
        ensure(done.is_ok(), "a write failed")?;
        spaces.push(active.0.clone());
    }
    for round in 0..3 {
        for (index, space) in spaces.iter().enumerate() {
            space.activate();
            let seen = user::read_value::<u64>(BASE);
            let expected = index as u64 + (round << 32);
            ensure(seen == Ok(expected), "a space saw another's page")?;
            let done = user::write_value(BASE, &(expected + (1 << 32)));
            ensure(done.is_ok(), "a write failed")?;
        }
    }
    AddressSpace::deactivate();
    let seen = user::read_value::<u64>(BASE);
    ensure(seen.is_err(), "a space stayed active")
}

pub fn tlb_forgets() -> Outcome {
    let active = Active::new()?;
    let space = &active.0;
    ensure(user::write_value(BASE, &1u64).is_ok(), "a write failed")?;
    let child = space.fork().map_err(|_| "fork failed")?;
    let write = user::write_value(BASE, &2u64);
    ensure(write.is_err(), "fork left a page writable")?;
    drop(child);
    let done = space.write_at(BASE, &[3]);
    ensure(done.is_ok(), "write_at failed")?;
    ensure(user::write_value(BASE, &4u64).is_ok(), "a page stayed closed")?;
    ensure(space.unmap(BASE, PAGE_SIZE).is_ok(), "unmap failed")?;
    let read = user::read_value::<u64>(BASE);
    ensure(read.is_err(), "an unmapped page was read")?;
    let other = user::read_value::<u64>(BASE + PAGE_SIZE);
    ensure(other.is_ok(), "unmap took too much")
}
