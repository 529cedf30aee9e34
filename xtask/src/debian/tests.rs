//! Where Debian is mirrored, and what apt is told, without a network.
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::apt::{configure, of_network};
use super::mirrors::{archives, ask};
use super::{is_required, trees};
use crate::layout;

#[test]
fn the_state_of_apt_stays_in_its_folder() {
    let text = configure("/place", "");
    for key in
        ["Dir::State ", "Dir::State::status ", "Dir::Cache ", "Dir::Etc::s"]
    {
        let line = text.lines().find(|line| line.starts_with(key));
        assert!(line.is_some_and(|line| line.contains("\"/place/")), "{key}");
    }
    assert!(text.lines().all(|line| line.ends_with(';')));
}

#[test]
fn the_proxy_of_the_machine_is_taken_and_no_command_of_it() {
    let machine = "APT::Update::Post-Invoke:: \"rm\";\n\
        Acquire::http::Proxy \"http://proxy.example:3128\";\n\
        Acquire::https::Verify-Peer \"1\";\n\
        Acquire::Languages:: \"de\";\n\
        Dir::Cache \"/elsewhere\";\n";
    let taken = "Acquire::http::Proxy \"http://proxy.example:3128\";\n\
        Acquire::https::Verify-Peer \"1\";\n";
    assert_eq!(of_network(machine), taken);
    // What is ours comes later, and so it holds.
    assert!(configure("/place", machine).starts_with(taken));
}

#[test]
fn archives_are_told_once_and_without_discs() {
    let answer = "http://a.example/debian/ main\nhttp://a.example/debian main\n\
        http://a.example/debian/ contrib\ncdrom://Debian 12/ main\n\
        http://flat.example/ $(COMPONENT)\nmirror+file:/etc/list/ main\n";
    let found = ["http://a.example/debian", "mirror+file:/etc/list"];
    assert_eq!(archives(answer), found);
}

/// The archives in sources with these texts, or apt's complaint; `None` where
/// there is no apt to read them.
fn read(list: &str, deb822: &str) -> Option<Result<Vec<String>, String>> {
    if Command::new("apt-get").arg("--version").output().is_err() {
        assert!(!is_required(), "no apt-get");
        println!("skipped: no apt-get");
        return None;
    }
    let folder = TempDir::new().unwrap();
    let parts = folder.path().join("sources.list.d");
    fs::create_dir(&parts).unwrap();
    fs::write(folder.path().join("sources.list"), list).unwrap();
    fs::write(parts.join("debian.sources"), deb822).unwrap();
    let option = |key: &str, path: &Path| format!("{key}={}", path.display());
    let folders = [
        option("Dir::Etc", folder.path()),
        option("Dir::State::lists", &folder.path().join("lists")),
    ];
    let options = ["-o", &folders[0], "-o", &folders[1]];
    Some(ask(&options).map_err(|error| error.to_string()))
}

#[test]
fn sources_of_one_line_are_read() {
    let list = "# deb http://no.example/debian bookworm main\n\
        deb [arch=amd64 signed-by=/k.gpg] https://a.example/d/ bookworm main\n\
        deb-src http://source.example/debian bookworm main\n\
        deb mirror+file:/etc/apt/list trixie contrib main # a list\n\
        deb file:/srv/debian bookworm main\n";
    let Some(found) = read(list, "") else { return };
    let expected = [
        "https://a.example/d",
        "mirror+file:/etc/apt/list",
        "file:/srv/debian",
    ];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn sources_in_stanzas_are_read() {
    let deb822 = "# as Debian 12 writes it\nTypes: deb deb-src\n\
        URIs: http://a.example/debian http://b.example/d\n\
        Suites: bookworm\n bookworm-updates\nComponents: main contrib\n\
        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
        Enabled: no\nTypes: deb\nURIs: http://no.example/debian\n\
        Suites: trixie\nComponents: main\n\n\
        Types: deb\nURIs: http://only.example/debian\nSuites: trixie\n\
        Components: contrib\n";
    let Some(found) = read("", deb822) else { return };
    let expected = ["http://a.example/debian", "http://b.example/d"];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn a_machine_without_sources_is_told_and_so_is_a_wrong_one() {
    let Some(found) = read("", "") else { return };
    let error = found.unwrap_err();
    assert!(error.contains("no source of apt"), "{error}");
    let error = read("deb nonsense\n", "").unwrap().unwrap_err();
    assert!(error.contains("Malformed entry 1"), "{error}");
}

#[test]
fn the_kernel_is_named_by_what_its_name_depends_on() {
    let kernel = "linux-image-6.12.1+deb13-arm64";
    let depends = format!("{kernel} (= 6.12.1-1)");
    assert_eq!(trees::kernel(&depends).unwrap(), kernel);
    assert!(trees::kernel("initramfs-tools").is_err());
}

#[test]
fn device_trees_that_boards_name_are_in_the_list() {
    let list = layout::root().join("boards/device-trees.toml");
    let files = trees::files(&fs::read_to_string(list).unwrap()).unwrap();
    for board in crate::board::all().unwrap() {
        let card = board.card.map(|card| card.device_tree);
        for tree in card.into_iter() {
            assert!(files.contains(&tree), "{}: no {tree}", board.name);
        }
    }
}
