//! Shared memory: `shmget(2)`, `shmop(2)`, `shmctl(2)`.
//!
//! A segment's bytes are a plain file of a RAM file system that no name leads
//! to. Regions show the segment; each says when it begins and ends to do so,
//! and a segment that was removed is forgotten with the last:
//!
//! ```text
//!  attach                     remove                  the last region ends
//!  ------                     ------                  --------------------
//!  [table] find, count + 1    [table] doomed := true  count - 1, is it 0?
//!  map it: count + 1            count 0? forget         doomed?
//!  count - 1                                          [table] count 0? forget
//! ```
//!
//! Whoever brings the count to 0 looks at `doomed` after that, and whoever
//! sets `doomed` looks at the count after that: one of them sees both. A count
//! that begins does so under the table's lock, so nobody attaches what is
//! forgotten.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

use kernel_abi::Errno;
use kernel_abi::ipc::{
    SHM_EXEC, SHM_HUGETLB, SHM_RDONLY, SHM_REMAP, SHM_RND, ShmidDs,
};
use kernel_core::capability::Capability;
use kernel_core::ipc::permission::{Asker, EXECUTE, Permission, READ, WRITE};
use kernel_core::memory::region::Placement;
use kernel_files::ramfs::{Nameless, RamFs};
use kernel_machine::mm::{
    FrameRef, MapRequest, PAGE_SIZE, PageSource, Protection, Sharing, frame,
};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_process::LockedBytes;
use kernel_task::TaskId;

use crate::caller::{Caller, process_id};
use crate::registry::{Object, Registry, Wanted};
use crate::room::{check_room, now_s};
use crate::setting;

pub mod control;

/// All segments.
pub(crate) static SEGMENTS: Registry<Segment> = Registry::new();

/// Pages of all segments, touched or not.
static PAGES: AtomicUsize = AtomicUsize::new(0);

/// A segment of shared memory.
pub(crate) struct Segment {
    file: Nameless,
    pages: Arc<dyn PageSource>,
    size: usize,
    /// The key that it was made with.
    key: i32,
    maker: u32,
    /// Its identifier, once it has one.
    id: AtomicU32,
    /// Regions that show it, and calls that are about to map it.
    attached: AtomicUsize,
    /// It ends with its last use.
    is_doomed: AtomicBool,
    state: SpinLock<State>,
}

struct State {
    permission: Permission,
    /// The thread that made it, while that lives.
    living_maker: Option<TaskId>,
    /// Last attached, seconds since 1970.
    atime: i64,
    /// Last detached.
    dtime: i64,
    /// Last change.
    ctime: i64,
    /// Who attached or detached it last.
    last: u32,
    /// For whom it counts while it is locked.
    locked: Option<LockedBytes>,
}

impl Object for Segment {
    fn check(
        &self,
        asker: &Asker<'_>,
        size: usize,
        wanted: u32,
    ) -> Result<(), Errno> {
        if size > self.size {
            return Err(Errno::EINVAL);
        }
        self.state.lock().permission.check(asker, wanted)
    }

    fn note_id(&self, id: u32) {
        self.id.store(id, Relaxed);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        PAGES.fetch_sub(self.size.div_ceil(PAGE_SIZE), Relaxed);
    }
}

impl PageSource for Segment {
    fn page(&self, index: usize) -> Result<FrameRef, Errno> {
        self.pages.page(index)
    }

    fn present_page(&self, index: usize) -> Option<FrameRef> {
        self.pages.present_page(index)
    }

    fn name(&self) -> String {
        format!("/SYSV{:08x} (deleted)", self.key)
    }

    fn inode(&self) -> u64 {
        self.id.load(Relaxed).into()
    }

    fn opened(&self) {
        self.attached.fetch_add(1, SeqCst);
        let mut state = self.state.lock();
        (state.atime, state.last) = (now_s(), process_id());
    }

    fn closed(&self) {
        let mut state = self.state.lock();
        (state.dtime, state.last) = (now_s(), process_id());
        drop(state);
        self.leave();
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl Segment {
    fn new(permission: Permission, size: usize) -> Result<Arc<Self>, Errno> {
        static HOME: spin::Once<Arc<RamFs>> = spin::Once::new();
        let pages = size.div_ceil(PAGE_SIZE);
        check_room(0)?;
        if pages > frame::stats().total {
            return Err(Errno::ENOMEM);
        }
        let home = HOME.call_once(|| RamFs::new("tmpfs"));
        let key = permission.key;
        let file = home.nameless().map_err(|_| Errno::ENOMEM)?;
        file.set_size(size as u64)?;
        let shown = file.inode().shared_pages(true)?;
        PAGES.fetch_add(pages, Relaxed);
        let thread = kernel_process::current();
        thread.has_made_segments.store(true, Relaxed);
        let state = State {
            permission,
            living_maker: Some(thread.task().id()),
            atime: 0,
            dtime: 0,
            ctime: now_s(),
            last: 0,
            locked: None,
        };
        Ok(Arc::new(Self {
            file,
            pages: shown,
            size,
            key,
            maker: process_id(),
            id: AtomicU32::new(0),
            attached: AtomicUsize::new(0),
            is_doomed: AtomicBool::new(false),
            state: SpinLock::with_rank(Rank::Freezer, state),
        }))
    }

    /// One use less. The last one of a doomed segment ends it.
    fn leave(&self) {
        let is_last = self.attached.fetch_sub(1, SeqCst) == 1;
        if is_last && self.ends_with_last_use() {
            forget(self.id.load(Relaxed));
        }
    }

    fn ends_with_last_use(&self) -> bool {
        let is_forced = setting::SHM_RMID_FORCED.value() != 0;
        is_forced || self.is_doomed.load(SeqCst)
    }

    /// As `shmctl(2)` and `/proc` tell of it.
    pub(crate) fn describe(&self, id: u32) -> ShmidDs {
        let state = self.state.lock();
        ShmidDs {
            perm: state.permission.show(id),
            segsz: self.size as u64,
            atime: state.atime,
            dtime: state.dtime,
            ctime: state.ctime,
            cpid: self.maker,
            lpid: state.last,
            nattch: self.attached.load(Relaxed) as u64,
            unused: [0; 2],
        }
    }

    /// Pages that it has in memory.
    pub(crate) fn resident_pages(&self) -> usize {
        let units = self.file.inode().metadata().blocks;
        units as usize / (PAGE_SIZE / 512)
    }
}

/// Takes a segment that nobody uses out of the table.
fn forget(id: u32) {
    let mut table = SEGMENTS.table.lock();
    let is_unused = table.get(id as i32).is_ok_and(|segment| {
        let is_unused = segment.attached.load(SeqCst) == 0;
        is_unused && segment.ends_with_last_use()
    });
    let gone = is_unused.then(|| table.remove(id));
    drop(table);
    drop(gone);
}

/// Ends all segments whose makers have ended, that nobody uses and that end
/// with their last use: `shm_rmid_forced` is another.
///
/// # Errors
/// `EINTR` if the caller is to end before it has seen all.
pub(crate) fn remove_unused() -> Result<(), Errno> {
    SEGMENTS.each(|id, segment| {
        let is_orphan = segment.state.lock().living_maker.is_none();
        if is_orphan && segment.ends_with_last_use() {
            forget(id);
        }
        Ok(())
    })
}

/// The running thread, which has made segments, ends. Those that nobody uses
/// go with it, if they end with their last use. Either it sees a change of
/// `shm_rmid_forced`, or who changed that sees that it has ended, since both
/// take the segment's lock after what they do.
pub fn maker_ends() {
    let thread = kernel_task::current().id();
    SEGMENTS.each_at_end(|id, segment| {
        let mut state = segment.state.lock();
        let is_own = state.living_maker.take_if(|it| *it == thread).is_some();
        drop(state);
        if is_own && segment.ends_with_last_use() {
            forget(id);
        }
    });
}

/// `shmget(2)`: the identifier of the segment.
///
/// # Errors
/// As there.
pub fn get(key: i32, size: usize, flags: u32) -> Result<usize, Errno> {
    let caller = Caller::new();
    let asker = caller.asker();
    let most = setting::SHMMNI.value() as usize;
    let wanted = Wanted { key, flags, size, most };
    let pages = size.div_ceil(PAGE_SIZE) as u64;
    let room = |more: u64| {
        let all = (PAGES.load(Relaxed) as u64).saturating_add(more);
        match all > setting::SHMALL.value() {
            true => Err(Errno::ENOSPC),
            false => Ok(()),
        }
    };
    let make = || {
        if size == 0 || size as u64 > setting::SHMMAX.value() {
            return Err(Errno::EINVAL);
        }
        room(pages)?;
        if flags & SHM_HUGETLB != 0 {
            return Err(refuse_large_pages(flags, &caller));
        }
        Segment::new(Permission::new(key, flags, &asker), size)
    };
    Ok(SEGMENTS.get(&asker, wanted, make, || room(0))? as usize)
}

/// There are no large pages: why a segment of them cannot be made.
fn refuse_large_pages(flags: u32, caller: &Caller) -> Errno {
    const SIZE_SHIFT: u32 = 26;
    /// What Linux has with pages of 4 KiB: 64 KiB, 2 MiB, 32 MiB, 1 GiB.
    const SIZES: [u32; 5] = [0, 16, 21, 25, 30];
    match SIZES.contains(&(flags >> SIZE_SHIFT)) {
        false => Errno::EINVAL,
        true if !caller.has(Capability::IPC_LOCK) => Errno::EPERM,
        true => Errno::ENOMEM,
    }
}

/// A segment that is about to be mapped.
pub struct Attachment {
    segment: Arc<Segment>,
    /// How it is to be mapped.
    pub request: MapRequest,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.segment.leave();
    }
}

/// `shmat(2)`, all but the mapping itself.
///
/// # Errors
/// As there.
pub fn attach(
    id: i32,
    address: usize,
    flags: u32,
) -> Result<Attachment, Errno> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let placement = placement(address, flags)?;
    let (mut protection, mut wanted) = (Protection::READ, READ);
    if flags & SHM_RDONLY == 0 {
        protection |= Protection::WRITE;
        wanted |= WRITE;
    }
    if flags & SHM_EXEC != 0 {
        protection |= Protection::EXECUTE;
        wanted |= EXECUTE;
    }
    let caller = Caller::new();
    let segment = {
        let table = SEGMENTS.table.lock();
        let segment = table.get(id)?;
        segment.check(&caller.asker(), 0, wanted)?;
        segment.attached.fetch_add(1, SeqCst);
        segment.clone()
    };
    let request = MapRequest {
        placement,
        sharing: Sharing::Shared,
        source: Some((segment.clone(), 0)),
        may_write: flags & SHM_RDONLY == 0,
        ..MapRequest::anonymous(segment.size, protection)
    };
    Ok(Attachment { segment, request })
}

fn placement(address: usize, flags: u32) -> Result<Placement, Errno> {
    let replaces = flags & SHM_REMAP != 0;
    if address == 0 {
        return match replaces {
            true => Err(Errno::EINVAL),
            false => Ok(Placement::Hint(0)),
        };
    }
    let place = address - address % PAGE_SIZE;
    let is_rounded = place != address;
    if is_rounded && flags & SHM_RND == 0 || place == 0 && replaces {
        return Err(Errno::EINVAL);
    }
    match place {
        0 => Err(Errno::EPERM),
        place if replaces => Ok(Placement::Fixed(place)),
        place => Ok(Placement::FixedNoReplace(place)),
    }
}

/// True for a segment's memory.
pub fn is_segment(source: &dyn PageSource) -> bool {
    source.any().is_some_and(|any| any.is::<Segment>())
}
