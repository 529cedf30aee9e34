//! Power: firmware calls to start CPUs and to stop the machine.
//!
//! The device tree says whether firmware listens to `hvc` (QEMU) or to `smc`
//! (boards with EL3 firmware). Without PSCI a machine still runs on one CPU
//! and "off" is an endless sleep; so it does where the tree claims firmware that
//! the CPU cannot reach ([`is_no_call`]). Arm DEN0022 (PSCI), DEN0028 (SMCCC).

use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::device_tree::Conduit;
use smccc::psci;
use smccc::{Hvc, Smc};

use super::cpu;
use super::trap::TrapFrame;

const NONE: u8 = 0;
const HVC: u8 = 1;
const SMC: u8 = 2;

static CONDUIT: AtomicU8 = AtomicU8::new(NONE);

/// Why a CPU did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The device tree names no PSCI.
    NoFirmware,
    /// What firmware answered.
    Refused(psci::error::Error),
    /// Firmware agreed, but the CPU has not been heard of.
    TimedOut,
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            StartError::NoFirmware => f.write_str("no PSCI"),
            StartError::Refused(error) => write!(f, "{error}"),
            StartError::TimedOut => f.write_str("no sign of life"),
        }
    }
}

impl StartError {
    /// Whether the CPU is not off yet, or is about to come already.
    pub fn is_on_its_way(self) -> bool {
        use psci::error::Error::{AlreadyOn, OnPending};
        matches!(self, StartError::Refused(AlreadyOn | OnPending))
    }

    /// What a program is told.
    pub fn errno(self) -> Errno {
        use psci::error::Error;
        match self {
            StartError::NoFirmware => Errno::EOPNOTSUPP,
            StartError::Refused(Error::Denied) => Errno::EPERM,
            StartError::Refused(Error::InvalidParameters) => Errno::EINVAL,
            StartError::Refused(_) | StartError::TimedOut => Errno::EIO,
        }
    }
}

/// Notes how to call firmware.
pub fn set_conduit(conduit: Option<Conduit>) {
    let value = match conduit {
        None => NONE,
        Some(Conduit::Hvc) => HVC,
        Some(Conduit::Smc) => SMC,
    };
    CONDUIT.store(value, Relaxed);
}

/// Whether an undefined instruction of the kernel is a call of firmware: then
/// there is none that could be called so, whatever the device tree says. The
/// call gives "not supported", and is the last.
pub fn is_no_call(frame: &mut TrapFrame) -> bool {
    const CALL_HVC: u32 = 0xd400_0002;
    const CALL_SMC: u32 = 0xd400_0003;
    const NOT_SUPPORTED: u64 = u64::MAX;
    let instruction = frame.pc as *const u32;
    // SAFETY: the CPU fetched it just now, from the kernel's text.
    let instruction = unsafe { instruction.read() };
    if !matches!(instruction, CALL_HVC | CALL_SMC) {
        return false;
    }
    CONDUIT.store(NONE, Relaxed);
    frame.x[0] = NOT_SUPPORTED;
    frame.pc += 4;
    true
}

/// Starts the CPU with this affinity at a physical address, with `argument`
/// in its `x0`.
///
/// # Errors
/// [`StartError`]
pub(super) fn cpu_on(
    affinity: u64,
    entry: usize,
    argument: usize,
) -> Result<(), StartError> {
    let (entry, argument) = (entry as u64, argument as u64);
    let result = match CONDUIT.load(Relaxed) {
        HVC => psci::cpu_on::<Hvc>(affinity, entry, argument),
        SMC => psci::cpu_on::<Smc>(affinity, entry, argument),
        _ => return Err(StartError::NoFirmware),
    };
    result.map_err(StartError::Refused)
}

/// Whether there is firmware to ask.
pub fn is_present() -> bool {
    CONDUIT.load(Relaxed) != NONE
}

/// Turns this CPU off; returns only what firmware says against it. The
/// caller has checked that there is firmware.
pub fn cpu_off() -> psci::error::Error {
    let result = match CONDUIT.load(Relaxed) {
        SMC => psci::cpu_off::<Smc>(),
        _ => psci::cpu_off::<Hvc>(),
    };
    result.err().unwrap_or(psci::error::Error::InternalFailure)
}

/// Whether the CPU with this affinity is off.
pub(super) fn is_off(affinity: u64) -> bool {
    let level = psci::LowestAffinityLevel::All;
    let state = match CONDUIT.load(Relaxed) {
        HVC => psci::affinity_info::<Hvc>(affinity, level),
        SMC => psci::affinity_info::<Smc>(affinity, level),
        _ => return false,
    };
    state == Ok(psci::AffinityState::Off)
}

/// Whether a secure system that cannot move lives on the CPU with this
/// affinity, so that it may not be turned off (`MIGRATE_INFO_TYPE`).
pub(super) fn is_needed(affinity: u64) -> bool {
    match CONDUIT.load(Relaxed) {
        HVC => is_needed_by::<Hvc>(affinity),
        SMC => is_needed_by::<Smc>(affinity),
        _ => true,
    }
}

fn is_needed_by<C: smccc::Call>(affinity: u64) -> bool {
    use psci::MigrateType::{MigrateCapable, NotMigrateCapable};
    match psci::migrate_info_type::<C>() {
        Ok(MigrateCapable | NotMigrateCapable) => {
            psci::migrate_info_up_cpu::<C>() == affinity
        }
        _ => false,
    }
}

/// Powers the machine off; where firmware cannot, sleeps for good.
pub fn system_off() -> ! {
    let _ = match CONDUIT.load(Relaxed) {
        HVC => psci::system_off::<Hvc>(),
        SMC => psci::system_off::<Smc>(),
        _ => Ok(()),
    };
    cpu::stop()
}

/// Restarts the machine; where firmware cannot, sleeps for good.
pub fn system_reset() -> ! {
    let _ = match CONDUIT.load(Relaxed) {
        HVC => psci::system_reset::<Hvc>(),
        SMC => psci::system_reset::<Smc>(),
        _ => Ok(()),
    };
    cpu::stop()
}
