//! The first stack of a program.

use kernel_abi::Errno;
use kernel_core::executable::{StackImage, StackRequest};

use super::request::Request;
use kernel_files::device::random;
use kernel_machine::mm::{
    AddressSpace, MapRequest, PAGE_SIZE, Placement, Protection, STACK_TOP,
};
use kernel_task::sleep::give_way_and_go_on;

/// Bytes of stack that are mapped beyond the strings; it grows by itself.
const STACK_SPARE: usize = 128 << 10;

/// How a stack of so many bytes is mapped, with code on it or without.
pub(super) fn map_stack(has_code: bool) -> impl Fn(usize) -> MapRequest {
    let mut protection = Protection::READ | Protection::WRITE;
    protection.set(Protection::EXECUTE, has_code);
    move |length| MapRequest {
        placement: Placement::FixedNoReplace(STACK_TOP - length),
        is_stack: true,
        ..MapRequest::anonymous(length, protection)
    }
}

/// Maps the stack and puts arguments, environment and what the program is told
/// of itself on it.
///
/// # Errors
/// `E2BIG`, `ENOMEM`.
pub(super) fn build_stack(
    space: &AddressSpace,
    request: &Request,
    path: &[u8],
    auxiliary: &[(u64, u64)],
    map: &impl Fn(usize) -> MapRequest,
) -> Result<StackImage, Errno> {
    let mut random = [0; 16];
    random::fill(&mut random);
    let stack = StackRequest {
        top: STACK_TOP as u64,
        limit: request.room + PAGE_SIZE,
        arguments: &request.arguments,
        environment: &request.environment,
        path,
        random,
        auxiliary,
        pause: give_way_and_go_on,
    };
    let image = stack.build()?;
    let length = image.bytes.len() + STACK_SPARE;
    space.map(map(length.next_multiple_of(PAGE_SIZE)))?;
    space.write_at(image.sp as usize, &image.bytes)?;
    Ok(image)
}
