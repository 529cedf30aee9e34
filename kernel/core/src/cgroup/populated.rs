//! Which groups have tasks, and which of them read so.
//!
//! A task that joins makes its group and those above it populated at once. The
//! last one to leave must not wait for the trees' lock, so a group reads as
//! populated no more from then on, and is *noted* as populated until somebody
//! has told of that: nobody is told twice, nor of a group that was empty
//! already.

use super::state::Engine;
use super::tree::{ROOT, Tree};

impl Tree {
    /// Whether the group or one below has a task.
    pub fn is_populated(&self, slot: u32, engine: &impl Engine) -> bool {
        self.subtree(slot).any(|group| engine.members(group) != 0)
    }

    /// The lowest group at or above `slot` that is populated, or the root: when
    /// a task joins `slot`, those below it become so. Asks about each group
    /// once.
    pub fn first_populated(&self, slot: u32, engine: &impl Engine) -> u32 {
        let mut here = slot;
        // A group without tasks in it and below.
        let mut empty = None;
        while here != ROOT && !self.has_task(here, empty, engine) {
            empty = Some(here);
            here = self.links.parent(here);
        }
        here
    }

    /// Whether the group or one below has a task; none is in `empty`, one of
    /// its children, or below that.
    fn has_task(
        &self,
        slot: u32,
        empty: Option<u32>,
        engine: &impl Engine,
    ) -> bool {
        let children = self.at(slot).map_or(&[][..], |it| &it.children);
        let mut others = children.iter().filter(|it| Some(**it) != empty);
        engine.members(slot) != 0
            || others.any(|child| self.is_populated(*child, engine))
    }

    /// A task has joined `slot`: it and the groups above it, below `top`, are
    /// populated from now on.
    pub fn note_populated(&mut self, slot: u32, top: u32) {
        let mut here = slot;
        while here != top && here != ROOT {
            self.linked(here).is_noted_populated = true;
            here = self.links.parent(here);
        }
    }

    /// The last task of `slot`, or a group in it, is gone: `tell` is called for
    /// each group that is not populated any more and was until now. The group
    /// may be gone, too; its link is as it was.
    pub fn note_emptied(
        &mut self,
        slot: u32,
        engine: &impl Engine,
        mut tell: impl FnMut(u32),
    ) {
        let top = self.first_populated(slot, engine);
        let mut here = slot;
        while here != top {
            let group = self.groups.get_mut(here as usize);
            let group = group.and_then(Option::as_deref_mut);
            let noted = group.map(|it| &mut it.is_noted_populated);
            if noted.is_some_and(core::mem::take) {
                tell(here);
            }
            here = self.links.parent(here);
        }
    }
}
