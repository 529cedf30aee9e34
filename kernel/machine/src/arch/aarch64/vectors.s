// Exception entry and exit.
//
// The CPU jumps to one of sixteen places, 128 bytes apart: four kinds of
// exception (synchronous, IRQ, FIQ, SError) from four places (EL1 on SP_EL0,
// which this kernel never uses; EL1; EL0; 32-bit EL0, which it never runs).
// Each place has room for 32 instructions, enough to save the registers of
// user mode without a jump.
//
// From EL0: SP is the top of the task's kernel stack, empty by definition.
// All of user mode's registers go into a `TrapFrame` there. That is the
// *only* copy: signals, fork and exec read and change it, and the exit
// below loads whatever it holds then.
//
// From EL1, synchronous: a user copy that faulted, or a bug. If the bug is a
// stack that ran into its guard page, there is no room to save anything and
// each attempt would fault again. So ask the MMU first (`at s1e1w`) whether
// the frame may be written; TPIDRRO_EL0, which nobody uses, keeps x0
// meanwhile. If not, go on the CPU's emergency stack, from which the kernel
// only ever panics.
//
// From EL1, IRQ: the compiler's calling convention keeps x19 to x28, and no
// task switch happens before the return, so only the other registers are
// saved. Both EL1 entries also store a frame record (x29, return address),
// so that a back trace goes on through them.
//
// The Rust functions called here are in trap.rs and fault.rs.
//
// Arm ARM D1.3 (exception entry), D1.5 (vectors).

.set FRAME,      272        // size of TrapFrame
.set KERNEL,     288        // TrapFrame and a frame record
.set SYSTEM_CALL, 0x15      // exception class of svc
.set INTERRUPT,  192        // x0-x18, x30, elr, spsr, frame record

.macro vector
    .balign 128
.endm

// x0 to x30, then what says how user mode goes on.
.macro save_user
    sub     sp, sp, #FRAME
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x21, sp_el0
    mrs     x22, elr_el1
    mrs     x23, spsr_el1
    stp     x30, x21, [sp, #240]
    stp     x22, x23, [sp, #256]
    mov     x0, sp
    mov     x29, xzr                // a back trace ends here
.endm

// The same frame for EL1; x30 and the stack pointer are left to the caller.
.macro save_kernel
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x22, elr_el1
    mrs     x23, spsr_el1
    stp     x22, x23, [sp, #256]
    stp     x29, x22, [sp, #FRAME]
    add     x29, sp, #FRAME
.endm

.section .text.vectors, "ax"
.balign 2048
.globl exception_vectors
.type exception_vectors, %function
exception_vectors:
    // EL1 with SP_EL0.
    vector
    mov     x0, #0
    b       unexpected
    vector
    mov     x0, #1
    b       unexpected
    vector
    mov     x0, #2
    b       unexpected
    vector
    mov     x0, #3
    b       unexpected

    // EL1.
    vector
    msr     tpidrro_el0, x0
    sub     x0, sp, #KERNEL
    at      s1e1w, x0
    isb
    mrs     x0, par_el1
    tbnz    x0, #0, stack_overflow
    mrs     x0, tpidrro_el0
    b       kernel_exception
    vector
    b       kernel_interrupt
    vector
    mov     x0, #6
    b       unexpected
    vector
    mov     x0, #7
    b       unexpected

    // EL0.
    vector
    save_user
    mrs     x1, esr_el1
    lsr     x2, x1, #26             // exception class
    cmp     x2, #SYSTEM_CALL
    b.ne    other_exception
    msr     daifclr, #2
    mrs     x2, tpidr_el1
    ldr     x2, [x2, #8]            // Context::system_call
    blr     x2
    b       user_exit
    vector
    save_user
    bl      user_interrupt
    b       user_exit
    vector
    mov     x0, #10
    b       unexpected
    vector
    save_user
    mrs     x1, esr_el1
    b       other_exception

    // EL0, 32-bit: no task can get there.
    vector
    mov     x0, #12
    b       unexpected
    vector
    mov     x0, #13
    b       unexpected
    vector
    mov     x0, #14
    b       unexpected
    vector
    mov     x0, #15
    b       unexpected
    .balign 128
.size exception_vectors, . - exception_vectors

// x0 = SP = a TrapFrame, x1 = syndrome.
other_exception:
    bl      user_exception
    b       user_exit

work_pending:
    mov     x0, sp
    bl      user_work
    b       return_to_user

// SP points to a TrapFrame. Looks at the work flags for the last time with
// interrupts masked.
.type user_exit, %function
user_exit:
    msr     daifset, #2
    mrs     x0, tpidr_el1
    ldr     w0, [x0]                // Context::work
    cbnz    w0, work_pending
    // Goes on in return_to_user.
.size user_exit, . - user_exit

// SP points to a TrapFrame, interrupts are masked.
.globl return_to_user
.type return_to_user, %function
return_to_user:
    ldp     x30, x21, [sp, #240]
    ldp     x22, x23, [sp, #256]
    msr     sp_el0, x21
    msr     elr_el1, x22
    msr     spsr_el1, x23
    ldp     x0, x1, [sp]
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    add     sp, sp, #FRAME
    eret
.size return_to_user, . - return_to_user

// x0 = a TrapFrame at the top of the current stack. Leaves for user mode.
.globl load_user_frame
.type load_user_frame, %function
load_user_frame:
    mov     sp, x0
    b       return_to_user
.size load_user_frame, . - load_user_frame

// x0 = room for a TrapFrame. Fills it with the caller's registers.
.globl capture_registers
.type capture_registers, %function
capture_registers:
    stp     x0, x1, [x0]
    stp     x2, x3, [x0, #16]
    stp     x4, x5, [x0, #32]
    stp     x6, x7, [x0, #48]
    stp     x8, x9, [x0, #64]
    stp     x10, x11, [x0, #80]
    stp     x12, x13, [x0, #96]
    stp     x14, x15, [x0, #112]
    stp     x16, x17, [x0, #128]
    stp     x18, x19, [x0, #144]
    stp     x20, x21, [x0, #160]
    stp     x22, x23, [x0, #176]
    stp     x24, x25, [x0, #192]
    stp     x26, x27, [x0, #208]
    stp     x28, x29, [x0, #224]
    mov     x1, sp
    stp     x30, x1, [x0, #240]
    mrs     x1, daif
    stp     x30, x1, [x0, #256]
    ret
.size capture_registers, . - capture_registers

.type kernel_exception, %function
kernel_exception:
    msr     tpidrro_el0, xzr
    sub     sp, sp, #KERNEL
    save_kernel
    add     x21, sp, #KERNEL
    stp     x30, x21, [sp, #240]
    mov     x0, sp
    bl      kernel_exception_taken
    ldp     x22, x23, [sp, #256]
    msr     elr_el1, x22
    msr     spsr_el1, x23
    ldr     x30, [sp, #240]
    ldp     x0, x1, [sp]
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    add     sp, sp, #KERNEL
    eret
.size kernel_exception, . - kernel_exception

.type kernel_interrupt, %function
kernel_interrupt:
    sub     sp, sp, #INTERRUPT
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x30, [sp, #144]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x29, x0, [sp, #176]
    str     x1, [sp, #160]
    add     x29, sp, #176
    bl      kernel_interrupt_taken
    ldp     x29, x0, [sp, #176]
    ldr     x1, [sp, #160]
    msr     elr_el1, x0
    msr     spsr_el1, x1
    ldp     x0, x1, [sp]
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x30, [sp, #144]
    add     sp, sp, #INTERRUPT
    eret
.size kernel_interrupt, . - kernel_interrupt

// On this CPU's emergency stack from here on; SP_EL0 keeps the stack
// pointer that overflowed. Nobody comes back, so nothing else is kept.
.type stack_overflow, %function
stack_overflow:
    mov     x0, sp
    msr     sp_el0, x0
    mrs     x0, tpidr_el1
    ldr     w0, [x0, #4]            // Context::cpu
    add     x0, x0, #1
    lsl     x0, x0, #13             // EMERGENCY_SIZE in kernel.ld
    mov     sp, x0
    ldr     x0, =_emergency_stacks
    add     sp, sp, x0
    mrs     x0, tpidrro_el0
    sub     sp, sp, #KERNEL
    save_kernel
    mrs     x21, sp_el0
    stp     x30, x21, [sp, #240]
    mov     x0, sp
    bl      stack_overflowed
    b       .
.size stack_overflow, . - stack_overflow

// x0 = which vector. Also nobody comes back.
.type unexpected, %function
unexpected:
    mov     x1, sp
    msr     sp_el0, x1
    msr     tpidrro_el0, x0
    mrs     x0, tpidr_el1
    ldr     w0, [x0, #4]
    add     x0, x0, #1
    lsl     x0, x0, #13
    mov     sp, x0
    ldr     x0, =_emergency_stacks
    add     sp, sp, x0
    sub     sp, sp, #KERNEL
    save_kernel
    mrs     x21, sp_el0
    stp     x30, x21, [sp, #240]
    mov     x0, sp
    mrs     x1, tpidrro_el0
    bl      unexpected_exception
    b       .
.ltorg
.size unexpected, . - unexpected
