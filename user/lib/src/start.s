// The first and the last instructions of a user program.

// Entered by the kernel with sp at the argument count and everything else
// undefined. The frame record ends here, so back traces do too.
.section .text.start, "ax"
.global _start
.type _start, %function
.balign 4
_start:
    mov x29, #0
    mov x30, #0
    mov x0, sp
    and x1, x0, #~15            // Linux aligns it already; the ABI demands it.
    mov sp, x1
    b firn_user_start
.size _start, . - _start

// A signal handler returns to here: rt_sigreturn finds the saved state at sp.
.section .text.start, "ax"
.global firn_user_restorer
.type firn_user_restorer, %function
.balign 4
firn_user_restorer:
    mov x8, #139
    svc #0
.size firn_user_restorer, . - firn_user_restorer
