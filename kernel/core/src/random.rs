//! Random numbers for `getrandom`, `/dev/urandom` and `AT_RANDOM`.
//!
//! A pool is a ChaCha20 key (RFC 8439). Each request replaces the key before
//! the output leaves, so nobody who reads the kernel's memory later can tell
//! what was given out ("fast key erasure"). What the machine offers as
//! entropy is mixed in whenever there is some; nothing ever blocks. Own code,
//! because the cipher is forty lines and the crates bring a framework.

#[cfg(test)]
mod tests;

const CONSTANTS: [u32; 4] =
    [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
const ROUNDS: usize = 10;
const KEY: usize = 32;
const BLOCK: usize = 64;

/// A generator. Guarded by a lock.
pub struct Random {
    key: [u32; 8],
}

impl Random {
    /// A generator that is as good as its seed.
    pub fn new(seed: &[u8]) -> Self {
        let mut random = Random { key: [0; 8] };
        random.mix(seed);
        random
    }

    /// Stirs `input` in. Cannot make the state easier to guess.
    pub fn mix(&mut self, input: &[u8]) {
        let length = (input.len() as u64).to_le_bytes();
        for chunk in input.chunks(KEY).chain([&length[..]]) {
            for (at, &byte) in chunk.iter().enumerate() {
                self.key[at / 4] ^= u32::from(byte) << (8 * (at % 4));
            }
            self.key = halves(&block(&self.key, 0, [0; 2])).0;
        }
    }

    /// Fills `output`.
    pub fn fill(&mut self, output: &mut [u8]) {
        let first = block(&self.key, 0, [0; 2]);
        let (next_key, stream_key) = halves(&first);
        self.key = next_key;
        for (index, chunk) in output.chunks_mut(BLOCK).enumerate() {
            let words = block(&stream_key, index as u64, [0; 2]);
            for (at, byte) in chunk.iter_mut().enumerate() {
                *byte = words[at / 4].to_le_bytes()[at % 4];
            }
        }
    }

    /// A random number of 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

fn halves(block: &[u32; 16]) -> ([u32; 8], [u32; 8]) {
    let mut halves = ([0; 8], [0; 8]);
    halves.0.copy_from_slice(&block[..8]);
    halves.1.copy_from_slice(&block[8..]);
    halves
}

/// The block function of RFC 8439, section 2.3, with the first word of the
/// nonce as the high half of a 64-bit counter.
fn block(key: &[u32; 8], counter: u64, nonce: [u32; 2]) -> [u32; 16] {
    let mut start = [0; 16];
    start[..4].copy_from_slice(&CONSTANTS);
    start[4..12].copy_from_slice(key);
    start[12] = counter as u32;
    start[13] = (counter >> 32) as u32;
    start[14..].copy_from_slice(&nonce);
    let mut state = start;
    for _ in 0..ROUNDS {
        for column in 0..4 {
            let rows = [column, column + 4, column + 8, column + 12];
            quarter_round(&mut state, rows);
        }
        for column in 0..4 {
            let diagonal = [
                column,
                4 + (column + 1) % 4,
                8 + (column + 2) % 4,
                12 + (column + 3) % 4,
            ];
            quarter_round(&mut state, diagonal);
        }
    }
    for (word, first) in state.iter_mut().zip(start) {
        *word = word.wrapping_add(first);
    }
    state
}

fn quarter_round(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (x, y, z, bits) in
        [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]
    {
        state[x] = state[x].wrapping_add(state[y]);
        state[z] = (state[z] ^ state[x]).rotate_left(bits);
    }
}
