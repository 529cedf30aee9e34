//! Tasks that join and leave.

use super::fake::World;
use crate::cgroup::{ROOT_HANDLE, State};

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
