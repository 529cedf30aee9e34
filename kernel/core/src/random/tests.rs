//! The promises about random numbers.

use super::{Random, block};

#[test]
fn the_block_function_is_that_of_rfc_8439() {
    // Section 2.3.2.
    let key = core::array::from_fn(|at| {
        let first = 4 * at as u32;
        u32::from_le_bytes([0, 1, 2, 3].map(|byte| (first + byte) as u8))
    });
    let words = block(&key, 0x0900_0000_0000_0001, [0x4a00_0000, 0]);
    let expected = [
        0xe4e7_f110,
        0x1559_3bd1,
        0x1fdd_0f50,
        0xc471_20a3,
        0xc7f4_d1c7,
        0x0368_c033,
        0x9aaa_2204,
        0x4e6c_d4c3,
        0x4664_82d2,
        0x09aa_9f07,
        0x05d7_c214,
        0xa202_8bd9,
        0xd19c_12b5,
        0xb94e_16de,
        0xe883_d0cb,
        0x4e3c_50a2,
    ];
    assert_eq!(words, expected);
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
    let mut a = Random::new(b"seed");
    let mut b = Random::new(b"seed");
    let mut c = Random::new(b"seed\0");
    let numbers: Vec<u64> = (0..100).map(|_| a.next_u64()).collect();
    assert!(numbers.iter().all(|&number| number == b.next_u64()));
    assert!(numbers.iter().all(|&number| number != c.next_u64()));
}

#[test]
fn every_request_changes_the_key() {
    let mut random = Random::new(&[7; 100]);
    let mut keys = Vec::new();
    for size in 0..200 {
        random.fill(&mut vec![0; size]);
        assert!(!keys.contains(&random.key));
        keys.push(random.key);
    }
}

#[test]
fn mixing_changes_what_follows() {
    let mut a = Random::new(b"seed");
    let mut b = Random::new(b"seed");
    b.mix(b"");
    let (first, second) = (a.next_u64(), b.next_u64());
    assert_ne!(first, second);
}

#[test]
fn bytes_are_spread_evenly() {
    let mut random = Random::new(b"spread");
    let mut bytes = vec![0; 256 * 1024];
    random.fill(&mut bytes);
    let mut counts = [0_i64; 256];
    for byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    // 1024 expected of each; six standard deviations are 192.
    assert!(counts.iter().all(|count| (count - 1024).abs() < 192));
}

#[test]
fn any_size_is_filled_to_its_end() {
    let mut random = Random::new(b"size");
    for size in [1, 8, 63, 64, 65, 1000] {
        let mut seen = vec![0_u8; size];
        for _ in 0..10 {
            let mut bytes = vec![0; size];
            random.fill(&mut bytes);
            seen.iter_mut().zip(bytes).for_each(|(all, byte)| *all |= byte);
        }
        assert!(seen.iter().all(|&byte| byte != 0));
    }
}
