//! What is compiled for.

/// The target triple of the kernel and of the user programs.
pub const TARGET: &str = "aarch64-unknown-none-softfloat";
