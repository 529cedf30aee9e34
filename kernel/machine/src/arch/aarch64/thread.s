// Switching stacks, and the floating-point registers that go with them.
// Called from thread.rs only; the comments there say who owns what.

        .arch_extension fp
        .arch_extension simd

        .text
        .balign 64

// firn_switch(x0 = previous context, x1 = next context, x2 = last) -> last
//
// Saves what the procedure call standard lets a callee keep (x19 to x30) on
// the old stack, and returns on the new one. x2 passes through as the result,
// so the next task learns who ran before it.
        .globl  firn_switch
        .type   firn_switch, %function
firn_switch:
        sub     sp, sp, #96
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        mov     x9, sp
        str     x9, [x0, #{SAVED_SP}]
        ldr     x9, [x1, #{SAVED_SP}]
        msr     tpidr_el1, x1
        mov     sp, x9
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        add     sp, sp, #96
        mov     x0, x2
        ret
        .size   firn_switch, . - firn_switch

// Where a new context's first switch returns to: x19 is its entry function,
// x0 the task that ran before.
        .globl  firn_thread_start
        .type   firn_thread_start, %function
firn_thread_start:
        mov     x29, xzr
        mov     x30, xzr
        br      x19
        .size   firn_thread_start, . - firn_thread_start

        .globl  firn_fp_save
        .type   firn_fp_save, %function
firn_fp_save:
        stp     q0, q1, [x0, #0]
        stp     q2, q3, [x0, #32]
        stp     q4, q5, [x0, #64]
        stp     q6, q7, [x0, #96]
        stp     q8, q9, [x0, #128]
        stp     q10, q11, [x0, #160]
        stp     q12, q13, [x0, #192]
        stp     q14, q15, [x0, #224]
        stp     q16, q17, [x0, #256]
        stp     q18, q19, [x0, #288]
        stp     q20, q21, [x0, #320]
        stp     q22, q23, [x0, #352]
        stp     q24, q25, [x0, #384]
        stp     q26, q27, [x0, #416]
        stp     q28, q29, [x0, #448]
        stp     q30, q31, [x0, #480]
        mrs     x1, fpsr
        mrs     x2, fpcr
        add     x0, x0, #512
        stp     w1, w2, [x0]
        ret
        .size   firn_fp_save, . - firn_fp_save

        .globl  firn_fp_restore
        .type   firn_fp_restore, %function
firn_fp_restore:
        ldp     q0, q1, [x0, #0]
        ldp     q2, q3, [x0, #32]
        ldp     q4, q5, [x0, #64]
        ldp     q6, q7, [x0, #96]
        ldp     q8, q9, [x0, #128]
        ldp     q10, q11, [x0, #160]
        ldp     q12, q13, [x0, #192]
        ldp     q14, q15, [x0, #224]
        ldp     q16, q17, [x0, #256]
        ldp     q18, q19, [x0, #288]
        ldp     q20, q21, [x0, #320]
        ldp     q22, q23, [x0, #352]
        ldp     q24, q25, [x0, #384]
        ldp     q26, q27, [x0, #416]
        ldp     q28, q29, [x0, #448]
        ldp     q30, q31, [x0, #480]
        add     x0, x0, #512
        ldp     w1, w2, [x0]
        msr     fpsr, x1
        msr     fpcr, x2
        ret
        .size   firn_fp_restore, . - firn_fp_restore
