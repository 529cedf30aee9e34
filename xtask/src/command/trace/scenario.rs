//! What is played at the guest's prompt.
use anyhow::{Result, bail};

/// Something that is worth a picture.
pub struct Scenario {
    /// What a person types.
    pub name: &'static str,
    /// The picture's headline.
    pub title: &'static str,
    /// Words for the kernel's command line.
    pub append: &'static str,
    /// Lines for the shell, before the freeze.
    commands: &'static str,
    /// What the task that freezes does right before.
    pause: &'static str,
    /// What it does then.
    freeze: &'static str,
    /// What it does when the events are kept.
    after: &'static str,
}

/// A whole system's freeze, which thaws at once.
const SYSTEM: &str = "echo mem > /sys/power/state";

impl Scenario {
    /// The whole script. The task that freezes goes
    /// before all others, so that it keeps the events before they are pushed
    /// out.
    pub fn script(&self) -> String {
        let Scenario { commands, pause, freeze, after, .. } = self;
        format!(
            "echo 0 > /sys/module/suspend/parameters/pm_test_delay\n\
             echo freezer > /sys/power/pm_test\n\
             {commands}\n\
             nice -n -20 sh -c 'sleep {pause}; {freeze}; sleep 0.0001; \
             echo 1 > /sys/kernel/tracing/snapshot'\n\
             {after}\n\
             cat /sys/kernel/tracing/snapshot\n\
             poweroff -f\n"
        )
    }
}

/// All of them. A spinner says `yield`: in the repeatable mode one CPU runs
/// at a time, until it says that it waits.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "freeze",
        title: "A busy system is frozen and thawed",
        append: "",
        commands: "for i in 1 2 3 4 5; do sleep 1000 & done\n\
                   for i in 1 2 3 4 5 6; do spin --yield & done",
        pause: "0.1",
        freeze: SYSTEM,
        after: "",
    },
    Scenario {
        name: "bomb",
        title: "A fork bomb is frozen while it grows",
        append: "",
        commands: "bomb() { if [ $1 != 0 ]; then bomb $(($1 - 1)) & \
                   bomb $(($1 - 1)) & wait; fi; }\nbomb 9 &",
        pause: "0.004",
        freeze: SYSTEM,
        after: "",
    },
    Scenario {
        name: "refused",
        title: "A freeze is refused: one kernel thread never freezes",
        append: "freezer.stubborn=1",
        commands: "echo 25 > /sys/power/pm_freeze_timeout\n\
                   sleep 1000 &\nfor i in 1 2 3; do spin --yield & done",
        pause: "0.1",
        freeze: SYSTEM,
        after: "",
    },
    Scenario {
        name: "group",
        title: "A group is frozen and thawed; others run on",
        append: "",
        commands: "group=/tmp/group/job\nmkdir /tmp/group\n\
                   mount -t cgroup -o freezer none /tmp/group\n\
                   mkdir $group\n\
                   for i in 1 2 3; do sleep 1000 & \
                   echo $! > $group/tasks; done\n\
                   for i in 1 2 3 4; do spin --yield & \
                   echo $! > $group/tasks; done\n\
                   for i in 1 2; do spin --yield & done",
        pause: "0.1",
        freeze: "echo FROZEN > /tmp/group/job/freezer.state; \
                 read state < /tmp/group/job/freezer.wait; \
                 echo THAWED > /tmp/group/job/freezer.state",
        // Frozen again, so that the list of tasks tells who is in it.
        after: "echo FROZEN > $group/freezer.state",
    },
];

/// The scenario of that name.
///
/// # Errors
/// There is none.
pub fn find(name: &str) -> Result<&'static Scenario> {
    match ALL.iter().find(|scenario| scenario.name == name) {
        Some(scenario) => Ok(scenario),
        None => {
            let names: Vec<&str> = ALL.iter().map(|it| it.name).collect();
            bail!("no scenario {name:?}; there are {}", names.join(", "))
        }
    }
}
