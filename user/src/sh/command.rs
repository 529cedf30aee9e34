//! Commands made of words: functions, builtins and programs, in that order.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{Errno, Message, file, output, process};
use user_prompt::suggestion::nearest;

use crate::sh::ast::{Command, Simple};
use crate::sh::expand::Trouble;
use crate::sh::lookup;
use crate::sh::state::{Flow, Ran, Run, Shell, Variable};
use crate::system::which;

/// Status of a command that was not found.
const NOT_FOUND: i32 = 127;
/// Status of a command that could not be run.
const NOT_RUN: i32 = 126;

impl Shell {
    /// Runs a command made of words.
    ///
    /// # Errors
    /// Where to go on instead.
    pub fn run_simple(&mut self, simple: &Simple) -> Ran {
        let may_replace = core::mem::take(&mut self.is_disposable);
        self.substitution_status = None;
        let words = match self.expand_words(&simple.words) {
            Ok(words) => words,
            Err(trouble) => return self.fail_expansion(&trouble),
        };
        if self.switches.shows_commands && !words.is_empty() {
            user_lib::eprintln!("+ {}", words.join(" "));
        }
        let Some(name) = words.first() else {
            return self.assign_only(simple);
        };
        if let Some(body) = self.functions.get(name).cloned() {
            return self
                .with_redirects(simple, |shell| shell.call(&body, &words));
        }
        if name == "exec" {
            return self.run_exec(simple, &words[1..]);
        }
        if let Some(builtin) = self.builtin(name) {
            return self.with_redirects(simple, |shell| {
                shell.run_builtin(builtin.run, &words)
            });
        }
        if may_replace {
            process::exit(self.become_program(simple, &words));
        }
        self.in_foreground(&words.join(" "), |shell| {
            shell.become_program(simple, &words)
        })
    }

    /// Assignments without a command last; redirections open and close.
    fn assign_only(&mut self, simple: &Simple) -> Ran {
        match self.redirect_for_now(&simple.redirects) {
            Ok(saved) => saved.restore(),
            Err(trouble) => {
                self.complain(&trouble);
                self.status = 1;
                return Ok(());
            }
        }
        if let Err(trouble) = self.assign(simple) {
            return self.fail_expansion(&trouble);
        }
        self.status = self.substitution_status.unwrap_or(0);
        Ok(())
    }

    fn assign(&mut self, simple: &Simple) -> Result<(), Trouble> {
        for (name, word) in &simple.assignments {
            let value = self.expand_text(word)?;
            self.set_variable(name, &value);
        }
        Ok(())
    }

    fn assign_exported(&mut self, simple: &Simple) -> Result<(), Trouble> {
        self.assign(simple)?;
        for (name, _) in &simple.assignments {
            self.export(name);
        }
        Ok(())
    }

    /// Runs something in this process with the redirections and assignments
    /// of a command, which are undone after it.
    fn with_redirects(
        &mut self,
        simple: &Simple,
        run: impl FnOnce(&mut Self) -> Ran,
    ) -> Ran {
        let saved = match self.redirect_for_now(&simple.redirects) {
            Ok(saved) => saved,
            Err(trouble) => {
                self.complain(&trouble);
                self.status = 1;
                return Ok(());
            }
        };
        let names = simple.assignments.iter().map(|(name, _)| name);
        let before: Vec<(String, Option<Variable>)> =
            names.map(|name| (name.clone(), self.copy_of(name))).collect();
        let ran = match self.assign_exported(simple) {
            Ok(()) => run(self),
            Err(trouble) => self.fail_expansion(&trouble),
        };
        for (name, variable) in before {
            self.restore(&name, variable);
        }
        saved.restore();
        ran
    }

    fn run_builtin(&mut self, builtin: Run, words: &[String]) -> Ran {
        let ran = builtin(self, words);
        // What it printed goes out in one write, while it is still
        // redirected.
        let flushed = output::flush();
        output::discard();
        if let Ok(status) = ran {
            self.status = status;
        }
        if let Err(error) = flushed {
            self.complain(&format!("write error: {}", error.message()));
            self.status = 1;
        }
        ran.map(drop)
    }

    fn call(&mut self, body: &Rc<Command>, words: &[String]) -> Ran {
        let arguments = words[1..].to_vec();
        let positional = core::mem::replace(&mut self.positional, arguments);
        let loops = core::mem::take(&mut self.loops);
        self.locals.push(Vec::new());
        let ran = self.run_command(body);
        for (name, variable) in self.locals.pop().unwrap_or_default() {
            self.restore(&name, variable);
        }
        self.positional = positional;
        self.loops = loops;
        match ran {
            Err(Flow::Return) => Ok(()),
            ran => ran,
        }
    }

    /// `exec`: redirects for good, or becomes a program.
    fn run_exec(&mut self, simple: &Simple, words: &[String]) -> Ran {
        if !words.is_empty() {
            self.reset_signals();
            process::exit(self.become_program(simple, words));
        }
        self.status = 0;
        if let Err(trouble) = self.redirect(&simple.redirects) {
            self.complain(&trouble);
            self.status = 1;
        }
        Ok(())
    }

    /// Becomes the program that the words say; gives a status if it cannot.
    fn become_program(&mut self, simple: &Simple, words: &[String]) -> i32 {
        let prepared = self
            .redirect(&simple.redirects)
            .and_then(|()| self.assign_exported(simple));
        if let Err(trouble) = prepared {
            self.complain(&trouble);
            return 1;
        }
        let name = &words[0];
        let search_path = self.variable("PATH").unwrap_or(which::DEFAULT_PATH);
        let Some(path) = which::find(name, search_path) else {
            // A system without links still has its programs.
            if let Some(program) = self.program(name) {
                let status = (program.main)(words);
                return if output::flush().is_ok() { status } else { 1 };
            }
            self.complain(&format!("{name}: not found"));
            self.suggest(name);
            return NOT_FOUND;
        };
        let error = process::execute(&path, words, &self.exported());
        if error == Errno::ENOEXEC {
            return self.run_as_script(&path, words);
        }
        self.complain(&format!("{name}: {}", error.message()));
        if error == Errno::ENOENT { NOT_FOUND } else { NOT_RUN }
    }

    /// Becomes the program that the words say, or ends.
    pub fn replace_by(&mut self, words: &[String]) -> ! {
        self.reset_signals();
        process::exit(self.become_program(&Simple::default(), words))
    }

    /// Tells a person which command a wrong one may have been meant to be.
    fn suggest(&self, wrong: &str) {
        if self.is_for_person && !wrong.contains('/') {
            let names = lookup::commands(self);
            let names = names.iter().map(String::as_str);
            if let Some(name) = nearest(wrong, names) {
                self.complain(&format!("did you mean {name}?"));
            }
        }
    }

    /// Runs a file that the kernel does not know how to.
    fn run_as_script(&mut self, path: &str, words: &[String]) -> i32 {
        match file::contents(path) {
            Ok(bytes) if !bytes.contains(&0) => {
                let text = String::from_utf8_lossy(&bytes);
                self.name = String::from(path);
                self.positional = words[1..].to_vec();
                self.functions.clear();
                self.run_program(&text)
            }
            _ => {
                self.complain(&format!("{path}: Exec format error"));
                NOT_RUN
            }
        }
    }
}
