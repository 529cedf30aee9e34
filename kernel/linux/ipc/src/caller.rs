//! Who asks.

use kernel_core::capability::Capability;
use kernel_core::ipc::permission::Asker;
use kernel_process::credentials::Credentials;
use kernel_process::thread_of;

/// The running process, as it is during one call.
pub(crate) struct Caller {
    credentials: Credentials,
}

impl Caller {
    /// The running process.
    pub(crate) fn new() -> Self {
        let process = &kernel_process::current().process;
        let credentials = process.credentials.lock().clone();
        Self { credentials }
    }

    /// As the rules see it.
    pub(crate) fn asker(&self) -> Asker<'_> {
        Asker {
            user: self.credentials.user.effective,
            group: self.credentials.group.effective,
            groups: &self.credentials.groups,
            capabilities: self.credentials.capabilities.effective,
        }
    }

    /// Whether it has all of `capabilities`.
    pub(crate) fn has(&self, capabilities: Capability) -> bool {
        self.credentials.has(capabilities)
    }
}

/// The number of the running process; 0 for a kernel thread.
pub(crate) fn process_id() -> u32 {
    let task = kernel_task::current();
    thread_of(&task).map_or(0, |thread| thread.process.id)
}
