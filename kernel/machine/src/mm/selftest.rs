//! Tests that need the machine: tables, TLB, copies. Run in the kernel at
//! boot with `firn.selftest=1`; each is named after what it promises.

mod check;
mod kernel;
mod space;
mod user;

pub use check::Outcome;

/// A test: what it promises, and how to find out.
pub type Test = (&'static str, fn() -> Outcome);

/// All tests of the memory half. They run one after the other on one CPU, in
/// a kernel thread or before there are any, and leave user addresses
/// unmapped.
pub fn tests() -> &'static [Test] {
    &[
        ("frames_come_back", kernel::frames_come_back),
        ("frames_are_cleared", kernel::frames_are_cleared),
        ("users_leave_the_reserve", kernel::users_leave_the_reserve),
        ("heap_objects_are_apart", kernel::heap_objects_are_apart),
        ("heap_objects_are_aligned", kernel::heap_objects_are_aligned),
        ("heap_bytes_come_back", kernel::heap_bytes_come_back),
        ("heap_frames_come_back", kernel::heap_frames_come_back),
        (
            "scattered_frames_make_an_object",
            kernel::scattered_frames_make_an_object,
        ),
        (
            "unmapped_frames_are_forgotten",
            kernel::unmapped_frames_are_forgotten,
        ),
        ("stacks_have_guards", kernel::stacks_have_guards),
        ("kernel_pages_keep_w_xor_x", kernel::kernel_pages_keep_w_xor_x),
        (
            "constants_have_no_writable_alias",
            kernel::constants_have_no_writable_alias,
        ),
        ("only_ram_is_mapped", kernel::only_ram_is_mapped),
        ("spaces_return_every_frame", space::spaces_return_every_frame),
        ("fork_copies_on_write", space::fork_copies_on_write),
        ("the_last_holder_keeps_its_page", space::the_last_holder_keeps),
        ("shared_memory_stays_shared", space::shared_memory_stays_shared),
        ("files_are_mapped_not_copied", space::files_are_mapped),
        ("private_writes_spare_the_file", space::private_writes_spare_file),
        ("unmapping_frees_pages_and_tables", space::unmapping_frees),
        ("protection_is_obeyed", space::protection_is_obeyed),
        ("stacks_grow_on_demand", space::stacks_grow_on_demand),
        ("the_break_gives_and_takes", space::the_break_gives_and_takes),
        ("reaped_spaces_stay_empty", space::reaped_spaces_stay_empty),
        ("fork_of_a_large_space_is_complete", space::large_forks),
        ("user_copies_are_exact", user::copies_are_exact),
        ("bad_user_addresses_give_efault", user::bad_addresses_fault),
        ("user_strings_end_or_fail", user::strings_end_or_fail),
        ("user_words_are_exchanged", user::words_are_exchanged),
        ("spaces_never_see_each_other", user::spaces_are_apart),
        ("the_tlb_forgets_what_was_unmapped", user::tlb_forgets),
    ]
}
