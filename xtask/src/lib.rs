//! Building Firn and booting it in QEMU, as a library.
//!
//! The commands a person types use it, and so does the crate `tests`, so that
//! what is tested is what is run. From bottom to top: [`layout`] knows the
//! paths, [`board`] the boards, [`toolchain`] picks the compiler, [`initramfs`]
//! and [`image`] make the boot files, [`media`] puts them onto a card, [`qemu`]
//! starts the machine, [`command`] is the surface.
pub mod board;
pub mod command;
pub mod debian;
pub mod image;
pub mod initramfs;
pub mod layout;
pub mod media;
pub mod qemu;
pub mod rules;
pub mod toolchain;
