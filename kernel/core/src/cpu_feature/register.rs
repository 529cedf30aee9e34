//! The identification registers: what of each is told, and how they are read.

/// How many registers are looked at.
pub const REGISTERS: usize = 12;

/// A register that says what a processor has. Next to each stand the fields
/// that programs may see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// `ID_AA64ISAR0_EL1`
    Isar0,
    /// `ID_AA64ISAR1_EL1`
    Isar1,
    /// `ID_AA64ISAR2_EL1`
    Isar2,
    /// `ID_AA64PFR0_EL1`
    Pfr0,
    /// `ID_AA64PFR1_EL1`
    Pfr1,
    /// `ID_AA64DFR0_EL1`
    Dfr0,
    /// `ID_AA64MMFR0_EL1`
    Mmfr0,
    /// `ID_AA64MMFR1_EL1`
    Mmfr1,
    /// `ID_AA64MMFR2_EL1`
    Mmfr2,
    /// `ID_ISAR5_EL1`, of 32-bit state.
    Isar5,
    /// `MVFR0_EL1`, of 32-bit state.
    Mvfr0,
    /// `MVFR1_EL1`, of 32-bit state.
    Mvfr1,
}

/// The mask of the fields at these places.
const fn fields<const N: usize>(shifts: [u32; N]) -> u64 {
    let (mut mask, mut at) = (0, 0);
    while at < N {
        mask |= 0xf << shifts[at];
        at += 1;
    }
    mask
}

impl Register {
    /// All, in order.
    pub const ALL: [Register; REGISTERS] = [
        Register::Isar0,
        Register::Isar1,
        Register::Isar2,
        Register::Pfr0,
        Register::Pfr1,
        Register::Dfr0,
        Register::Mmfr0,
        Register::Mmfr1,
        Register::Mmfr2,
        Register::Isar5,
        Register::Mvfr0,
        Register::Mvfr1,
    ];

    /// The fields that programs may see.
    const fn visible(self) -> u64 {
        match self {
            // RNDR, TS, FHM, DP, SM4, SM3, SHA3, RDM, atomics, CRC32, SHA2,
            // SHA1, AES; not the TLB instructions.
            Register::Isar0 => {
                fields([4, 8, 12, 16, 20, 28, 32, 36, 40, 44, 48, 52, 60])
            }
            // DPB, JSCVT, FCMA, LRCPC, FRINTTS, SB, BF16, DGH, I8MM; not
            // pointer authentication.
            Register::Isar1 => fields([0, 12, 16, 20, 32, 36, 44, 48, 52]),
            // WFxT, RPRES.
            Register::Isar2 => fields([0, 4]),
            // FP, AdvSIMD, DIT; not SVE.
            Register::Pfr0 => fields([16, 20, 48]),
            // Neither BTI nor memory tags; nor SSBS, which does not work in
            // many of Arm's processors (erratum 3194386 of Cortex-A76).
            Register::Pfr1 | Register::Dfr0 => 0,
            // ECV.
            Register::Mmfr0 => fields([60]),
            // AFP.
            Register::Mmfr1 => fields([44]),
            // AT: unaligned atomics.
            Register::Mmfr2 => fields([32]),
            // AES, SHA1, SHA2, CRC32.
            Register::Isar5 => fields([4, 8, 12, 16]),
            // Double precision.
            Register::Mvfr0 => fields([8]),
            // FMAC, and three kinds of SIMD.
            Register::Mvfr1 => fields([8, 12, 16, 28]),
        }
    }

    /// The fields of which a negative value means that there is nothing.
    const fn signed(self) -> u64 {
        match self {
            Register::Pfr0 => fields([16, 20]),
            _ => 0,
        }
    }

    /// What is told whatever the processor says, in fields that are not
    /// visible: 64-bit state at EL0 and EL1, debugging of version 8, and no
    /// translation granules.
    pub(super) const fn fixed(self) -> u64 {
        match self {
            Register::Pfr0 => 0x11,
            Register::Dfr0 => 6,
            Register::Mmfr0 => 0x111_ff00_0000,
            _ => 0,
        }
    }

    /// What of `value` programs may see.
    pub(super) fn kept(self, value: u64) -> u64 {
        value & self.visible()
    }

    /// The field of `value` at `shift`.
    pub(super) fn field(self, value: u64, shift: u32) -> i8 {
        let field = (value >> shift & 0xf) as i8;
        let is_signed = self.signed() >> shift & 1 != 0;
        if is_signed && field >= 8 { field - 16 } else { field }
    }

    /// What a processor with `one` and one with `other` both have.
    pub fn common(self, one: u64, other: u64) -> u64 {
        let fields = (0..64).step_by(4);
        fields.fold(0, |all, shift| {
            let least = self.field(one, shift).min(self.field(other, shift));
            all | (least as u64 & 0xf) << shift
        })
    }
}

/// The instruction `mrs Xt, S<op0>_<op1>_C<n>_C<m>_<op2>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read {
    /// The general register that gets the value; 31 for none.
    pub target: usize,
    system: u32,
}

/// What a register says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    /// Who made the processor, and which it is (`MIDR_EL1`).
    Main,
    /// Its place among others (`MPIDR_EL1`).
    Affinity,
    /// Nothing that programs are told.
    Zero,
    /// What it has.
    Features(Register),
}

impl Read {
    /// Takes an instruction apart; `None` if it is another one.
    pub fn decode(instruction: u32) -> Option<Self> {
        const MASK: u32 = 0xfff0_0000;
        const MRS: u32 = 0xd530_0000;
        (instruction & MASK == MRS).then_some(Self {
            target: (instruction & 31) as usize,
            system: instruction >> 5 & 0x7fff,
        })
    }

    /// Which register it reads; `None` if it is none that programs may read.
    pub(super) fn identity(self) -> Option<Identity> {
        /// `S3_0_C0`, without the first bit, which is always set.
        const FIRST: u32 = 1 << 14;
        let number = self.system.checked_sub(FIRST)?;
        Some(match (number >> 3, number & 7) {
            (0, 0) => Identity::Main,
            (0, 5) => Identity::Affinity,
            (0, 6) => Identity::Zero,
            (2, 5) => Identity::Features(Register::Isar5),
            (3, 0) => Identity::Features(Register::Mvfr0),
            (3, 1) => Identity::Features(Register::Mvfr1),
            (4, 0) => Identity::Features(Register::Pfr0),
            (4, 1) => Identity::Features(Register::Pfr1),
            (5, 0) => Identity::Features(Register::Dfr0),
            (6, 0) => Identity::Features(Register::Isar0),
            (6, 1) => Identity::Features(Register::Isar1),
            (6, 2) => Identity::Features(Register::Isar2),
            (7, 0) => Identity::Features(Register::Mmfr0),
            (7, 1) => Identity::Features(Register::Mmfr1),
            (7, 2) => Identity::Features(Register::Mmfr2),
            (2..=7, _) => Identity::Zero,
            _ => return None,
        })
    }
}
