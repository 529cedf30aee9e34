//! Firn: the machine half of the kernel.
#![no_std]
#![no_main]

extern crate alloc;
