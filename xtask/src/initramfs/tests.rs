//! The archive is what an unpacker expects, and the same every time.
use std::fs;
use std::io::Read;

use flate2::read::GzDecoder;
use tempfile::TempDir;

use super::{
    Addition, Node, Tree, compress, contents, cpio, insert_program, system,
};
use crate::layout::{self, Profile};

/// The headers of `archive` as (name, mode, content).
fn unpack(archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut files = Vec::new();
    let mut at = 0;
    loop {
        let field = |number: usize| {
            let start = at + 6 + 8 * number;
            let text = str::from_utf8(&archive[start..start + 8]).unwrap();
            u32::from_str_radix(text, 16).unwrap()
        };
        assert_eq!(&archive[at..at + 6], b"070701");
        let name_start = at + 110;
        let name_end = name_start + field(11) as usize;
        let start = name_end.next_multiple_of(4);
        let end = start + field(6) as usize;
        let name = &archive[name_start..name_end - 1];
        let name = String::from_utf8(name.to_vec()).unwrap();
        let (mode, content) = (field(1), archive[start..end].to_vec());
        at = end.next_multiple_of(4);
        if name == "TRAILER!!!" {
            assert_eq!(at, archive.len());
            return files;
        }
        files.push((name, mode, content));
    }
}

#[test]
fn archive_has_every_kind_of_file() {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("firn-user");
    fs::write(&program, "program").unwrap();
    let mut tree = system(["ls", "cat"].into_iter()).unwrap();
    insert_program(&mut tree, &program).unwrap();
    let files = unpack(&cpio::archive(&tree));
    let find = |name: &str| {
        let file = files.iter().find(|file| file.0 == name);
        file.map(|(_, mode, content)| (*mode, content.as_slice())).unwrap()
    };
    assert_eq!(find("bin"), (0o040_755, &b""[..]));
    assert_eq!(find("tmp").0, 0o041_777);
    assert_eq!(find("bin/firn-user"), (0o100_755, &b"program"[..]));
    assert_eq!(find("bin/ls"), (0o120_777, &b"firn-user"[..]));
    assert_eq!(find("init"), (0o120_777, &b"bin/firn-user"[..]));
    assert_eq!(find("dev/console").0, 0o020_600);
}

/// The files that go with a kernel of `profile`, if each program is its name.
fn shipped(profile: Profile) -> Vec<(String, u32, Vec<u8>)> {
    let folder = TempDir::new().unwrap();
    let program = |package: &'static str| {
        let path = layout::elf(package, Profile::Release);
        let name = path.file_name().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, name.as_encoded_bytes()).unwrap();
        file
    };
    unpack(&cpio::archive(&contents(profile, program).unwrap()))
}

#[test]
fn what_is_shipped_has_no_program_of_tests() {
    const KIND: u32 = 0o170_000;
    for (profile, expected) in [
        (Profile::Release, &["bin/firn-user"][..]),
        (Profile::Checked, &["bin/check", "bin/firn-user"]),
    ] {
        let mut programs = Vec::new();
        for (name, mode, content) in shipped(profile) {
            match mode & KIND {
                0o100_000 if name.starts_with("bin/") => {
                    assert!(name.as_bytes().ends_with(&content), "{name}");
                    programs.push(name);
                }
                // All links lead to the one program.
                0o120_000 => assert!(content.ends_with(b"firn-user")),
                _ => {}
            }
        }
        programs.sort();
        assert_eq!(programs, expected);
    }
}

#[test]
fn folders_come_before_what_is_in_them() {
    let mut tree = Tree::default();
    let file = Node::File { mode: 0o644, content: Vec::new() };
    tree.insert("/a/b/c", file.clone()).unwrap();
    tree.insert("/a.txt", file).unwrap();
    let names: Vec<_> = tree.iter().map(|(path, _)| path).collect();
    let place = |name| names.iter().position(|other| *other == name).unwrap();
    assert!(place("/a") < place("/a/b"));
    assert!(place("/a/b") < place("/a/b/c"));
}

#[test]
fn file_is_never_a_folder() {
    let mut tree = Tree::default();
    let file = Node::File { mode: 0o644, content: Vec::new() };
    tree.insert("/a", file.clone()).unwrap();
    assert!(tree.insert("/a/b", file.clone()).is_err());
    assert!(tree.insert("/a", Node::Folder { mode: 0o755 }).is_err());
    for path in ["a", "/", "/a//b", "/../a"] {
        assert!(tree.insert(path, file.clone()).is_err(), "{path}");
    }
}

#[test]
fn additions_keep_content_and_mode() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let host = folder.path().join("tool");
    fs::write(&host, "hello").unwrap();
    fs::set_permissions(&host, fs::Permissions::from_mode(0o751)).unwrap();
    let mut tree = Tree::default();
    tree.copy_file(&host, "/opt/tool").unwrap();
    let files = unpack(&cpio::archive(&tree));
    let expected = ("opt/tool".into(), 0o100_751, b"hello".to_vec());
    assert!(files.contains(&expected));
}

#[test]
fn addition_is_read_from_the_command_line() {
    let addition: Addition = "a/b=/c/d".parse().unwrap();
    assert_eq!(addition.host.to_str(), Some("a/b"));
    assert_eq!(addition.guest, "/c/d");
    for wrong in ["a", "a=b", "=", ""] {
        assert!(wrong.parse::<Addition>().is_err(), "{wrong}");
    }
}

#[test]
fn two_builds_are_the_same() {
    let build = || {
        let mut tree = system(["sh"].into_iter()).unwrap();
        let file = Node::File { mode: 0o755, content: vec![7; 5000] };
        tree.insert("/bin/firn-user", file).unwrap();
        compress(&cpio::archive(&tree)).unwrap()
    };
    let archive = build();
    assert_eq!(archive, build());
    let mut plain = Vec::new();
    GzDecoder::new(archive.as_slice()).read_to_end(&mut plain).unwrap();
    assert!(plain.starts_with(b"070701"));
}
