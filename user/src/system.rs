//! Programs about processes, time and the system.

pub mod date;
pub mod df;
pub mod dmesg;
pub mod env;
pub mod free;
pub mod id;
pub mod kill;
pub mod mount;
pub mod nice;
pub mod power;
mod process;
pub mod ps;
pub mod sleep;
pub mod spin;
pub mod sync;
pub mod taskset;
pub mod top;
pub mod uname;
pub mod uptime;
pub mod which;
