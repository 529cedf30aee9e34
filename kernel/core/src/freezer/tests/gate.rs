//! `freezing`, `freeze_task` and the skip protocol.

use super::fake::{Fake, KTHREAD, USER};
use crate::freezer::{
    Flags, Groups, Hierarchy, Phase, Request, SELF_FREEZING, TaskFreezer,
};
use crate::sync::Ordering::Relaxed;

/// spec: C5 D1
#[test]
fn without_a_condition_nobody_is_freezing() {
    let fake = Fake::new(&[USER]);
    fake.freezer.pm_freezing.store(true, Relaxed);
    fake.freezer.pm_nosig_freezing.store(true, Relaxed);
    assert!(!fake.freezing(1), "the fast path does not look further");
}

/// spec: D2 D3 D4 D5 D6 D7 D8 D9
#[test]
fn freezing_asks_in_this_order() {
    let kthread = KTHREAD;
    let unfreezable = [
        USER | Flags::NOFREEZE,
        kthread | Flags::NOFREEZE,
        USER | Flags::SUSPEND_TASK,
        USER | Flags::OOM_VICTIM,
        kthread | Flags::OOM_VICTIM,
    ];
    let fake = Fake::new(&[]);
    let freezer = &fake.freezer;
    let answers = |pm: bool, nosig: bool, group: u32, kind: Flags| {
        let groups = Groups::ROOT.with(Hierarchy::V1, group);
        freezer.system_freezing_cnt.store(1, Relaxed);
        freezer.pm_freezing.store(pm, Relaxed);
        freezer.pm_nosig_freezing.store(nosig, Relaxed);
        freezer.groups[1].bits.store(SELF_FREEZING, Relaxed);
        let task = TaskFreezer::new();
        freezer.born_with(&fake, &task, kind, groups);
        freezer.freezing(&task)
    };
    for kind in unfreezable {
        assert!(!answers(true, true, 1, kind), "{kind:?}");
    }
    assert!(answers(true, true, 0, USER), "D4");
    assert!(answers(true, true, 0, kthread), "D4");
    assert!(answers(false, false, 1, USER), "D5");
    assert!(answers(false, false, 1, kthread), "D5");
    assert!(answers(true, false, 0, USER), "D6");
    assert!(!answers(true, false, 0, kthread), "D7 D8");
    assert!(!answers(false, false, 0, USER), "D7");
}

/// spec: T1 T2
#[test]
fn a_task_that_stands_frozen_is_not_asked() {
    let fake = Fake::new(&[USER, USER, USER]);
    let ask = |id| fake.freezer.freeze_task(fake.task(id));
    assert_eq!(ask(1), Request::NotRequested, "not freezing");
    fake.freezer.raise();
    fake.sleep(2);
    fake.put_in_refrigerator(3);
    assert_eq!(ask(1), Request::FakeSignal);
    assert_eq!(ask(2), Request::NotRequested, "skip");
    assert_eq!(ask(3), Request::NotRequested, "frozen");
}

/// spec: T3 T4 T6 U1
#[test]
fn users_get_a_fake_signal_and_kernel_threads_a_wake() {
    let fake = Fake::new(&[USER, KTHREAD]);
    fake.freezer.raise();
    fake.freezer.pm_nosig_freezing.store(true, Relaxed);
    for _ in 0..3 {
        let ask = |id| fake.freezer.freeze_task(fake.task(id));
        assert_eq!(ask(1), Request::FakeSignal);
        assert_eq!(ask(2), Request::WakeKthread);
    }
}

/// spec: T5
#[test]
fn an_exiting_task_gets_no_signal_but_counts() {
    let fake = Fake::new(&[USER]);
    fake.freezer.raise();
    fake.freezer.exiting(&fake, &fake.tasks[1]);
    assert_eq!(fake.freezer.freeze_task(fake.task(1)), Request::AwaitExit);
    assert_eq!(fake.freezer.count_awake(Phase::User), 2);
    fake.die(1);
    assert_eq!(fake.freezer.count_awake(Phase::User), 1);
}

/// spec: T6 N8 P1
#[test]
fn a_task_picked_during_a_freeze_is_asked_then() {
    let fake = Fake::new(&[USER]);
    let picked = || fake.freezer.switched_in::<Fake>(&fake.tasks[1]);
    assert_eq!(picked(), Request::NotRequested);
    fake.freezer.raise();
    assert_eq!(picked(), Request::FakeSignal);
}

/// spec: U5
#[test]
fn the_signal_mark_stays_while_freezing() {
    let fake = Fake::new(&[USER]);
    let task = &fake.tasks[1];
    let recalc = |is_pending| {
        let clear = || task.is_marked.set(false);
        fake.freezer.recalc_sigpending::<Fake>(task, clear, || is_pending)
    };
    assert!(!recalc(false));
    assert!(recalc(true), "a real signal");
    fake.freezer.raise();
    assert!(recalc(false), "the fake one");
    fake.freezer.lower();
    assert!(!recalc(false), "gone with the freeze");
}

/// spec: U6
#[test]
fn a_freeze_point_checks_locks_unless_the_task_never_freezes() {
    let fake = Fake::new(&[USER, KTHREAD | Flags::NOFREEZE]);
    fake.try_to_freeze(2);
    assert!(fake.take_events().is_empty());
    fake.try_to_freeze(1);
    assert_eq!(!fake.take_events().is_empty(), cfg!(debug_assertions));
}

/// spec: S1 N9
#[test]
fn a_sleeper_counts_as_frozen_where_it_sleeps() {
    let fake = Fake::new(&[USER]);
    fake.sleep(1);
    fake.freeze().unwrap();
    let record = fake.records.borrow()[0];
    assert_eq!((record.awake, record.signalled), (0, 0));
    assert!(!fake.task(1).frozen());
}

/// spec: S1 R5 G2 G3 G5
#[test]
fn a_sleeper_woken_during_a_freeze_goes_to_the_refrigerator() {
    let fake = Fake::new(&[USER]);
    fake.sleep(1);
    fake.freeze().unwrap();
    fake.meanwhile(|fake| {
        assert!(fake.task(1).frozen());
        assert!(fake.freezer.is_quiet(Phase::User));
        fake.thaw();
    });
    assert!(fake.wake(1), "it must look again at what it waited for");
    assert_eq!(fake.task(1).flags(), USER);
}

/// spec: S1
#[test]
fn a_sleeper_woken_without_a_freeze_just_goes_on() {
    let fake = Fake::new(&[USER]);
    fake.sleep(1);
    assert!(!fake.wake(1));
    assert_eq!(fake.freezer.count_awake(Phase::User), 2);
}

/// spec: L3
#[test]
fn only_the_last_to_park_tells_the_freezer() {
    let fake = Fake::new(&[USER, USER]);
    fake.freezer.set(&fake, fake.task(0), Flags::SUSPEND_TASK);
    fake.freezer.raise();
    fake.sleep(1);
    assert!(fake.take_events().is_empty());
    fake.sleep(2);
    assert_eq!(fake.take_events(), ["quiet"]);
}

/// spec: S1 R5
#[test]
fn who_freezes_after_a_sleep_gives_away_first_and_awake() {
    let fake = Fake::new(&[USER]);
    let given = core::cell::Cell::new(0);
    let wake = || {
        fake.sleep(1);
        let give = || {
            assert_eq!(fake.freezer.count_awake(Phase::User), 2);
            assert!(!fake.take_events().contains(&"refrigerator 1".into()));
            given.set(given.get() + 1);
        };
        fake.freezer.freezer_count_after(&fake, &fake.tasks[1], give)
    };
    assert!(!wake());
    assert_eq!(given.get(), 0);
    fake.freezer.raise();
    fake.meanwhile(|fake| fake.freezer.lower());
    assert!(wake());
    assert_eq!(given.get(), 1);
}

#[test]
fn who_is_killed_before_birth_stays_killed() {
    let fake = Fake::new(&[USER]);
    let child = TaskFreezer::new();
    child.word.fetch_or(u64::from(Flags::KILLED.bits()), Relaxed);
    fake.freezer.born(&fake, &child, fake.task(1));
    assert!(child.flags().contains(Flags::KILLED));
}
