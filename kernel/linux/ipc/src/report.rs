//! `/proc/sysvipc`: the objects of System V IPC, a line each (proc(5)). There
//! may be many: a text ends where memory does, with `ENOMEM`.

use alloc::format;
use alloc::string::String;

use kernel_abi::Errno;
use kernel_abi::ipc::IpcPerm;
use kernel_control::proc::register;
use kernel_files::attribute::{Attribute, ShowFn};
use kernel_machine::mm::{PAGE_SIZE, heap};

use crate::message::QUEUES;
use crate::segment::SEGMENTS;
use crate::semaphore::SETS;

/// Makes the files.
///
/// # Errors
/// `EEXIST` if called twice.
pub(crate) fn register_all() -> Result<(), Errno> {
    let files: [(&str, ShowFn); 3] = [
        ("/proc/sysvipc/msg", queues),
        ("/proc/sysvipc/sem", sets),
        ("/proc/sysvipc/shm", segments),
    ];
    for (path, show) in files {
        register(path, Attribute::read_only(show))?;
    }
    Ok(())
}

/// The columns that begin each line.
fn name(perm: &IpcPerm, id: u32) -> String {
    // Linux shows a key as a signed number.
    format!("{:10} {id:10}  {:4o}", perm.key, perm.mode)
}

fn owners(perm: &IpcPerm) -> String {
    let IpcPerm { uid, gid, cuid, cgid, .. } = perm;
    format!("{uid:5} {gid:5} {cuid:5} {cgid:5}")
}

/// Makes room for so many lines as long as the first, so that no long text is
/// copied when it grows.
fn make_room(text: &mut String, lines: usize) -> Result<(), Errno> {
    heap::reserve_text(text, lines * text.len())
}

/// Adds a line, as far as there is memory.
fn add(text: &mut String, line: &str) -> Result<(), Errno> {
    heap::reserve_text(text, line.len())?;
    text.push_str(line);
    Ok(())
}

fn queues() -> Result<String, Errno> {
    let mut text = String::from(
        "       key      msqid perms      cbytes       qnum lspid lrpid   \
        uid   gid  cuid  cgid      stime      rtime      ctime\n",
    );
    make_room(&mut text, QUEUES.count())?;
    QUEUES.each(|id, queue| {
        let it = queue.describe(id);
        let line = format!(
            "{}  {:10} {:10} {:5} {:5} {} {:10} {:10} {:10}\n",
            name(&it.perm, id),
            it.cbytes,
            it.qnum,
            it.lspid,
            it.lrpid,
            owners(&it.perm),
            it.stime,
            it.rtime,
            it.ctime,
        );
        add(&mut text, &line)
    })?;
    Ok(text)
}

fn sets() -> Result<String, Errno> {
    let mut text = String::from(
        "       key      semid perms      nsems   uid   gid  cuid  cgid      \
        otime      ctime\n",
    );
    make_room(&mut text, SETS.count())?;
    SETS.each(|id, set| {
        let it = set.describe(id);
        let line = format!(
            "{} {:10} {} {:10} {:10}\n",
            name(&it.perm, id),
            it.nsems,
            owners(&it.perm),
            it.otime,
            it.ctime,
        );
        add(&mut text, &line)
    })?;
    Ok(text)
}

fn segments() -> Result<String, Errno> {
    let mut text = String::from(
        "       key      shmid perms                  size  cpid  lpid nattch   \
        uid   gid  cuid  cgid      atime      dtime      ctime                   \
        rss                  swap\n",
    );
    make_room(&mut text, SEGMENTS.count())?;
    SEGMENTS.each(|id, segment| {
        let it = segment.describe(id);
        let line = format!(
            "{} {:21} {:5} {:5}  {:5} {} {:10} {:10} {:10} {:21} {:21}\n",
            name(&it.perm, id),
            it.segsz,
            it.cpid,
            it.lpid,
            it.nattch,
            owners(&it.perm),
            it.atime,
            it.dtime,
            it.ctime,
            segment.resident_pages() * PAGE_SIZE,
            0,
        );
        add(&mut text, &line)
    })?;
    Ok(text)
}
