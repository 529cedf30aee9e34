//! Redirections: done for a command, and undone after it where the shell
//! itself ran it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::O_CLOEXEC;
use user_lib::process::{self, Fork};
use user_lib::{Errno, Message, file, output};

use crate::sh::ast::{Redirect, Target};
use crate::sh::expand::Trouble;
use crate::sh::state::Shell;

/// Where descriptors of the shell's own start.
const OWN: i32 = 10;
/// What a pipe takes without a reader.
const PIPE_SIZE: usize = 4096;

/// Descriptors as they were: the number, and a copy if it was open.
#[derive(Default)]
pub struct Saved(Vec<(i32, Option<i32>)>);

impl Saved {
    fn save(&mut self, descriptor: i32) {
        if self.0.iter().all(|(saved, _)| *saved != descriptor) {
            let copy = file::duplicate_above(descriptor, OWN).ok();
            self.0.push((descriptor, copy));
        }
    }

    /// Puts descriptors back. What was printed goes where it should.
    pub fn restore(self) {
        // Its error was reported when the builtin ended.
        let _ = output::flush();
        for (descriptor, copy) in self.0.into_iter().rev() {
            // Neither call fails for descriptors that were open.
            match copy {
                Some(copy) => {
                    let _ = file::duplicate(copy, descriptor, 0);
                    let _ = file::close(copy);
                }
                None => drop(file::close(descriptor)),
            }
        }
    }
}

impl Shell {
    /// Redirects, and remembers how it was.
    ///
    /// # Errors
    /// What could not be opened; all is put back then.
    pub fn redirect_for_now(
        &mut self,
        redirects: &[Redirect],
    ) -> Result<Saved, Trouble> {
        let mut saved = Saved::default();
        for redirect in redirects {
            // What was printed before goes where it went then.
            let _ = output::flush();
            saved.save(redirect.descriptor);
            if let Err(trouble) = self.redirect_one(redirect) {
                saved.restore();
                return Err(trouble);
            }
        }
        Ok(saved)
    }

    /// Redirects for good.
    ///
    /// # Errors
    /// What could not be opened.
    pub fn redirect(&mut self, redirects: &[Redirect]) -> Result<(), Trouble> {
        redirects.iter().try_for_each(|redirect| self.redirect_one(redirect))
    }

    fn redirect_one(&mut self, redirect: &Redirect) -> Result<(), Trouble> {
        let descriptor = redirect.descriptor;
        match &redirect.target {
            Target::File { name, flags } => {
                let name = self.expand_text(name)?;
                let opened = file::open(&name, *flags, 0o666)
                    .map_err(|error| trouble(&name, error))?;
                put(opened, descriptor).map_err(|error| trouble(&name, error))
            }
            Target::Descriptor(word) => {
                let word = self.expand_text(word)?;
                copy(&word, descriptor).map_err(|error| trouble(&word, error))
            }
            Target::Here(text) => {
                let text = text.get().cloned().unwrap_or_default();
                let text = self.expand_text(&text)?;
                let from = provide(text)
                    .map_err(|error| trouble("here-document", error))?;
                put(from, descriptor)
                    .map_err(|error| trouble("here-document", error))
            }
        }
    }
}

fn trouble(what: &str, error: Errno) -> Trouble {
    format!("{what}: {}", error.message())
}

/// Moves an open file to a descriptor.
fn put(opened: i32, descriptor: i32) -> user_lib::Result<()> {
    if opened != descriptor {
        file::duplicate(opened, descriptor, 0)?;
        file::close(opened)?;
    }
    Ok(())
}

/// Does `>&word`.
fn copy(word: &str, descriptor: i32) -> user_lib::Result<()> {
    if word == "-" {
        // Closing what is closed is no mistake.
        let _ = file::close(descriptor);
        return Ok(());
    }
    let from = word.parse().map_err(|_| Errno::EBADF)?;
    if from == descriptor {
        return Ok(());
    }
    file::duplicate(from, descriptor, 0)
}

/// A descriptor that gives the text: a pipe, which a child fills if the text
/// does not fit into it.
fn provide(text: String) -> user_lib::Result<i32> {
    let [from, to] = file::pipe(O_CLOEXEC)?;
    if text.len() <= PIPE_SIZE {
        file::write_all(to, text.as_bytes())?;
    } else if process::fork()? == Fork::Child {
        let _ = file::close(from);
        let result = file::write_all(to, text.as_bytes());
        process::exit(i32::from(result.is_err()));
    }
    file::close(to)?;
    Ok(from)
}
