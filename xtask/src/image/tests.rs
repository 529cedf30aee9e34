//! The image's header, payload and symbol table, byte by byte.
use std::collections::BTreeMap;

use kernel_core::symbol_table::{self, SymbolTable};

use super::kernel::PAGE;
use super::{assemble, grammar, header, payload, symbols};

/// A page that starts like a kernel.
fn page_with_header() -> Vec<u8> {
    let mut image = vec![0; PAGE];
    image[56..60].copy_from_slice(b"ARM\x64");
    image[24] = 0b1010;
    image
}

#[test]
fn header_of_a_kernel_is_accepted() {
    header::check(&page_with_header()).unwrap();
}

#[test]
fn wrong_headers_are_refused() {
    for (offset, value) in [(56, 0), (8, 1), (24, 0)] {
        let mut image = page_with_header();
        image[offset] = value;
        assert!(header::check(&image).is_err(), "byte {offset} = {value}");
    }
    assert!(header::check(&[]).is_err());
}

/// Where the magic number is in [`kernel`].
const SLOT: u64 = 128;

/// A page with a header and a place for the payload's words.
fn kernel() -> Vec<u8> {
    let mut image = page_with_header();
    image[128..136].copy_from_slice(&payload::MAGIC.to_le_bytes());
    image
}

#[test]
fn image_size_is_what_the_kernel_was_linked_to_in_whole_blocks() {
    let mut image = kernel();
    for (linked, size) in
        [(1, 2 << 20), (2 << 20, 2 << 20), (0x20_0001, 4 << 20)]
    {
        image[16..24].copy_from_slice(&u64::to_le_bytes(linked));
        header::round_size(&mut image);
        assert_eq!(header::field(&image, 16), size);
    }
}

#[test]
fn payload_says_where_its_parts_are() {
    let mut image = kernel();
    let parts: [&[u8]; 3] = [b"table", &[1; 5000], b"a board\n"];
    payload::add(&mut image, SLOT, parts).unwrap();
    let slot = SLOT as usize;
    let word =
        |number: usize| header::field(&image, slot + 8 * number) as usize;
    for (index, part) in parts.into_iter().enumerate() {
        let (start, size) = (word(2 * index + 1), word(2 * index + 2));
        assert_eq!(&image[start..start + size], part);
        assert_eq!(start % PAGE, 0);
    }
}

#[test]
fn payload_without_magic_is_refused() {
    let mut image = page_with_header();
    assert!(payload::add(&mut image, SLOT, [&[], &[], &[]]).is_err());
    assert!(payload::add(&mut image, 1 << 40, [&[], &[], &[]]).is_err());
}

#[test]
fn the_kernel_finds_each_name_in_the_table() {
    let modules = ["files::pipe", "files::inode", "process::signal", "task"];
    let functions: BTreeMap<u32, String> = (0..2_000)
        .map(|number| {
            let module = modules[number as usize % modules.len()];
            (number * 8 + 4, format!("kernel_{module}::work_{number}"))
        })
        .collect();
    let bytes = symbols::encode(&functions).unwrap();
    let length: usize = functions.values().map(String::len).sum();
    assert!(bytes.len() < 4 * functions.len() + length / 2);
    let table = SymbolTable::new(&bytes);
    assert!(table.find(3).is_none());
    for (address, name) in &functions {
        for offset in [0, 7] {
            let (found, start) = table.find(address + offset).unwrap();
            assert_eq!((found.to_string(), start), (name.clone(), *address));
        }
    }
}

#[test]
fn the_kernel_reads_what_is_written() {
    assert_eq!(usize::from(symbol_table::FIRST_RULE), grammar::FIRST_RULE);
    assert_eq!(symbol_table::MOST_DEPTH, grammar::MOST_DEPTH);
}

#[test]
fn a_table_can_be_empty_or_have_one_name() {
    let empty = symbols::encode(&BTreeMap::new()).unwrap();
    assert!(SymbolTable::new(&empty).find(9).is_none());
    let one = BTreeMap::from([(8, "aaaaaaaaaaaaaaaa".to_owned())]);
    let bytes = symbols::encode(&one).unwrap();
    let (name, start) = SymbolTable::new(&bytes).find(9).unwrap();
    assert_eq!((name.to_string(), start), (one[&8].clone(), 8));
    let umlaut = BTreeMap::from([(8, "größe".to_owned())]);
    assert!(symbols::encode(&umlaut).is_err());
}

#[test]
fn other_files_are_no_kernels() {
    assert!(assemble(b"#!/bin/sh\n", &[], "").is_err());
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let error = assemble(&own, &[], "").unwrap_err().to_string();
    assert!(error.contains("_image_start"), "{error}");
}
