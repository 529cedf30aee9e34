//! `capget(2)`, `capset(2)`, and what `prctl(2)` says of capabilities. The rules
//! are `kernel_core::capability`'s. The threads of a process share their sets.

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_core::capability::{ALL, Capabilities, Capability, SecureBits};
use kernel_files::permission;
use kernel_machine::mm::user;
use kernel_process::{current, group};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::CAPGET, Handler::Plain(capget)),
    (number::CAPSET, Handler::Plain(capset)),
];

/// The versions of the structures, and how many sets of 32 bits each has.
const VERSIONS: [(u32, usize); 3] =
    [(0x2008_0522, 2), (0x2007_1026, 2), (0x1998_0330, 1)];

/// Effective, permitted and inheritable capabilities, 32 of each.
type Half = [u32; 3];

/// Reads the header: the process that is meant, and the number of sets;
/// `None` after an unknown version was answered with the known one.
fn read_header(
    address: usize,
) -> core::result::Result<Option<(i32, usize)>, Errno> {
    let [version, id]: [u32; 2] = user::read_value(address)?;
    match VERSIONS.iter().find(|known| known.0 == version) {
        Some((_, sets)) => Ok(Some((id as i32, *sets))),
        None => {
            user::write_value(address, &VERSIONS[0].0)?;
            Ok(None)
        }
    }
}

/// The halves of the three sets that programs see.
fn halves(sets: &Capabilities) -> [Half; 2] {
    let all = [sets.effective, sets.permitted, sets.inheritable];
    [0, 32].map(|shift| all.map(|set| (set.bits() >> shift) as u32))
}

fn capget(args: &Args) -> Result {
    let Some((id, count)) = read_header(args.x[0])? else {
        // Asking for the version alone is no error.
        return if args.x[1] == 0 { Ok(0) } else { Err(Errno::EINVAL) };
    };
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let sets = group::named(id)?.credentials.lock().capabilities;
    for (at, set) in halves(&sets)[..count].iter().enumerate() {
        let place = args.x[1].wrapping_add(at * size_of::<Half>());
        user::write_value(place, set)?;
    }
    Ok(0)
}

fn capset(args: &Args) -> Result {
    let (id, count) = read_header(args.x[0])?.ok_or(Errno::EINVAL)?;
    if id != 0 && id != current().id() as i32 {
        return Err(Errno::EPERM);
    }
    let mut sets = [0_u64; 3];
    for at in 0..count {
        let place = args.x[1].wrapping_add(at * size_of::<Half>());
        let half: Half = user::read_value(place)?;
        for (set, half) in sets.iter_mut().zip(half) {
            *set |= u64::from(half) << (32 * at);
        }
    }
    // Bits beyond the last capability mean nothing.
    let sets = sets.map(|set| Capability::from_bits_retain(set) & ALL);
    change(|own| own.set(sets))
}

/// Changes what the running process may do.
fn change(
    change: impl FnOnce(&mut Capabilities) -> core::result::Result<(), Errno>,
) -> Result {
    permission::enforce();
    let process = &current().process;
    change(&mut process.credentials.lock().capabilities)?;
    process.rights_changed();
    Ok(0)
}

/// `PR_GET_KEEPCAPS`
pub(super) const GET_KEEPCAPS: i32 = 7;
/// `PR_SET_KEEPCAPS`
pub(super) const SET_KEEPCAPS: i32 = 8;
/// `PR_CAPBSET_READ`
pub(super) const CAPBSET_READ: i32 = 23;
/// `PR_CAPBSET_DROP`
pub(super) const CAPBSET_DROP: i32 = 24;
/// `PR_GET_SECUREBITS`
pub(super) const GET_SECUREBITS: i32 = 27;
/// `PR_SET_SECUREBITS`
pub(super) const SET_SECUREBITS: i32 = 28;
/// `PR_CAP_AMBIENT`
pub(super) const CAP_AMBIENT: i32 = 47;

/// What `prctl` says and asks of capabilities.
pub(super) fn control(option: i32, words: &[usize; 6]) -> Result {
    let value = words[1];
    let own = current().process.credentials.lock().capabilities;
    match option {
        GET_KEEPCAPS => {
            Ok(usize::from(own.secure.contains(SecureBits::KEEP_CAPS)))
        }
        SET_KEEPCAPS if value <= 1 => change(|own| own.keep(value == 1)),
        CAPBSET_READ => {
            Ok(usize::from(own.bounding.contains(Capability::numbered(value)?)))
        }
        CAPBSET_DROP => change(|own| own.drop_bounding(value)),
        GET_SECUREBITS => Ok(own.secure.bits() as usize),
        SET_SECUREBITS => change(|own| own.set_secure(value)),
        CAP_AMBIENT => ambient(words, &own),
        _ => Err(Errno::EINVAL),
    }
}

fn ambient(words: &[usize; 6], own: &Capabilities) -> Result {
    const IS_SET: usize = 1;
    const RAISE: usize = 2;
    const LOWER: usize = 3;
    const CLEAR_ALL: usize = 4;
    let [_, what, number, rest @ ..] = *words;
    if rest[..2] != [0; 2] || what == CLEAR_ALL && number != 0 {
        return Err(Errno::EINVAL);
    }
    if what == CLEAR_ALL {
        return change(|own| {
            own.ambient = Capability::empty();
            Ok(())
        });
    }
    let capability = Capability::numbered(number)?;
    match what {
        IS_SET => Ok(usize::from(own.ambient.contains(capability))),
        RAISE => change(|own| own.raise_ambient(capability)),
        LOWER => change(|own| {
            own.ambient -= capability;
            Ok(())
        }),
        _ => Err(Errno::EINVAL),
    }
}
