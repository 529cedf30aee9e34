//! Groups: conditions, counts, joins.

use super::fake::{Fake, FakeTask, KTHREAD, USER};
use crate::freezer::{
    Hierarchy, PARENT_FREEZING, Phase, Request, SELF_FREEZING,
};

/// spec: C4
#[test]
fn a_group_is_one_condition_however_many_bits_it_has() {
    let fake = Fake::new(&[]);
    let freezer = &fake.freezer;
    freezer.freeze_group(&fake, 1, PARENT_FREEZING);
    freezer.freeze_group(&fake, 1, SELF_FREEZING);
    freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert_eq!(fake.conditions(), 1);
    freezer.thaw_group(&fake, 1, SELF_FREEZING);
    assert_eq!(fake.conditions(), 1);
    freezer.thaw_group(&fake, 1, PARENT_FREEZING);
    freezer.thaw_group(&fake, 1, PARENT_FREEZING);
    assert_eq!(fake.conditions(), 0);
}

/// spec: C1 C4
#[test]
fn conditions_add_up() {
    let fake = Fake::new(&[]);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    fake.freezer.freeze_group(&fake, 2, SELF_FREEZING);
    fake.freeze().unwrap();
    assert_eq!(fake.conditions(), 3);
    fake.thaw();
    assert_eq!(fake.conditions(), 2);
}

/// spec: V4 D5
#[test]
fn a_group_is_frozen_once_nobody_is_awake() {
    let fake = Fake::new(&[USER, KTHREAD]);
    for task in &fake.tasks[1..] {
        let _ = fake.freezer.attach(&fake, task, Hierarchy::V1, 1);
    }
    assert!(!fake.freezer.group_frozen(1));
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert!(!fake.freezer.group_frozen(1), "FREEZING");
    let events = fake.take_events();
    assert!(events.contains(&"FakeSignal 1".into()));
    assert!(events.contains(&"WakeKthread 2".into()));
    fake.put_in_refrigerator(1);
    fake.put_in_refrigerator(2);
    assert_eq!(fake.take_events(), ["group 1 quiet"]);
    assert!(fake.freezer.group_frozen(1));
}

/// spec: V4 P5
#[test]
fn an_empty_group_is_frozen_at_once_and_nobody_is_visited() {
    let fake = Fake::new(&[USER]);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert!(fake.freezer.group_frozen(1));
    assert!(fake.take_events().is_empty());
}

/// spec: O6
#[test]
fn a_task_that_freezes_its_own_group_goes_on_until_its_way_to_user_mode() {
    let fake = Fake::new(&[USER]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    // The write of task 1, which returns ...
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert!(fake.take_events().contains(&"FakeSignal 1".into()));
    assert!(!fake.freezer.group_frozen(1), "its writer is still awake");
    // ... and here task 1 goes to user mode.
    fake.meanwhile(|fake| {
        assert!(fake.freezer.group_frozen(1));
        fake.freezer.thaw_group(fake, 1, SELF_FREEZING);
    });
    assert!(fake.try_to_freeze(1));
}

/// spec: V8 P1
#[test]
fn who_joins_a_freezing_group_is_asked() {
    let fake = Fake::new(&[USER]);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    let request = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    assert_eq!(request, Request::FakeSignal);
    assert!(!fake.freezer.group_frozen(1));
    assert_eq!(fake.freezer.count_awake(Phase::User), 2, "counted once");
}

/// spec: V8 G1
#[test]
fn who_leaves_a_freezing_group_thaws() {
    let fake = Fake::new(&[USER]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    fake.meanwhile(|fake| {
        let request =
            fake.freezer.attach(fake, &fake.tasks[1], Hierarchy::V1, 0);
        assert_eq!(request, Request::NotRequested);
        assert!(fake.freezer.group_frozen(1), "the source stays frozen");
    });
    assert!(fake.try_to_freeze(1));
    assert_eq!(fake.task(1).flags(), USER);
}

/// spec: P1
#[test]
fn a_child_is_born_into_its_parents_group() {
    let fake = Fake::new(&[USER]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    let child = crate::freezer::TaskFreezer::new();
    fake.freezer.born(&fake, &child, fake.task(1));
    assert_eq!(child.groups().of(Hierarchy::V1), 1);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    fake.sleep(1);
    assert!(!fake.freezer.group_frozen(1), "the child is awake");
}

/// spec: Y1
#[test]
fn a_child_is_born_into_another_group_and_asked_there() {
    let fake = Fake::new(&[USER, USER]);
    let freezer = &fake.freezer;
    let _ = freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    freezer.freeze_group(&fake, 2, SELF_FREEZING);
    assert!(freezer.group_frozen(2));
    // Task 2 is the child, of task 1.
    let (child, parent) = (&fake.tasks[2], fake.task(1));
    let group = (Hierarchy::V2, 2);
    freezer.born_into(&fake, fake.task(2), parent, group);
    let groups = fake.task(2).groups();
    assert_eq!(groups.of(Hierarchy::V1), 1, "its parent's");
    assert_eq!(groups.of(Hierarchy::V2), 2);
    assert_eq!(freezer.group_members(2), 1);
    assert!(!freezer.group_frozen(2), "the child is awake");
    let request = freezer.switched_in::<Fake>(child);
    assert_eq!(request, Request::FakeSignal);
    fake.put_in_refrigerator(2);
    assert!(freezer.group_frozen(2));
    assert!(!freezer.freezing(parent));
}

/// spec: Y1
#[test]
fn a_place_that_is_kept_for_a_child_is_given_back() {
    let fake = Fake::new(&[USER]);
    let freezer = &fake.freezer;
    // A task that is not born yet.
    let child = FakeTask::new(2);
    freezer.freeze_group(&fake, 2, SELF_FREEZING);
    let request = freezer.attach(&fake, &child, Hierarchy::V2, 2);
    assert_eq!(request, Request::NotRequested);
    assert_eq!(freezer.group_members(2), 1, "nobody removes the group");
    assert!(freezer.group_frozen(2), "the child does not count yet");
    freezer.leave_groups(&fake, &child);
    assert_eq!(freezer.group_members(2), 0);
    assert!(freezer.group_frozen(2));
}

/// spec: B3 G8
#[test]
fn a_group_of_v2_lets_a_task_trap_and_no_other_freeze_does() {
    let fake = Fake::new(&[USER]);
    let (freezer, task) = (&fake.freezer, &fake.tasks[1]);
    let _ = freezer.attach(&fake, task, Hierarchy::V2, 2);
    freezer.freeze_group(&fake, 2, SELF_FREEZING);
    freezer.mark_trapping(&fake, task);
    assert!(task.own.is_trapping());
    assert!(!fake.freezing(1));
    assert!(!freezer.group_frozen(2), "it is awake until it has trapped");
    let _ = freezer.attach(&fake, task, Hierarchy::V1, 1);
    freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert!(fake.freezing(1), "cgroup v1 holds it");
    freezer.thaw_group(&fake, 1, SELF_FREEZING);
    assert!(!fake.freezing(1));
    freezer.end_trap(&fake, task);
    assert!(fake.freezing(1));
    assert_eq!(task.own.stat_flags(), 0);
}
