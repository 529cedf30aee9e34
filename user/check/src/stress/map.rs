//! Memory in random pieces, and a stack as deep as it may be.

use user_lib::linux::{PROT_NONE, PROT_READ, PROT_WRITE, SIGSEGV};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::{Errno, println};

use super::usage::ensure_none_lost;
use crate::random::Generator;
use crate::tool::{Outcome, ensure, ensure_eq, in_child};

/// Pages of the mapping that is cut to pieces.
const PAGES: usize = 64;

/// Protects, unmaps, forks, writes and reads at random, against a model of
/// what each page should hold.
pub fn random_mappings(rounds: u32) -> Outcome {
    ensure_none_lost(|| play(rounds, 2))
}

/// What may be done with a page, and what is in its first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Open(u8),
    ReadOnly(u8),
    Closed(u8),
    Gone,
}

impl Page {
    fn protect(&mut self, protection: u32) {
        if let Page::Open(it) | Page::ReadOnly(it) | Page::Closed(it) = *self {
            *self = match protection {
                PROT_NONE => Page::Closed(it),
                PROT_READ => Page::ReadOnly(it),
                _ => Page::Open(it),
            };
        }
    }
}

fn play(rounds: u32, seed: u64) -> Outcome {
    let mut generator = Generator::new(seed);
    let mut rounds = rounds;
    while rounds > 0 {
        let sharing = match generator.next() % 2 {
            0 => Sharing::Private,
            _ => Sharing::Shared,
        };
        let mapping = Mapping::new(PAGES * PAGE_SIZE, sharing)?;
        let mut game =
            Game { mapping, pages: [Page::Open(0); PAGES], generator };
        for _ in 0..rounds.min(200) {
            game.step(sharing)?;
            rounds -= 1;
        }
        game.ensure_right()?;
        generator = game.generator;
    }
    println!("random mappings, seed {seed}");
    Ok(())
}

struct Game {
    mapping: Mapping,
    pages: [Page; PAGES],
    generator: Generator,
}

impl Game {
    fn random(&mut self, below: usize) -> usize {
        (self.generator.next() >> 8) as usize % below
    }

    fn step(&mut self, sharing: Sharing) -> Outcome {
        let first = self.random(PAGES);
        let count = 1 + self.random((PAGES - first).min(9));
        let place = (first * PAGE_SIZE, count * PAGE_SIZE);
        match self.random(100) {
            0..40 => self.write(first),
            40..60 => self.protect(place, PROT_READ)?,
            60..75 => self.protect(place, PROT_READ | PROT_WRITE)?,
            75..85 => self.protect(place, PROT_NONE)?,
            85..87 => self.unmap(place)?,
            87..90 => self.fork(sharing)?,
            _ => self.ensure_fault(first)?,
        }
        Ok(())
    }

    fn write(&mut self, page: usize) {
        let value = self.random(256) as u8;
        if let Page::Open(_) = self.pages[page] {
            self.mapping.write(page * PAGE_SIZE, value);
            self.pages[page] = Page::Open(value);
        }
    }

    fn protect(
        &mut self,
        (offset, length): (usize, usize),
        protection: u32,
    ) -> Outcome {
        let pages = offset / PAGE_SIZE..(offset + length) / PAGE_SIZE;
        if self.pages[pages.start] == Page::Gone {
            let result = self.mapping.protect(offset, length, protection);
            ensure_eq!(result, Err(Errno::ENOMEM));
            return Ok(());
        }
        // Before a hole, one kernel changes pages and another does not.
        if self.pages[pages.clone()].contains(&Page::Gone) {
            return Ok(());
        }
        self.mapping.protect(offset, length, protection)?;
        for page in &mut self.pages[pages] {
            page.protect(protection);
        }
        Ok(())
    }

    fn unmap(&mut self, (offset, length): (usize, usize)) -> Outcome {
        self.mapping.unmap(offset, length)?;
        let pages = offset / PAGE_SIZE..(offset + length) / PAGE_SIZE;
        self.pages[pages].fill(Page::Gone);
        Ok(())
    }

    /// A child sees what its parent sees; what it writes is its own if the
    /// memory is private.
    fn fork(&mut self, sharing: Sharing) -> Outcome {
        let page = self.random(PAGES);
        let status = in_child(|| {
            self.ensure_right()?;
            if let Page::Open(old) = self.pages[page] {
                self.mapping.write(page * PAGE_SIZE, !old);
            }
            Ok(0)
        })?;
        ensure_eq!(status.exit_code(), Some(0));
        if let (Page::Open(old), Sharing::Shared) = (self.pages[page], sharing)
        {
            self.pages[page] = Page::Open(!old);
        }
        self.ensure_right()
    }

    fn ensure_right(&self) -> Outcome {
        for (index, page) in self.pages.iter().enumerate() {
            if let Page::Open(value) | Page::ReadOnly(value) = *page {
                ensure_eq!(self.mapping.read(index * PAGE_SIZE), value);
            }
        }
        Ok(())
    }

    /// What must fault does.
    fn ensure_fault(&mut self, page: usize) -> Outcome {
        let offset = page * PAGE_SIZE;
        let status = match self.pages[page] {
            Page::Open(_) => return Ok(()),
            Page::ReadOnly(_) => in_child(|| {
                self.mapping.write(offset, 1);
                Ok(0)
            })?,
            Page::Closed(_) | Page::Gone => {
                in_child(|| Ok(i32::from(self.mapping.read(offset))))?
            }
        };
        ensure_eq!(status.killed_by(), Some(SIGSEGV));
        Ok(())
    }
}

/// A stack grows as deep as it may, and ends in `SIGSEGV`, not in anything
/// worse.
pub fn deep_stack(rounds: u32) -> Outcome {
    ensure_none_lost(|| (0..rounds).try_for_each(|_| overflow()))
}

fn overflow() -> Outcome {
    let fits = in_child(|| Ok(i32::from(deepen(1000) == 0)))?;
    ensure_eq!(fits.exit_code(), Some(0));
    let ends = in_child(|| Ok(i32::from(deepen(u32::MAX) == 0)))?;
    ensure!(ends.killed_by() == Some(SIGSEGV));
    Ok(())
}

/// Takes a page of stack at each level.
fn deepen(levels: u32) -> usize {
    let page = core::hint::black_box([levels as u8; PAGE_SIZE]);
    if levels == 0 {
        return 1;
    }
    let below = deepen(levels - 1);
    below + usize::from(core::hint::black_box(&page)[7] == !(levels as u8))
}
