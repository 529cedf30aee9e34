//! From a file to memory that can run.
//!
//! Scripts lead to their interpreter; an ELF file's segments are mapped from
//! the file's own pages, nothing is copied but the page where a segment's
//! file part ends; the stack gets arguments, environment and auxiliary
//! vector. What the file says is checked by `kernel_core::executable`.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::executable::Script;
use kernel_core::executable::elf::{
    Access, HEADER_SIZE, Header, Plan, Segment,
};
use kernel_core::executable::script::HEAD;

use super::credentials::Credentials;
use super::image::{Executable, Image};
use super::ptrace::link;
use super::{CurrentThread, sigreturn_page};
use kernel_files::buffer::Output;
use kernel_files::file::{Blocking, File};
use kernel_files::flags::OpenFlags;
use kernel_files::mount::MountFlags;
use kernel_files::permission;
use kernel_files::walk::{AT_FDCWD, Asker, LastLink};
use kernel_files::write_access::WriteAccess;
use kernel_files::{FileTable, FileType, FsContext, Location};
use kernel_machine::mm::{
    AddressSpace, MapRequest, PAGE_SIZE, PageSource, Placement, Protection,
    STACK_TOP,
};

mod auxiliary;
mod request;
mod rights;
mod stack;

use auxiliary::auxiliary;
pub(super) use request::{Found, Request};
use rights::Given;
use stack::{build_stack, map_stack};

/// Scripts whose interpreter is a script, and so on, this deep.
const SCRIPT_DEPTH: usize = 4;
/// Where programs go that can go anywhere.
const PROGRAM_BASE: u64 = 0xaaaa_aaaa_0000;
/// Where their dynamic linker goes: 1 GiB below the stack.
const LINKER_BASE: u64 = (STACK_TOP - (1 << 30)) as u64 & !0xffff;

/// A program in memory, ready to be exchanged for the old one.
pub(super) struct Loaded {
    /// Its memory.
    pub space: Arc<AddressSpace>,
    /// Where it starts.
    pub entry: u64,
    /// Its first stack pointer.
    pub stack_pointer: u64,
    /// What `/proc` tells of it.
    pub image: Image,
    /// Its name: the last part of its path.
    pub name: Vec<u8>,
    /// Whose rights it was told that it has.
    pub credentials: Credentials,
    /// The rights that its file gives.
    given: Given,
    /// What it was told of itself, and the address of that.
    auxiliary: (u64, Vec<(u64, u64)>),
}

impl Loaded {
    /// Takes up the rights that the process has now: another thread may have
    /// changed them, or wanted no new ones, until it ended, or a tracer come.
    /// The stack's pages are there already.
    ///
    /// # Errors
    /// None but of a defect: the stack has just been written.
    pub(super) fn renew_credentials(
        &mut self,
        thread: &CurrentThread,
    ) -> Result<(), Errno> {
        let now = thread.process.credentials.lock().clone();
        let mut new = self.given.to(&thread.process, now.clone());
        link::keep_rights_if_watched(thread, &now, &mut new);
        if self.credentials == new {
            return Ok(());
        }
        self.credentials = new;
        let (place, pairs) = &mut self.auxiliary;
        rights::tell(pairs, &self.credentials);
        let words = pairs.iter().flat_map(|pair| [pair.0, pair.1]);
        let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        self.space.write_at(*place as usize, &bytes)
    }
}

/// A file that may be a program.
struct Program {
    location: Location,
    file: Arc<dyn File>,
    pages: Arc<dyn PageSource>,
    access: Option<WriteAccess>,
    is_readable: bool,
}

/// Builds the memory of the program that `request` names.
///
/// # Errors
/// `ENOENT`, `EACCES`, `ENOEXEC`, `E2BIG`, `ENOMEM`, `ELOOP` and what else
/// can be wrong with a path.
pub(super) fn load(
    thread: &CurrentThread,
    request: Request,
) -> Result<Loaded, Errno> {
    let (files, fs) = (thread.files()?, thread.fs()?);
    let opener = Opener { files: &files, fs: &fs };
    let name = last_part(&request.path).to_vec();
    let execfn = request.path.clone();
    let (mut program, request) = opener.resolve(request)?;
    let plan = program.plan(PROGRAM_BASE)?;
    let space = AddressSpace::new()?;
    program.map(&space, &plan)?;
    let (linker, linker_plan) = match plan.interpreter {
        None => (None, None),
        Some(place) => {
            let (linker, plan) = opener.map_linker(&program, place, &space)?;
            (Some(linker), Some(plan))
        }
    };
    let is_readable = |it: &Program| it.is_readable;
    let is_hidden =
        !program.is_readable || !linker.as_ref().is_none_or(is_readable);
    space.set_heap_start(plan.end() as usize);
    let sigreturn_page = sigreturn_page::map(&space)?;
    let given = Given::by(&program.location, is_hidden);
    let old = thread.process.credentials.lock().clone();
    let credentials = given.to(&thread.process, old);
    let auxiliary = auxiliary(&credentials, &plan, linker_plan.as_ref());
    let room = map_stack(plan.runs_stack);
    let stack = build_stack(&space, &request, &execfn, &auxiliary, &room)?;
    let access = [program.access.take(), linker.and_then(|it| it.access)];
    let executable =
        Executable { location: program.location, _write_access: access };
    let range = |range: &core::ops::Range<u64>| {
        range.start as usize..range.end as usize
    };
    let image = Image {
        program: Some(Arc::new(executable)),
        arguments: range(&stack.arguments),
        environment: range(&stack.environment),
        auxiliary: range(&stack.auxiliary),
        code: plan.start() as usize..plan.end() as usize,
        stack_start: stack.sp as usize,
        sigreturn_page,
    };
    let entry = linker_plan.map_or(plan.entry, |linker| linker.entry);
    let stack_pointer = stack.sp;
    let auxiliary = (stack.auxiliary.start, auxiliary);
    Ok(Loaded {
        space,
        entry,
        stack_pointer,
        image,
        name,
        credentials,
        given,
        auxiliary,
    })
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// Opens files as the running process names them.
struct Opener<'a> {
    files: &'a FileTable,
    fs: &'a FsContext,
}

impl Opener<'_> {
    /// Follows scripts to the program that runs them.
    fn resolve(
        &self,
        mut request: Request,
    ) -> Result<(Program, Request), Errno> {
        for _ in 0..=SCRIPT_DEPTH {
            let found = request.found.take();
            let is_hidden = found.as_ref().is_some_and(|it| it.is_hidden);
            let location = match found {
                Some(found) => found.location,
                None => self.find(&request.path)?,
            };
            let program = Self::open(location)?;
            let head = program.read(0, HEAD)?;
            let Some(script) = Script::parse(&head)? else {
                return Ok((program, request));
            };
            if is_hidden {
                return Err(Errno::ENOENT);
            }
            let interpreter = script.interpreter.to_vec();
            let mut first = vec![interpreter.clone()];
            first.extend(script.argument.map(<[u8]>::to_vec));
            first.push(core::mem::replace(&mut request.path, interpreter));
            let replaced = request.arguments.len().min(1);
            request.arguments.splice(..replaced, first);
        }
        Err(Errno::ELOOP)
    }

    fn find(&self, path: &[u8]) -> Result<Location, Errno> {
        let asker = Asker { context: self.fs, table: self.files };
        asker.find(AT_FDCWD, path, LastLink::Follow)
    }

    fn open(location: Location) -> Result<Program, Errno> {
        let metadata = location.inode.metadata();
        let forbids = location.mount.flags().contains(MountFlags::NO_EXEC);
        if metadata.kind != FileType::Regular
            || metadata.permissions & 0o111 == 0
            || forbids
        {
            return Err(Errno::EACCES);
        }
        permission::check(&*location.inode, permission::EXECUTE)?;
        let access = WriteAccess::deny(&location.inode)?;
        let file = location.inode.open(OpenFlags::empty())?;
        let pages = location.inode.pages().ok_or(Errno::EACCES)?;
        let is_readable =
            permission::check(&*location.inode, permission::READ).is_ok();
        Ok(Program { location, file, pages, access, is_readable })
    }

    /// Maps the dynamic linker whose path is in the program's file.
    fn map_linker(
        &self,
        program: &Program,
        (offset, length): (u64, usize),
        space: &AddressSpace,
    ) -> Result<(Program, Plan), Errno> {
        let mut path = program.read(offset, length)?;
        path.retain(|&byte| byte != 0);
        let linker = Self::open(self.find(&path)?)?;
        let plan = linker.plan(LINKER_BASE)?;
        linker.map(space, &plan)?;
        Ok((linker, plan))
    }
}

impl Program {
    /// Up to `length` bytes from `offset` on; fewer at the end of the file.
    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(length, 0);
        let mut done = 0;
        while done < length {
            let mut output = Output::kernel(&mut bytes[done..]);
            let place = offset + done as u64;
            match self.file.read(place, &mut output, Blocking::Sleep)? {
                0 => break,
                count => done += count,
            }
        }
        bytes.truncate(done);
        Ok(bytes)
    }

    /// What to map where; moved up by `base` if it can go anywhere.
    fn plan(&self, base: u64) -> Result<Plan, Errno> {
        let header = Header::parse(&self.read(0, HEADER_SIZE)?)?;
        let table = self.read(header.table_offset, header.table_size())?;
        let size = self.location.inode.metadata().size;
        let mut plan = Plan::new(&header, &table, size)?;
        if plan.is_relocatable {
            plan.relocate(base)?;
        }
        Ok(plan)
    }

    fn map(&self, space: &AddressSpace, plan: &Plan) -> Result<(), Errno> {
        plan.segments
            .iter()
            .try_for_each(|segment| self.map_segment(space, segment))
    }

    fn map_segment(
        &self,
        space: &AddressSpace,
        segment: &Segment,
    ) -> Result<(), Errno> {
        let protection = to_protection(segment.access);
        let (start, middle, end) =
            (segment.map_start(), segment.file_map_end(), segment.map_end());
        let place = |from: u64, to: u64| MapRequest {
            placement: Placement::FixedNoReplace(from as usize),
            ..MapRequest::anonymous((to - from) as usize, protection)
        };
        if middle > start {
            let first = segment.map_offset() as usize / PAGE_SIZE;
            let source = Some((self.pages.clone(), first));
            space.map(MapRequest { source, ..place(start, middle) })?;
        }
        if end > middle {
            space.map(place(middle, end))?;
        }
        clear_tail(space, segment)
    }
}

/// Zeroes the rest of the page in which the file part ends.
fn clear_tail(space: &AddressSpace, segment: &Segment) -> Result<(), Errno> {
    static ZEROS: [u8; PAGE_SIZE] = [0; PAGE_SIZE];
    let (from, to) = (segment.file_end(), segment.file_map_end());
    let has_tail = segment.memory_size > segment.file_size && to > from;
    if !has_tail || !segment.access.write {
        return Ok(());
    }
    space.write_at(from as usize, &ZEROS[..(to - from) as usize])
}

fn to_protection(access: Access) -> Protection {
    let mut protection = Protection::empty();
    protection.set(Protection::READ, access.read);
    protection.set(Protection::WRITE, access.write);
    protection.set(Protection::EXECUTE, access.execute);
    protection
}
