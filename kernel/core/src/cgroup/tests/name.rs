//! Names, places, slots.

use kernel_abi::Errno;

use super::fake::World;
use crate::cgroup::{ROOT, ROOT_HANDLE, Slots};
use crate::freezer::Hierarchy;
use crate::sync::GROUP_SLOTS;

/// spec: V10
#[test]
fn groups_have_paths() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    assert_eq!(world.tree.path(ROOT), b"/");
    assert_eq!(world.tree.path(chain[1].slot), b"/a/b");
    assert_eq!(world.tree.find(chain[0], b"b"), Ok(chain[1]));
    assert_eq!(world.tree.parent(chain[1]), Ok(chain[0]));
    assert_eq!(world.tree.parent(ROOT_HANDLE), Ok(ROOT_HANDLE));
    assert_eq!(world.tree.find(ROOT_HANDLE, b"b"), Err(Errno::ENOENT));
    assert!(world.tree.is_within(chain[0].slot, chain[1].slot));
    assert!(!world.tree.is_within(chain[1].slot, chain[0].slot));
    assert!(world.tree.is_within(ROOT, chain[1].slot));
}

/// spec: V10
#[test]
fn a_name_is_given_once_and_has_no_newline() {
    let mut world = World::new();
    world.make(ROOT_HANDLE, "a");
    assert_eq!(world.try_make(ROOT_HANDLE, "a"), Err(Errno::EEXIST));
    assert_eq!(world.try_make(ROOT_HANDLE, "b\n"), Err(Errno::EINVAL));
}

/// spec: V10
#[test]
fn only_a_group_without_tasks_and_groups_is_removed() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    assert_eq!(world.remove(ROOT_HANDLE, "a"), Err(Errno::EBUSY));
    world.tasks(chain[1], 1, 1);
    assert_eq!(world.remove(chain[0], "b"), Err(Errno::EBUSY));
    world.freeze(chain[1]);
    world.tasks(chain[1], 1, 0);
    assert_eq!(world.remove(chain[0], "b"), Err(Errno::EBUSY), "frozen");
    world.tasks(chain[1], 0, 0);
    world.remove(chain[0], "b").unwrap();
    assert_eq!(world.remove(chain[0], "b"), Err(Errno::ENOENT));
    world.remove(ROOT_HANDLE, "a").unwrap();
    assert_eq!(world.tree.count(), 1);
}

/// spec: V10 C4
#[test]
fn removing_a_freezing_group_drops_its_condition() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    world.freeze(chain[0]);
    assert_eq!(world.fake.conditions(), 2);
    world.remove(chain[0], "b").unwrap();
    assert_eq!(world.fake.conditions(), 1);
    world.remove(ROOT_HANDLE, "a").unwrap();
    assert_eq!(world.fake.conditions(), 0);
}

/// spec: V10
#[test]
fn a_file_of_a_removed_group_leads_to_no_other() {
    let mut world = World::new();
    let old = world.make(ROOT_HANDLE, "a");
    world.remove(ROOT_HANDLE, "a").unwrap();
    let new = world.make(ROOT_HANDLE, "a");
    assert_eq!(old.slot, new.slot, "the slot is used again");
    assert!(world.tree.get(old).is_err());
    let fake = &world.fake;
    assert_eq!(world.tree.request(old, true, fake), Err(Errno::ENODEV));
    assert_eq!(world.tree.state(old, fake), Err(Errno::ENODEV));
    world.tree.drop_lease(old, &world.fake);
}

/// spec: V10
#[test]
fn a_group_is_renamed_in_its_place_only() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b"]);
    world.make(ROOT_HANDLE, "c");
    let tree = &mut world.tree;
    let mut rename = |name: &[u8], to, new_name: &[u8]| {
        tree.rename(ROOT_HANDLE, name, to, new_name)
    };
    assert_eq!(rename(b"a", ROOT_HANDLE, b"c"), Err(Errno::EEXIST));
    assert_eq!(rename(b"c", chain[0], b"c"), Err(Errno::EIO));
    assert_eq!(rename(b"x", ROOT_HANDLE, b"y"), Err(Errno::ENOENT));
    assert_eq!(rename(b"a", ROOT_HANDLE, b"d\n"), Err(Errno::EINVAL));
    rename(b"a", ROOT_HANDLE, b"d").unwrap();
    assert_eq!(world.tree.path(chain[1].slot), b"/d/b");
    assert!(world.tree.find(ROOT_HANDLE, b"a").is_err());
}

#[test]
fn a_directory_is_read_in_the_order_of_numbers() {
    let mut world = World::new();
    for name in ["c", "a", "b"] {
        world.make(ROOT_HANDLE, name);
    }
    let names = |least| -> Vec<Vec<u8>> {
        let groups = world.tree.children(ROOT_HANDLE, least).unwrap();
        groups.map(|(_, group)| group.name().to_vec()).collect()
    };
    assert_eq!(names(0), [b"c", b"a", b"b"]);
    assert_eq!(names(2), [b"a", b"b"]);
}

#[test]
fn a_subtree_is_walked_from_above() {
    let mut world = World::new();
    let chain = world.chain(&["a", "b", "c"]);
    let side = world.make(chain[0], "d");
    world.make(ROOT_HANDLE, "e");
    let walked: Vec<_> = world.tree.subtree(chain[0].slot).collect();
    let slots = [chain[0], chain[1], chain[2], side].map(|it| it.slot);
    assert_eq!(walked, slots);
}

#[test]
fn slots_are_given_until_there_are_none() {
    let mut slots = Slots::new();
    for expected in 1..GROUP_SLOTS as u32 {
        assert_eq!(slots.allocate(), Some(expected));
    }
    assert_eq!(slots.allocate(), None);
    slots.free(77);
    assert_eq!(slots.allocate(), Some(77));
}

/// spec: V10
#[test]
fn a_group_that_is_not_made_says_nothing_of_its_slot() {
    let mut world = World::of(Hierarchy::V2);
    world.make(ROOT_HANDLE, "a");
    assert_eq!(world.try_make(ROOT_HANDLE, "a"), Err(Errno::EEXIST));
    assert_eq!(world.try_make(ROOT_HANDLE, "b\n"), Err(Errno::EINVAL));
    assert_eq!(world.fake.killing.borrow().len(), 1, "that of the one made");
}

/// spec: V10
#[test]
fn a_slot_tells_nothing_of_the_group_before() {
    let mut world = World::new();
    let before = world.make(ROOT_HANDLE, "a");
    world.tree.set_kill_frozen(before, true, &world.fake).unwrap();
    world.tree.set_notify_on_release(before, true, &world.fake).unwrap();
    world.remove(ROOT_HANDLE, "a").unwrap();
    let after = world.make(ROOT_HANDLE, "a");
    assert_eq!(after.slot, before.slot);
    assert_eq!(world.tree.kills_frozen(after, &world.fake), Ok(false));
    assert_eq!(world.tree.notifies_release(after, &world.fake), Ok(false));
    let gone = Err(Errno::ENODEV);
    assert_eq!(world.tree.kills_frozen(before, &world.fake), gone);
    assert_eq!(world.tree.notifies_release(before, &world.fake), gone);
}

/// Both roots have slot 0, but only cgroup v1 has release agents.
#[test]
fn new_groups_of_cgroup_v1_inherit_the_wish_for_a_release_agent() {
    for (hierarchy, inherits) in [(Hierarchy::V1, true), (Hierarchy::V2, false)]
    {
        let mut world = World::of(hierarchy);
        world.fake.asking.borrow_mut().insert(ROOT);
        let group = world.make(ROOT_HANDLE, "a");
        let notifies = world.tree.notifies_release(group, &world.fake);
        assert_eq!(notifies, Ok(inherits));
    }
}
