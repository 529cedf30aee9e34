//! What lower layers call in higher ones: every hook of the kernel, plugged
//! here and nowhere else.

use core::fmt::{self, Write};

use kernel_call as syscall;
use kernel_control::{cgroup, terminal};
use kernel_core::power::wakeup::Source;
use kernel_files::{permission, size_limit};
use kernel_ipc::segment;
use kernel_machine::arch::trap;
use kernel_machine::drivers::{console, pl031};
use kernel_machine::mm::pace;
use kernel_machine::panic;
use kernel_process::terminal::SESSION_ENDED;
use kernel_process::{authority, exit, fault, oom, signal};
use kernel_task::freezer::wakeup;
use kernel_task::{self as task, freezer, host, sleep};

/// Plugs in every hook, on the boot CPU, before there are tasks.
pub fn plug() {
    panic::DESCRIBE_TASK.plug(&DESCRIBE_TASK);
    trap::HOOKS.plug(&EXCEPTIONS);
    pace::PAUSE.plug(&PAUSE);
    console::RECEIVER.plug(&RECEIVER);
    console::SENT.plug(&SENT);
    pl031::ALARM_HANDLER.plug(&ALARM_HANDLER);
    host::GROUP_WATCHER.plug(&cgroup::WATCHER);
    freezer::OOM_KILLER.plug(&oom::KILLER);
    permission::SOURCE.plug(&AUTHORITY);
    permission::MAKER.plug(&MAKER);
    size_limit::SOURCE.plug(&authority::FILE_SIZE);
    SESSION_ENDED.plug(&LEAVE_SESSION);
    exit::TRAIL.plug(&TRAIL);
    exit::MAKER_ENDS.plug(&MAKER_ENDS);
}

/// Exceptions that came from user mode, or that it is to blame for.
static EXCEPTIONS: trap::Hooks = trap::Hooks {
    syscall: syscall::dispatch,
    traced_syscall: syscall::dispatch_traced,
    user_fault: fault::user_fault,
    user_exception: fault::user_exception,
    kernel_fault: fault::kernel_fault,
    return_to_user: signal::deliver::return_to_user,
};

/// Long work on memory has come to the end of a piece.
static PAUSE: fn() = sleep::give_way_and_go_on;

/// Who panics.
static DESCRIBE_TASK: panic::DescribeTask = describe_task;

fn describe_task(to: &mut dyn Write) -> fmt::Result {
    let task = task::current();
    write!(to, "task {} ({:?})", task.id(), task.kind())
}

/// A byte came to the console.
static RECEIVER: fn(u8) = terminal::on_byte;

/// The clock's alarm went off.
static ALARM_HANDLER: fn() = || wakeup::event(Source::Clock);

/// The console has room again.
static SENT: fn() = terminal::on_sent;

/// What files ask of processes.
static AUTHORITY: permission::Source = authority::current;

/// Whose is what a process makes.
static MAKER: permission::Source = authority::maker;

/// The leader of a session has ended.
static LEAVE_SESSION: fn(u32) = terminal::leave_session;

/// A thread that has made segments of shared memory ends.
static MAKER_ENDS: fn() = segment::maker_ends;

/// A thread of a group of cgroup v2 ends.
static TRAIL: exit::FindTrail = cgroup::trail_of;
