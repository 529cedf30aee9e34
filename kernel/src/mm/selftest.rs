//! Tests that need the machine: tables, TLB, faults, copies. Run at boot with
//! `firn.selftest=1`.

/// A test: what it promises, and how to find out.
pub type Test = (&'static str, fn() -> Result<(), &'static str>);

/// All tests of the memory half.
pub fn tests() -> &'static [Test] {
    &[]
}
