// Vector registers, which the rest of the program does not use.
.arch_extension fp
.arch_extension simd

// Fills v0 to v31 from a seed, waits, and looks whether they still hold it.
// x0: seed; x1: rounds to wait; x2: not 0 to call sched_yield in each round.
// Gives in x0 how many registers have changed.
.section .text.floating, "ax"
.global firn_user_hold_registers
.type firn_user_hold_registers, %function
.balign 4
firn_user_hold_registers:
    mov x9, x0
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    add x10, x9, #\n
    dup v\n\().2d, x10
    .endr
1:
    cbz x2, 2f
    mov x8, #124
    svc #0
2:
    subs x1, x1, #1
    b.hi 1b
    mov x0, #0
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    add x10, x9, #\n
    umov x11, v\n\().d[0]
    umov x12, v\n\().d[1]
    cmp x11, x10
    ccmp x12, x10, #0, eq
    cinc x0, x0, ne
    .endr
    ret
.size firn_user_hold_registers, . - firn_user_hold_registers

.arch_extension nosimd
.arch_extension nofp
