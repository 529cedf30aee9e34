//! POSIX message queues.

use user_lib::linux::{
    F_SETFD, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, POLLIN,
    POLLOUT, SIG_BLOCK, SIGKILL, SIGUSR1,
};
use user_lib::time::Time;
use user_lib::{Errno, file, process, signal, system, terminal};

use super::{
    mq_attributes, mq_notify, mq_open, mq_receive, mq_send, mq_unlink,
};
use crate::freezer::{wait_for_place, wait_for_state};
use crate::tool::{
    NOBODY, Outcome, ensure, ensure_eq, in_background, in_child, soon, tests,
};

tests! {
    the_most_urgent_message_comes_first
    a_queue_can_be_polled
    a_message_is_told_once
    a_message_is_told_to_the_program_that_asked
    a_wait_for_a_message_ends_in_time
    queues_are_files
    queues_count_for_their_user
}

fn the_most_urgent_message_comes_first() -> Outcome {
    let queue = mq_open(c"first", O_CREAT | O_EXCL | O_RDWR, 4)?;
    for (text, priority) in [(b"a", 1), (b"b", 9), (b"c", 1), (b"d", 9)] {
        mq_send(queue, text, priority, None)?;
    }
    let found = mq_attributes(queue)?;
    ensure_eq!(found[..4], [0, 4, 8, 4]);
    for expected in [(b'b', 9), (b'd', 9), (b'a', 1), (b'c', 1)] {
        ensure_eq!(mq_receive(queue, None), Ok(expected));
    }
    ensure_eq!(mq_send(queue, b"x", 32_768, None), Err(Errno::EINVAL));
    ensure_eq!(mq_send(queue, &[0; 9], 0, None), Err(Errno::EMSGSIZE));
    let exclusive = O_CREAT | O_EXCL | O_RDWR;
    ensure_eq!(mq_open(c"first", exclusive, 4), Err(Errno::EEXIST));
    let reader = mq_open(c"first", O_RDONLY, 0)?;
    ensure_eq!(mq_send(reader, b"x", 0, None), Err(Errno::EBADF));
    mq_unlink(c"first")?;
    ensure_eq!(mq_open(c"first", O_RDONLY, 0), Err(Errno::ENOENT));
    // It lives on as long as it is open.
    mq_send(queue, b"z", 0, None)?;
    ensure_eq!(mq_receive(reader, None), Ok((b'z', 0)));
    Ok(())
}

fn a_queue_can_be_polled() -> Outcome {
    let queue = mq_open(c"poll", O_CREAT | O_RDWR | O_NONBLOCK, 1)?;
    mq_unlink(c"poll")?;
    let mut entry = [terminal::poll_entry(queue, POLLIN | POLLOUT)];
    let mut poll = || {
        terminal::poll(&mut entry, Some(Time::from_millis(10_000)), None)?;
        Ok::<_, Errno>(entry[0].revents as u32)
    };
    ensure_eq!(poll(), Ok(POLLOUT));
    ensure_eq!(mq_receive(queue, None), Err(Errno::EAGAIN));
    mq_send(queue, b"x", 0, None)?;
    ensure_eq!(poll(), Ok(POLLIN));
    ensure_eq!(mq_send(queue, b"x", 0, None), Err(Errno::EAGAIN));
    Ok(())
}

fn a_message_is_told_once() -> Outcome {
    signal::change_mask(SIG_BLOCK, signal::bit(SIGUSR1))?;
    let queue = mq_open(c"tell", O_CREAT | O_RDWR, 4)?;
    mq_notify(queue, Some(SIGUSR1))?;
    ensure_eq!(mq_notify(queue, Some(SIGUSR1)), Err(Errno::EBUSY));
    let child = in_background(|| {
        let queue = mq_open(c"tell", O_WRONLY, 0)?;
        mq_send(queue, b"x", 0, None)?;
        Ok(())
    })?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    let wait = Some(Time::from_millis(10_000));
    ensure_eq!(signal::wait(signal::bit(SIGUSR1), wait), Ok(SIGUSR1));
    mq_receive(queue, None)?;
    mq_send(queue, b"x", 0, None)?;
    ensure_eq!(signal::pending()?, 0);
    // The queue is not empty: nobody is told.
    mq_notify(queue, Some(SIGUSR1))?;
    mq_send(queue, b"x", 0, None)?;
    ensure_eq!(signal::pending()?, 0);
    // Who closes the queue is told no more.
    file::close(mq_open(c"tell", O_RDONLY, 0)?)?;
    mq_notify(queue, Some(SIGUSR1))?;
    mq_notify(queue, None)?;
    mq_unlink(c"tell")?;
    Ok(())
}

fn a_message_is_told_to_the_program_that_asked() -> Outcome {
    let queue = mq_open(c"program", O_CREAT | O_RDWR, 4)?;
    let child = in_background(|| {
        file::control(queue, F_SETFD, 0)?;
        mq_notify(queue, Some(SIGUSR1))?;
        process::execute("/bin/sleep", &["sleep", "100"], &[""; 0]);
        Ok(())
    })?;
    ensure!(soon(|| {
        file::text(&alloc::format!("/proc/{}/comm", child.id()))
            .is_ok_and(|name| name == "sleep\n")
    }));
    wait_for_state(child.id(), 'S')?;
    // It is still the one that is told: nobody else may be.
    ensure_eq!(mq_notify(queue, Some(SIGUSR1)), Err(Errno::EBUSY));
    mq_send(queue, b"x", 0, None)?;
    ensure_eq!(mq_notify(queue, Some(SIGUSR1)), Ok(0));
    signal::send(child.id(), SIGKILL)?;
    ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    mq_unlink(c"program")?;
    Ok(())
}

fn a_wait_for_a_message_ends_in_time() -> Outcome {
    let queue = mq_open(c"late", O_CREAT | O_RDWR, 1)?;
    mq_unlink(c"late")?;
    let wait = Some(Time::from_millis(20));
    ensure_eq!(mq_receive(queue, wait), Err(Errno::ETIMEDOUT));
    let child = in_background(|| {
        ensure_eq!(mq_receive(queue, None), Ok((b'x', 3)));
        Ok(())
    })?;
    wait_for_place(child.id(), "do_mq_timedreceive")?;
    mq_send(queue, b"x", 3, None)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    mq_send(queue, b"y", 0, None)?;
    ensure_eq!(mq_send(queue, b"z", 0, wait), Err(Errno::ETIMEDOUT));
    Ok(())
}

fn queues_are_files() -> Outcome {
    let place = alloc::format!("/tmp/check-{}-mq", process::current_id());
    file::make_directory(&place, 0o755)?;
    system::mount("none", &place, "mqueue", 0, "")?;
    let queue = mq_open(c"file", O_CREAT | O_RDWR, 2)?;
    mq_send(queue, b"four", 0, None)?;
    let path = alloc::format!("{place}/file");
    let expected =
        "QSIZE:4          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n";
    ensure_eq!(file::text(&path)?, expected);
    mq_receive(queue, None)?;
    mq_notify(queue, Some(SIGUSR1))?;
    let own = process::current_id();
    let expected = alloc::format!(
        "QSIZE:0          NOTIFY:0     SIGNO:10    NOTIFY_PID:{own:<6}\n"
    );
    ensure_eq!(file::text(&path)?, expected);
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(mq_open(c"file", O_RDONLY, 0), Err(Errno::EACCES));
        ensure!(mq_unlink(c"file").is_err());
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    file::remove(&path)?;
    ensure_eq!(mq_unlink(c"file"), Err(Errno::ENOENT));
    // `MNT_DETACH`
    system::unmount(&place, 2)?;
    file::remove_directory(&place)?;
    Ok(())
}

fn queues_count_for_their_user() -> Outcome {
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        // One of 10 messages of 8 bytes counts 1,040 of 819,200 bytes.
        let flags = O_CREAT | O_EXCL | O_RDWR;
        ensure_eq!(mq_open(c"much", flags, 11), Err(Errno::EINVAL));
        let mut count = 0;
        loop {
            let queue = mq_open(c"much", flags, 10);
            if queue == Err(Errno::EMFILE) || queue == Err(Errno::ENOSPC) {
                break;
            }
            queue?;
            mq_unlink(c"much")?;
            count += 1;
        }
        ensure!(count == 256);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    let queue = mq_open(c"more", O_CREAT | O_RDWR, 10)?;
    mq_unlink(c"more")?;
    file::close(queue)?;
    Ok(())
}
