//! One descriptor.

/// A descriptor of any level; all zero is invalid.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Entry(pub u64);

/// What kind of memory a leaf maps; the number indexes [`super::MAIR`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Memory {
    /// RAM, write-back cached, inner shareable.
    Normal = 0,
    /// Device registers, nGnRE.
    Device = 1,
    /// RAM shared with firmware or devices that do not snoop.
    NonCacheable = 2,
}

/// Who may use a leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Privilege {
    /// EL1 only; global, the same in every address space.
    Kernel,
    /// EL0 and EL1; belongs to one ASID.
    User,
    /// No one at EL0, though it belongs to one ASID: `PROT_NONE`.
    UserNone,
}

/// What a leaf allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// Memory type.
    pub memory: Memory,
    /// EL1 or EL0.
    pub privilege: Privilege,
    /// Stores allowed.
    pub writable: bool,
    /// Instruction fetch allowed, at the privilege given.
    pub executable: bool,
}

const VALID: u64 = 1 << 0;
const TABLE_OR_PAGE: u64 = 1 << 1;
const MEMORY_SHIFT: u32 = 2;
const USER: u64 = 1 << 6;
const READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 0b11 << 8;
const ACCESSED: u64 = 1 << 10;
const NOT_GLOBAL: u64 = 1 << 11;
const PXN: u64 = 1 << 53;
const UXN: u64 = 1 << 54;
/// Bits 58..55 are left to software.
const OWNED: u64 = 1 << 55;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

impl Entry {
    /// The entry that maps nothing.
    pub const INVALID: Entry = Entry(0);

    /// Points to a table of the next level at `physical`.
    #[inline]
    pub const fn table(physical: u64) -> Entry {
        Entry(physical & ADDRESS | TABLE_OR_PAGE | VALID)
    }

    /// Maps `physical`: a page at level 3, a block at levels 1 and 2.
    #[inline]
    pub fn leaf(physical: u64, level: u32, attributes: Attributes) -> Entry {
        let kind = if level == super::LAST_LEVEL { TABLE_OR_PAGE } else { 0 };
        Entry(physical & ADDRESS | kind | VALID | attributes.bits())
    }

    /// True if a table walk goes on or ends here with a translation.
    #[inline]
    pub const fn is_valid(self) -> bool {
        self.0 & VALID != 0
    }

    /// True if it points to a table, given the level it stands at.
    #[inline]
    pub const fn is_table(self, level: u32) -> bool {
        let both = TABLE_OR_PAGE | VALID;
        level < super::LAST_LEVEL && self.0 & both == both
    }

    /// The table, block or page it points to.
    #[inline]
    pub const fn address(self) -> u64 {
        self.0 & ADDRESS
    }

    /// True if EL0 may load from the page.
    #[inline]
    pub const fn is_user_readable(self) -> bool {
        self.0 & USER != 0
    }

    /// True if EL0 may store to the page.
    #[inline]
    pub const fn is_user_writable(self) -> bool {
        self.0 & (USER | READ_ONLY) == USER
    }

    /// True if EL0 may fetch instructions from the page.
    #[inline]
    pub const fn is_user_executable(self) -> bool {
        self.0 & UXN == 0
    }

    /// True if EL1 may store to the page.
    #[inline]
    pub const fn is_kernel_writable(self) -> bool {
        self.0 & READ_ONLY == 0
    }

    /// True if EL1 may fetch instructions from the page.
    #[inline]
    pub const fn is_kernel_executable(self) -> bool {
        self.0 & PXN == 0
    }

    /// The same leaf, without the right to store.
    #[inline]
    pub const fn read_only(self) -> Entry {
        Entry(self.0 | READ_ONLY)
    }

    /// The same leaf with other rights.
    #[inline]
    pub fn with_attributes(self, attributes: Attributes) -> Entry {
        let kept = self.0 & (ADDRESS | OWNED | TABLE_OR_PAGE | VALID);
        Entry(kept | attributes.bits())
    }

    /// The same leaf, marked as the process's own copy (anonymous memory or
    /// a private page already written), which fork must share or copy.
    #[inline]
    pub const fn owned(self) -> Entry {
        Entry(self.0 | OWNED)
    }

    /// See [`Entry::owned`]. False for pages that can be had again from a
    /// file or shared object.
    #[inline]
    pub const fn is_owned(self) -> bool {
        self.0 & OWNED != 0
    }
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Entry({:#x})", self.0)
    }
}

impl Attributes {
    /// Ordinary kernel memory; never executable.
    #[inline]
    pub const fn kernel_data() -> Self {
        Self::kernel(Memory::Normal, true, false)
    }

    /// Kernel memory of any kind.
    ///
    /// # Panics
    /// If both writable and executable: the kernel keeps W^X.
    #[inline]
    pub const fn kernel(
        memory: Memory,
        writable: bool,
        executable: bool,
    ) -> Self {
        assert!(!(writable && executable), "the kernel keeps W^X");
        let privilege = Privilege::Kernel;
        Self { memory, privilege, writable, executable }
    }

    #[inline]
    fn bits(self) -> u64 {
        let memory = (self.memory as u64) << MEMORY_SHIFT;
        let share = match self.memory {
            Memory::Device => 0,
            Memory::Normal | Memory::NonCacheable => INNER_SHAREABLE,
        };
        let write = if self.writable { 0 } else { READ_ONLY };
        memory | share | ACCESSED | write | self.privilege_bits()
    }

    /// User pages never execute at EL1; kernel pages never at EL0.
    #[inline]
    fn privilege_bits(self) -> u64 {
        match (self.privilege, self.executable) {
            (Privilege::Kernel, true) => UXN,
            (Privilege::Kernel, false) => UXN | PXN,
            (Privilege::User, true) => USER | NOT_GLOBAL | PXN,
            (Privilege::User, false) => USER | NOT_GLOBAL | PXN | UXN,
            (Privilege::UserNone, _) => NOT_GLOBAL | PXN | UXN,
        }
    }
}
