//! System V IPC and POSIX message queues as programs see them: numbers and
//! structures (sysvipc(7), mq_overview(7)).
//!
//! The layouts are aarch64 Linux's (its generic ones for 64 bits), also when
//! this is built for another host.

use crate::structure::structure;

/// Key of an object that nobody finds by its key.
pub const IPC_PRIVATE: i32 = 0;
/// Make the object if there is none with the key.
pub const IPC_CREAT: u32 = 0o1000;
/// Fail if there is one.
pub const IPC_EXCL: u32 = 0o2000;
/// Fail where the call would sleep.
pub const IPC_NOWAIT: u32 = 0o4000;

/// Command: remove the object.
pub const IPC_RMID: u32 = 0;
/// Command: set owner and permissions.
pub const IPC_SET: u32 = 1;
/// Command: tell of the object.
pub const IPC_STAT: u32 = 2;
/// Command: tell of the limits.
pub const IPC_INFO: u32 = 3;

/// Operation on a semaphore that is undone when the process ends.
pub const SEM_UNDO: u16 = 0x1000;
/// `semctl`: who changed the semaphore last.
pub const GETPID: u32 = 11;
/// `semctl`: its value.
pub const GETVAL: u32 = 12;
/// `semctl`: all values.
pub const GETALL: u32 = 13;
/// `semctl`: how many wait for it to grow.
pub const GETNCNT: u32 = 14;
/// `semctl`: how many wait for it to be 0.
pub const GETZCNT: u32 = 15;
/// `semctl`: set its value.
pub const SETVAL: u32 = 16;
/// `semctl`: set all values.
pub const SETALL: u32 = 17;
/// `semctl`: as `IPC_STAT`, by index.
pub const SEM_STAT: u32 = 18;
/// `semctl`: as `IPC_INFO`, with what there is.
pub const SEM_INFO: u32 = 19;
/// `semctl`: as `SEM_STAT`, for everybody.
pub const SEM_STAT_ANY: u32 = 20;

/// `msgrcv`: cut what is too long.
pub const MSG_NOERROR: u32 = 0o10000;
/// `msgrcv`: the first message of any other type.
pub const MSG_EXCEPT: u32 = 0o20000;
/// `msgrcv`: copy the message with this place in the queue.
pub const MSG_COPY: u32 = 0o40000;
/// `msgctl`: as `IPC_STAT`, by index.
pub const MSG_STAT: u32 = 11;
/// `msgctl`: as `IPC_INFO`, with what there is.
pub const MSG_INFO: u32 = 12;
/// `msgctl`: as `MSG_STAT`, for everybody.
pub const MSG_STAT_ANY: u32 = 13;

/// `shmget`: of large pages.
pub const SHM_HUGETLB: u32 = 0o4000;
/// `shmat`: for reading only.
pub const SHM_RDONLY: u32 = 0o10000;
/// `shmat`: round the address down.
pub const SHM_RND: u32 = 0o20000;
/// `shmat`: in place of what is there.
pub const SHM_REMAP: u32 = 0o40000;
/// `shmat`: it may be executed.
pub const SHM_EXEC: u32 = 0o100000;
/// Mode of a segment that ends with its last use.
pub const SHM_DEST: u32 = 0o1000;
/// Mode of a segment that stays in memory.
pub const SHM_LOCKED: u32 = 0o2000;
/// `shmctl`: keep it in memory.
pub const SHM_LOCK: u32 = 11;
/// `shmctl`: it may leave memory.
pub const SHM_UNLOCK: u32 = 12;
/// `shmctl`: as `IPC_STAT`, by index.
pub const SHM_STAT: u32 = 13;
/// `shmctl`: what there is.
pub const SHM_INFO: u32 = 14;
/// `shmctl`: as `SHM_STAT`, for everybody.
pub const SHM_STAT_ANY: u32 = 15;

/// One more than the highest priority of a message.
pub const MQ_PRIO_MAX: u32 = 32_768;

structure! {
    /// `struct ipc64_perm`: whose an object is.
    IpcPerm 48 {
        /// The key, or [`IPC_PRIVATE`].
        key: i32,
        /// Owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Who made it.
        cuid: u32,
        /// That one's group.
        cgid: u32,
        /// Permissions.
        mode: u32,
        /// How often its place was used before.
        seq: u16,
        /// 0.
        pad: [u16; 3],
        /// 0.
        unused: [u64; 2],
    }
}

structure! {
    /// `struct sembuf`: one operation.
    SemBuf 6 {
        /// Which semaphore of the set.
        number: u16,
        /// What is added; 0 waits for 0.
        change: i16,
        /// `IPC_NOWAIT`, `SEM_UNDO`.
        flags: u16,
    }
}

structure! {
    /// `struct semid64_ds`: a set of semaphores.
    SemidDs 88 {
        /// Whose it is.
        perm: IpcPerm,
        /// Last operation, seconds since 1970.
        otime: i64,
        /// Last change.
        ctime: i64,
        /// How many semaphores.
        nsems: u64,
        /// 0.
        unused: [u64; 2],
    }
}

structure! {
    /// `struct seminfo`: limits of semaphores.
    SemInfo 40 {
        /// As `semmni` times the most of a set.
        semmap: i32,
        /// Most sets.
        semmni: i32,
        /// Most semaphores.
        semmns: i32,
        /// Most lists to undo.
        semmnu: i32,
        /// Most semaphores of a set.
        semmsl: i32,
        /// Most operations of a call.
        semopm: i32,
        /// Most operations to undo.
        semume: i32,
        /// Bytes to undo; the number of sets, for `SEM_INFO`.
        semusz: i32,
        /// Largest value.
        semvmx: i32,
        /// Most to be undone; the number of semaphores, for `SEM_INFO`.
        semaem: i32,
    }
}

structure! {
    /// `struct msqid64_ds`: a message queue.
    MsqidDs 120 {
        /// Whose it is.
        perm: IpcPerm,
        /// Last message sent, seconds since 1970.
        stime: i64,
        /// Last message received.
        rtime: i64,
        /// Last change.
        ctime: i64,
        /// Bytes in it.
        cbytes: u64,
        /// Messages in it.
        qnum: u64,
        /// Most bytes.
        qbytes: u64,
        /// Who sent last.
        lspid: u32,
        /// Who received last.
        lrpid: u32,
        /// 0.
        unused: [u64; 2],
    }
}

structure! {
    /// `struct msginfo`: limits of message queues.
    MsgInfo 32 {
        /// KiB of all queues; the number of queues, for `MSG_INFO`.
        msgpool: i32,
        /// Entries of a map; the number of messages, for `MSG_INFO`.
        msgmap: i32,
        /// Most bytes of a message.
        msgmax: i32,
        /// Most bytes of a queue.
        msgmnb: i32,
        /// Most queues.
        msgmni: i32,
        /// Bytes of a piece.
        msgssz: i32,
        /// Most messages; the bytes of all, for `MSG_INFO`.
        msgtql: i32,
        /// Most pieces.
        msgseg: u16,
        /// 0.
        pad: u16,
    }
}

structure! {
    /// `struct shmid64_ds`: a segment of shared memory.
    ShmidDs 112 {
        /// Whose it is.
        perm: IpcPerm,
        /// Bytes.
        segsz: u64,
        /// Last attached, seconds since 1970.
        atime: i64,
        /// Last detached.
        dtime: i64,
        /// Last change.
        ctime: i64,
        /// Who made it.
        cpid: u32,
        /// Who attached or detached it last.
        lpid: u32,
        /// How often it is attached.
        nattch: u64,
        /// 0.
        unused: [u64; 2],
    }
}

structure! {
    /// `struct shminfo64`: limits of shared memory.
    ShmLimits 72 {
        /// Most bytes of a segment.
        shmmax: u64,
        /// Least bytes.
        shmmin: u64,
        /// Most segments.
        shmmni: u64,
        /// Most that a process attaches.
        shmseg: u64,
        /// Most pages of all.
        shmall: u64,
        /// 0.
        unused: [u64; 4],
    }
}

structure! {
    /// `struct shm_info`: what shared memory there is.
    ShmInfo 48 {
        /// Segments.
        used_ids: i32,
        /// 0.
        pad: i32,
        /// Pages of all.
        total: u64,
        /// Pages in memory.
        resident: u64,
        /// Pages elsewhere.
        swapped: u64,
        /// 0.
        swap_attempts: u64,
        /// 0.
        swap_successes: u64,
    }
}

structure! {
    /// `struct mq_attr`: a POSIX message queue.
    MqAttr 64 {
        /// `O_NONBLOCK`.
        flags: i64,
        /// Most messages.
        maxmsg: i64,
        /// Most bytes of a message.
        msgsize: i64,
        /// Messages in it.
        curmsgs: i64,
        /// 0.
        reserved: [i64; 4],
    }
}
