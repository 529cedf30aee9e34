//! What a shell knows: variables, functions, positional parameters, jobs.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use user_lib::linux::termios;
use user_lib::{environment, process};
use user_prompt::editor::Editor;

use crate::program::{self, Program};
use crate::sh::arithmetic::{self, Names};
use crate::sh::ast::Command;
use crate::sh::job::Jobs;
use crate::sh::name::is_name;
use crate::sh::signal::Traps;

/// Why commands after this one are not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// `break`, out of so many loops.
    Break(u32),
    /// `continue`, in the loop so many outwards.
    Continue(u32),
    /// `return` from a function or a script that was read with `.`.
    Return,
    /// `exit`.
    Exit,
    /// `^C` in an interactive shell: back to the prompt.
    Interrupt,
}

/// What running something gives; the status is in the shell.
pub type Ran = Result<(), Flow>;

/// A command of the shell itself: takes its words (the first is its name),
/// gives the status. What it prints is written out after it.
pub type Run = fn(&mut Shell, &[String]) -> Result<i32, Flow>;

/// A command of the shell itself.
pub struct Builtin {
    /// What it is called by.
    pub name: &'static str,
    /// What it does and takes, in one line.
    pub help: &'static str,
    /// Its code.
    pub run: Run,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// `None`: marked for export, but not set.
    pub value: Option<String>,
    /// Whether programs get it.
    pub is_exported: bool,
}

/// What `set` changes.
#[derive(Clone, Copy, Default)]
pub struct Switches {
    /// `-e`: a command that fails ends the shell.
    pub ends_on_failure: bool,
    /// `-x`: commands are shown before they run.
    pub shows_commands: bool,
    /// `-u`: a variable that is not set is an error.
    pub refuses_unset: bool,
    /// `-f`: no globbing.
    pub has_no_glob: bool,
}

/// A shell.
pub struct Shell {
    /// `$0`.
    pub name: String,
    /// `$1` and so on.
    pub positional: Vec<String>,
    /// `$?`.
    pub status: i32,
    /// The status of the last `$(…)` of a command.
    pub substitution_status: Option<i32>,
    /// `$!`.
    pub last_background: Option<i32>,
    /// `$$`, in subshells too.
    pub id: i32,
    /// By `set`.
    pub switches: Switches,
    /// Whether it prompts and survives mistakes.
    pub is_interactive: bool,
    /// Whether a person is there, also in its subshells.
    pub is_for_person: bool,
    /// Whether jobs get groups of their own and the terminal.
    pub has_job_control: bool,
    /// Whether this process is for one command, which may replace it.
    pub is_disposable: bool,
    /// How many conditions we are in, where failing is no failure.
    pub conditions: u32,
    /// How many loops of this function we are in.
    pub loops: u32,
    /// By name.
    pub functions: BTreeMap<String, Rc<Command>>,
    /// In the background or stopped.
    pub jobs: Jobs,
    /// What to run on signals.
    pub traps: Traps,
    /// Values that `local` put aside, for each function we are in.
    pub locals: Vec<Vec<(String, Option<Variable>)>>,
    /// The line at the prompt, and those before it.
    pub editor: Editor,
    /// The terminal's settings when a job last ended well; a job that is
    /// killed may leave others.
    pub settings: Option<termios>,
    /// Its own commands, by name.
    pub builtins: &'static [Builtin],
    /// The programs of this file, by name.
    pub programs: &'static [Program],
    variables: BTreeMap<String, Variable>,
}

impl Shell {
    /// A shell with the variables of the environment.
    pub fn new(
        name: &str,
        builtins: &'static [Builtin],
        programs: &'static [Program],
    ) -> Self {
        let mut variables = BTreeMap::new();
        for entry in environment() {
            if let Some((name, value)) = entry.split_once('=')
                && is_name(name)
            {
                let value = Some(String::from(value));
                let variable = Variable { value, is_exported: true };
                variables.insert(String::from(name), variable);
            }
        }
        Self {
            name: String::from(name),
            positional: Vec::new(),
            status: 0,
            substitution_status: None,
            last_background: None,
            id: process::current_id(),
            switches: Switches::default(),
            is_interactive: false,
            is_for_person: false,
            has_job_control: false,
            is_disposable: false,
            conditions: 0,
            loops: 0,
            functions: BTreeMap::new(),
            jobs: Jobs::default(),
            traps: Traps::default(),
            locals: Vec::new(),
            editor: Editor::default(),
            settings: None,
            builtins,
            programs,
            variables,
        }
    }

    /// The command of its own that has this name.
    pub fn builtin(&self, name: &str) -> Option<&'static Builtin> {
        let key = |builtin: &Builtin| builtin.name;
        let index = self.builtins.binary_search_by_key(&name, key);
        index.ok().map(|index| &self.builtins[index])
    }

    /// The program of this file that has this name.
    pub fn program(&self, name: &str) -> Option<&'static Program> {
        program::find(self.programs, name)
    }

    /// A variable's value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.value.as_deref()
    }

    /// All variables, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&String, &Variable)> {
        self.variables.iter()
    }

    /// Sets a variable; it stays exported if it was.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        let value = Some(String::from(value));
        match self.variables.get_mut(name) {
            Some(variable) => variable.value = value,
            None => {
                let variable = Variable { value, is_exported: false };
                self.variables.insert(String::from(name), variable);
            }
        }
    }

    /// Lets programs have a variable.
    pub fn export(&mut self, name: &str) {
        self.variables
            .entry(String::from(name))
            .or_insert(Variable { value: None, is_exported: true })
            .is_exported = true;
    }

    /// Takes a variable away.
    pub fn unset(&mut self, name: &str) -> Option<Variable> {
        self.variables.remove(name)
    }

    /// Puts a variable back to what [`Shell::unset`] or a copy gave.
    pub fn restore(&mut self, name: &str, saved: Option<Variable>) {
        match saved {
            Some(variable) => {
                self.variables.insert(String::from(name), variable);
            }
            None => drop(self.unset(name)),
        }
    }

    /// A copy of a variable, for [`Shell::restore`].
    pub fn copy_of(&self, name: &str) -> Option<Variable> {
        self.variables.get(name).cloned()
    }

    /// The environment for programs.
    pub fn exported(&self) -> Vec<String> {
        self.variables
            .iter()
            .filter(|(_, variable)| variable.is_exported)
            .filter_map(|(name, variable)| {
                Some(format!("{name}={}", variable.value.as_ref()?))
            })
            .collect()
    }

    /// The value of a parameter: a variable, a number or a special letter.
    /// `@` and `*` are joined by blanks.
    pub fn parameter(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.status.to_string()),
            "$" => Some(self.id.to_string()),
            "!" => self.last_background.map(|pid| pid.to_string()),
            "#" => Some(self.positional.len().to_string()),
            "-" => Some(self.switch_letters()),
            "0" => Some(self.name.clone()),
            "@" | "*" if self.positional.is_empty() => None,
            "@" | "*" => Some(self.positional.join(" ")),
            _ => match name.parse::<usize>() {
                Ok(number) => self.positional.get(number - 1).cloned(),
                Err(_) => self.variable(name).map(String::from),
            },
        }
    }

    fn switch_letters(&self) -> String {
        let letters = [
            ('e', self.switches.ends_on_failure),
            ('f', self.switches.has_no_glob),
            ('i', self.is_interactive),
            ('u', self.switches.refuses_unset),
            ('x', self.switches.shows_commands),
        ];
        letters
            .iter()
            .filter(|(_, on)| *on)
            .map(|(letter, _)| *letter)
            .collect()
    }

    /// Says that something went wrong.
    pub fn complain(&self, message: &str) {
        // A builtin's output comes before.
        let _ = user_lib::output::flush();
        user_lib::eprintln!("sh: {message}");
    }
}

impl Names for Shell {
    fn value(&self, name: &str) -> i64 {
        let value = self.variable(name).unwrap_or("0").trim();
        match value.strip_prefix('-') {
            Some(digits) => -arithmetic::parse(digits).unwrap_or(0),
            None => arithmetic::parse(value).unwrap_or(0),
        }
    }

    fn set(&mut self, name: &str, value: i64) {
        self.set_variable(name, &value.to_string());
    }
}
