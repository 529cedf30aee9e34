//! Integration tests that boot Firn in QEMU.
