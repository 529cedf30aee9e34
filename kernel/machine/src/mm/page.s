// Whole pages: clear and copy. Linked to Rust by page.rs.
//
// Both are on the path of every page fault, so they are unrolled; the
// compiler's own memset and memcpy take four to eight times as many
// instructions. No floating-point registers: they belong to the program.

.text

// x0 = page. `dc zva` clears a block at once where the CPU has it with the
// usual 64 bytes; otherwise stores do.
.globl mm_zero_page
.balign 16
.type mm_zero_page, %function
mm_zero_page:
    mrs     x1, dczid_el0
    and     w1, w1, #0x1f           // DZP, log2 of words
    add     x2, x0, #4096
    cmp     w1, #4
    b.ne    2f
1:
    .rept 16
    dc      zva, x0
    add     x0, x0, #64
    .endr
    cmp     x0, x2
    b.lo    1b
    ret
2:
    .rept 8
    stp     xzr, xzr, [x0], #16
    .endr
    cmp     x0, x2
    b.lo    2b
    ret
.size mm_zero_page, . - mm_zero_page

// x0 = destination page, x1 = source page.
.globl mm_copy_page
.balign 16
.type mm_copy_page, %function
mm_copy_page:
    add     x2, x0, #4096
1:
    ldp     x3, x4, [x1]
    ldp     x5, x6, [x1, #16]
    ldp     x7, x8, [x1, #32]
    ldp     x9, x10, [x1, #48]
    ldp     x11, x12, [x1, #64]
    ldp     x13, x14, [x1, #80]
    ldp     x15, x16, [x1, #96]
    stp     x3, x4, [x0]
    ldp     x3, x4, [x1, #112]
    stp     x5, x6, [x0, #16]
    stp     x7, x8, [x0, #32]
    stp     x9, x10, [x0, #48]
    stp     x11, x12, [x0, #64]
    stp     x13, x14, [x0, #80]
    stp     x15, x16, [x0, #96]
    stp     x3, x4, [x0, #112]
    add     x0, x0, #128
    add     x1, x1, #128
    cmp     x0, x2
    b.lo    1b
    ret
.size mm_copy_page, . - mm_copy_page
