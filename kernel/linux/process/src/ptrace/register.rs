//! The registers that a stopped thread shows its tracer.

use kernel_abi::Errno;
use kernel_abi::ptrace::{
    NT_ARM_SYSTEM_CALL, NT_ARM_TLS, NT_PRFPREG, NT_PRSTATUS,
};

use kernel_machine::arch::step::STEP_FLAG;
use kernel_machine::arch::thread::{self as machine, FpState};
use kernel_machine::arch::trap::{PROGRAM_FLAGS, TrapFrame};

/// Mode and interrupt masks; all zero in user mode.
const PRIVILEGED_FLAGS: u64 = 0x3df;
/// Words of the general registers, the largest set but one.
const GENERAL_WORDS: usize = 34;
/// Bytes of the largest set.
pub const LARGEST: usize = 528;

/// A copy of all registers, while their thread is stopped.
#[derive(Clone)]
pub struct Registers {
    /// General registers.
    pub frame: TrapFrame,
    /// Floating point.
    fp: FpState,
    thread_pointer: u64,
    /// Number of the system call; -1 for none.
    pub system_call: i32,
}

impl Registers {
    /// Those of the running thread.
    pub fn of_current(frame: &TrapFrame, system_call: i32) -> Self {
        let mut frame = *frame;
        frame.pstate &= !STEP_FLAG;
        Self {
            frame,
            fp: machine::fp_state(),
            thread_pointer: machine::user_thread_pointer(),
            system_call,
        }
    }

    /// Gives them to the running thread.
    pub fn give_to_current(&self, frame: &mut TrapFrame) {
        *frame = self.frame;
        frame.pstate &= PROGRAM_FLAGS;
        machine::set_fp_state(&self.fp);
        machine::set_user_thread_pointer(self.thread_pointer);
    }

    /// Copies a set into `bytes`; how many there are.
    ///
    /// # Errors
    /// `EINVAL` for an unknown set.
    pub fn read(
        &self,
        set: u32,
        bytes: &mut [u8; LARGEST],
    ) -> Result<usize, Errno> {
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        match set {
            NT_PRSTATUS => {
                let frame = &self.frame;
                frame.x.iter().for_each(|x| put(&x.to_le_bytes()));
                for word in [frame.sp, frame.pc, frame.pstate] {
                    put(&word.to_le_bytes());
                }
            }
            NT_PRFPREG => {
                let halves = self.fp.vregs.iter().flatten();
                halves.for_each(|half| put(&half.to_le_bytes()));
                put(&self.fp.fpsr.to_le_bytes());
                put(&self.fp.fpcr.to_le_bytes());
                put(&[0; 8]);
            }
            NT_ARM_TLS => put(&self.thread_pointer.to_le_bytes()),
            NT_ARM_SYSTEM_CALL => put(&self.system_call.to_le_bytes()),
            _ => return Err(Errno::EINVAL),
        }
        Ok(at)
    }

    /// Takes the first bytes of a set over.
    ///
    /// # Errors
    /// `EINVAL` for an unknown set, a length that is not whole registers, or
    /// a state that user mode cannot have; nothing changes then. Else
    /// the result is the number of bytes used.
    pub fn write(&mut self, set: u32, new: &[u8]) -> Result<usize, Errno> {
        let mut bytes = [0; LARGEST];
        let length = self.read(set, &mut bytes)?;
        let count = new.len().min(length);
        if !count.is_multiple_of(unit(set)) {
            return Err(Errno::EINVAL);
        }
        bytes[..count].copy_from_slice(&new[..count]);
        let word = |at: usize| {
            let part = bytes[at * 8..at * 8 + 8].try_into();
            part.map_or(0, u64::from_le_bytes)
        };
        match set {
            NT_PRSTATUS => {
                let pstate = word(GENERAL_WORDS - 1);
                if pstate & PRIVILEGED_FLAGS != 0 {
                    return Err(Errno::EINVAL);
                }
                self.frame.x = core::array::from_fn(word);
                self.frame.sp = word(31);
                self.frame.pc = word(32);
                self.frame.pstate = pstate & PROGRAM_FLAGS;
            }
            NT_PRFPREG => {
                self.fp.vregs = core::array::from_fn(|register| {
                    [word(register * 2), word(register * 2 + 1)]
                });
                let control = word(64);
                self.fp.fpsr = control as u32;
                self.fp.fpcr = (control >> 32) as u32;
            }
            NT_ARM_TLS => self.thread_pointer = word(0),
            _ => self.system_call = word(0) as i32,
        }
        Ok(count)
    }
}

/// Bytes of one register of a set.
pub fn unit(set: u32) -> usize {
    match set {
        NT_PRFPREG | NT_ARM_SYSTEM_CALL => 4,
        _ => 8,
    }
}
