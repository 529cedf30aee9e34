//! Per-task flags: who sets them, who clears them.

use super::fake::{Fake, KTHREAD, USER};
use crate::freezer::{Flags, Phase, Request, TaskFreezer};

/// spec: F1 F4 F5 F6 F7
#[test]
fn flags_have_linux_values() {
    assert_eq!(Flags::NOFREEZE.bits(), 0x8000);
    assert_eq!(Flags::FROZEN.bits(), 0x10000);
    assert_eq!(Flags::KTHREAD.bits(), 0x20_0000);
    assert_eq!(Flags::WQ_WORKER.bits(), 0x20);
    assert_eq!(Flags::SKIP.bits(), 0x4000_0000);
    assert_eq!(Flags::SUSPEND_TASK.bits(), 0x8000_0000);
}

/// spec: F1
#[test]
fn kernel_threads_are_born_unfreezable_and_hand_that_on() {
    let fake = Fake::new(&[KTHREAD | Flags::NOFREEZE]);
    let child = TaskFreezer::new();
    fake.freezer.born(&fake, &child, fake.task(1));
    assert_eq!(child.flags(), Flags::KTHREAD | Flags::NOFREEZE);
    assert_eq!(fake.freezer.count_awake(Phase::Kernel), 1);
}

/// spec: F1
#[test]
fn user_tasks_are_born_freezable_and_awake() {
    let fake = Fake::new(&[]);
    let child = TaskFreezer::new();
    fake.freezer.born(&fake, &child, fake.task(0));
    assert_eq!(child.flags(), USER);
    assert_eq!(fake.freezer.count_awake(Phase::User), 2);
}

/// spec: F1 P4
#[test]
fn a_helper_becomes_freezable_at_exec() {
    let fake = Fake::new(&[KTHREAD | Flags::NOFREEZE]);
    fake.freezer.raise();
    let request = fake.freezer.exec(&fake, &fake.tasks[1]);
    assert_eq!(request, Request::FakeSignal);
    assert_eq!(fake.task(1).flags(), USER);
    assert_eq!(fake.freezer.count_awake(Phase::User), 2);
}

/// spec: F1
#[test]
fn exec_moves_a_freezable_thread_to_the_users() {
    let fake = Fake::new(&[KTHREAD]);
    assert_eq!(fake.freezer.kernel.0.load(RELAXED), 1);
    let _ = fake.freezer.exec(&fake, &fake.tasks[1]);
    assert_eq!(fake.freezer.kernel.0.load(RELAXED), 0);
    assert_eq!(fake.freezer.users.0.load(RELAXED), 2);
}

const RELAXED: crate::sync::Ordering = crate::sync::Ordering::Relaxed;

/// spec: F2
#[test]
fn set_freezable_says_whether_the_thread_froze() {
    let fake = Fake::new(&[KTHREAD | Flags::NOFREEZE]);
    assert!(!fake.freezer.set_freezable(&fake, &fake.tasks[1]));

    let fake = Fake::new(&[KTHREAD | Flags::NOFREEZE]);
    fake.freezer.raise();
    fake.freezer.pm_nosig_freezing.store(true, RELAXED);
    fake.meanwhile(|fake| fake.freezer.lower());
    assert!(fake.freezer.set_freezable(&fake, &fake.tasks[1]));
}

/// spec: F3 P5
#[test]
fn a_dead_task_does_not_hold_up_a_freeze() {
    let fake = Fake::new(&[USER]);
    fake.die(1);
    fake.freeze().unwrap();
    assert_eq!(fake.freezer.freeze_task(fake.task(1)), Request::NotRequested);
}

/// spec: F4 R1 N1
#[test]
fn only_the_task_itself_sets_and_clears_frozen() {
    let fake = Fake::new(&[USER]);
    fake.freezer.raise();
    assert!(!fake.task(1).frozen());
    fake.meanwhile(|fake| {
        assert!(fake.task(1).frozen());
        fake.freezer.lower();
        fake.freezer.thaw_processes(fake, &fake.tasks[0]);
        assert!(fake.task(1).frozen(), "the thaw only wakes");
    });
    assert!(fake.try_to_freeze(1));
    assert!(!fake.task(1).frozen());
}

/// spec: F5
#[test]
fn skip_is_set_only_around_a_sleep() {
    let fake = Fake::new(&[USER]);
    assert!(!fake.task(1).stands_still());
    fake.sleep(1);
    assert!(fake.task(1).stands_still());
    fake.wake(1);
    assert!(!fake.task(1).stands_still());
}

/// spec: F6 O1
#[test]
fn the_freezing_task_is_marked_until_the_thaw() {
    let fake = Fake::new(&[]);
    fake.freeze().unwrap();
    assert!(fake.task(0).flags().contains(Flags::SUSPEND_TASK));
    assert!(!fake.freezing(0));
    fake.thaw();
    assert!(!fake.task(0).flags().contains(Flags::SUSPEND_TASK));
    assert_eq!(fake.freezer.count_awake(Phase::User), 1);
}

/// spec: F6
#[test]
fn a_thaw_by_another_task_warns() {
    let fake = Fake::new(&[USER]);
    fake.sleep(1);
    fake.freeze().unwrap();
    fake.take_events();
    fake.freezer.thaw_processes(&fake, &fake.tasks[1]);
    let warning = "thaw_processes: called by another task";
    assert!(fake.take_events().iter().any(|event| event == warning));
}

/// spec: F8 D3
#[test]
fn an_out_of_memory_victim_leaves_the_refrigerator() {
    let fake = Fake::new(&[USER]);
    fake.freezer.raise();
    fake.meanwhile(|fake| {
        fake.freezer.mark_oom_victim(fake, &fake.tasks[1]);
        assert!(fake.take_events().contains(&"wake 1".into()));
    });
    assert!(fake.try_to_freeze(1));
    assert!(!fake.freezing(1));
    assert_eq!(fake.task(1).stat_flags(), 0, "no flag of Linux's");
}
