//! Writes the `newc` form of cpio, as Linux's *initramfs buffer format*
//! describes it: per file a header of hexadecimal fields, the name and the
//! content, each padded to 4 bytes.
use super::{Node, Tree};

const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

/// Name of the record that ends an archive.
const TRAILER: &str = "TRAILER!!!";

/// One header with what follows it.
struct Record<'a> {
    inode: u32,
    mode: u32,
    links: u32,
    device: (u32, u32),
    name: &'a str,
    content: &'a [u8],
}

/// All of `tree`, uncompressed.
pub fn archive(tree: &Tree) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (inode, (path, node)) in (1..).zip(tree.iter()) {
        record(inode, path, node).write(&mut bytes);
    }
    let end = Record {
        inode: 0,
        mode: 0,
        links: 1,
        device: (0, 0),
        name: TRAILER,
        content: &[],
    };
    end.write(&mut bytes);
    bytes
}

fn record<'a>(inode: u32, path: &'a str, node: &'a Node) -> Record<'a> {
    let (mode, links, device, content) = match node {
        Node::Folder { mode } => (FOLDER | mode, 2, (0, 0), &[][..]),
        Node::File { mode, content } => {
            (FILE | mode, 1, (0, 0), content.as_slice())
        }
        Node::Link { target } => (LINK | 0o777, 1, (0, 0), target.as_bytes()),
        Node::CharacterDevice { mode, major, minor } => {
            (CHARACTER_DEVICE | mode, 1, (*major, *minor), &[][..])
        }
    };
    let name = path.trim_start_matches('/');
    Record { inode, mode, links, device, name, content }
}

impl Record<'_> {
    fn write(&self, bytes: &mut Vec<u8>) {
        let size = u32::try_from(self.content.len()).expect("under 4 GiB");
        let name_size = u32::try_from(self.name.len() + 1).expect("a path");
        // Owner, group and time stay 0, so that two builds are the same.
        let fields = [
            self.inode,
            self.mode,
            0,
            0,
            self.links,
            0,
            size,
            0,
            0,
            self.device.0,
            self.device.1,
            name_size,
            0,
        ];
        bytes.extend_from_slice(b"070701");
        for field in fields {
            bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.push(0);
        pad(bytes);
        bytes.extend_from_slice(self.content);
        pad(bytes);
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
