//! The boot archive: cpio `newc`, plain or compressed with gzip, several in
//! a row with zeros between them (Linux's *initramfs buffer format*).
//!
//! It is unpacked while it is decompressed and never lies in memory as a
//! whole. An archive can be damaged or hostile: what came before the damage
//! stays, and the error names the place. Next: `initramfs/fill.rs`, which
//! makes the files.

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use kernel_abi::Errno;
use kernel_core::cpio::{self, Reader};
use kernel_core::gzip;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::location::Location;

mod fill;

use fill::Filler;

/// Bytes that are decompressed at once. A power of two, and at least the
/// 32 KiB that deflate looks back.
const WINDOW: usize = 64 * 1024;

/// Why unpacking stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// Neither an archive nor gzip starts at this byte.
    Unknown(usize),
    /// The archive in the stream that starts here is damaged.
    Archive(usize, cpio::Error),
    /// The gzip stream that starts here is damaged.
    Gzip(usize),
    /// A file could not be made.
    File(Errno),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unknown(at) => {
                write!(f, "neither cpio nor gzip at byte {at}")
            }
            Error::Archive(at, error) => {
                write!(f, "{error} of the stream at byte {at}")
            }
            Error::Gzip(at) => write!(f, "damaged gzip stream at byte {at}"),
            Error::File(error) => write!(f, "cannot make a file: {error}"),
        }
    }
}

/// Makes below `root` what `image` holds.
///
/// # Errors
/// See [`Error`]. All that came before the place of the error is there.
pub fn unpack(root: &Location, image: &[u8]) -> Result<(), Error> {
    let mut filler = Filler::new(root.clone());
    let mut at = 0;
    loop {
        let rest = &image[at..];
        let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
        at += zeros;
        let rest = &rest[zeros..];
        at += if rest.is_empty() {
            break;
        } else if gzip::is_gzip(rest) {
            unpack_gzip(rest, at, &mut filler)?
        } else if Reader::is_archive(rest) {
            unpack_plain(rest, at, &mut filler)?
        } else {
            return Err(Error::Unknown(at));
        };
    }
    filler.finish().map_err(Error::File)
}

/// Unpacks one archive; gives its length.
fn unpack_plain(
    bytes: &[u8],
    at: usize,
    filler: &mut Filler,
) -> Result<usize, Error> {
    let mut reader = Reader::new();
    let damaged = |error| Error::Archive(at, error);
    let used = reader.feed(bytes, filler).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    Ok(used)
}

/// Unpacks one gzip stream, which may hold several archives; gives its
/// length.
fn unpack_gzip(
    bytes: &[u8],
    at: usize,
    filler: &mut Filler,
) -> Result<usize, Error> {
    let damaged = Error::Gzip(at);
    let mut used = gzip::data_start(bytes).ok_or(damaged)?;
    let mut inflater: Box<DecompressorOxide> = Box::default();
    let mut window = vec![0; WINDOW];
    let mut place = 0;
    let (mut reader, mut check) = (Reader::new(), gzip::Check::new());
    loop {
        let input = &bytes[used..];
        let (status, consumed, written) =
            decompress(&mut inflater, input, &mut window, place, 0);
        used += consumed;
        let new = &window[place..place + written];
        check.add(new);
        feed(&mut reader, new, filler)
            .map_err(|error| Error::Archive(at, error))?;
        place = (place + written) % WINDOW;
        match status {
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::Done => break,
            _ => return Err(damaged),
        }
    }
    let trailer = bytes.get(used..used + gzip::TRAILER).ok_or(damaged)?;
    if !check.matches(trailer) {
        return Err(damaged);
    }
    reader.finish().map_err(|error| Error::Archive(at, error))?;
    Ok(used + gzip::TRAILER)
}

fn feed(
    reader: &mut Reader,
    bytes: &[u8],
    filler: &mut Filler,
) -> Result<(), cpio::Error> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let used = reader.feed(rest, filler)?;
        rest = &rest[used..];
    }
    Ok(())
}
