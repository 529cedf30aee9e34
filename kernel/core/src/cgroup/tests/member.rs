//! Tasks that join and leave.

use super::fake::World;
use crate::cgroup::{ROOT, ROOT_HANDLE, State};

/// spec: V8 N5
#[test]
fn a_task_that_joins_makes_frozen_be_found_anew() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    world.freeze(chain[0]);
    assert_eq!(world.state(chain[0]), State::Frozen);
    world.join(chain[1], 1);
    assert_eq!(world.state(chain[1]), State::Freezing);
    assert_eq!(world.state(chain[0]), State::Freezing, "and above");
    world.tasks(chain[1], 1, 0);
    assert_eq!(world.state(chain[0]), State::Frozen);
}

/// spec: V8
#[test]
fn a_sleeper_that_joins_leaves_the_group_frozen() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.freeze(group);
    world.join(group, 0);
    assert_eq!(world.state(group), State::Frozen);
}

/// spec: V8
#[test]
fn a_task_that_joins_a_thawed_group_changes_nothing() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.join(group, 1);
    assert_eq!(world.state(group), State::Thawed);
}

/// spec: V12 N8
#[test]
fn a_task_born_into_a_freezing_group_holds_it_up() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.tasks(group, 1, 1);
    world.freeze(group);
    // The parent, awake, makes a child; then it freezes.
    world.tasks(group, 2, 1);
    assert_eq!(world.state(group), State::Freezing);
    world.tasks(group, 2, 0);
    assert_eq!(world.state(group), State::Frozen);
}

/// spec: P5 B1
#[test]
fn a_group_is_populated_if_one_below_it_is() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    assert!(!world.tree.is_populated(chain[0].slot, &world.fake));
    world.tasks(chain[1], 1, 0);
    assert!(world.tree.is_populated(chain[0].slot, &world.fake));
}

/// spec: Y5
#[test]
fn who_watches_is_told_when_frozen_reads_differently_and_not_before() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    let [above, below] = [chain[0], chain[1]];
    let told = |world: &World| world.fake.told.take();
    world.tasks(below, 1, 1);
    world.freeze(above);
    world.tree.settle(below.slot, &world.fake);
    assert_eq!(told(&world), [], "a request changes nothing that is read");
    world.tasks(below, 1, 0);
    world.tree.settle(below.slot, &world.fake);
    assert_eq!(told(&world), [below.slot, above.slot]);
    // A sleeper that stirs and parks again is no news.
    world.tasks(below, 1, 1);
    world.tasks(below, 1, 0);
    world.tree.settle(below.slot, &world.fake);
    assert_eq!(told(&world), []);
    world.join(below, 1);
    assert_eq!(told(&world), [below.slot, above.slot]);
    world.thaw(above);
    assert_eq!(told(&world), [], "they read as not frozen already");
}

/// spec: Y5
#[test]
fn who_asks_for_what_others_hold_is_told_that_nothing_comes() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    world.freeze(chain[0]);
    assert_eq!(world.state(chain[1]), State::Frozen);
    world.fake.told.take();
    world.freeze(chain[1]);
    assert_eq!(world.fake.told.take(), [chain[1].slot]);
    world.freeze(chain[1]);
    assert_eq!(world.fake.told.take(), [], "it asks already");
    world.thaw(chain[1]);
    assert_eq!(world.fake.told.take(), [chain[1].slot]);
}

/// spec: Y5 B1
#[test]
fn groups_that_become_populated_are_those_that_were_not() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b", "c"]);
    let lowest = chain[2].slot;
    let first = |world: &World| world.tree.first_populated(lowest, &world.fake);
    assert_eq!(first(&world), ROOT);
    world.tasks(chain[0], 1, 0);
    assert_eq!(first(&world), chain[0].slot);
    world.tasks(chain[2], 1, 0);
    assert_eq!(first(&world), lowest);
}

/// spec: Y5
#[test]
fn groups_are_told_once_that_they_are_empty() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b", "c"]);
    let slots: Vec<_> = chain.iter().map(|group| group.slot).collect();
    let emptied = |world: &mut World, slot| {
        let mut told = Vec::new();
        world.tree.note_emptied(slot, &world.fake, |group| told.push(group));
        told
    };
    assert_eq!(emptied(&mut world, slots[2]), [], "they were so before");
    world.tasks(chain[2], 1, 0);
    world.tree.note_populated(slots[2], ROOT);
    assert_eq!(emptied(&mut world, slots[2]), [], "one is there");
    world.tasks(chain[2], 0, 0);
    // Nobody has told of the lowest one when it is removed.
    world.remove(chain[1], "c").unwrap();
    assert_eq!(emptied(&mut world, slots[1]), [slots[1], slots[0]]);
    assert_eq!(emptied(&mut world, slots[1]), []);
    assert_eq!(emptied(&mut world, slots[2]), [], "it is gone");
}

#[test]
fn who_looks_for_the_first_populated_group_counts_each_once() {
    let mut world = World::new();
    let mut deep = ROOT_HANDLE;
    for depth in 0..100 {
        deep = world.make(deep, &format!("d{depth}"));
        world.make(deep, "side");
    }
    world.fake.counted.set(0);
    let first = world.tree.first_populated(deep.slot, &world.fake);
    assert_eq!(first, ROOT);
    assert_eq!(world.fake.counted.get(), 200);
}
