//! Requests, their way down, and what is reached.

use kernel_abi::Errno;

use super::fake::World;
use crate::cgroup::{ROOT_HANDLE, State};

/// spec: V2
#[test]
fn a_new_group_is_thawed() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    assert_eq!(world.state(group), State::Thawed);
    assert_eq!(world.requests(group), [false, false]);
    assert_eq!(world.fake.conditions(), 0);
}

/// spec: V2 V10 C4
#[test]
fn a_group_made_in_a_freezing_one_is_frozen_at_once() {
    let mut world = World::new();
    let above = world.make(ROOT_HANDLE, "a");
    world.tasks(above, 1, 1);
    world.freeze(above);
    let below = world.make(above, "b");
    assert_eq!(world.state(above), State::Freezing);
    assert_eq!(world.state(below), State::Frozen);
    assert_eq!(world.requests(below), [false, true]);
    assert_eq!(world.fake.conditions(), 2);
}

/// spec: V4 V5
#[test]
fn a_group_freezes_until_nobody_is_awake() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.tasks(group, 2, 1);
    world.freeze(group);
    assert_eq!(world.state(group), State::Freezing);
    world.tasks(group, 2, 0);
    assert_eq!(world.state(group), State::Frozen);
    world.thaw(group);
    assert_eq!(world.state(group), State::Thawed);
}

/// spec: V4
#[test]
fn an_empty_group_is_frozen_at_once() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.freeze(group);
    assert_eq!(world.state(group), State::Frozen);
}

/// spec: V5 G3
#[test]
fn what_is_frozen_stays_so_although_a_sleeper_stirs() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.tasks(group, 1, 0);
    world.freeze(group);
    assert_eq!(world.state(group), State::Frozen);
    world.tasks(group, 1, 1);
    assert_eq!(world.state(group), State::Frozen);
}

/// spec: V5
#[test]
fn a_group_is_frozen_with_those_below_it() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b", "c"]);
    world.tasks(chain[2], 1, 1);
    world.freeze(chain[0]);
    assert_eq!(world.state(chain[0]), State::Freezing);
    assert_eq!(world.state(chain[1]), State::Freezing);
    world.tasks(chain[2], 1, 0);
    assert_eq!(world.state(chain[0]), State::Frozen);
    assert_eq!(world.state(chain[2]), State::Frozen);
}

/// spec: V6 V7
#[test]
fn a_group_is_thawed_once_nobody_asks_any_more() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    world.freeze(chain[0]);
    world.freeze(chain[1]);
    assert_eq!(world.requests(chain[1]), [true, true]);
    world.thaw(chain[0]);
    assert_eq!(world.requests(chain[1]), [true, false]);
    assert_eq!(world.state(chain[0]), State::Thawed);
    assert_eq!(world.state(chain[1]), State::Frozen);
    world.freeze(chain[0]);
    world.thaw(chain[1]);
    assert_eq!(world.requests(chain[1]), [false, true]);
    assert_eq!(world.state(chain[1]), State::Frozen, "its parent's");
    world.thaw(chain[0]);
    assert_eq!(world.state(chain[1]), State::Thawed);
}

/// spec: V7 C1 C4
#[test]
fn requests_go_down_to_every_group() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b", "c"]);
    let side = world.make(chain[0], "d");
    let other = world.make(ROOT_HANDLE, "e");
    world.freeze(chain[1]);
    world.freeze(chain[0]);
    assert_eq!(world.fake.conditions(), 4);
    assert_eq!(world.requests(side), [false, true]);
    assert_eq!(world.requests(other), [false, false]);
    world.thaw(chain[0]);
    assert_eq!(world.fake.conditions(), 2);
    assert_eq!(world.requests(chain[2]), [false, true]);
    world.thaw(chain[1]);
    assert_eq!(world.fake.conditions(), 0);
}

/// spec: V1 V6
#[test]
fn the_root_never_freezes() {
    let mut world = World::new();
    let result = world.tree.request(ROOT_HANDLE, true, &world.fake);
    assert_eq!(result, Err(Errno::EINVAL));
    let result = world.tree.add_lease(ROOT_HANDLE, &world.fake);
    assert_eq!(result, Err(Errno::EINVAL));
    assert_eq!(world.state(ROOT_HANDLE), State::Thawed);
}

/// spec: V6
#[test]
fn leases_count_and_leave_the_groups_own_request_alone() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    let group = chain[0];
    world.tree.add_lease(group, &world.fake).unwrap();
    world.tree.add_lease(group, &world.fake).unwrap();
    assert_eq!(world.requests(group), [false, false]);
    assert_eq!(world.requests(chain[1]), [false, true]);
    assert_eq!(world.state(group), State::Frozen);
    world.thaw(group);
    assert_eq!(world.state(group), State::Frozen, "leases hold it");
    world.tree.drop_lease(group, &world.fake);
    assert_eq!(world.state(group), State::Frozen, "one is left");
    world.freeze(group);
    world.tree.drop_lease(group, &world.fake);
    assert_eq!(world.state(group), State::Frozen, "its own request");
    world.thaw(group);
    assert_eq!(world.state(group), State::Thawed);
    assert_eq!(world.fake.conditions(), 0);
}

/// spec: V5
#[test]
fn a_wide_and_deep_tree_is_asked_once_for_each_group() {
    let mut world = World::new();
    let top = world.make(ROOT_HANDLE, "top");
    let mut deep = top;
    for depth in 0..32 {
        deep = world.make(deep, &format!("d{depth}"));
    }
    let wide: Vec<_> =
        (0..1000).map(|at| world.make(top, &format!("w{at}"))).collect();
    world.tasks(wide[999], 1, 1);
    world.freeze(top);
    assert_eq!(world.fake.conditions(), 1033);
    world.fake.asked.set(0);
    assert_eq!(world.state(top), State::Freezing);
    assert_eq!(world.fake.asked.get(), 1033);
    world.tasks(wide[999], 1, 0);
    world.fake.asked.set(0);
    assert_eq!(world.state(top), State::Frozen);
    assert_eq!(world.fake.asked.get(), 2, "the others are known");
    assert_eq!(world.state(deep), State::Frozen);
    world.thaw(top);
    assert_eq!(world.fake.conditions(), 0);
}

#[test]
fn figures_tell_how_often_how_long_and_at_what_cost() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.tasks(group, 3, 1);
    world.fake.clock_ns.set(1_000_000);
    world.freeze(group);
    world.fake.clock_ns.set(1_005_000);
    world.tasks(group, 3, 0);
    assert_eq!(world.state(group), State::Frozen);
    world.fake.clock_ns.set(2_005_000);
    world.thaw(group);
    world.fake.clock_ns.set(9_000_000);
    world.freeze(group);
    world.thaw(group);
    assert_eq!(
        world.figures(group),
        "freezes 2\nfrozen_usec 1000\nlast_latency_usec 0\n\
         worst_latency_usec 5\nsignalled 1\nasleep 5\n"
    );
}

/// spec: V6
#[test]
fn a_request_that_comes_too_late_is_taken_back_unless_another_came() {
    let mut world = World::new();
    let group = world.make(ROOT_HANDLE, "a");
    world.tasks(group, 1, 1);
    world.freeze(group);
    let mine = world.tree.get(group).unwrap().requests();
    world.freeze(group);
    world.tree.roll_back(group, mine, &world.fake);
    assert_eq!(world.state(group), State::Freezing, "somebody else asks");
    let mine = world.tree.get(group).unwrap().requests();
    world.tree.roll_back(group, mine, &world.fake);
    assert_eq!(world.state(group), State::Thawed);
    assert_eq!(world.fake.conditions(), 0);
}
