// From the boot loader's jump to the first line of Rust.
//
// A boot loader (or QEMU) enters at `_start` with the MMU and the data cache
// off, interrupts masked, x0 = physical address of the device tree, at EL2 or
// EL1. Everything else is unknown: registers of EL2 in particular hold
// whatever firmware left, so each one that could trap or shift what EL1 does
// is written before leaving EL2.
//
// The image is linked at 0xffff_8000_0000_0000 but runs from wherever it was
// loaded until the MMU is on. `adrp` is relative to the program counter and so
// gives *physical* addresses here; `ldr x, =symbol` gives linked, *virtual*
// ones. The steps:
//
//   1. leave EL2 (`leave_el2`)
//   2. write the early page tables with the caches off:
//        TTBR0  the first 2 MiB of the image onto itself, read and execute;
//               only for the instructions around switching the MMU on
//        TTBR1  the image at its linked address; empty windows for device
//               registers and the device tree (see mmu.rs)
//   3. switch the MMU and the caches on and jump to the linked address
//   4. clear .bss, set the stack, call `boot_start` in Rust
//
// Other CPUs come through `_secondary_start`: steps 1, 3 and 4 with the final
// tables, which the boot CPU names in a `smp::Start` block (x0, physical).
//
// Arm ARM D8 (translation), D13 (EL2 registers); Linux
// Documentation/arch/arm64/booting.rst (header, entry state).

.set TABLE,      0x3
// Block descriptors: access flag, inner shareable, MAIR index 0, never at EL0.
.set BLOCK_RX,   0x0040000000000781
.set BLOCK_RWX,  0x0040000000000701

// MAIR: 0 = normal write-back, 1 = device nGnRE, 2 = normal non-cacheable.
.set MAIR,       0x00000000004404ff
// T0SZ = T1SZ = 16, 4 KiB granules, write-back inner-shareable walks, TBI0.
.set TCR,        0x00000020b5103510
// RES1 bits for a CPU without the features that gave them a meaning.
.set SCTLR_RES1, 0x0000000030500800
.set SCTLR_SPAN, 0x0000000000800000
// M, C, SA, SA0, I, DZE, UCT, nTWI, nTWE, UCI.
.set SCTLR_ON,   0x000000000405d01d

.section .text.head, "ax"

.globl _start
_start:
    b       entry                   // code0
    nop                             // code1
    .quad   0                       // text_offset
    .quad   _image_size             // image_size; xtask rounds it up
    .quad   0b1010                  // 4 KiB pages, loaded anywhere
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

entry:
    mov     x19, x0                 // device tree, physical
    bl      leave_el2
    mrs     x21, cntvct_el0         // for "time since entry"
    adrp    x20, _image_start       // load address

    // Page tables. Stale lines of a cache that was on before us must neither
    // overwrite nor hide what is written to memory: drop them, write, and
    // drop what was fetched speculatively meanwhile.
    bl      invalidate_tables
    adrp    x0, _early_tables_start
    adrp    x1, _early_tables_end
0:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    0b
    bl      write_tables
    bl      invalidate_tables

    adrp    x0, kernel_l0
    bl      enable_mmu              // returns at the linked address

    ldr     x0, =_bss_start
    ldr     x1, =_bss_end
0:  stp     xzr, xzr, [x0], #16
    stp     xzr, xzr, [x0], #16
    stp     xzr, xzr, [x0], #16
    stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    0b

    ldr     x0, =_boot_stack_top
    mov     sp, x0
    mov     x29, xzr                // a back trace ends here
    mov     x30, xzr
    mov     x0, x19
    mov     x1, x20
    mov     x2, x21
    ldr     x3, =boot_start
    br      x3

// A CPU started by PSCI. x0 = physical address of its `smp::Start`:
// 0 TTBR1, 8 stack top, 16 `secondary_start`'s argument (the CPU's number).
.globl _secondary_start
_secondary_start:
    mov     x19, x0
    bl      leave_el2
    ldp     x0, x20, [x19]
    ldr     x21, [x19, #16]
    bl      enable_mmu
    mov     sp, x20
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x21
    ldr     x1, =secondary_start
    br      x1

// Goes on at EL1 with interrupts masked and the MMU off. Clobbers x0, x1.
leave_el2:
    msr     daifset, #0xf
    msr     spsel, #1
    mrs     x0, CurrentEL
    cmp     x0, #(2 << 2)
    b.ne    at_el1

    // EL1 is AArch64, nothing is trapped; leaves VHE (E2H, TGE) if it was on,
    // so that names of EL1 registers mean those from here on.
    mov     x0, #(1 << 31)
    msr     hcr_el2, x0
    isb
    mov     x0, #3                  // EL1 may read counter and use its timer
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr        // virtual count = physical count
    mov     x0, #0x33ff             // no trap on floating point
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    msr     vttbr_el2, xzr
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0

    // No debug traps; all event counters belong to EL1, if there are any.
    mrs     x0, id_aa64dfr0_el1
    ubfx    x0, x0, #8, #4          // PMUVer: 0 none, 15 not architected
    sub     x0, x0, #1
    mov     x1, xzr
    cmp     x0, #14
    b.hs    0f
    mrs     x1, pmcr_el0
    ubfx    x1, x1, #11, #5         // N counters
0:  msr     mdcr_el2, x1

    // GICv3: system registers at EL1, no virtual interrupts.
    mrs     x0, id_aa64pfr0_el1
    ubfx    x0, x0, #24, #4
    cbz     x0, 0f
    mrs     x0, s3_4_c12_c9_5       // ICC_SRE_EL2
    mov     x1, #0x9                // SRE, Enable
    orr     x0, x0, x1
    msr     s3_4_c12_c9_5, x0
    isb
    mrs     x0, s3_4_c12_c9_5
    tbz     x0, #0, 0f              // firmware said no: memory-mapped GIC
    msr     s3_4_c12_c11_0, xzr     // ICH_HCR_EL2
0:
    // Fine-grained traps and extended configuration, where they exist.
    mrs     x0, id_aa64mmfr0_el1
    ubfx    x0, x0, #56, #4
    cbz     x0, 0f
    msr     s3_4_c1_c1_4, xzr       // HFGRTR_EL2
    msr     s3_4_c1_c1_5, xzr       // HFGWTR_EL2
    msr     s3_4_c1_c1_6, xzr       // HFGITR_EL2
    msr     s3_4_c3_c1_4, xzr       // HDFGRTR_EL2
    msr     s3_4_c3_c1_5, xzr       // HDFGWTR_EL2
0:  mrs     x0, id_aa64mmfr1_el1
    ubfx    x0, x0, #40, #4
    cbz     x0, 0f
    msr     s3_4_c1_c2_2, xzr       // HCRX_EL2
0:
    ldr     x0, =(SCTLR_RES1 | SCTLR_SPAN)
    msr     sctlr_el1, x0
    mov     x0, #0x3c5              // EL1h, DAIF masked
    msr     spsr_el2, x0
    msr     elr_el2, x30
    eret

at_el1:
    ldr     x0, =(SCTLR_RES1 | SCTLR_SPAN)
    msr     sctlr_el1, x0
    isb
    ret

// Drops the early tables from the data cache. Clobbers x0 to x3.
invalidate_tables:
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2              // bytes of the smallest line
    adrp    x0, _early_tables_start
    adrp    x1, _early_tables_end
    dmb     sy
0:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    0b
    dsb     sy
    ret

// x4 = table, x5 = index, x6 = physical address, x7 = attributes.
.macro entry
    orr     x6, x6, x7
    str     x6, [x4, x5, lsl #3]
.endm

// x20 = load address. Clobbers x4 to x9.
write_tables:
    mov     x7, #TABLE
    // Identity: L0 -> L1 -> L2 -> the block that `_start` is in.
    adrp    x4, identity_l0
    ubfx    x5, x20, #39, #9
    adrp    x6, identity_l1
    entry
    adrp    x4, identity_l1
    ubfx    x5, x20, #30, #9
    adrp    x6, identity_l2
    entry
    // The linked address: L0[0x100] -> L1[0] -> L2.
    adrp    x4, kernel_l0
    mov     x5, #0x100
    adrp    x6, kernel_l1
    entry
    adrp    x4, kernel_l1
    mov     x5, #0
    adrp    x6, kernel_l2
    entry
    // The device window: L0[0x160] -> L1[0] -> L2[0, 1] -> pages.
    adrp    x4, kernel_l0
    mov     x5, #0x160
    adrp    x6, device_l1
    entry
    adrp    x4, device_l1
    mov     x5, #0
    adrp    x6, device_l2
    entry
    adrp    x4, device_l2
    mov     x5, #0
    adrp    x6, device_l3
    entry
    mov     x5, #1
    adrp    x6, device_l3
    add     x6, x6, #4096
    entry
    mov     x5, #2
    adrp    x6, tree_l3
    entry
    mov     x5, #3
    adrp    x6, tree_l3
    add     x6, x6, #4096
    entry

    ldr     x7, =BLOCK_RX
    adrp    x4, identity_l2
    ubfx    x5, x20, #21, #9
    mov     x6, x20
    entry

    // As many blocks as the header's image_size says, which is whole ones.
    ldr     x7, =BLOCK_RWX
    adrp    x4, kernel_l2
    mov     x5, #0
    ldr     x8, [x20, #16]
    add     x8, x8, x20
    mov     x9, x20
0:  mov     x6, x9
    entry
    add     x5, x5, #1
    add     x9, x9, #0x200000
    cmp     x9, x8
    b.lo    0b
    ret

// x0 = TTBR1. Switches the MMU on with TTBR0 = identity and returns to the
// caller at its linked address. Clobbers x0 to x4.
enable_mmu:
    adrp    x1, identity_l0
    msr     ttbr0_el1, x1
    msr     ttbr1_el1, x0
    ldr     x0, =MAIR
    msr     mair_el1, x0
    ldr     x0, =TCR
    mrs     x1, id_aa64mmfr0_el1
    ubfx    x2, x1, #0, #4          // PARange, at most 48 bits
    mov     x3, #5
    cmp     x2, x3
    csel    x2, x2, x3, lo
    bfi     x0, x2, #32, #3         // IPS
    ubfx    x2, x1, #4, #4          // ASIDBits: 2 = 16 bits
    lsr     x2, x2, #1
    bfi     x0, x2, #36, #1         // AS
    msr     tcr_el1, x0
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb

    ldr     x0, =(SCTLR_RES1 | SCTLR_ON)
    mrs     x1, id_aa64mmfr1_el1
    ubfx    x1, x1, #20, #4         // PAN: set on each exception to EL1
    cbnz    x1, 0f
    orr     x0, x0, #SCTLR_SPAN
0:  adrp    x1, _image_start
    ldr     x2, =_image_start
    sub     x30, x30, x1
    add     x30, x30, x2
    msr     sctlr_el1, x0
    isb
    ret

// x0 = new TTBR1, x1 = load address. Called at the linked address with TTBR0
// = identity. Old and new tables may map the same address with different page
// sizes, and a TLB must never see both: so run from the identity map, forbid
// TTBR1 walks, forget everything, and only then switch.
.globl replace_ttbr1
.type replace_ttbr1, %function
replace_ttbr1:
    adr     x2, 0f
    adr     x3, _start
    sub     x2, x2, x3
    add     x2, x2, x1
    br      x2
0:  mrs     x2, tcr_el1
    orr     x3, x2, #(1 << 23)      // EPD1
    msr     tcr_el1, x3
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     ttbr1_el1, x0
    isb
    msr     tcr_el1, x2
    isb
    ret
.size replace_ttbr1, . - replace_ttbr1

.ltorg
.globl _secondary_end
_secondary_end:

.section .early.tables, "aw", %nobits
.balign 4096
.globl kernel_l0, device_l1, device_l3, tree_l3, identity_l0
identity_l0: .skip 4096
identity_l1: .skip 4096
identity_l2: .skip 4096
kernel_l0:   .skip 4096
kernel_l1:   .skip 4096
kernel_l2:   .skip 4096
device_l1:   .skip 4096
device_l2:   .skip 4096
device_l3:   .skip 8192
tree_l3:     .skip 8192
