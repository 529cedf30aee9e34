//! What a tracer asks of a thread that it traces.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::ptrace::{
    ARCHITECTURE, SYSCALL_INFO_ENTRY, SYSCALL_INFO_EXIT, SYSCALL_INFO_NONE,
    SyscallInfo,
};
use kernel_abi::signal::SigInfo;
use kernel_core::signal::{Cause, Resume, SignalSet};

use super::Registers;
use super::end::go_on;
use crate::signal::{Signals, act, send};
use crate::{Thread, current, thread_of, tree};
use kernel_machine::mm::AddressSpace;
use kernel_task::{Task, TaskId};

/// A thread that the running one traces.
pub struct Traced {
    task: Arc<Task>,
    /// It may see everything of it, as it might when it began to trace it.
    is_trusted: bool,
}

impl Traced {
    /// The one that programs know as `id`.
    ///
    /// # Errors
    /// `ESRCH` if there is none or the running thread does not trace it.
    pub fn find(id: TaskId) -> Result<Self, Errno> {
        let own = current();
        let tree = tree::lock();
        let node = tree.node(own.process.id).ok_or(Errno::ESRCH)?;
        let tracee = node.tracees.get(&id);
        let own_task = own.task().id();
        let tracee = tracee.filter(|tracee| tracee.tracer == own_task);
        let task = tracee.ok_or(Errno::ESRCH)?.task.clone();
        let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
        let is_trusted = thread.tracing.is_trusted(&tree);
        Ok(Self { task, is_trusted })
    }

    /// Its task.
    pub fn task(&self) -> &Arc<Task> {
        &self.task
    }

    fn with<T>(
        &self,
        act: impl FnOnce(&mut Signals, &Thread) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let thread = thread_of(&self.task).ok_or(Errno::ESRCH)?;
        let mut signals = thread.process.signals.lock();
        match signals.is_living_thread(thread.key, &self.task) {
            true => act(&mut signals, thread),
            false => Err(Errno::ESRCH),
        }
    }

    /// Lets it go on with a signal.
    ///
    /// # Errors
    /// `EIO` for a signal out of range, `ESRCH` if it is not stopped.
    pub fn resume(&self, how: Resume, signal: u64) -> Result<(), Errno> {
        self.with(|signals, thread| {
            signals.state.resume(thread.key, how, signal)?;
            go_on(signals, thread, &self.task);
            Ok(())
        })
    }

    /// `PTRACE_INTERRUPT`. The trap comes when the thread next runs. One that
    /// is frozen by cgroup v2 traps at once, by anything else after the thaw
    /// (SPECIFICATION.md B3, G8).
    ///
    /// # Errors
    /// `EIO` if it was not seized, `ESRCH`.
    pub fn interrupt(&self) -> Result<(), Errno> {
        self.with(|signals, thread| {
            signals.state.interrupt(thread.key)?;
            act::wake_for_trap(&self.task);
            go_on(signals, thread, &self.task);
            Ok(())
        })
    }

    /// `PTRACE_LISTEN`.
    ///
    /// # Errors
    /// `EIO` if it is not in a group stop after a seize, `ESRCH`.
    pub fn listen(&self) -> Result<(), Errno> {
        self.with(|signals, thread| {
            signals.state.listen(thread.key)?;
            go_on(signals, thread, &self.task);
            Ok(())
        })
    }

    /// `PTRACE_KILL`.
    pub fn kill(&self) -> Result<(), Errno> {
        let thread = thread_of(&self.task).ok_or(Errno::ESRCH)?;
        send::kill_process(&thread.process);
        Ok(())
    }

    /// `PTRACE_SETOPTIONS`.
    ///
    /// # Errors
    /// `EINVAL`, `ESRCH`.
    pub fn set_options(&self, options: u32) -> Result<(), Errno> {
        self.with(|signals, thread| {
            signals.state.set_trace_options(thread.key, options)
        })
    }

    /// `PTRACE_GETEVENTMSG`.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn message(&self) -> Result<u64, Errno> {
        self.with(|signals, thread| signals.state.trace_message(thread.key))
    }

    /// `PTRACE_GETSIGINFO`.
    ///
    /// # Errors
    /// `EINVAL` in a stop without a signal, `ESRCH`.
    pub fn info(&self) -> Result<SigInfo, Errno> {
        self.with(|signals, thread| signals.state.trace_info(thread.key))
    }

    /// `PTRACE_SETSIGINFO`.
    ///
    /// # Errors
    /// As [`Traced::info`].
    pub fn set_info(&self, info: SigInfo) -> Result<(), Errno> {
        self.with(|signals, thread| {
            signals.state.set_trace_info(thread.key, info)
        })
    }

    /// `PTRACE_GETSIGMASK`.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn mask(&self) -> Result<SignalSet, Errno> {
        self.with(|signals, thread| {
            signals.state.trace_stop(thread.key)?;
            Ok(signals.state.blocked(thread.key))
        })
    }

    /// `PTRACE_SETSIGMASK`.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn set_mask(&self, mask: SignalSet) -> Result<(), Errno> {
        self.with(|signals, thread| {
            signals.state.trace_stop(thread.key)?;
            let lost = signals.state.set_blocked(thread.key, mask);
            act::retarget(signals, lost);
            Ok(())
        })
    }

    /// Its memory, once it is stopped. A tracer that had no privileges when it
    /// began sees none of a program that nobody may look at, which it may have
    /// become since.
    ///
    /// # Errors
    /// `ESRCH`; `EIO` if it has none any more, or shows none.
    pub fn memory(&self) -> Result<Arc<AddressSpace>, Errno> {
        self.with(|signals, thread| signals.state.trace_stop(thread.key))?;
        let thread = thread_of(&self.task).ok_or(Errno::ESRCH)?;
        let target = thread.process.credentials.lock();
        let space = (target.is_dumpable || self.is_trusted)
            .then(|| self.task.space())
            .flatten();
        drop(target);
        space.ok_or(Errno::EIO)
    }

    /// Uses its registers.
    ///
    /// # Errors
    /// `ESRCH` if it is not stopped, those of `act`.
    pub fn with_registers<T>(
        &self,
        act: impl FnOnce(&mut Registers) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        self.with(|signals, thread| {
            signals.state.trace_stop(thread.key)?;
            let mut registers = thread.tracing.registers.lock();
            act(registers.as_mut().ok_or(Errno::ESRCH)?)
        })
    }

    /// `PTRACE_GET_SYSCALL_INFO`.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn system_call(&self) -> Result<SyscallInfo, Errno> {
        let cause = self.with(|signals, thread| {
            Ok(signals.state.trace_stop(thread.key)?.cause)
        })?;
        self.with_registers(|registers| Ok(describe(cause, registers)))
    }
}

fn describe(cause: Cause, registers: &Registers) -> SyscallInfo {
    let frame = &registers.frame;
    let mut info = SyscallInfo {
        kind: SYSCALL_INFO_NONE,
        architecture: ARCHITECTURE,
        pc: frame.pc,
        sp: frame.sp,
        ..SyscallInfo::default()
    };
    match cause {
        Cause::Entry => {
            info.kind = SYSCALL_INFO_ENTRY;
            info.values[0] = registers.system_call as u32 as u64;
            info.values[1..].copy_from_slice(&frame.x[..6]);
        }
        Cause::Exit => {
            info.kind = SYSCALL_INFO_EXIT;
            let is_error = (-4095..0).contains(&(frame.x[0] as i64));
            info.values[0] = frame.x[0];
            info.values[1] = is_error.into();
        }
        _ => {}
    }
    info
}
