//! What can be set of a group besides its state. The engine keeps it; here is
//! only the look whether the group is still there.

use kernel_abi::Errno;

use super::state::Engine;
use super::tree::{Handle, Tree};

impl Tree {
    /// `freezer.kill_frozen`: whether a fatal signal ends a frozen member.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn kills_frozen(
        &self,
        handle: Handle,
        engine: &impl Engine,
    ) -> Result<bool, Errno> {
        self.get(handle)?;
        Ok(engine.kills_frozen(handle.slot))
    }

    /// Says whether it does.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn set_kill_frozen(
        &self,
        handle: Handle,
        kills: bool,
        engine: &impl Engine,
    ) -> Result<(), Errno> {
        self.get(handle)?;
        engine.set_kill_frozen(handle.slot, kills);
        Ok(())
    }

    /// `notify_on_release`: whether the release agent is wanted when the
    /// group runs empty.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn notifies_release(
        &self,
        handle: Handle,
        engine: &impl Engine,
    ) -> Result<bool, Errno> {
        self.get(handle)?;
        Ok(engine.notifies_release(handle.slot))
    }

    /// Says whether it is.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn set_notify_on_release(
        &self,
        handle: Handle,
        asks: bool,
        engine: &impl Engine,
    ) -> Result<(), Errno> {
        self.get(handle)?;
        engine.set_notify_on_release(handle.slot, asks);
        Ok(())
    }
}
