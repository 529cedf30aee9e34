//! `/dev/null`, `/dev/zero`, `/dev/full`.

use kernel_abi::Errno;

use crate::buffer::{Input, Output};
use crate::file::{Blocking, File, Offset};
use kernel_task::sleep::give_way;

/// After so many bytes others have their turn, and signals theirs.
const BURST: usize = 1 << 20;

/// Reads as empty, and drops what is written.
pub(super) struct Null;

impl File for Null {
    fn read(
        &self,
        _position: u64,
        _output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Ok(0)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Ok(input.discard())
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }

    fn can_poll(&self) -> bool {
        false
    }
}

/// Zeros without end.
fn read_zeros(output: &mut Output<'_>) -> Result<usize, Errno> {
    while output.remaining() > 0 {
        let result = output.put_zeros(output.remaining().min(BURST));
        if let Err(error) = result.and_then(|()| give_way()) {
            return output.short(error);
        }
    }
    Ok(output.done())
}

/// Reads as zeros, and drops what is written.
pub(super) struct Zero;

impl File for Zero {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        read_zeros(output)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Ok(input.discard())
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }

    fn can_poll(&self) -> bool {
        false
    }
}

/// Reads as zeros, is always full.
pub(super) struct Full;

impl File for Full {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        read_zeros(output)
    }

    fn write(
        &self,
        _position: u64,
        _input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Err(Errno::ENOSPC)
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }

    fn can_poll(&self) -> bool {
        false
    }
}
