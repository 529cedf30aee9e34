//! The reader finds in real trees what a person finds, and survives changes.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use super::real_trees;
use crate::device_tree::writer::Writer;
use crate::device_tree::{DeviceTree, Gic, Machine, MachineError};
use crate::test_random::Random;

/// What `boards/device-trees.toml` says of a tree.
struct Facts(toml::Table);

impl Facts {
    /// Of all trees, by the names of their files.
    fn all() -> Vec<(String, Facts)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let list = root.join("boards/device-trees.toml");
        let list: toml::Table =
            fs::read_to_string(list).unwrap().parse().unwrap();
        let name = |path: &str| path.rsplit('/').next().unwrap().into();
        let facts = |value: toml::Value| Facts(value.try_into().unwrap());
        list.into_iter().map(|(path, it)| (name(&path), facts(it))).collect()
    }

    fn number(&self, key: &str) -> Option<u64> {
        Some(self.0.get(key)?.as_integer().unwrap() as u64)
    }
}

/// `blob` with memory in it, which boot loaders add.
fn with_memory(blob: &[u8]) -> Vec<u8> {
    let root = DeviceTree::new(blob).unwrap().root();
    let cells = |name| root.word(name).unwrap() as usize;
    let (address, size) = (cells("#address-cells"), cells("#size-cells"));
    // The high words are 0.
    let mut words = [0; 4];
    words[address - 1] = 0x4000_0000;
    words[address + size - 1] = 0x4000_0000;
    Writer::edit(blob)
        .begin("memory")
        .text("device_type", "memory")
        .cells("reg", &words[..address + size])
        .end()
        .end()
        .blob()
}

fn ensure_facts(name: &str, blob: &[u8], facts: &Facts) {
    let blob = with_memory(blob);
    let tree = DeviceTree::new(&blob).unwrap();
    let machine = match Machine::read(&tree) {
        Ok(machine) => machine,
        Err(error) => {
            assert_eq!(error, MachineError::NoInterruptController, "{name}");
            return assert_eq!(facts.number("gic"), Some(0), "{name}");
        }
    };
    let version = match machine.gic {
        Gic::V2 { .. } => 2,
        Gic::V3 { .. } => 3,
    };
    assert_eq!(Some(version), facts.number("gic"), "{name}");
    assert_eq!(Some(machine.cpus.len() as u64), facts.number("cpus"), "{name}");
    let console = machine.console.map(|port| port.registers.start);
    assert_eq!(console, facts.number("console"), "{name}");
    let watchdog = machine.watchdog.map(|registers| registers.start);
    assert_eq!(watchdog, facts.number("watchdog"), "{name}");
    let light = machine.status_light;
    let controller = light.map(|light| light.registers.start);
    assert_eq!(controller, facts.number("light"), "{name}");
    let line = light.map(|light| u64::from(light.line));
    assert_eq!(line, facts.number("light_line"), "{name}");
}

#[test]
fn real_trees_are_read_as_a_person_reads_them() {
    let mut facts = Facts::all();
    let count = facts.len();
    // Where Debian's are missing, as they may, there are others or none.
    for (name, blob) in real_trees() {
        let Some(at) = facts.iter().position(|(it, _)| *it == name) else {
            continue;
        };
        ensure_facts(&name, &blob, &facts.swap_remove(at).1);
    }
    assert!(facts.is_empty() || facts.len() == count, "some are missing");
}

#[test]
fn no_change_of_a_real_tree_makes_the_reader_panic() {
    let mut random = Random::new(0x7ee5);
    for (name, blob) in real_trees() {
        let blob = with_memory(&blob);
        for round in 0..100 {
            let mut changed = blob.clone();
            random.mutate(&mut changed);
            let outcome = catch_unwind(|| {
                let tree = DeviceTree::new(&changed).ok()?;
                Machine::early_console(&tree);
                Machine::read(&tree).ok().map(|machine| machine.cpus.len())
            });
            assert!(outcome.is_ok(), "{name}, round {round}");
        }
    }
}
