//! The list of tests, and which of them run.
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::env;

use anyhow::Result;
use libtest_mimic::{Failed, Trial};
use xtask::board::Need;

use crate::report;
use crate::setup::{emulated_boards, is_long, lacks};

/// One test, named after what it promises.
#[derive(Clone, Copy)]
pub struct Test {
    /// The promise.
    pub name: &'static str,
    /// Fails when it is not kept.
    pub run: fn() -> Result<()>,
    /// What not every machine has; without, the test is reported as ignored.
    pub needs: &'static [Need],
}

/// Makes a list of tests from functions: their names are the tests' names.
/// After a name and a colon may stand what the test needs.
#[macro_export]
macro_rules! list {
    ($($name:ident $(: $($need:ident)+)?),* $(,)?) => {
        &[$($crate::catalog::Test {
            name: stringify!($name),
            run: $name,
            needs: &[$($(::xtask::board::Need::$need),+)?],
        }),*]
    };
}

/// When tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Whenever they are asked for.
    Always,
    /// With `--long`; otherwise they are reported as ignored.
    OnlyLong,
    /// Where something plays a board; otherwise they are reported as ignored.
    OnBoards,
}

impl Runs {
    /// Why the tests do not run now; `None` if they do.
    fn obstacle(self) -> Option<String> {
        match self {
            Runs::OnlyLong if !is_long() => Some("takes --long".into()),
            Runs::OnBoards => emulated_boards().err().map(|e| e.to_string()),
            _ => None,
        }
    }
}

/// Tests of one tier.
pub struct Group {
    /// `machine`, `system` or `stress`.
    pub tier: &'static str,
    /// In the order they are started.
    pub tests: &'static [Test],
    /// When they run.
    pub runs: Runs,
}

/// Which tests were asked for.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    tiers: Vec<String>,
    names: Vec<String>,
}

impl Choice {
    /// As `cargo xtask test` says it: `FIRN_TIERS` and `FIRN_NAMES`, lists
    /// with commas. An empty or missing list means all.
    pub fn from_environment() -> Choice {
        let list = |name| words(&env::var(name).unwrap_or_default());
        Choice { tiers: list("FIRN_TIERS"), names: list("FIRN_NAMES") }
    }

    fn has(&self, tier: &str, name: &str) -> bool {
        let has_tier = self.tiers.is_empty()
            || self.tiers.iter().any(|chosen| chosen == tier);
        let has_name = self.names.is_empty()
            || self.names.iter().any(|part| name.contains(part.as_str()));
        has_tier && has_name
    }

    /// A line for each reason why chosen tests of `groups` do not run, with
    /// their names.
    pub fn ignored(&self, groups: &[Group]) -> Vec<String> {
        let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for group in groups {
            let obstacle = group.runs.obstacle();
            for test in self.tests(group) {
                if let Some(reason) = reason(test, obstacle.as_ref()) {
                    reasons.entry(reason).or_default().push(test.name);
                }
            }
        }
        let line = |(reason, names): (String, Vec<&str>)| {
            let list = names.join(", ");
            format!("ignored, {}: {reason}: {list}", names.len())
        };
        reasons.into_iter().map(line).collect()
    }

    fn tests<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Test> {
        let tests = group.tests.iter();
        tests.filter(|test| self.has(group.tier, test.name))
    }

    /// The chosen tests of `groups`, ready to run.
    pub fn trials(&self, groups: &[Group]) -> Vec<Trial> {
        let mut trials = Vec::new();
        for group in groups {
            let obstacle = group.runs.obstacle();
            for test in self.tests(group) {
                let reason = reason(test, obstacle.as_ref());
                trials.push(trial(group.tier, *test, reason));
            }
        }
        trials
    }
}

/// Why `test` does not run, of a group that has this obstacle.
fn reason(test: &Test, obstacle: Option<&String>) -> Option<String> {
    let missing = || test.needs.iter().find_map(|it| lacks(*it));
    obstacle.cloned().or_else(missing)
}

fn words(list: &str) -> Vec<String> {
    list.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// `obstacle` says why it does not run, which is shown beside its name.
fn trial(tier: &str, test: Test, obstacle: Option<String>) -> Trial {
    let name = format!("{tier}::{}", test.name);
    let run = move || report::run(test.run).map_err(Failed::from);
    let is_ignored = obstacle.is_some();
    Trial::test(name, run)
        .with_ignored_flag(is_ignored)
        .with_kind(obstacle.unwrap_or_default())
}
