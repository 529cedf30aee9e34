//! Files in `/proc` that tell what calls like `uname` tell.

use alloc::format;
use alloc::string::String;

use kernel_abi::Errno;

use crate::files::attribute::ShowFn;
use crate::files::proc::register;
use crate::files::sys::Attribute;
use crate::syscall::system::{RELEASE, VERSION, host_name};
use crate::task::table::ID_LIMIT;

/// Process numbers are below this.
const PID_MAX: u32 = ID_LIMIT;

/// Adds the files.
///
/// # Errors
/// `EEXIST` if called twice.
pub fn init() -> Result<(), Errno> {
    let files: [(&str, ShowFn); 6] = [
        ("/proc/version", || {
            Ok(format!("Linux version {RELEASE} {VERSION}\n"))
        }),
        ("/proc/sys/kernel/ostype", || Ok("Linux\n".into())),
        ("/proc/sys/kernel/osrelease", || Ok(format!("{RELEASE}\n"))),
        ("/proc/sys/kernel/version", || Ok(format!("{VERSION}\n"))),
        ("/proc/sys/kernel/pid_max", || Ok(format!("{PID_MAX}\n"))),
        ("/proc/sys/kernel/hostname", show_host_name),
    ];
    for (path, show) in files {
        register(path, Attribute::read_only(show))?;
    }
    Ok(())
}

fn show_host_name() -> Result<String, Errno> {
    let name = host_name();
    Ok(format!("{}\n", String::from_utf8_lossy(&name)))
}
