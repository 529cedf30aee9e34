//! `shmctl(2)`.

use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use kernel_abi::Errno;
use kernel_abi::ipc::{
    IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, SHM_DEST, SHM_INFO, SHM_LOCK,
    SHM_LOCKED, SHM_STAT, SHM_STAT_ANY, SHM_UNLOCK, ShmInfo, ShmLimits,
    ShmidDs,
};
use kernel_core::capability::Capability;
use kernel_core::ipc::permission::READ;
use kernel_machine::mm::{PAGE_SIZE, user};

use super::{PAGES, SEGMENTS, State, forget};
use crate::caller::Caller;
use crate::registry::{Name, Object};
use crate::room::now_s;
use crate::setting;

/// `shmctl(2)`.
///
/// # Errors
/// As there.
pub fn control(id: i32, command: u32, address: usize) -> Result<usize, Errno> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    match command {
        IPC_INFO => limits(address),
        SHM_INFO => inform(address),
        IPC_STAT => tell(Name::Id(id), true, address).map(|_| 0),
        SHM_STAT => tell(Name::Place(id), true, address),
        SHM_STAT_ANY => tell(Name::Place(id), false, address),
        IPC_SET => {
            let new: ShmidDs = user::read_value(address)?;
            own(id, |state| {
                state.permission.set(&new.perm)?;
                state.ctime = now_s();
                Ok(())
            })
        }
        IPC_RMID => remove(id),
        SHM_LOCK | SHM_UNLOCK => lock(id, command),
        _ => Err(Errno::EINVAL),
    }
}

fn limits(address: usize) -> Result<usize, Errno> {
    let limits = ShmLimits {
        shmmax: setting::SHMMAX.value(),
        shmmin: 1,
        shmmni: setting::SHMMNI.value(),
        shmseg: setting::SHMMNI.value(),
        shmall: setting::SHMALL.value(),
        unused: [0; 4],
    };
    user::write_value(address, &limits)?;
    Ok(SEGMENTS.table.lock().highest() as usize)
}

fn inform(address: usize) -> Result<usize, Errno> {
    let mut info =
        ShmInfo { total: PAGES.load(Relaxed) as u64, ..ShmInfo::default() };
    SEGMENTS.each(|_, segment| {
        info.used_ids += 1;
        info.resident += segment.resident_pages() as u64;
        Ok(())
    })?;
    user::write_value(address, &info)?;
    Ok(SEGMENTS.table.lock().highest() as usize)
}

fn tell(name: Name, is_checked: bool, address: usize) -> Result<usize, Errno> {
    let (id, segment) = SEGMENTS.find(name)?;
    let wanted = if is_checked { READ } else { 0 };
    segment.check(&Caller::new().asker(), 0, wanted)?;
    user::write_value(address, &segment.describe(id))?;
    Ok(id as usize)
}

/// What `body` does with a segment of the caller's own.
fn own(
    id: i32,
    body: impl FnOnce(&mut State) -> Result<(), Errno>,
) -> Result<usize, Errno> {
    let (_, segment) = SEGMENTS.find(Name::Id(id))?;
    let caller = Caller::new();
    let mut state = segment.state.lock();
    state.permission.check_owner(&caller.asker(), Capability::SYS_ADMIN)?;
    body(&mut state)?;
    Ok(0)
}

/// Nobody finds it by its key any more; it ends with its last use.
fn remove(id: i32) -> Result<usize, Errno> {
    let caller = Caller::new();
    let mut table = SEGMENTS.table.lock();
    let segment = table.get(id)?.clone();
    let mut state = segment.state.lock();
    state.permission.check_owner(&caller.asker(), Capability::SYS_ADMIN)?;
    state.permission.key = kernel_abi::ipc::IPC_PRIVATE;
    state.permission.mode |= SHM_DEST;
    segment.is_doomed.store(true, SeqCst);
    drop(state);
    table.hide(id as u32);
    drop(table);
    forget(id as u32);
    Ok(0)
}

/// Nothing is ever swapped, so a lock is a mark and no more.
fn lock(id: i32, command: u32) -> Result<usize, Errno> {
    let (_, segment) = SEGMENTS.find(Name::Id(id))?;
    let caller = Caller::new();
    let process = &kernel_process::current().process;
    let is_locked = {
        let state = segment.state.lock();
        state.permission.check_owner(&caller.asker(), Capability::IPC_LOCK)?;
        state.locked.is_some()
    };
    if command == SHM_LOCK {
        process.check_may_lock()?;
    }
    let size = segment.size.next_multiple_of(PAGE_SIZE);
    // Counted before the lock is taken: who locks it twice at once counts once
    // in the end.
    let mut counted = match command {
        SHM_LOCK if is_locked => return Ok(0),
        SHM_LOCK => Some(process.take_locked(size as u64)?),
        _ => None,
    };
    let mut state = segment.state.lock();
    match command {
        SHM_LOCK if state.locked.is_some() => {}
        _ => core::mem::swap(&mut state.locked, &mut counted),
    }
    state.permission.mode &= !SHM_LOCKED;
    if state.locked.is_some() {
        state.permission.mode |= SHM_LOCKED;
    }
    drop(state);
    drop(counted);
    Ok(0)
}
