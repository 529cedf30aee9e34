//! Threaded groups, and groups that are to be released.

use kernel_abi::Errno;

use super::fake::World;
use crate::cgroup::{GroupType, Handle, ROOT_HANDLE};

impl World {
    fn group_type(&self, group: Handle) -> GroupType {
        self.tree.group_type(group).unwrap()
    }

    fn make_threaded(&mut self, group: Handle) -> Result<(), Errno> {
        self.tree.make_threaded(group, &self.fake)
    }
}

const REFUSED: Result<(), Errno> = Err(Errno::EOPNOTSUPP);

#[test]
fn a_threaded_group_belongs_to_the_domain_above() {
    let mut world = World::new();
    let [a, b, c] = world.chain(&["a", "b", "c"])[..] else { panic!() };
    let d = world.make(a, "d");
    assert_eq!(world.group_type(a), GroupType::Domain);
    world.make_threaded(b).unwrap();
    world.make_threaded(b).unwrap();
    let types = [a, b, c, d].map(|group| world.group_type(group));
    use GroupType::{DomainInvalid, DomainThreaded, Threaded};
    let invalid = DomainInvalid;
    assert_eq!(types, [DomainThreaded, Threaded, invalid, invalid]);
    world.make_threaded(c).unwrap();
    assert_eq!(world.tree.domain(c.slot), a.slot);
    assert_eq!(world.tree.domain(d.slot), d.slot);
    // Without threaded groups the domain is an ordinary one again.
    world.remove(b, "c").unwrap();
    world.remove(a, "b").unwrap();
    assert_eq!(world.group_type(a), GroupType::Domain);
    assert_eq!(world.group_type(d), GroupType::Domain);
}

#[test]
fn a_group_with_tasks_cannot_be_made_threaded() {
    let mut world = World::new();
    let [a, b] = world.chain(&["a", "b"])[..] else { panic!() };
    world.tasks(b, 1, 1);
    assert_eq!(world.make_threaded(b), REFUSED);
    assert_eq!(world.make_threaded(a), REFUSED);
    // Nor one beside it: its domain would stand in another.
    let c = world.make(a, "c");
    assert_eq!(world.make_threaded(c), REFUSED);
    world.tasks(b, 0, 0);
    world.make_threaded(c).unwrap();
    // The domain itself may have tasks, and the root's groups any.
    world.tasks(a, 1, 1);
    let d = world.make(a, "d");
    world.make_threaded(d).unwrap();
    let e = world.make(ROOT_HANDLE, "e");
    world.make_threaded(e).unwrap();
    assert_eq!(world.tree.domain(e.slot), ROOT_HANDLE.slot);
}

#[test]
fn an_invalid_domain_takes_no_tasks_and_has_no_threaded_groups() {
    let mut world = World::new();
    let [a, b] = world.chain(&["a", "b"])[..] else { panic!() };
    let c = world.make(a, "c");
    let d = world.make(c, "d");
    world.make_threaded(b).unwrap();
    assert_eq!(world.tree.check_takes_tasks(c.slot), REFUSED);
    assert_eq!(world.tree.check_takes_tasks(d.slot), REFUSED);
    assert_eq!(world.make_threaded(d), REFUSED);
    for group in [a, b] {
        assert_eq!(world.tree.check_takes_tasks(group.slot), Ok(()));
    }
}

#[test]
fn threads_move_within_their_domain_only() {
    let mut world = World::new();
    let [a, b] = world.chain(&["a", "b"])[..] else { panic!() };
    let c = world.make(ROOT_HANDLE, "c");
    let tree = |world: &World| {
        let check = |one: Handle, other: Handle| {
            world.tree.check_same_domain(one.slot, other.slot)
        };
        [check(a, b), check(b, a), check(a, c)]
    };
    assert_eq!(tree(&world), [REFUSED; 3]);
    world.make_threaded(b).unwrap();
    assert_eq!(tree(&world), [Ok(()), Ok(()), REFUSED]);
}

#[test]
fn a_group_is_released_when_nothing_is_left_in_it() {
    let mut world = World::new();
    let [a, b] = world.chain(&["a", "b"])[..] else { panic!() };
    let is_released = |world: &World, group: Handle| {
        world.tree.is_released(group.slot, &world.fake)
    };
    assert!(!is_released(&world, b), "nobody asked for it");
    for group in [a, b] {
        world.tree.set_notify_on_release(group, true, &world.fake).unwrap();
    }
    assert!(is_released(&world, b));
    assert!(!is_released(&world, a), "a group is in it");
    world.tasks(b, 1, 0);
    assert!(!is_released(&world, b), "a task is in it");
    world.tasks(b, 0, 0);
    world.remove(a, "b").unwrap();
    assert!(is_released(&world, a));
    assert!(!is_released(&world, ROOT_HANDLE));
}
