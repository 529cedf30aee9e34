use std::collections::{BTreeMap, BTreeSet};

use super::{FreeObject, SlabMemory, Slabs};
use crate::memory::PAGE_SIZE;

/// Frames that hold what was stored, and nothing else may be asked for.
#[derive(Default)]
struct Fake {
    words: BTreeMap<u32, u32>,
    objects: BTreeMap<(u32, usize), FreeObject>,
}

impl SlabMemory for Fake {
    fn word(&self, slab: u32) -> u32 {
        self.words[&slab]
    }

    fn set_word(&mut self, slab: u32, word: u32) {
        self.words.insert(slab, word);
    }

    fn load(&self, slab: u32, offset: usize) -> FreeObject {
        self.objects[&(slab, offset)]
    }

    fn store(&mut self, slab: u32, offset: usize, object: FreeObject) {
        assert!(offset < PAGE_SIZE);
        self.objects.insert((slab, offset), object);
    }
}

/// Slabs, the frames they may have, and who has which object.
struct World {
    memory: Fake,
    slabs: Slabs,
    frames: Vec<u32>,
    taken: BTreeSet<(u32, usize)>,
}

impl World {
    fn new(size: usize, frames: u32) -> Self {
        Self {
            memory: Fake::default(),
            slabs: Slabs::new(size),
            frames: (7..7 + frames).collect(),
            taken: BTreeSet::new(),
        }
    }

    /// False if there is neither an object nor a frame.
    fn take(&mut self) -> bool {
        let object = self.slabs.take(&mut self.memory).or_else(|| {
            self.slabs.add(&mut self.memory, self.frames.pop()?);
            self.slabs.take(&mut self.memory)
        });
        let Some((slab, offset)) = object else { return false };
        // The holder writes to it.
        self.memory.objects.remove(&(slab, offset));
        assert!(offset + self.slabs.size() <= PAGE_SIZE);
        assert!(offset.is_multiple_of(self.slabs.size()));
        assert!(self.taken.insert((slab, offset)), "taken twice");
        true
    }

    fn put(&mut self, object: (u32, usize)) {
        assert!(self.taken.remove(&object));
        let (slab, offset) = object;
        let empty = self.slabs.put(&mut self.memory, slab, offset);
        let is_empty = !self.taken.iter().any(|it| it.0 == slab);
        assert_eq!(empty.is_some(), is_empty, "a slab is given up when empty");
        if let Some(frame) = empty {
            assert_eq!(frame, slab);
            self.memory.words.remove(&slab);
            self.memory.objects.retain(|at, _| at.0 != slab);
            self.frames.push(frame);
        }
        assert_eq!(self.slabs.taken(), self.taken.len());
    }
}

#[test]
fn every_byte_of_a_frame_is_in_an_object_if_sizes_allow() {
    for size in [16, 48, 1360, 2048, 4096] {
        let mut world = World::new(size, 3);
        let mut count = 0;
        while world.take() {
            count += 1;
        }
        assert_eq!(count, 3 * (4096 / size));
        assert_eq!((world.slabs.count(), world.slabs.taken()), (3, count));
    }
}

#[test]
fn frames_come_back_in_whatever_order_objects_do() {
    for order in 0..3 {
        let mut world = World::new(512, 10);
        while world.take() {}
        let mut all: Vec<_> = world.taken.iter().copied().collect();
        match order {
            0 => {}
            1 => all.reverse(),
            // One of each slab first.
            _ => all.sort_by_key(|&(slab, offset)| (offset, slab)),
        }
        all.into_iter().for_each(|object| world.put(object));
        assert_eq!((world.slabs.count(), world.frames.len()), (0, 10));
    }
}

#[test]
fn a_slab_with_room_is_used_before_a_new_one() {
    let mut world = World::new(1024, 9);
    (0..8).for_each(|_| assert!(world.take()));
    assert_eq!(world.slabs.count(), 2);
    let first = *world.taken.first().unwrap();
    let last = *world.taken.last().unwrap();
    world.put(first);
    world.put(last);
    (0..2).for_each(|_| assert!(world.take()));
    assert_eq!(world.slabs.count(), 2);
}

#[test]
fn objects_come_and_go_at_random() {
    for size in [16, 256, 816, 1360, 4096] {
        let mut world = World::new(size, 12);
        let mut state = 5_u64;
        let mut random = |bound: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(99);
            (state >> 33) as usize % bound
        };
        for round in 0..6000 {
            // First there come to be more, then fewer.
            let likely = if round % 2000 < 1000 { 70 } else { 30 };
            if random(100) < likely {
                world.take();
            } else if !world.taken.is_empty() {
                let index = random(world.taken.len());
                let object = *world.taken.iter().nth(index).unwrap();
                world.put(object);
            }
        }
        while let Some(&object) = world.taken.first() {
            world.put(object);
        }
        assert_eq!((world.slabs.count(), world.frames.len()), (0, 12));
    }
}
