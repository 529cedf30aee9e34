//! Threaded groups of cgroup v2: groups between which the threads of one
//! process can be divided (Linux `cgroup.type`, kernel/cgroup/cgroup.c).
//!
//! A group is a *domain* of its own until it is made threaded; from then on
//! it belongs to the domain of its parent, for good. Processes move between
//! domains, threads only within one.
//!
//! ```text
//!  a            domain threaded   the domain of b and c
//!  +- b         threaded
//!  |  +- c      threaded
//!  +- d         domain invalid    no domain can stand in another: it can
//!                                 only be removed, or made threaded
//! ```

use kernel_abi::Errno;

use super::state::Engine;
use super::tree::{Handle, ROOT, Tree};

/// What `cgroup.type` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupType {
    /// A domain of its own.
    Domain,
    /// A domain with threaded groups in it.
    DomainThreaded,
    /// A domain where there can be none: it takes no tasks.
    DomainInvalid,
    /// Part of the domain above.
    Threaded,
}

impl GroupType {
    /// The line that is read.
    pub const fn line(self) -> &'static str {
        match self {
            Self::Domain => "domain\n",
            Self::DomainThreaded => "domain threaded\n",
            Self::DomainInvalid => "domain invalid\n",
            Self::Threaded => "threaded\n",
        }
    }
}

impl Tree {
    /// What type of group it is, as `cgroup.type` says.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn group_type(&self, handle: Handle) -> Result<GroupType, Errno> {
        self.get(handle)?;
        Ok(match handle.slot {
            slot if self.is_threaded(slot) => GroupType::Threaded,
            slot if !self.is_valid_domain(slot) => GroupType::DomainInvalid,
            slot if self.has_threaded_child(slot) => GroupType::DomainThreaded,
            _ => GroupType::Domain,
        })
    }

    /// The slot of the domain that a group belongs to.
    pub fn domain(&self, slot: u32) -> u32 {
        let mut here = slot;
        while self.is_threaded(here) {
            here = self.links.parent(here);
        }
        here
    }

    /// Makes a group threaded, if it is not yet.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if it or a group below has tasks, or if its parent cannot
    /// be, or be part of, such a domain; `ENODEV`.
    pub fn make_threaded(
        &mut self,
        handle: Handle,
        engine: &impl Engine,
    ) -> Result<(), Errno> {
        if self.get(handle)?.is_threaded {
            return Ok(());
        }
        let domain = self.domain(self.links.parent(handle.slot));
        let is_possible = !self.is_populated(handle.slot, engine)
            && self.is_valid_domain(domain)
            && (domain == ROOT || !self.has_populated_domain(domain, engine));
        if !is_possible {
            return Err(Errno::EOPNOTSUPP);
        }
        self.get_mut(handle)?.is_threaded = true;
        Ok(())
    }

    /// Whether tasks may move into the group.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for an invalid domain, or part of one.
    pub fn check_takes_tasks(&self, slot: u32) -> Result<(), Errno> {
        match self.is_valid_domain(self.domain(slot)) {
            true => Ok(()),
            false => Err(Errno::EOPNOTSUPP),
        }
    }

    /// Whether a thread may move without its process.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if it would leave its domain.
    pub fn check_same_domain(&self, from: u32, to: u32) -> Result<(), Errno> {
        match self.domain(from) == self.domain(to) {
            true => Ok(()),
            false => Err(Errno::EOPNOTSUPP),
        }
    }

    fn is_threaded(&self, slot: u32) -> bool {
        self.at(slot).is_some_and(|group| group.is_threaded)
    }

    fn children_of(&self, slot: u32) -> impl Iterator<Item = u32> {
        let group = self.at(slot);
        group.into_iter().flat_map(|group| group.children.iter().copied())
    }

    fn has_threaded_child(&self, slot: u32) -> bool {
        self.children_of(slot).any(|child| self.is_threaded(child))
    }

    /// Whether a child that is a domain has tasks in it or below.
    fn has_populated_domain(&self, slot: u32, engine: &impl Engine) -> bool {
        let mut domains =
            self.children_of(slot).filter(|child| !self.is_threaded(*child));
        domains.any(|child| self.is_populated(child, engine))
    }

    /// A domain stands in no other, but for the root.
    fn is_valid_domain(&self, slot: u32) -> bool {
        let mut here = slot;
        loop {
            match self.at(here) {
                _ if here == ROOT => return true,
                Some(group) if !group.is_threaded => {
                    here = self.links.parent(here);
                }
                _ => return false,
            }
            if here != ROOT && self.has_threaded_child(here) {
                return false;
            }
        }
    }
}
