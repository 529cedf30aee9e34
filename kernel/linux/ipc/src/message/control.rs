//! `msgctl(2)`.

use kernel_abi::Errno;
use kernel_abi::ipc::{
    IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, MSG_INFO, MSG_STAT, MSG_STAT_ANY,
    MsgInfo, MsqidDs,
};
use kernel_core::capability::Capability;
use kernel_core::ipc::permission::READ;
use kernel_machine::mm::user;

use super::{QUEUES, State};
use crate::caller::Caller;
use crate::registry::Name;
use crate::room::now_s;
use crate::setting;

/// `msgctl(2)`.
///
/// # Errors
/// As there.
pub fn control(id: i32, command: u32, address: usize) -> Result<usize, Errno> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    match command {
        IPC_INFO | MSG_INFO => inform(command, address),
        IPC_STAT => tell(Name::Id(id), true, address).map(|_| 0),
        MSG_STAT => tell(Name::Place(id), true, address),
        MSG_STAT_ANY => tell(Name::Place(id), false, address),
        IPC_SET => change(id, &user::read_value(address)?),
        IPC_RMID => remove(id),
        _ => Err(Errno::EINVAL),
    }
}

fn inform(command: u32, address: usize) -> Result<usize, Errno> {
    /// Linux's figures that stand for nothing any more.
    const POOL: i32 = 512_000;
    const USUAL_BYTES: i32 = 16_384;
    const PIECE: i32 = 16;
    let limit = |value: u64| i32::try_from(value).unwrap_or(i32::MAX);
    let mut info = MsgInfo {
        msgpool: POOL,
        msgmap: USUAL_BYTES,
        msgmax: limit(setting::MSGMAX.value()),
        msgmnb: limit(setting::MSGMNB.value()),
        msgmni: limit(setting::MSGMNI.value()),
        msgssz: PIECE,
        msgtql: USUAL_BYTES,
        msgseg: u16::MAX,
        pad: 0,
    };
    if command == MSG_INFO {
        let (mut queues, mut count, mut bytes) = (0, 0, 0);
        QUEUES.each(|id, queue| {
            let told = queue.describe(id);
            queues += 1;
            count += told.qnum;
            bytes += told.cbytes;
            Ok(())
        })?;
        info.msgpool = limit(queues);
        (info.msgmap, info.msgtql) = (limit(count), limit(bytes));
    }
    user::write_value(address, &info)?;
    Ok(QUEUES.table.lock().highest() as usize)
}

fn tell(name: Name, is_checked: bool, address: usize) -> Result<usize, Errno> {
    let (id, queue) = QUEUES.find(name)?;
    let caller = Caller::new();
    let told = {
        let state = queue.state.lock();
        state.check(&caller, if is_checked { READ } else { 0 })?;
        state.describe(id)
    };
    user::write_value(address, &told)?;
    Ok(id as usize)
}

/// What `body` does with a queue of the caller's own.
fn own<T>(
    id: i32,
    body: impl FnOnce(&mut State, &Caller) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let (_, queue) = QUEUES.find(Name::Id(id))?;
    let caller = Caller::new();
    let mut state = queue.state.lock();
    let asker = caller.asker();
    state.permission.check_owner(&asker, Capability::SYS_ADMIN)?;
    if state.is_removed {
        return Err(Errno::EIDRM);
    }
    body(&mut state, &caller)
}

fn change(id: i32, new: &MsqidDs) -> Result<usize, Errno> {
    own(id, |state, caller| {
        let is_large = new.qbytes > setting::MSGMNB.value();
        if is_large && !caller.has(Capability::SYS_RESOURCE) {
            return Err(Errno::EPERM);
        }
        state.permission.set(&new.perm)?;
        state.queue.most_bytes = new.qbytes as usize;
        state.ctime = now_s();
        // Some may not receive any more, others have room.
        state.queue.wake_everybody();
        Ok(0)
    })
}

fn remove(id: i32) -> Result<usize, Errno> {
    let messages = own(id, |state, _| {
        state.is_removed = true;
        Ok(state.queue.remove())
    })?;
    drop(messages);
    let gone = QUEUES.table.lock().remove(id as u32);
    drop(gone);
    Ok(0)
}
