//! Programs about processes, time and the system.

pub mod date;
pub mod dmesg;
pub mod env;
pub mod free;
pub mod id;
pub mod kill;
pub mod mount;
pub mod nice;
pub mod power;
pub mod ps;
pub mod sleep;
pub mod spin;
pub mod sync;
pub mod taskset;
pub mod uname;
pub mod uptime;
pub mod which;
