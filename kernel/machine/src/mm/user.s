// Copies between kernel and user memory. Linked to Rust by user.rs.
//
// Every access to user memory is an unprivileged one (ldtr, sttr), which the
// CPU checks like one of EL0: kernel memory is out of reach whatever the
// address, and a read-only page stays read-only. PAN does not concern
// these instructions. The exclusives of `mm_user_compare_exchange` have no
// unprivileged form: PAN is lifted around them.
//
// An access that faults either succeeds after the page was brought in, or
// goes on at the label that stands beside it in the table .fixup (pairs of
// addresses, sorted, since this file is the only one that adds to it).

.text

.macro user fixup, instruction:vararg
9999:
    \instruction
    .pushsection .fixup, "a"
    .quad   9999b, \fixup
    .popsection
.endm

.macro function name
.globl \name
.balign 16
.type \name, %function
\name:
.endm

// Where a failing copy goes on: returns 1.
mm_user_failed:
    mov     x0, #1
    ret

// x0 = kernel destination, x1 = user source, x2 = bytes. Returns 0 or 1.
function mm_user_read
    subs    x2, x2, #64
    b.lo    2f
1:
    user mm_user_failed, ldtr x3, [x1]
    user mm_user_failed, ldtr x4, [x1, #8]
    user mm_user_failed, ldtr x5, [x1, #16]
    user mm_user_failed, ldtr x6, [x1, #24]
    user mm_user_failed, ldtr x7, [x1, #32]
    user mm_user_failed, ldtr x8, [x1, #40]
    user mm_user_failed, ldtr x9, [x1, #48]
    user mm_user_failed, ldtr x10, [x1, #56]
    stp     x3, x4, [x0]
    stp     x5, x6, [x0, #16]
    stp     x7, x8, [x0, #32]
    stp     x9, x10, [x0, #48]
    add     x0, x0, #64
    add     x1, x1, #64
    subs    x2, x2, #64
    b.hs    1b
2:
    adds    x2, x2, #(64 - 8)
    b.mi    4f
3:
    user mm_user_failed, ldtr x3, [x1]
    str     x3, [x0], #8
    add     x1, x1, #8
    subs    x2, x2, #8
    b.pl    3b
4:
    adds    x2, x2, #8
    b.eq    6f
5:
    user mm_user_failed, ldtrb w3, [x1]
    strb    w3, [x0], #1
    add     x1, x1, #1
    subs    x2, x2, #1
    b.ne    5b
6:
    mov     x0, #0
    ret
.size mm_user_read, . - mm_user_read

// x0 = user destination, x1 = kernel source, x2 = bytes. Returns 0 or 1.
function mm_user_write
    subs    x2, x2, #64
    b.lo    2f
1:
    ldp     x3, x4, [x1]
    ldp     x5, x6, [x1, #16]
    ldp     x7, x8, [x1, #32]
    ldp     x9, x10, [x1, #48]
    user mm_user_failed, sttr x3, [x0]
    user mm_user_failed, sttr x4, [x0, #8]
    user mm_user_failed, sttr x5, [x0, #16]
    user mm_user_failed, sttr x6, [x0, #24]
    user mm_user_failed, sttr x7, [x0, #32]
    user mm_user_failed, sttr x8, [x0, #40]
    user mm_user_failed, sttr x9, [x0, #48]
    user mm_user_failed, sttr x10, [x0, #56]
    add     x1, x1, #64
    add     x0, x0, #64
    subs    x2, x2, #64
    b.hs    1b
2:
    adds    x2, x2, #(64 - 8)
    b.mi    4f
3:
    ldr     x3, [x1], #8
    user mm_user_failed, sttr x3, [x0]
    add     x0, x0, #8
    subs    x2, x2, #8
    b.pl    3b
4:
    adds    x2, x2, #8
    b.eq    6f
5:
    ldrb    w3, [x1], #1
    user mm_user_failed, sttrb w3, [x0]
    add     x0, x0, #1
    subs    x2, x2, #1
    b.ne    5b
6:
    mov     x0, #0
    ret
.size mm_user_write, . - mm_user_write

// x0 = user destination, x1 = bytes. Returns 0 or 1.
function mm_user_zero
    subs    x1, x1, #8
    b.mi    2f
1:
    user mm_user_failed, sttr xzr, [x0]
    add     x0, x0, #8
    subs    x1, x1, #8
    b.pl    1b
2:
    adds    x1, x1, #8
    b.eq    4f
3:
    user mm_user_failed, sttrb wzr, [x0]
    add     x0, x0, #1
    subs    x1, x1, #1
    b.ne    3b
4:
    mov     x0, #0
    ret
.size mm_user_zero, . - mm_user_zero

// x0 = kernel destination, x1 = user source, x2 = most bytes, not 0. Copies up
// to a zero byte, which is not copied. Returns the number of bytes copied,
// x2 if there was no zero byte, or -1.
function mm_user_read_string
    mov     x4, #0
1:
    user mm_user_string_failed, ldtrb w3, [x1]
    cbz     w3, 2f
    strb    w3, [x0, x4]
    add     x4, x4, #1
    add     x1, x1, #1
    cmp     x4, x2
    b.lo    1b
2:
    mov     x0, x4
    ret
mm_user_string_failed:
    mov     x0, #-1
    ret
.size mm_user_read_string, . - mm_user_read_string

// x0 = user word, aligned. Returns the word, or bit 32 set.
function mm_user_load
    user mm_user_word_failed, ldtr w0, [x0]
    ret
mm_user_word_failed:
    mov     x0, #(1 << 32)
    ret
.size mm_user_load, . - mm_user_load

// x0 = user word, aligned; w1 = expected, w2 = new, w3 = 1 if the CPU has PAN.
// Returns the word found, or bit 32 set. A full barrier if it stored.
function mm_user_compare_exchange
    user mm_user_word_failed, ldtr w4, [x0] // EL0 may read it
    cbz     w3, 1f
    .inst   0xd500409f              // msr pan, #0
1:
    user mm_user_exchange_failed, ldaxr w4, [x0]
    cmp     w4, w1
    b.ne    2f
    user mm_user_exchange_failed, stlxr w5, w2, [x0]
    cbnz    w5, 1b
    dmb     ish
2:
    mov     w0, w4
3:
    cbz     w3, 4f
    .inst   0xd500419f              // msr pan, #1
4:
    ret
mm_user_exchange_failed:
    mov     x0, #(1 << 32)
    b       3b
.size mm_user_compare_exchange, . - mm_user_compare_exchange
