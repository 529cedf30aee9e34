//! Message queues of System V.

use alloc::vec::Vec;

use user_lib::{Errno, file, process};

use super::{
    NO_WAIT, PRIVATE, REMOVE, REMOVED, SET, STAT, msgctl, msgget, msgrcv,
    msgsnd,
};
use crate::freezer::wait_for_place;
use crate::tool::{
    NOBODY, Outcome, ensure, ensure_eq, in_background, in_child, tests,
};

tests! {
    messages_are_chosen_by_their_type
    a_message_queue_holds_so_much
    the_end_of_a_message_queue_ends_a_wait
    message_queues_are_their_owners
    limits_of_message_queues_are_roots
    many_message_queues_are_all_shown
}

const EXCEPT: usize = 0o20000;
const COPY: usize = 0o40000;
const CUT: usize = 0o10000;

fn messages_are_chosen_by_their_type() -> Outcome {
    let id = msgget(PRIVATE, 0o600)?;
    for kind in [5, 3, 9, 3, 4] {
        msgsnd(id, kind, 8, 0)?;
    }
    ensure_eq!(msgrcv(id, 8, 1, COPY | NO_WAIT), Ok(3));
    ensure_eq!(msgrcv(id, 8, 1, COPY), Err(Errno::EINVAL));
    ensure_eq!(msgrcv(id, 8, 9, 0), Ok(9));
    ensure_eq!(msgrcv(id, 8, 5, EXCEPT), Ok(3));
    ensure_eq!(msgrcv(id, 8, -4, 0), Ok(3));
    ensure_eq!(msgrcv(id, 4, 0, 0), Err(Errno::E2BIG));
    ensure_eq!(msgrcv(id, 4, 0, CUT), Ok(5));
    ensure_eq!(msgrcv(id, 8, 7, NO_WAIT), Err(Errno::ENOMSG));
    ensure_eq!(msgsnd(id, 0, 8, 0), Err(Errno::EINVAL));
    let child = in_background(|| {
        ensure_eq!(msgrcv(id, 8, -3, 0), Ok(2));
        Ok(())
    })?;
    wait_for_place(child.id(), "do_msgrcv")?;
    msgsnd(id, 7, 8, 0)?;
    msgsnd(id, 2, 8, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(msgrcv(id, 8, 0, 0), Ok(4));
    ensure_eq!(msgrcv(id, 8, 0, 0), Ok(7));
    msgctl(id, REMOVE, 0)?;
    Ok(())
}

fn a_message_queue_holds_so_much() -> Outcome {
    let id = msgget(PRIVATE, 0o600)?;
    // `msg_qbytes` of `struct msqid_ds`.
    let mut status = [0_u64; 15];
    let place = &raw mut status as usize;
    msgctl(id, STAT, place)?;
    status[11] = 16;
    msgctl(id, SET, place)?;
    msgsnd(id, 1, 8, 0)?;
    msgsnd(id, 2, 8, 0)?;
    ensure_eq!(msgsnd(id, 3, 8, NO_WAIT), Err(Errno::EAGAIN));
    let child = in_background(|| Ok(msgsnd(id, 3, 8, 0).map(drop)?))?;
    wait_for_place(child.id(), "do_msgsnd")?;
    ensure_eq!(msgrcv(id, 8, 0, 0), Ok(1));
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    msgctl(id, STAT, place)?;
    ensure_eq!([status[9], status[10], status[11]], [16, 2, 16]);
    msgctl(id, REMOVE, 0)?;
    Ok(())
}

fn the_end_of_a_message_queue_ends_a_wait() -> Outcome {
    let id = msgget(PRIVATE, 0o600)?;
    let child = in_background(|| {
        ensure_eq!(msgrcv(id, 8, 0, 0), Err(REMOVED));
        Ok(())
    })?;
    wait_for_place(child.id(), "do_msgrcv")?;
    msgctl(id, REMOVE, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn message_queues_are_their_owners() -> Outcome {
    let id = msgget(PRIVATE, 0o600)?;
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(msgsnd(id, 1, 8, 0), Err(Errno::EACCES));
        ensure_eq!(msgrcv(id, 8, 0, NO_WAIT), Err(Errno::EACCES));
        ensure_eq!(msgctl(id, REMOVE, 0), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    msgctl(id, REMOVE, 0)?;
    Ok(())
}

fn many_message_queues_are_all_shown() -> Outcome {
    /// `MSG_INFO`, and the place of the number of queues in `struct msginfo`.
    const INFORM: usize = 12;
    const QUEUES: usize = 0;
    const SHOWN: &str = "/proc/sysvipc/msg";
    let before = file::text(SHOWN)?.lines().count();
    let ids = (0..300).map(|_| msgget(PRIVATE, 0o600));
    let ids = ids.collect::<user_lib::Result<Vec<usize>>>()?;
    let text = file::text(SHOWN)?;
    let is_shown = |id: &usize| {
        let number = |line: &str| {
            let mut words = line.split_whitespace();
            words.nth(1).and_then(|word| word.parse().ok())
        };
        text.lines().filter(|line| number(line) == Some(*id)).count() == 1
    };
    ensure!(ids.iter().all(is_shown));
    ensure_eq!(text.lines().count(), before + ids.len());
    let mut info = [0_i32; 8];
    msgctl(0, INFORM, &raw mut info as usize)?;
    ensure!(info[QUEUES] as usize >= ids.len());
    for id in ids {
        msgctl(id, REMOVE, 0)?;
    }
    Ok(())
}

fn limits_of_message_queues_are_roots() -> Outcome {
    const LIMIT: &str = "/proc/sys/kernel/msgmax";
    let old = file::text(LIMIT)?;
    file::overwrite(LIMIT, b"4\n")?;
    let id = msgget(PRIVATE, 0o600)?;
    let long = msgsnd(id, 1, 5, 0);
    let short = msgsnd(id, 1, 4, 0);
    file::overwrite(LIMIT, old.as_bytes())?;
    ensure_eq!((long, short), (Err(Errno::EINVAL), Ok(0)));
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure!(file::overwrite(LIMIT, b"9\n").is_err());
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(file::overwrite(LIMIT, b"-1\n"), Err(Errno::EINVAL));
    msgctl(id, REMOVE, 0)?;
    Ok(())
}
