//! The order of a whole freeze and thaw.

use kernel_abi::Errno;

use super::fake::{Fake, KTHREAD, USER};
use crate::freezer::{Flags, HelperDepth, Hierarchy};
use crate::sync::Ordering::Relaxed;

const FROZE_USERS: &str =
    "Freezing user space processes ... (elapsed 0.000 seconds) done.";
const FROZE_KERNEL: &str =
    "Freezing remaining freezable tasks ... (elapsed 0.000 seconds) done.";

fn suspend(fake: &Fake) -> Result<(), Errno> {
    fake.freezer.suspend_freeze_processes(fake, &fake.tasks[0])
}

/// What a machine looks like on which nothing is frozen.
fn assert_no_residue(fake: &Fake) {
    assert_eq!(fake.conditions(), 0);
    assert!(!fake.freezer.pm_freezing.load(Relaxed));
    assert!(!fake.freezer.pm_nosig_freezing.load(Relaxed));
    assert!(!fake.freezer.workqueues_freezing());
    assert_eq!(fake.helpers.depth(), HelperDepth::Enabled);
    assert_eq!(fake.task(0).flags(), USER);
}

/// spec: O1 O2 O3 H2 H3
#[test]
fn a_freeze_takes_these_steps() {
    let fake = Fake::new(&[]);
    suspend(&fake).unwrap();
    let events = fake.take_events();
    let expected = [
        "clear wakeup",
        "sweep",
        FROZE_USERS,
        "oom off within 20000 ms",
        "OOM killer disabled.",
        "freeze workqueues",
        "sweep",
        FROZE_KERNEL,
    ];
    let asked = |event: &&String| event.as_str() != "NotRequested 0";
    assert!(events.iter().filter(asked).eq(expected.iter()), "{events:?}");
    assert_eq!(fake.helpers.depth(), HelperDepth::Disabled);
}

/// spec: O4 H3 W3
#[test]
fn a_thaw_takes_these_steps() {
    let fake = Fake::new(&[USER, KTHREAD, USER]);
    fake.sleep(3);
    fake.put_in_refrigerator(1);
    fake.put_in_refrigerator(2);
    suspend(&fake).unwrap();
    fake.take_events();
    fake.thaw();
    let expected = [
        "oom on",
        "OOM killer enabled.",
        "thaw workqueues",
        "wake 1",
        "wake 2",
        "NotRequested 0",
        "schedule",
        "Restarting tasks ... done.",
    ];
    assert_eq!(fake.take_events(), expected);
    assert_no_residue(&fake);
}

/// spec: O5 F7 C6
#[test]
fn thawing_kernel_threads_leaves_users_frozen() {
    let kinds = [USER, KTHREAD, KTHREAD | Flags::WQ_WORKER];
    let fake = Fake::new(&kinds);
    (1..=3).for_each(|id| fake.put_in_refrigerator(id));
    suspend(&fake).unwrap();
    fake.take_events();
    fake.freezer.thaw_kernel_threads(&fake);
    let expected = [
        "thaw workqueues",
        "wake 2",
        "wake 3",
        "schedule",
        "Restarting kernel threads ... done.",
    ];
    assert_eq!(fake.take_events(), expected);
    assert!(fake.freezing(1));
    assert!(!fake.freezing(2));
    assert!(fake.freezer.pm_freezing.load(Relaxed));
}

/// spec: C2 C3 C6 W4
#[test]
fn repeating_a_step_leaks_nothing() {
    let fake = Fake::new(&[]);
    fake.freeze().unwrap();
    fake.freeze().unwrap();
    assert_eq!(fake.conditions(), 1);
    fake.freeze_kernel().unwrap();
    assert_eq!(fake.conditions(), 1, "kernel threads add no condition");
    fake.take_events();
    fake.freeze_kernel().unwrap();
    let warning = "freeze_workqueues_begin: frozen already".to_string();
    assert!(fake.take_events().contains(&warning));
    fake.freezer.thaw_kernel_threads(&fake);
    assert_eq!(fake.conditions(), 1);
    fake.thaw();
    fake.thaw();
    assert_no_residue(&fake);
}

/// spec: W3
#[test]
fn a_thaw_without_frozen_workqueues_leaves_them_alone() {
    let fake = Fake::new(&[]);
    fake.freeze().unwrap();
    fake.thaw();
    assert!(!fake.take_events().contains(&"thaw workqueues".into()));
}

/// spec: O1 O7
#[test]
fn a_refused_user_phase_thaws_everything() {
    let fake = Fake::impatient(&[USER]);
    assert_eq!(suspend(&fake), Err(Errno::EBUSY));
    assert_no_residue(&fake);
    fake.sleep(1);
    suspend(&fake).unwrap();
}

/// spec: O2 O3 O7
#[test]
fn a_refused_kernel_phase_thaws_kernel_threads_only() {
    let fake = Fake::impatient(&[KTHREAD]);
    fake.freeze().unwrap();
    assert_eq!(fake.freeze_kernel(), Err(Errno::EBUSY));
    assert!(!fake.freezer.pm_nosig_freezing.load(Relaxed));
    assert!(!fake.freezer.workqueues_freezing());
    assert!(fake.freezer.pm_freezing.load(Relaxed));
    fake.thaw();
    assert_eq!(suspend(&fake), Err(Errno::EBUSY));
    assert_no_residue(&fake);
}

/// spec: H3 O1
#[test]
fn a_victim_that_does_not_die_fails_the_freeze() {
    let fake = Fake::new(&[]);
    fake.oom_victims_die.set(false);
    assert_eq!(suspend(&fake), Err(Errno::EBUSY));
    let events = fake.take_events();
    assert!(!events.contains(&"OOM killer disabled.".into()));
    assert!(events.contains(&"oom on".into()));
    assert_no_residue(&fake);
}

/// spec: H1
#[test]
fn a_freeze_waits_for_helpers() {
    let fake = Fake::new(&[]);
    fake.helpers.begin(&fake).unwrap();
    fake.meanwhile(|fake| {
        assert_eq!(fake.helpers.depth(), HelperDepth::Freezing);
        let late = fake.helpers.begin(fake);
        assert_eq!(late, Err(Errno::EBUSY));
        fake.helpers.end(fake);
        assert!(fake.take_events().contains(&"quiet".into()));
    });
    fake.freeze().unwrap();
}

/// spec: H1
#[test]
fn a_helper_that_does_not_end_in_five_seconds_stops_the_freeze() {
    let fake = Fake::new(&[USER]);
    fake.helpers.begin(&fake).unwrap();
    assert_eq!(fake.freeze(), Err(Errno::EAGAIN));
    assert_eq!(fake.clock_ns.get(), 5_000_000_000);
    assert_no_residue(&fake);
    assert!(fake.take_events().is_empty(), "nothing was frozen");
    fake.helpers.end(&fake);
}

/// spec: H2
#[test]
fn helpers_get_an_error_while_user_space_is_frozen() {
    let fake = Fake::new(&[]);
    fake.freeze().unwrap();
    assert_eq!(fake.helpers.begin(&fake), Err(Errno::EAGAIN));
    fake.thaw();
    assert_eq!(fake.helpers.begin(&fake), Ok(()));
}

/// spec: O4 N5
#[test]
fn the_freezing_task_obeys_its_own_group_after_the_thaw() {
    let fake = Fake::new(&[]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[0], Hierarchy::V1, 1);
    fake.freeze().unwrap();
    fake.freezer.freeze_group(&fake, 1, crate::freezer::SELF_FREEZING);
    fake.take_events();
    fake.thaw();
    assert!(fake.take_events().contains(&"FakeSignal 0".into()));
}

/// spec: K7 D8
#[test]
fn kernel_threads_run_while_users_freeze() {
    let fake = Fake::new(&[KTHREAD]);
    fake.freeze().unwrap();
    assert!(!fake.freezing(1));
    assert!(!fake.try_to_freeze(1));
}
