// memcpy, memmove, memset: what the compiler calls to move bytes.
//
// The compiler's own versions take four to eight times as many instructions.
// Up to 64 bytes all loads come before all stores, so overlap does no harm;
// larger blocks go 64 bytes at a time. Unaligned accesses are fine: only
// normal memory is moved here, with the MMU on.

.text

.globl memcpy
.type memcpy, %function
memcpy:                                 // x0 = to, x1 = from, x2 = count
    mov     x3, x0
    cmp     x2, #64
    b.hi    .Lforward
.Lsmall:                                // x3 = to, x1 = from, x2 <= 64
    add     x4, x1, x2
    add     x5, x3, x2
    cmp     x2, #16
    b.lo    .Ltiny
    ldp     x6, x7, [x1]
    ldp     x8, x9, [x4, #-16]
    cmp     x2, #32
    b.ls    1f
    ldp     x10, x11, [x1, #16]
    ldp     x12, x13, [x4, #-32]
    stp     x10, x11, [x3, #16]
    stp     x12, x13, [x5, #-32]
1:  stp     x6, x7, [x3]
    stp     x8, x9, [x5, #-16]
    ret
.Ltiny:                                 // fewer than 16 bytes
    tbz     x2, #3, 1f
    ldr     x6, [x1]
    ldr     x7, [x4, #-8]
    str     x6, [x3]
    str     x7, [x5, #-8]
    ret
1:  tbz     x2, #2, 2f
    ldr     w6, [x1]
    ldr     w7, [x4, #-4]
    str     w6, [x3]
    str     w7, [x5, #-4]
    ret
2:  cbz     x2, 3f
    lsr     x9, x2, #1                  // first, middle and last of 1 to 3
    ldrb    w6, [x1]
    ldrb    w7, [x1, x9]
    ldrb    w8, [x4, #-1]
    strb    w6, [x3]
    strb    w7, [x3, x9]
    strb    w8, [x5, #-1]
3:  ret
.Lforward:
    ldp     x6, x7, [x1], #64
    ldp     x8, x9, [x1, #-48]
    ldp     x10, x11, [x1, #-32]
    ldp     x12, x13, [x1, #-16]
    stp     x6, x7, [x3], #64
    stp     x8, x9, [x3, #-48]
    stp     x10, x11, [x3, #-32]
    stp     x12, x13, [x3, #-16]
    sub     x2, x2, #64
    cmp     x2, #64
    b.hi    .Lforward
    b       .Lsmall
.size memcpy, . - memcpy

.globl memmove
.type memmove, %function
memmove:                                // x0 = to, x1 = from, x2 = count
    sub     x4, x0, x1
    cmp     x4, x2
    b.hs    memcpy                      // going forward overwrites nothing
    cmp     x2, #64
    b.ls    memcpy
    add     x3, x0, x2
    add     x1, x1, x2
1:  ldp     x6, x7, [x1, #-16]
    ldp     x8, x9, [x1, #-32]
    ldp     x10, x11, [x1, #-48]
    ldp     x12, x13, [x1, #-64]!
    stp     x6, x7, [x3, #-16]
    stp     x8, x9, [x3, #-32]
    stp     x10, x11, [x3, #-48]
    stp     x12, x13, [x3, #-64]!
    sub     x2, x2, #64
    cmp     x2, #64
    b.hi    1b
    mov     x3, x0
    sub     x1, x1, x2
    b       .Lsmall
.size memmove, . - memmove

.globl memset
.type memset, %function
memset:                                 // x0 = to, w1 = byte, x2 = count
    and     x1, x1, #0xff
    orr     x1, x1, x1, lsl #8
    orr     x1, x1, x1, lsl #16
    orr     x1, x1, x1, lsl #32
    add     x5, x0, x2
    cmp     x2, #16
    b.lo    3f
    mov     x3, x0
    sub     x4, x5, #64
    cmp     x2, #64
    b.ls    2f
1:  stp     x1, x1, [x3], #64
    stp     x1, x1, [x3, #-48]
    stp     x1, x1, [x3, #-32]
    stp     x1, x1, [x3, #-16]
    cmp     x3, x4
    b.lo    1b
    stp     x1, x1, [x4]                // the last 64, some a second time
    stp     x1, x1, [x4, #16]
    stp     x1, x1, [x4, #32]
    stp     x1, x1, [x4, #48]
    ret
2:  stp     x1, x1, [x0]                // 16 to 64
    stp     x1, x1, [x5, #-16]
    cmp     x2, #32
    b.ls    4f
    stp     x1, x1, [x0, #16]
    stp     x1, x1, [x5, #-32]
    ret
3:  tbz     x2, #3, 5f                  // fewer than 16
    str     x1, [x0]
    str     x1, [x5, #-8]
4:  ret
5:  tbz     x2, #2, 6f
    str     w1, [x0]
    str     w1, [x5, #-4]
    ret
6:  cbz     x2, 4b
    lsr     x9, x2, #1
    strb    w1, [x0]
    strb    w1, [x0, x9]
    strb    w1, [x5, #-1]
    ret
.size memset, . - memset
