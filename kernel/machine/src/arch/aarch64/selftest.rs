//! Tests that need the machine: vectors, clock, timer, interrupts, rights of
//! kernel memory. Run at boot with `firn.selftest=1`, on all CPUs awake.

use core::arch::asm;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicU32, AtomicU64};

use aarch64_cpu::registers::{
    CNTV_CTL_EL0, CNTV_CVAL_EL0, Readable, Writeable,
};

use super::cpu::{self, MAX_CPUS};
use super::{copy, gic, image, irq, mmu, timer};

/// A test: what it promises, and how to find out.
pub type Test = (&'static str, fn() -> Result<(), &'static str>);

/// All tests of this half.
pub fn tests() -> &'static [Test] {
    &[
        ("the_clock_never_goes_back", clock),
        ("the_timer_is_never_early", timer_is_never_early),
        ("an_ipi_reaches_every_cpu_at_the_right_time", ipi),
        ("blocks_are_copied_moved_and_filled", copy::check),
        ("an_interrupt_changes_no_register", registers),
        ("an_interrupt_may_come_a_thousand_times", storm),
        ("text_and_constants_are_read_only", read_only),
        ("guard_pages_are_not_mapped", guards),
        ("the_identity_map_is_gone", identity),
        ("device_registers_are_mapped_once_asked_for", device),
    ]
}

/// A software interrupt that nobody else uses.
const SPARE: u32 = 7;

static HITS: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];
static HIT_TIME: [AtomicU64; MAX_CPUS] =
    [const { AtomicU64::new(0) }; MAX_CPUS];

fn hit(_interrupt: u32) {
    let cpu = cpu::id();
    HIT_TIME[cpu].store(timer::now_ns(), Relaxed);
    HITS[cpu].fetch_add(1, SeqCst);
}

fn hits(cpu: usize) -> u32 {
    HITS[cpu].load(SeqCst)
}

/// Waits up to two seconds; hosts that run many guests are slow.
fn wait(
    what: &'static str,
    done: impl Fn() -> bool,
) -> Result<(), &'static str> {
    let end = timer::now_ns() + 2_000_000_000;
    while !done() {
        if timer::now_ns() > end {
            return Err(what);
        }
        cpu::relax();
    }
    Ok(())
}

fn check(is_right: bool, what: &'static str) -> Result<(), &'static str> {
    if is_right { Ok(()) } else { Err(what) }
}

fn clock() -> Result<(), &'static str> {
    let mut last = timer::now_ns();
    for _ in 0..10_000 {
        let now = timer::now_ns();
        check(now >= last, "the clock went back")?;
        last = now;
    }
    Ok(())
}

/// The timer's own status, with its interrupt held back, so that whatever
/// the scheduler had set is found again afterwards.
fn timer_is_never_early() -> Result<(), &'static str> {
    const STATUS: u64 = 1 << 2;
    let flags = irq::mask();
    let (deadline, control) = (CNTV_CVAL_EL0.get(), CNTV_CTL_EL0.get());
    let result = [0, 1_000, 50_000, 1_000_000].iter().try_for_each(|delay| {
        let deadline = timer::now_ns() + delay;
        timer::set_deadline_ns(deadline);
        wait("the timer did not fire", || CNTV_CTL_EL0.get() & STATUS != 0)?;
        check(timer::now_ns() >= deadline, "the timer fired early")
    });
    CNTV_CVAL_EL0.set(deadline);
    CNTV_CTL_EL0.set(control);
    irq::restore(flags);
    result
}

fn ipi() -> Result<(), &'static str> {
    gic::register(SPARE, hit);
    let online = cpu::online_mask();
    for cpu in (0..MAX_CPUS).filter(|cpu| online & 1 << cpu != 0) {
        let before = (hits(cpu), timer::now_ns());
        gic::send_software(cpu, SPARE);
        wait("an IPI was lost", || hits(cpu) == before.0 + 1)?;
        let time = HIT_TIME[cpu].load(Relaxed);
        let after = timer::now_ns();
        check((before.1..=after).contains(&time), "clocks disagree")?;
    }
    Ok(())
}

/// Fills the registers that an entry saves, lets a pending interrupt in, and
/// looks at them again.
fn registers() -> Result<(), &'static str> {
    gic::register(SPARE, hit);
    let flags = irq::mask();
    let cpu = cpu::id();
    let before = hits(cpu);
    gic::send_software(cpu, SPARE);
    let mut x: [u64; 18] = core::array::from_fn(|n| 0x1234_5678 << n);
    let expected = x;
    // SAFETY: unmasks interrupts for a while, as any code may.
    unsafe {
        asm!(
            "msr daifclr, #2",
            ".rept 64", "nop", ".endr",
            "msr daifset, #2",
            inout("x0") x[0], inout("x1") x[1], inout("x2") x[2],
            inout("x3") x[3], inout("x4") x[4], inout("x5") x[5],
            inout("x6") x[6], inout("x7") x[7], inout("x8") x[8],
            inout("x9") x[9], inout("x10") x[10], inout("x11") x[11],
            inout("x12") x[12], inout("x13") x[13], inout("x14") x[14],
            inout("x15") x[15], inout("x16") x[16], inout("x17") x[17],
        );
    }
    irq::restore(flags);
    check(x == expected, "a register changed")?;
    wait("the interrupt was lost", || hits(cpu) == before + 1)
}

fn storm() -> Result<(), &'static str> {
    gic::register(SPARE, hit);
    let online = cpu::online_mask();
    let target = (0..MAX_CPUS).rfind(|cpu| online & 1 << cpu != 0);
    let target = target.unwrap_or(0);
    for _ in 0..1_000 {
        let before = hits(target);
        gic::send_software(target, SPARE);
        wait("an IPI was lost", || hits(target) == before + 1)?;
    }
    Ok(())
}

/// What the MMU says about a kernel access to `address`.
fn may(is_write: bool, address: usize) -> bool {
    let result: u64;
    let flags = irq::mask();
    if is_write {
        // SAFETY: asks the MMU; changes no register but PAR_EL1.
        unsafe { asm!("at s1e1w, {}", "isb", in(reg) address) };
    } else {
        // SAFETY: as above.
        unsafe { asm!("at s1e1r, {}", "isb", in(reg) address) };
    }
    // SAFETY: reads the answer, which no interrupt has overwritten.
    unsafe { asm!("mrs {}, par_el1", out(reg) result) };
    irq::restore(flags);
    result & 1 == 0
}

/// Whether the kernel could read from this address.
pub fn may_read(address: usize) -> bool {
    may(false, address)
}

/// Whether the kernel could write to this address.
pub fn may_write(address: usize) -> bool {
    may(true, address)
}

fn read_only() -> Result<(), &'static str> {
    let constant = image::text().start..image::rodata().end;
    for address in constant.step_by(4096) {
        check(may_read(address), "a page of the image is not mapped")?;
        check(!may_write(address), "a constant page is writable")?;
    }
    check(may_write(image::rodata().end), "data is not writable")
}

fn guards() -> Result<(), &'static str> {
    for guard in [image::boot_stack_guard(), image::emergency_guard()] {
        check(!may_read(guard.start), "a guard page is mapped")?;
        check(may_write(guard.end), "a stack is not writable")?;
    }
    Ok(())
}

fn identity() -> Result<(), &'static str> {
    check(!may_read(image::physical().start), "physical = virtual still")
}

fn device() -> Result<(), &'static str> {
    let full = mmu::map_device(0, usize::MAX / 2);
    check(full.is_none(), "more was mapped than fits")?;
    check(mmu::map_device(0, 0).is_none(), "nothing was mapped")
}
