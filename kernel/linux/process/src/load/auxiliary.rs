//! The auxiliary vector: what a program and its dynamic linker are told of
//! themselves and of the machine (getauxval(3)).

use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::signal::MINSIGSTKSZ;
use kernel_core::executable::elf::{ENTRY_SIZE, Plan};
use kernel_core::executable::stack::{
    AT_BASE, AT_CLKTCK, AT_EGID, AT_ENTRY, AT_EUID, AT_FLAGS, AT_GID, AT_HWCAP,
    AT_HWCAP2, AT_MINSIGSTKSZ, AT_PAGESZ, AT_PHDR, AT_PHENT, AT_PHNUM,
    AT_SECURE, AT_UID,
};

use super::rights;
use crate::credentials::Credentials;
use kernel_machine::arch::cpu;
use kernel_machine::mm::PAGE_SIZE;

/// Ticks of `times` in a second.
const TICKS: u64 = 100;

/// The pairs for a program with this plan, and its linker's if it has one.
pub(super) fn auxiliary(
    credentials: &Credentials,
    plan: &Plan,
    linker: Option<&Plan>,
) -> Vec<(u64, u64)> {
    let [capabilities, more] = cpu::all_have().capabilities();
    let mut pairs = vec![
        (AT_HWCAP, capabilities),
        (AT_PAGESZ, PAGE_SIZE as u64),
        (AT_CLKTCK, TICKS),
        (AT_PHDR, plan.table_address),
        (AT_PHENT, ENTRY_SIZE as u64),
        (AT_PHNUM, plan.table_count as u64),
        (AT_BASE, linker.map_or(0, Plan::start)),
        (AT_FLAGS, 0),
        (AT_ENTRY, plan.entry),
        (AT_UID, 0),
        (AT_EUID, 0),
        (AT_GID, 0),
        (AT_EGID, 0),
        (AT_SECURE, 0),
        (AT_HWCAP2, more),
        (AT_MINSIGSTKSZ, MINSIGSTKSZ),
    ];
    rights::tell(&mut pairs, credentials);
    pairs
}
