//! Files with holes, and room that is made before it is used.

use user_lib::linux::{__NR_fallocate, O_CREAT, O_RDWR};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, file};

use crate::tool::{Failure, Outcome, ensure_eq, fresh_path, tests};

tests! {
    bytes_and_holes_are_found
    a_hole_is_made
    room_is_made_before_it_is_used
}

/// A file with bytes in pages 0, 3 and 4, and 7 pages long.
pub fn file_with_holes() -> core::result::Result<i32, Failure> {
    let path = fresh_path("holes");
    let open = file::open(&path, O_CREAT | O_RDWR, 0o600)?;
    file::remove(&path)?;
    for page in [0, 3, 4] {
        file::seek(open, page * 4096, 0)?;
        file::write_all(open, &[7; 4096])?;
    }
    file::truncate(open, 7 * 4096)?;
    Ok(open)
}

fn bytes_and_holes_are_found() -> Outcome {
    const DATA: u32 = 3;
    const HOLE: u32 = 4;
    let open = file_with_holes()?;
    let page = 4096;
    for (from, wanted, found) in [
        (0, DATA, Ok(0)),
        (0, HOLE, Ok(page as u64)),
        (5, DATA, Ok(5)),
        (page, DATA, Ok(3 * page as u64)),
        (page + 9, HOLE, Ok(page as u64 + 9)),
        (3 * page, HOLE, Ok(5 * page as u64)),
        (5 * page, DATA, Err(Errno::ENXIO)),
        (5 * page, HOLE, Ok(5 * page as u64)),
        (7 * page, HOLE, Err(Errno::ENXIO)),
        (-1, DATA, Err(Errno::ENXIO)),
    ] {
        let place = file::seek(open, from, wanted);
        ensure_eq!((from, wanted, place), (from, wanted, found));
    }
    let stream = file::pipe(0)?[0];
    ensure_eq!(file::seek(stream, 0, DATA), Err(Errno::ESPIPE));
    Ok(())
}

fn a_hole_is_made() -> Outcome {
    const KEEP_SIZE: usize = 1;
    const PUNCH: usize = 2;
    let open = file_with_holes()?;
    let allocate = |mode, start, length| {
        arbitrary(__NR_fallocate, [open as usize, mode, start, length, 0, 0])
    };
    let blocks = file::descriptor_status(open)?.st_blocks;
    allocate(PUNCH | KEEP_SIZE, 3 * 4096 + 100, 4096)?;
    let mut bytes = [1; 4200];
    file::seek(open, 3 * 4096, 0)?;
    ensure_eq!(file::read(open, &mut bytes)?, 4200);
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    ensure_eq!(zeros, 4096);
    ensure_eq!(file::descriptor_status(open)?.st_blocks, blocks);
    allocate(PUNCH | KEEP_SIZE, 0, 9 * 4096)?;
    ensure_eq!(file::descriptor_status(open)?.st_blocks, 0);
    ensure_eq!(file::descriptor_status(open)?.st_size, 7 * 4096);
    // However large, it takes as long as there is something in it.
    let huge = i64::MAX as usize - 4096;
    file::truncate(open, huge as u64)?;
    file::seek(open, 1 << 50, 0)?;
    file::write_all(open, b"far")?;
    allocate(PUNCH | KEEP_SIZE, 4096, huge - 4096)?;
    ensure_eq!(file::descriptor_status(open)?.st_blocks, 0);
    ensure_eq!(allocate(PUNCH, 0, 4096), Err(Errno::EOPNOTSUPP));
    ensure_eq!(allocate(KEEP_SIZE, 0, 0), Err(Errno::EINVAL));
    Ok(())
}

fn room_is_made_before_it_is_used() -> Outcome {
    const KEEP_SIZE: usize = 1;
    const PAGE: usize = 4096;
    let open = file_with_holes()?;
    let allocate = |mode, start, length| {
        arbitrary(__NR_fallocate, [open as usize, mode, start, length, 0, 0])
    };
    let figures = || {
        let status = file::descriptor_status(open)?;
        Ok::<_, Errno>([status.st_size as usize, status.st_blocks as usize / 8])
    };
    ensure_eq!(figures()?, [7 * PAGE, 3]);
    allocate(0, PAGE + 9, 3 * PAGE)?;
    ensure_eq!(figures()?, [7 * PAGE, 5]);
    let mut bytes = [1; 5 * PAGE];
    file::read_at(open, &mut bytes, 0)?;
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    let sevens = bytes.iter().filter(|byte| **byte == 7).count();
    ensure_eq!([zeros, sevens], [2 * PAGE, 3 * PAGE]);
    allocate(KEEP_SIZE, 7 * PAGE, 2 * PAGE)?;
    ensure_eq!(figures()?, [7 * PAGE, 7]);
    allocate(0, 9 * PAGE, 1)?;
    ensure_eq!(figures()?, [9 * PAGE + 1, 8]);
    // More than there can be, and more than there is: nothing changes.
    let total = user_lib::system::figures()?.total as usize;
    for length in [1 << 50, total - total / 64] {
        ensure_eq!(allocate(0, 0, length), Err(Errno::ENOSPC));
        ensure_eq!(figures()?, [9 * PAGE + 1, 8]);
    }
    Ok(())
}
