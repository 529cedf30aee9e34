//! `poweroff` and `reboot`: ask process 1, or with `-f` the kernel.

use alloc::string::String;

use user_lib::linux::{
    LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_CMD_RESTART, SIGTERM, SIGUSR2,
};
use user_lib::{signal, system};

use user_lib::option::{Options, fail};

/// Runs `poweroff`.
pub fn poweroff(arguments: &[String]) -> i32 {
    end("poweroff", arguments, SIGUSR2, LINUX_REBOOT_CMD_POWER_OFF)
}

/// Runs `reboot`.
pub fn reboot(arguments: &[String]) -> i32 {
    end("reboot", arguments, SIGTERM, LINUX_REBOOT_CMD_RESTART)
}

/// The signals are those that BusyBox's init takes too.
fn end(name: &str, arguments: &[String], signal: u32, command: u32) -> i32 {
    let options = match Options::parse(arguments, "f") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let result = if options.has('f') {
        system::synchronize();
        system::reboot(command)
    } else {
        signal::send(1, signal)
    };
    result.map_or_else(|error| fail(name, "system", error), |()| 0)
}
