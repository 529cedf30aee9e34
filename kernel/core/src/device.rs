//! Small devices by their registers: what to write where, without the
//! hardware. The kernel's drivers give the registers; tests give a bank that
//! only remembers.

pub mod lamp;
pub mod watchdog;

#[cfg(test)]
mod tests;

/// A device's 32-bit registers, by their offsets in bytes.
pub trait Registers {
    /// The register's value.
    fn read(&self, offset: usize) -> u32;
    /// Writes the register.
    fn write(&self, offset: usize, value: u32);
}
