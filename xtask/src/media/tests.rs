//! The card byte by byte; the tools that read it are in `tests/guests`.
use std::fs;
use std::io::{Cursor, Read};

use fatfs::{FatType, FileSystem, FsOptions};

use super::{Contents, File, Ways, configuration, partition, script, volume};
use crate::board::{Board, Card as Layout, EarlyConsole};

const MIB: usize = 1 << 20;

fn board() -> Board {
    Board {
        early_console: EarlyConsole::default(),
        name: "sled".into(),
        title: "Sled".into(),
        compatible: "snow,sled".into(),
        card: Some(Layout {
            loader_sector: 64,
            partition_mib: 16,
            size_mib: 24,
            device_tree: "snow/sled.dtb".into(),
        }),
        load: Default::default(),
        u_boot: None,
        tier: 2,
        last_run: None,
        memory: Default::default(),
        emulator: None,
    }
}

fn contents() -> Contents {
    Contents {
        image: vec![0x11; 70_000],
        initramfs: b"archive".to_vec(),
        ..Contents::default()
    }
}

fn card(contents: &Contents) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card");
    contents.card(&board()).unwrap().write(&path, |_| {}).unwrap();
    fs::read(path).unwrap()
}

/// What the partition has at `path`.
fn content(card: &[u8], path: &str) -> Option<Vec<u8>> {
    let volume = Cursor::new(card[16 * MIB..].to_vec());
    let system = FileSystem::new(volume, FsOptions::new()).unwrap();
    let mut bytes = Vec::new();
    let mut file = system.root_dir().open_file(path).ok()?;
    file.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

fn text(card: &[u8], path: &str) -> String {
    String::from_utf8(content(card, path).expect(path)).unwrap()
}

#[test]
fn table_has_one_bootable_partition() {
    let table = partition::table(0x8000, 0x18000);
    assert_eq!(table.len(), 512);
    assert_eq!(table[446], 0x80);
    assert_eq!(table[450], 0x0e);
    assert_eq!(table[454..458], 0x8000_u32.to_le_bytes());
    assert_eq!(table[458..462], 0x18000_u32.to_le_bytes());
    assert!(table[462..510].iter().all(|byte| *byte == 0));
    assert_eq!(table[510..], [0x55, 0xaa]);
}

#[test]
fn script_header_says_what_follows() {
    let text = "echo hello\n";
    let image = script::compile(text);
    let word =
        |at: usize| u32::from_be_bytes(image[at..at + 4].try_into().unwrap());
    assert_eq!(word(0), 0x2705_1956);
    assert_eq!(word(8), 315_532_800);
    assert_eq!(word(12) as usize, image.len() - 64);
    assert_eq!(word(24), script::checksum(&image[64..]));
    assert_eq!(image[28..32], [5, 22, 6, 0]);
    assert_eq!(&image[32..37], b"Firn\0");
    assert_eq!([word(64) as usize, word(68) as usize], [text.len(), 0]);
    assert_eq!(&image[72..], text.as_bytes());
    let mut header = image[..64].to_vec();
    header[4..8].fill(0);
    assert_eq!(word(4), script::checksum(&header));
}

#[test]
fn checksum_is_that_of_ethernet() {
    assert_eq!(script::checksum(b"123456789"), 0xcbf4_3926);
}

#[test]
fn files_are_on_the_card_as_they_were() {
    let contents =
        Contents { device_tree: Some(b"tree".to_vec()), ..contents() };
    let card = card(&contents);
    assert_eq!(card.len(), 24 * MIB);
    assert_eq!(content(&card, "Image").unwrap(), contents.image);
    assert_eq!(text(&card, "initramfs.cpio.gz"), "archive");
    assert_eq!(text(&card, "dtbs/snow/sled.dtb"), "tree");
    let script = content(&card, "boot.scr").unwrap();
    assert_eq!(&script[72..], content(&card, "boot.cmd").unwrap());
    assert!(text(&card, "extlinux/extlinux.conf").contains("/Image"));
}

#[test]
fn same_contents_give_the_same_card() {
    assert!(card(&contents()) == card(&contents()));
}

#[test]
fn boot_loader_is_where_the_board_looks_for_it() {
    let without = card(&contents());
    assert!(without[512..16 * MIB].iter().all(|byte| *byte == 0));
    let loader = vec![0xb0; 16 * MIB - 64 * 512];
    let with = card(&Contents { loader: Some(loader.clone()), ..contents() });
    assert!(with[64 * 512..16 * MIB] == loader);
    assert!(with[16 * MIB..] == without[16 * MIB..]);
}

#[test]
fn what_does_not_fit_is_told() {
    let error = |contents: Contents| {
        format!("{:#}", contents.card(&board()).unwrap_err())
    };
    let loader = Some(vec![1; 16 * MIB - 64 * 512 + 1]);
    let said = error(Contents { loader, ..contents() });
    assert!(said.contains("1 more than fit"), "{said}");
    let said = error(Contents { loader: Some(vec![]), ..contents() });
    assert!(said.contains("empty"), "{said}");
    let said = error(Contents { image: vec![1; 9 * MIB], ..contents() });
    assert!(said.contains("8 MiB"), "{said}");
    assert!(said.contains("Image of 9437184 bytes"), "{said}");
}

#[test]
fn board_without_a_card_is_told() {
    let board = Board { card: None, ..board() };
    let error = contents().card(&board).unwrap_err().to_string();
    assert!(error.contains("sled"), "{error}");
}

#[test]
fn card_without_extlinux_has_the_script() {
    let contents = Contents { ways: Ways::OnlyScript, ..contents() };
    let card = card(&contents);
    assert_eq!(content(&card, "extlinux/extlinux.conf"), None);
    assert!(content(&card, "boot.scr").is_some());
}

#[test]
fn command_line_is_in_both_texts() {
    let script = configuration::boot_cmd("quiet smp=1", "snow/sled.dtb");
    assert!(script.contains("setenv bootargs \"quiet smp=1\"\n"));
    assert!(script.contains("setenv fdtfile snow/sled.dtb\n"));
    let text = configuration::extlinux("quiet smp=1");
    assert!(text.ends_with("    append quiet smp=1\n"));
}

#[test]
fn without_a_command_line_none_is_set() {
    let script = configuration::boot_cmd("", "a.dtb");
    assert!(!script.contains("bootargs"));
    assert!(!script.contains('@'));
    assert!(!configuration::extlinux("").contains("append"));
}

#[test]
fn command_line_that_u_boot_would_change_is_refused() {
    for line in ["a\"b", "a;b", "a$b", "a'b", "a\\b", "a\nb"] {
        assert!(configuration::check(line).is_err(), "{line:?}");
    }
    configuration::check("init=/bin/sh console=ttyS2,1500000n8 a.b-c").unwrap();
}

#[test]
fn names_of_every_length_and_folders_in_folders_are_found() {
    let mut files = Vec::new();
    for length in [1, 8, 12, 13, 14, 26, 27, 100] {
        let name = "n".repeat(length);
        let bytes = name.clone().into_bytes();
        files.push(File { path: format!("a/b/c/{name}"), bytes });
    }
    files.push(File { path: "a/empty".into(), bytes: Vec::new() });
    files.push(File { path: "a/b.c.longer".into(), bytes: b"dot".to_vec() });
    let volume = volume::build(8 * MIB, 0, &files).unwrap();
    let mut card = vec![0; 16 * MIB];
    card.extend(volume);
    for file in files {
        assert_eq!(content(&card, &file.path), Some(file.bytes));
    }
}

#[test]
fn file_system_of_a_size_that_fat16_cannot_have_is_refused() {
    assert!(volume::build(MIB, 0, &[]).is_err());
    for size in [3 * MIB, 31 * MIB, 33 * MIB, 48 * MIB, 112 * MIB] {
        let volume = volume::build(size, 0, &[]).unwrap();
        let volume = Cursor::new(volume);
        let system = FileSystem::new(volume, FsOptions::new()).unwrap();
        assert_eq!(system.fat_type(), FatType::Fat16);
    }
}
