//! `hexdump`: prints bytes in hexadecimal and as letters, 16 in a line.

use alloc::format;
use alloc::string::String;

use user_lib::{Result, file, println};

use crate::text::reader::each_input;
use user_lib::option::Options;

const LINE: usize = 16;

/// Runs `hexdump`; the form is always that of `-C`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "Cn:") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match options.number('n', u64::MAX) {
        Ok(limit) => {
            each_input("hexdump", &options.operands, |descriptor, _| {
                dump(descriptor, limit)
            })
        }
        Err(status) => status,
    }
}

fn dump(descriptor: i32, limit: u64) -> Result<()> {
    let mut offset = 0;
    loop {
        let mut line = [0; LINE];
        let wanted = (limit - offset).min(LINE as u64) as usize;
        let count = fill(descriptor, &mut line[..wanted])?;
        if count > 0 {
            show(offset, &line[..count]);
        }
        offset += count as u64;
        if count < LINE {
            println!("{offset:08x}");
            return Ok(());
        }
    }
}

/// Reads until the buffer is full or the input ends; gives the count.
fn fill(descriptor: i32, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file::read(descriptor, &mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

fn show(offset: u64, bytes: &[u8]) {
    let mut hex = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let gap = if index == LINE / 2 { " " } else { "" };
        hex += &format!("{gap}{byte:02x} ");
    }
    let is_shown = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let letters: String = bytes
        .iter()
        .map(|byte| if is_shown(byte) { char::from(*byte) } else { '.' })
        .collect();
    println!("{offset:08x}  {hex:49} |{letters}|");
}
