//! `semctl(2)`.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::ipc::{
    GETALL, GETNCNT, GETPID, GETVAL, GETZCNT, IPC_INFO, IPC_RMID, IPC_SET,
    IPC_STAT, SEM_INFO, SEM_STAT, SEM_STAT_ANY, SETALL, SETVAL, SemInfo,
    SemidDs,
};
use kernel_core::capability::Capability;
use kernel_core::ipc::permission::{READ, WRITE};
use kernel_core::ipc::semaphore::VALUE_MAX;
use kernel_machine::mm::user::{self, UserSlice};
use zerocopy::IntoBytes;

use super::{SETS, Set, State, USED};
use crate::caller::{Caller, process_id};
use crate::registry::Name;
use crate::room::{now_s, zeros};
use crate::setting;

/// `semctl(2)`; `argument` is a number or an address.
///
/// # Errors
/// As there.
pub fn control(
    id: i32,
    number: i32,
    command: u32,
    argument: usize,
) -> Result<usize, Errno> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    match command {
        IPC_INFO | SEM_INFO => inform(command, argument),
        IPC_STAT => tell(Name::Id(id), true, argument).map(|_| 0),
        SEM_STAT => tell(Name::Place(id), true, argument),
        SEM_STAT_ANY => tell(Name::Place(id), false, argument),
        GETALL => get_all(id, argument),
        SETALL => set_all(id, argument),
        SETVAL => set_value(id, number, argument as i32),
        GETVAL | GETPID | GETNCNT | GETZCNT => ask(id, number, command),
        IPC_SET => {
            let new: SemidDs = user::read_value(argument)?;
            own(id, |state| state.permission.set(&new.perm)).map(|()| 0)
        }
        IPC_RMID => remove(id),
        _ => Err(Errno::EINVAL),
    }
}

/// What `body` does with the set, if the caller has the right `wanted`.
fn with<T>(
    name: Name,
    wanted: u32,
    body: impl FnOnce(&mut State, u32) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let (id, set) = SETS.find(name)?;
    let caller = Caller::new();
    let mut state = set.state.lock();
    state.permission.check(&caller.asker(), wanted)?;
    if state.is_removed {
        return Err(Errno::EIDRM);
    }
    body(&mut state, id)
}

/// What `body` does with a set of the caller's own, which changes.
fn own<T>(
    id: i32,
    body: impl FnOnce(&mut State) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let (_, set) = SETS.find(Name::Id(id))?;
    let caller = Caller::new();
    let mut state = set.state.lock();
    state.permission.check_owner(&caller.asker(), Capability::SYS_ADMIN)?;
    if state.is_removed {
        return Err(Errno::EIDRM);
    }
    let result = body(&mut state)?;
    state.ctime = now_s();
    Ok(result)
}

fn inform(command: u32, address: usize) -> Result<usize, Errno> {
    let limits = setting::semaphores();
    let int = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
    let mut info = SemInfo {
        semmap: setting::ALL_SEMAPHORES,
        semmni: int(limits.sets),
        semmns: int(limits.all),
        semmnu: setting::ALL_SEMAPHORES,
        semmsl: int(limits.per_set),
        semopm: int(limits.operations),
        semume: 500,
        semusz: 20,
        semvmx: VALUE_MAX,
        semaem: VALUE_MAX,
    };
    let (sets, highest) = {
        let table = SETS.table.lock();
        (table.len(), table.highest())
    };
    if command == SEM_INFO {
        info.semusz = int(sets);
        info.semaem = int(USED.load(Relaxed));
    }
    user::write_value(address, &info)?;
    Ok(highest as usize)
}

fn tell(name: Name, is_checked: bool, address: usize) -> Result<usize, Errno> {
    let wanted = if is_checked { READ } else { 0 };
    let (id, told) =
        with(name, wanted, |state, id| Ok((id, state.describe(id))))?;
    user::write_value(address, &told)?;
    Ok(id as usize)
}

fn get_all(id: i32, address: usize) -> Result<usize, Errno> {
    let (_, set) = SETS.find(Name::Id(id))?;
    let size = set.count * size_of::<u16>();
    let mut values: Vec<u16> = zeros(set.count)?;
    with(Name::Id(id), READ, |state, _| {
        let told = values.iter_mut().zip(state.set.values());
        told.for_each(|(value, told)| *value = told);
        Ok(())
    })?;
    UserSlice::new(address, size)?.write(0, values.as_bytes())?;
    Ok(0)
}

fn set_all(id: i32, address: usize) -> Result<usize, Errno> {
    let (_, set) = SETS.find(Name::Id(id))?;
    with(Name::Id(id), WRITE, |_, _| Ok(()))?;
    let size = set.count * size_of::<u16>();
    let mut values: Vec<u16> = zeros(set.count)?;
    UserSlice::new(address, size)?.read(0, values.as_mut_bytes())?;
    let process = process_id();
    with(Name::Id(id), WRITE, |state, _| {
        state.set.set_all(&values, process)?;
        state.ctime = now_s();
        Ok(0)
    })
}

fn set_value(id: i32, number: i32, value: i32) -> Result<usize, Errno> {
    if !(0..=VALUE_MAX).contains(&value) {
        return Err(Errno::ERANGE);
    }
    let (_, set) = SETS.find(Name::Id(id))?;
    let number = place(&set, number)?;
    let process = process_id();
    with(Name::Id(id), WRITE, |state, _| {
        state.set.set(number, value, process)?;
        state.ctime = now_s();
        Ok(0)
    })
}

/// The semaphore of this number.
fn place(set: &Set, number: i32) -> Result<usize, Errno> {
    let number = usize::try_from(number).ok();
    let number = number.filter(|number| *number < set.count);
    number.ok_or(Errno::EINVAL)
}

fn ask(id: i32, number: i32, command: u32) -> Result<usize, Errno> {
    let (_, set) = SETS.find(Name::Id(id))?;
    with(Name::Id(id), READ, |_, _| Ok(()))?;
    let number = place(&set, number)?;
    with(Name::Id(id), READ, |state, _| {
        let set = &state.set;
        Ok(match command {
            GETVAL => set.value(number).unwrap_or(0) as usize,
            GETPID => set.process(number).unwrap_or(0) as usize,
            GETNCNT => set.waiters_for_more(number),
            _ => set.waiters_for_zero(number),
        })
    })
}

fn remove(id: i32) -> Result<usize, Errno> {
    let undo = own(id, |state| {
        state.is_removed = true;
        Ok(state.set.remove())
    })?;
    drop(undo);
    let gone = SETS.table.lock().remove(id as u32);
    drop(gone);
    Ok(0)
}
