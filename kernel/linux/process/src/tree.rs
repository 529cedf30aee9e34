//! Who is whose child, and who belongs to which group and session.
//!
//! One lock, [`TREE`], guards all relations between processes (Linux's
//! `tasklist_lock`): parents and children, process groups, sessions, and what
//! a parent has not yet been told. A process stands in the tree from `clone`
//! until its parent has waited for it; as long as a node, a group or a
//! session has a number, somebody keeps the task that owns the number, so
//! it is not given out again.
//!
//! ```text
//!  session 7            a session is named after the process that began it,
//!  +- group 7: 7        a group after its first member; either may outlive
//!  +- group 9: 9, 12    the process it is named after
//! ```
//!
//! Read next: `wait.rs`, which takes nodes out.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::signal::job_control;

use super::{Process, ProcessId};
use kernel_machine::sync::{Rank, SpinLock, SpinLockGuard};
use kernel_task::{Task, TaskId};

static TREE: SpinLock<Tree> = SpinLock::with_rank(Rank::Process, Tree::new());

/// The first process, whose end is the system's. It takes over orphans.
pub const FIRST: ProcessId = 1;

/// Takes the lock over all relations.
///
/// # Locks
/// Outermost of all spin locks; the signal state of a process may be locked
/// under it.
pub fn lock() -> SpinLockGuard<'static, Tree> {
    TREE.lock()
}

/// The process `id`, unless it is unknown or its parent waited for it.
#[inline(always)]
pub fn find(id: ProcessId) -> Option<Arc<Process>> {
    Some(lock().nodes.get(&id)?.process.clone())
}

/// All processes, in the order of their numbers.
pub fn all() -> Vec<Arc<Process>> {
    lock().all()
}

/// Number of processes, zombies included.
pub fn count() -> usize {
    lock().nodes.len()
}

/// A process among its relatives.
pub struct Node {
    /// The process itself.
    pub process: Arc<Process>,
    /// Its first thread; keeps the number taken.
    pub leader: Arc<Task>,
    /// The signal its death sends to its parent; 0 for none.
    pub exit_signal: u32,
    /// Wait status, once it is dead.
    pub zombie: Option<u32>,
    /// Its children.
    pub children: BTreeSet<ProcessId>,
    /// Those of its children that have something to tell.
    pub changed: BTreeSet<ProcessId>,
    /// The threads that it traces, by the numbers that programs see.
    pub tracees: BTreeMap<TaskId, Tracee>,
    /// The process that traces the thread with its own number.
    pub tracer: Option<ProcessId>,
    /// That process's entry about it, once this node is out of the tree.
    pub link: Option<Tracee>,
}

/// A traced thread, as its tracer's process knows it.
pub struct Tracee {
    /// The thread.
    pub task: Arc<Task>,
    /// The task that traces it.
    pub tracer: TaskId,
    /// Wait status, once it has ended and was not its process's first thread.
    pub end: Option<u32>,
}

impl Node {
    /// A process that just begins.
    pub fn new(
        process: Arc<Process>,
        leader: Arc<Task>,
        exit_signal: u32,
    ) -> Self {
        Self {
            process,
            leader,
            exit_signal,
            zombie: None,
            children: BTreeSet::new(),
            changed: BTreeSet::new(),
            tracees: BTreeMap::new(),
            tracer: None,
            link: None,
        }
    }
}

/// A process group.
struct Group {
    session: ProcessId,
    members: BTreeSet<ProcessId>,
    /// The task whose number the group has, if its process is gone.
    name_keeper: Option<Arc<Task>>,
}

/// A session.
struct Session {
    /// Number of processes in it.
    members: usize,
    /// As in [`Group`].
    name_keeper: Option<Arc<Task>>,
}

/// All relations; see the module.
pub struct Tree {
    nodes: BTreeMap<ProcessId, Node>,
    groups: BTreeMap<ProcessId, Group>,
    sessions: BTreeMap<ProcessId, Session>,
}

impl Tree {
    const fn new() -> Self {
        Self {
            nodes: BTreeMap::new(),
            groups: BTreeMap::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// The node of `id`.
    pub fn node(&self, id: ProcessId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// True if `process` still stands in the tree. Another may have its
    /// number by now.
    pub fn holds(&self, process: &Arc<Process>) -> bool {
        let node = self.nodes.get(&process.id);
        node.is_some_and(|it| Arc::ptr_eq(&it.process, process))
    }

    /// The node of `id`, to change it.
    pub fn node_mut(&mut self, id: ProcessId) -> Option<&mut Node> {
        self.nodes.get_mut(&id)
    }

    /// All nodes, by number.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Adds a process; its parent, group and session are in its fields.
    pub fn insert(&mut self, node: Node) {
        let process = node.process.clone();
        let id = process.id;
        self.nodes.insert(id, node);
        if let Some(parent) = self.nodes.get_mut(&process.parent()) {
            parent.children.insert(id);
        }
        self.enter_group(&process);
        self.enter_session(process.session());
    }

    /// Puts `child`, which is not in the tree yet, under `parent`, into the
    /// group and session that `maker` is in now.
    pub fn relate(&self, child: &Process, parent: ProcessId, maker: &Process) {
        let relations = &child.relations;
        relations.parent.store(parent, Relaxed);
        relations.group.store(maker.group(), Relaxed);
        relations.session.store(maker.session(), Relaxed);
    }

    /// Takes a dead process out, for good.
    pub fn remove(&mut self, id: ProcessId) -> Option<Node> {
        let mut node = self.nodes.remove(&id)?;
        let tracer = node.tracer.and_then(|id| self.nodes.get_mut(&id));
        node.link = tracer.and_then(|tracer| tracer.tracees.remove(&id));
        if let Some(parent) = self.nodes.get_mut(&node.process.parent()) {
            parent.children.remove(&id);
            parent.changed.remove(&id);
        }
        self.leave_group(&node.process);
        self.leave_session(node.process.session());
        self.keep_name(&node);
        Some(node)
    }

    /// Groups and sessions that outlive the process they are named after
    /// keep its number taken.
    fn keep_name(&mut self, node: &Node) {
        let id = node.process.id;
        if let Some(group) = self.groups.get_mut(&id) {
            group.name_keeper = Some(node.leader.clone());
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.name_keeper = Some(node.leader.clone());
        }
    }

    fn enter_group(&mut self, process: &Process) {
        let session = process.session();
        let group = self.groups.entry(process.group()).or_insert(Group {
            session,
            members: BTreeSet::new(),
            name_keeper: None,
        });
        group.members.insert(process.id);
    }

    fn leave_group(&mut self, process: &Process) {
        let id = process.group();
        if let Some(group) = self.groups.get_mut(&id) {
            group.members.remove(&process.id);
            if group.members.is_empty() {
                self.groups.remove(&id);
            }
        }
    }

    fn enter_session(&mut self, id: ProcessId) {
        let new = Session { members: 0, name_keeper: None };
        self.sessions.entry(id).or_insert(new).members += 1;
    }

    fn leave_session(&mut self, id: ProcessId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.members -= 1;
            if session.members == 0 {
                self.sessions.remove(&id);
            }
        }
    }

    /// Every process, zombies included.
    pub fn all(&self) -> Vec<Arc<Process>> {
        self.nodes.values().map(|node| node.process.clone()).collect()
    }

    /// Members of process group `id`; `None` if there is no such group.
    pub fn group_members(&self, id: ProcessId) -> Option<Vec<Arc<Process>>> {
        let group = self.groups.get(&id)?;
        let members = group.members.iter();
        let nodes = members.filter_map(|member| self.nodes.get(member));
        Some(nodes.map(|node| node.process.clone()).collect())
    }

    /// The session that group `id` belongs to.
    pub fn group_session(&self, id: ProcessId) -> Option<ProcessId> {
        Some(self.groups.get(&id)?.session)
    }

    /// Moves `process` into group `id` of its own session.
    pub fn set_group(&mut self, process: &Process, id: ProcessId) {
        self.leave_group(process);
        process.relations.group.store(id, Relaxed);
        self.enter_group(process);
    }

    /// Makes `process` the leader of a new session and a new group in it.
    pub fn begin_session(&mut self, process: &Process) {
        self.leave_group(process);
        self.leave_session(process.session());
        process.relations.group.store(process.id, Relaxed);
        process.relations.session.store(process.id, Relaxed);
        self.enter_group(process);
        self.enter_session(process.id);
    }

    /// Gives all children of `from` to `to`. Returns true if one of them has
    /// something to tell.
    pub fn reparent(&mut self, from: ProcessId, to: ProcessId) -> bool {
        let Some(old) = self.nodes.get_mut(&from) else { return false };
        let children = core::mem::take(&mut old.children);
        let changed = core::mem::take(&mut old.changed);
        for id in &children {
            if let Some(child) = self.nodes.get(id) {
                child.process.relations.parent.store(to, Relaxed);
                child.process.is_orphan.store(true, Relaxed);
            }
        }
        let any_changed = !changed.is_empty();
        if let Some(new) = self.nodes.get_mut(&to) {
            new.children.extend(children);
            new.changed.extend(changed);
        }
        any_changed
    }

    /// Notes that `id` has something to tell its parent.
    pub fn mark_changed(&mut self, id: ProcessId) {
        let Some(node) = self.nodes.get(&id) else { return };
        let parent = node.process.parent();
        if let Some(parent) = self.nodes.get_mut(&parent) {
            parent.changed.insert(id);
        }
    }

    /// True if nobody outside group `id` but in its session can look after
    /// it. `without`, which is about to end, does not count as a member.
    pub fn is_orphaned(&self, id: ProcessId, without: ProcessId) -> bool {
        let Some(group) = self.groups.get(&id) else { return true };
        let members = group.members.iter().filter(|it| **it != without);
        let parents = members.filter_map(|member| self.living_parent(*member));
        job_control::is_orphaned(id, group.session, parents)
    }

    /// Who can look after a living process, the first process apart.
    fn living_parent(&self, member: ProcessId) -> Option<job_control::Parent> {
        let node = self.nodes.get(&member)?;
        let id = node.process.parent();
        if node.zombie.is_some() || id == FIRST {
            return None;
        }
        let parent = &self.nodes.get(&id)?.process;
        let (group, session) = (parent.group(), parent.session());
        Some(job_control::Parent { group, session })
    }
}
