//! The frame of a gzip stream (RFC 1952): header, check sum, length.
//!
//! What is in between is for an inflater.

#[cfg(test)]
mod tests;

/// Bytes of the trailer: check sum and length.
pub const TRAILER: usize = 8;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const FIXED: usize = 10;
const HAS_HEADER_CHECK: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;

/// True if a gzip stream starts here.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Where the compressed data starts; `None` if the header is cut off or says
/// something unknown.
pub fn data_start(bytes: &[u8]) -> Option<usize> {
    let fixed = bytes.get(..FIXED)?;
    let flags = fixed[3];
    if !is_gzip(bytes) || fixed[2] != DEFLATE || flags & 0xe0 != 0 {
        return None;
    }
    let mut at = FIXED;
    if flags & HAS_EXTRA != 0 {
        let length = bytes.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            let rest = bytes.get(at..)?;
            at += rest.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    if flags & HAS_HEADER_CHECK != 0 {
        at += 2;
    }
    (at <= bytes.len()).then_some(at)
}

/// Sum and length of what was decompressed.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    crc: u32,
    length: u32,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

/// `TABLES[n][b]`: what byte `b` adds with `n` bytes behind it.
const TABLES: &[[u32; 256]; 4] = &tables();

const fn tables() -> [[u32; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let carry = value & 1;
            value >>= 1;
            if carry != 0 {
                value ^= 0xedb8_8320;
            }
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut table = 1;
    while table < 4 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            let low = (before & 0xff) as usize;
            tables[table][byte] = before >> 8 ^ tables[0][low];
            byte += 1;
        }
        table += 1;
    }
    tables
}

impl Check {
    /// Of nothing.
    pub const fn new() -> Self {
        Check { crc: !0, length: 0 }
    }

    /// Adds bytes. Four at a time, since archives are large.
    pub fn add(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u32);
        let (words, rest) = bytes.as_chunks::<4>();
        let mut crc = self.crc;
        for word in words {
            let [a, b, c, d] = (crc ^ u32::from_le_bytes(*word)).to_le_bytes();
            crc = TABLES[3][usize::from(a)]
                ^ TABLES[2][usize::from(b)]
                ^ TABLES[1][usize::from(c)]
                ^ TABLES[0][usize::from(d)];
        }
        for byte in rest {
            let low = crc as u8 ^ byte;
            crc = crc >> 8 ^ TABLES[0][usize::from(low)];
        }
        self.crc = crc;
    }

    /// Whether a trailer says the same.
    pub fn matches(&self, trailer: &[u8]) -> bool {
        let expected = u64::from(!self.crc) | u64::from(self.length) << 32;
        trailer == expected.to_le_bytes()
    }
}
