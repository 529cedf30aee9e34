//! Capabilities: the rights of the user who may do everything, one by one
//! (capabilities(7)).
//!
//! A process has five sets. What it may do now is *effective*; what it may make
//! so, *permitted*; what a program that it becomes may get of it, *inheritable*
//! and *ambient*; and nothing outside *bounding* comes back by any program.
//!
//! ```text
//!              exec of a program of user 0, or by user 0:
//!                permitted := inheritable | bounding, effective := permitted
//!              exec of any other:
//!                permitted := effective := ambient
//!  setuid      the last of three ids leaves 0: permitted and effective go
//!              the effective id leaves 0: effective goes
//!              the effective id becomes 0: effective := permitted
//! ```
//!
//! Files have no capabilities here: they would stand in extended attributes.
//! *Secure bits* take the meaning from user 0.

use bitflags::bitflags;
use kernel_abi::{Errno, capability as raw};

#[cfg(test)]
mod tests;

bitflags! {
    /// A capability, or several: those that some question is for by name.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Capability: u64 {
        /// To give files away.
        const CHOWN = 1 << raw::CAP_CHOWN;
        /// To read, write and execute what the mode forbids.
        const DAC_OVERRIDE = 1 << raw::CAP_DAC_OVERRIDE;
        /// To read files and to go through directories.
        const DAC_READ_SEARCH = 1 << raw::CAP_DAC_READ_SEARCH;
        /// What only the owner of a file may.
        const FOWNER = 1 << raw::CAP_FOWNER;
        /// To keep set-id bits.
        const FSETID = 1 << raw::CAP_FSETID;
        /// To send signals to anybody.
        const KILL = 1 << raw::CAP_KILL;
        /// To be of any group.
        const SETGID = 1 << raw::CAP_SETGID;
        /// To be any user.
        const SETUID = 1 << raw::CAP_SETUID;
        /// To change sets and secure bits.
        const SETPCAP = 1 << raw::CAP_SETPCAP;
        /// To lock any amount of memory.
        const IPC_LOCK = 1 << raw::CAP_IPC_LOCK;
        /// To use what the mode of an object of System V IPC forbids.
        const IPC_OWNER = 1 << raw::CAP_IPC_OWNER;
        /// To change the root directory.
        const SYS_CHROOT = 1 << raw::CAP_SYS_CHROOT;
        /// To look at any process.
        const SYS_PTRACE = 1 << raw::CAP_SYS_PTRACE;
        /// To mount, to name the machine, and much else.
        const SYS_ADMIN = 1 << raw::CAP_SYS_ADMIN;
        /// To restart the machine, or to turn it off.
        const SYS_BOOT = 1 << raw::CAP_SYS_BOOT;
        /// To be scheduled better, and to say how others are.
        const SYS_NICE = 1 << raw::CAP_SYS_NICE;
        /// To map the lowest addresses.
        const SYS_RAWIO = 1 << 17;
        /// To have more than limits allow.
        const SYS_RESOURCE = 1 << raw::CAP_SYS_RESOURCE;
        /// To set clocks.
        const SYS_TIME = 1 << raw::CAP_SYS_TIME;
        /// To make device files.
        const MKNOD = 1 << raw::CAP_MKNOD;
        /// To read and change the kernel's log.
        const SYSLOG = 1 << raw::CAP_SYSLOG;
        /// To wake the system.
        const WAKE_ALARM = 1 << raw::CAP_WAKE_ALARM;
        /// To choose the number of a process.
        const CHECKPOINT_RESTORE = 1 << raw::CAP_CHECKPOINT_RESTORE;
        /// Those that guard nothing that is here, too.
        const _ = !0;
    }

    /// What user 0 means, and whether that is settled (`SECBIT_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct SecureBits: u32 {
        /// A program of user 0 gets nothing.
        const NO_ROOT = 1;
        /// That stays so.
        const NO_ROOT_LOCKED = 2;
        /// A change of user changes no set.
        const NO_SETUID_FIXUP = 4;
        /// That stays so.
        const NO_SETUID_FIXUP_LOCKED = 8;
        /// The permitted set outlives the last id that is 0, until an exec.
        const KEEP_CAPS = 0x10;
        /// That stays so.
        const KEEP_CAPS_LOCKED = 0x20;
        /// The ambient set does not grow.
        const NO_AMBIENT_RAISE = 0x40;
        /// That stays so.
        const NO_AMBIENT_RAISE_LOCKED = 0x80;
    }
}

/// One more than the highest number of a capability.
pub const COUNT: u32 = raw::CAP_LAST_CAP + 1;

/// All there are.
pub const ALL: Capability = Capability::from_bits_retain((1 << COUNT) - 1);

/// Those that go with the user by whose rights files are used.
const OF_FILES: Capability = Capability::CHOWN
    .union(Capability::DAC_OVERRIDE)
    .union(Capability::DAC_READ_SEARCH)
    .union(Capability::FOWNER)
    .union(Capability::FSETID)
    .union(Capability::MKNOD)
    .union(Capability::from_bits_retain(
        1 << raw::CAP_LINUX_IMMUTABLE | 1 << raw::CAP_MAC_OVERRIDE,
    ));

impl Capability {
    /// The capability with a number.
    ///
    /// # Errors
    /// `EINVAL` if there is none.
    pub fn numbered(number: usize) -> Result<Self, Errno> {
        match number < COUNT as usize {
            true => Ok(Self::from_bits_retain(1 << number)),
            false => Err(Errno::EINVAL),
        }
    }

    fn is_within(self, other: Self) -> bool {
        other.contains(self)
    }
}

/// The sets of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// What it may make effective.
    pub permitted: Capability,
    /// What it may do.
    pub effective: Capability,
    /// What a program of user 0 may keep.
    pub inheritable: Capability,
    /// What any program keeps.
    pub ambient: Capability,
    /// What a program of user 0 gets.
    pub bounding: Capability,
    /// What user 0 means.
    pub secure: SecureBits,
}

impl Default for Capabilities {
    /// Those of the first process.
    fn default() -> Self {
        Self {
            permitted: ALL,
            effective: ALL,
            inheritable: Capability::empty(),
            ambient: Capability::empty(),
            bounding: ALL,
            secure: SecureBits::empty(),
        }
    }
}

/// What an exec is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exec {
    /// The real and the effective user of the new program.
    pub users: [u32; 2],
    /// Its file gives it another user or group.
    pub is_set_id: bool,
}

impl Capabilities {
    /// Whether it may use `capability` now.
    pub fn has(&self, capability: Capability) -> bool {
        capability.is_within(self.effective)
    }

    /// `capset`: the three sets that a process says itself.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn set(
        &mut self,
        [effective, permitted, inheritable]: [Capability; 3],
    ) -> Result<(), Errno> {
        let kept = self.inheritable | self.permitted;
        let is_capped =
            !self.has(Capability::SETPCAP) && !inheritable.is_within(kept);
        let is_allowed = !is_capped
            && inheritable.is_within(self.inheritable | self.bounding)
            && permitted.is_within(self.permitted)
            && effective.is_within(permitted);
        if !is_allowed {
            return Err(Errno::EPERM);
        }
        self.effective = effective;
        self.permitted = permitted;
        self.inheritable = inheritable;
        self.ambient &= permitted & inheritable;
        Ok(())
    }

    /// `PR_CAPBSET_DROP`
    ///
    /// # Errors
    /// `EPERM` without `SETPCAP`; `EINVAL` if there is no such capability.
    pub fn drop_bounding(&mut self, number: usize) -> Result<(), Errno> {
        if !self.has(Capability::SETPCAP) {
            return Err(Errno::EPERM);
        }
        self.bounding -= Capability::numbered(number)?;
        Ok(())
    }

    /// `PR_CAP_AMBIENT_RAISE`
    ///
    /// # Errors
    /// `EPERM` unless it is permitted and inheritable.
    pub fn raise_ambient(
        &mut self,
        capability: Capability,
    ) -> Result<(), Errno> {
        let is_forbidden = self.secure.contains(SecureBits::NO_AMBIENT_RAISE);
        if is_forbidden
            || !capability.is_within(self.permitted & self.inheritable)
        {
            return Err(Errno::EPERM);
        }
        self.ambient |= capability;
        Ok(())
    }

    /// `PR_SET_SECUREBITS`
    ///
    /// # Errors
    /// `EPERM` for what is locked, unknown, or without `SETPCAP`.
    pub fn set_secure(&mut self, bits: usize) -> Result<(), Errno> {
        let bits = u32::try_from(bits).ok().and_then(SecureBits::from_bits);
        let bits = bits.ok_or(Errno::EPERM)?;
        const LOCKS: u32 = 0xaa;
        let (old, new) = (self.secure.bits(), bits.bits());
        let changes_locked = (old & LOCKS) >> 1 & (old ^ new) != 0;
        let unlocks = old & LOCKS & !new != 0;
        if changes_locked || unlocks || !self.has(Capability::SETPCAP) {
            return Err(Errno::EPERM);
        }
        self.secure = bits;
        Ok(())
    }

    /// `PR_SET_KEEPCAPS`
    ///
    /// # Errors
    /// `EPERM` if that is locked.
    pub fn keep(&mut self, keeps: bool) -> Result<(), Errno> {
        if self.secure.contains(SecureBits::KEEP_CAPS_LOCKED) {
            return Err(Errno::EPERM);
        }
        self.secure.set(SecureBits::KEEP_CAPS, keeps);
        Ok(())
    }

    /// The real, effective and saved user have changed.
    pub fn change_user(&mut self, old: [u32; 3], new: [u32; 3]) {
        if self.secure.contains(SecureBits::NO_SETUID_FIXUP) {
            return;
        }
        if old.contains(&0) && !new.contains(&0) {
            if !self.secure.contains(SecureBits::KEEP_CAPS) {
                self.permitted = Capability::empty();
                self.effective = Capability::empty();
            }
            self.ambient = Capability::empty();
        }
        match (old[1], new[1]) {
            (0, 1..) => self.effective = Capability::empty(),
            (1.., 0) => self.effective = self.permitted,
            _ => {}
        }
    }

    /// The user by whom files are used has changed.
    pub fn change_file_user(&mut self, old: u32, new: u32) {
        if self.secure.contains(SecureBits::NO_SETUID_FIXUP) {
            return;
        }
        match (old, new) {
            (0, 1..) => self.effective -= OF_FILES,
            (1.., 0) => self.effective |= self.permitted & OF_FILES,
            _ => {}
        }
    }

    /// The sets with which a program begins.
    #[must_use]
    pub fn exec(&self, how: Exec) -> Self {
        let mut new = *self;
        new.secure -= SecureBits::KEEP_CAPS;
        if how.is_set_id {
            new.ambient = Capability::empty();
        }
        let is_root = !new.secure.contains(SecureBits::NO_ROOT);
        new.permitted = match is_root && how.users.contains(&0) {
            true => self.bounding | self.inheritable,
            false => Capability::empty(),
        };
        new.permitted |= new.ambient;
        new.effective = match is_root && how.users[1] == 0 {
            true => new.permitted,
            false => new.ambient,
        };
        new
    }

    /// Takes what is not among `most` away: a program gets no more than its
    /// process had.
    pub fn restrict(&mut self, most: Capability) {
        self.permitted &= most;
        self.effective &= self.permitted;
    }
}
