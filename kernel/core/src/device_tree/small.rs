//! Small devices that a tree describes: the status light, the watchdog.

use super::search::find_on_bus;
use super::token::word;
use super::{Bus, DeviceTree, Node, Span};

/// GPIO controllers that the kernel knows.
const BANKS: [&str; 1] = ["rockchip,gpio-bank"];
const WATCHDOGS: [&str; 1] = ["snps,dw-wdt"];

/// A flag of a GPIO specifier: a low level is the active one.
const ACTIVE_LOW: u32 = 1;

/// The light that tells how the machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLight {
    /// Registers of its GPIO controller.
    pub registers: Span,
    /// Its line there.
    pub line: u32,
    /// A low level lights it.
    pub is_active_low: bool,
}

/// The light that is meant to show a heart beat, or else the status, among
/// those that hang on a GPIO controller that the kernel knows.
pub fn status_light(tree: &DeviceTree<'_>) -> Option<StatusLight> {
    let lights = || {
        let groups = tree.nodes().filter(|node| {
            node.is_compatible(&["gpio-leds"]) && node.is_enabled()
        });
        groups.flat_map(|group| group.children()).filter(Node::is_enabled)
    };
    let says = |name: &'static str, word: &'static str| {
        lights().find(move |light| light.text(name) == Some(word))
    };
    let light = says("linux,default-trigger", "heartbeat")
        .or_else(|| says("function", "heartbeat"))
        .or_else(|| says("function", "status"))?;
    let specifier = light.property("gpios")?;
    let [controller, line, flags] =
        [0, 4, 8].map(|offset| word(specifier, offset));
    let registers = bank(tree, controller?)?;
    let is_active_low = flags? & ACTIVE_LOW != 0;
    Some(StatusLight { registers, line: line?, is_active_low })
}

/// Registers of the GPIO bank with this phandle.
fn bank(tree: &DeviceTree<'_>, phandle: u32) -> Option<Span> {
    let is_meant = |node: &Node<'_>| {
        node.word("phandle") == Some(phandle)
            && node.is_compatible(&BANKS)
            && node.word("#gpio-cells") == Some(2)
    };
    find_on_bus(tree, is_meant, registers)
}

/// Registers of the watchdog.
pub fn watchdog(tree: &DeviceTree<'_>) -> Option<Span> {
    let is_meant =
        |node: &Node<'_>| node.is_compatible(&WATCHDOGS) && node.is_enabled();
    find_on_bus(tree, is_meant, registers)
}

fn registers(node: Node<'_>, bus: &Bus<'_, '_>) -> Option<Span> {
    bus.reg(node).find(|span| span.size >= 0x80)
}
