//! Tiers and names choose tests.
use anyhow::Result;

use super::{Choice, Group, Runs, Test, words};
use crate::list;

fn boots() -> Result<()> {
    Ok(())
}

fn freezes() -> Result<()> {
    Ok(())
}

const MACHINE: &[Test] = list![boots];
const SYSTEM: &[Test] = list![boots, freezes];

fn chosen(tiers: &str, names: &str) -> Vec<String> {
    let choice = Choice { tiers: words(tiers), names: words(names) };
    let groups = [
        Group { tier: "machine", tests: MACHINE, runs: Runs::Always },
        Group { tier: "system", tests: SYSTEM, runs: Runs::Always },
    ];
    let trials = choice.trials(&groups);
    trials.iter().map(|trial| trial.name().to_owned()).collect()
}

#[test]
fn what_does_not_run_is_told_with_the_reason() {
    let choice = Choice { tiers: vec![], names: words("freezes") };
    let groups = [
        Group { tier: "machine", tests: MACHINE, runs: Runs::OnlyLong },
        Group { tier: "system", tests: SYSTEM, runs: Runs::OnlyLong },
    ];
    assert_eq!(choice.ignored(&groups), ["ignored, 1: takes --long: freezes"]);
    let groups = [Group { tier: "a", tests: SYSTEM, runs: Runs::Always }];
    assert_eq!(choice.ignored(&groups), [""; 0]);
}

#[test]
fn empty_lists_choose_all() {
    let all = ["machine::boots", "system::boots", "system::freezes"];
    assert_eq!(chosen("", ""), all);
}

#[test]
fn tiers_and_names_narrow_the_choice() {
    assert_eq!(chosen("machine", ""), ["machine::boots"]);
    assert_eq!(chosen("", "free"), ["system::freezes"]);
    assert_eq!(chosen("machine", "free"), [""; 0]);
}
