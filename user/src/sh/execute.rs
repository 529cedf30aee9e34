//! Running what was parsed: lists, chains and constructs. Words to run are in
//! `command.rs`, children in `spawn.rs`.

use alloc::vec::Vec;

use user_lib::output;

use crate::sh::ast::{Chain, Command, Compound, Join, List, Pipeline, Word};
use crate::sh::pattern;
use crate::sh::signal;
use crate::sh::state::{Flow, Ran, Shell};

impl Shell {
    /// Runs commands one after the other.
    ///
    /// # Errors
    /// Where to go on instead.
    pub fn run_list(&mut self, list: &List) -> Ran {
        list.iter().try_for_each(|chain| self.run_chain(chain))
    }

    /// Runs commands as the last thing this process does; gives the status.
    /// A single program replaces the process.
    pub fn run_to_end(&mut self, list: &List) -> i32 {
        self.is_disposable = is_simple(list) && self.traps.iter().count() == 0;
        // Wherever it says to go on, the process ends here.
        let _ = self.run_list(list);
        self.run_exit_trap();
        // A builtin has reported its own failure to write.
        let _ = output::flush();
        self.status
    }

    fn run_chain(&mut self, chain: &Chain) -> Ran {
        if let Some(text) = &chain.background {
            self.start_background(chain, text);
            return Ok(());
        }
        self.run_joined(chain)
    }

    /// Runs a chain, here.
    ///
    /// # Errors
    /// Where to go on instead.
    pub fn run_joined(&mut self, chain: &Chain) -> Ran {
        self.run_pipeline(&chain.first, chain.rest.is_empty())?;
        for (index, (join, pipeline)) in chain.rest.iter().enumerate() {
            if (*join == Join::And) == (self.status == 0) {
                let is_last = index + 1 == chain.rest.len();
                self.run_pipeline(pipeline, is_last)?;
            }
        }
        Ok(())
    }

    /// Runs a pipeline. Failing counts for `set -e` if it is the last of its
    /// chain.
    fn run_pipeline(&mut self, pipeline: &Pipeline, is_last: bool) -> Ran {
        let is_condition = pipeline.is_negated || !is_last;
        self.conditions += u32::from(is_condition);
        let ran = match pipeline.commands.as_slice() {
            [command] => self.run_command(command),
            commands => self.run_pipe(commands),
        };
        self.conditions -= u32::from(is_condition);
        ran?;
        if pipeline.is_negated {
            self.status = i32::from(self.status == 0);
        }
        let ends = self.switches.ends_on_failure && self.conditions == 0;
        if ends && !is_condition && self.status != 0 {
            return Err(Flow::Exit);
        }
        Ok(())
    }

    /// Runs one command.
    ///
    /// # Errors
    /// Where to go on instead.
    pub fn run_command(&mut self, command: &Command) -> Ran {
        if signal::has_arrived() {
            self.run_traps()?;
        }
        match command {
            Command::Simple(simple) => self.run_simple(simple),
            Command::Function { name, body } => {
                self.functions.insert(name.clone(), body.clone());
                self.status = 0;
                Ok(())
            }
            Command::Compound(compound, redirects) => {
                match self.redirect_for_now(redirects) {
                    Ok(saved) => {
                        let ran = self.run_compound(compound);
                        saved.restore();
                        ran
                    }
                    Err(trouble) => {
                        self.complain(&trouble);
                        self.status = 1;
                        Ok(())
                    }
                }
            }
        }
    }

    fn run_compound(&mut self, compound: &Compound) -> Ran {
        match compound {
            Compound::Group(list) => self.run_list(list),
            Compound::Subshell(list) => self.run_subshell(list),
            Compound::If { branches, otherwise } => {
                self.run_if(branches, otherwise.as_ref())
            }
            Compound::Loop { condition, body, is_until } => {
                self.run_loop(condition, body, *is_until)
            }
            Compound::For { name, words, body } => {
                self.run_for(name, words.as_deref(), body)
            }
            Compound::Case { word, arms } => self.run_case(word, arms),
        }
    }

    /// Runs a condition; says whether it holds.
    fn holds(&mut self, condition: &List) -> Result<bool, Flow> {
        self.conditions += 1;
        let ran = self.run_list(condition);
        self.conditions -= 1;
        ran.map(|()| self.status == 0)
    }

    fn run_if(
        &mut self,
        branches: &[(List, List)],
        otherwise: Option<&List>,
    ) -> Ran {
        for (condition, body) in branches {
            if self.holds(condition)? {
                return self.run_list(body);
            }
        }
        self.status = 0;
        otherwise.map_or(Ok(()), |body| self.run_list(body))
    }

    fn run_loop(
        &mut self,
        condition: &List,
        body: &List,
        is_until: bool,
    ) -> Ran {
        let mut status = 0;
        self.loops += 1;
        let ran = loop {
            match self.holds(condition) {
                Ok(holds) if holds == is_until => break Ok(()),
                Ok(_) => {}
                Err(flow) => match after_round(Err(flow)) {
                    Round::Next => continue,
                    Round::Leave(ran) => break ran,
                },
            }
            let ran = self.run_list(body);
            status = self.status;
            if let Round::Leave(ran) = after_round(ran) {
                break ran;
            }
        };
        self.loops -= 1;
        if ran.is_ok() {
            self.status = status;
        }
        ran
    }

    fn run_for(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &List,
    ) -> Ran {
        let values = match words {
            None => self.positional.clone(),
            Some(words) => match self.expand_words(words) {
                Ok(values) => values,
                Err(trouble) => return self.fail_expansion(&trouble),
            },
        };
        self.status = 0;
        self.loops += 1;
        let mut result = Ok(());
        for value in values {
            self.set_variable(name, &value);
            if let Round::Leave(ran) = after_round(self.run_list(body)) {
                result = ran;
                break;
            }
        }
        self.loops -= 1;
        result
    }

    fn run_case(&mut self, word: &Word, arms: &[(Vec<Word>, List)]) -> Ran {
        let text = match self.expand_text(word) {
            Ok(text) => text,
            Err(trouble) => return self.fail_expansion(&trouble),
        };
        for (patterns, body) in arms {
            for word in patterns {
                match self.expand_pattern(word) {
                    Ok(p) if pattern::matches(&p, &text) => {
                        self.status = 0;
                        return self.run_list(body);
                    }
                    Ok(_) => {}
                    Err(trouble) => return self.fail_expansion(&trouble),
                }
            }
        }
        self.status = 0;
        Ok(())
    }

    /// Reports a word without a value: a script ends, a person goes on.
    ///
    /// # Errors
    /// Always.
    pub fn fail_expansion(&mut self, trouble: &str) -> Ran {
        self.complain(trouble);
        self.status = 2;
        Err(if self.is_interactive { Flow::Interrupt } else { Flow::Exit })
    }

    fn run_subshell(&mut self, list: &List) -> Ran {
        self.in_foreground("( ... )", |shell| shell.run_to_end(list))
    }
}

/// What a loop does after a round.
enum Round {
    Next,
    Leave(Ran),
}

fn after_round(ran: Ran) -> Round {
    match ran {
        Ok(()) | Err(Flow::Continue(1)) => Round::Next,
        Err(Flow::Break(1)) => Round::Leave(Ok(())),
        Err(Flow::Break(n)) => Round::Leave(Err(Flow::Break(n - 1))),
        Err(Flow::Continue(n)) => Round::Leave(Err(Flow::Continue(n - 1))),
        Err(flow) => Round::Leave(Err(flow)),
    }
}

/// Whether a list is one command of words, which may replace the process.
pub fn is_simple(list: &List) -> bool {
    match list.as_slice() {
        [chain] => chain.background.is_none() && is_plain(chain),
        _ => false,
    }
}

/// Whether a chain is one command of words.
pub fn is_plain(chain: &Chain) -> bool {
    let is_alone = chain.rest.is_empty() && !chain.first.is_negated;
    is_alone && matches!(chain.first.commands.as_slice(), [Command::Simple(_)])
}
