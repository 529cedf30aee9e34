//! The sum is right, and filters choose what they name.
use super::{Tier, Total};

#[test]
fn results_add_up() {
    let mut total = Total::default();
    total.add("test result: ok. 35 passed; 0 failed; 2 ignored; 0 measured");
    total.add("test result: FAILED. 1 passed; 3 failed; 0 ignored");
    total.add("test freezes ... ok");
    assert_eq!((total.passed, total.failed), (36, 3));
}

fn titles(filters: &[&str]) -> Vec<String> {
    let filters: Vec<String> =
        filters.iter().map(|word| (*word).to_owned()).collect();
    let tiers = Tier::chosen(&filters, false);
    tiers.into_iter().map(|tier| tier.title).collect()
}

#[test]
fn all_tiers_run_without_a_filter() {
    assert_eq!(titles(&[]), ["unit", "model", "machine, system, stress"]);
    assert_eq!(titles(&["freeze"]), ["unit", "machine, system, stress"]);
    assert_eq!(titles(&["model", "freeze"]), ["model"]);
}

#[test]
fn named_tiers_run_alone() {
    assert_eq!(titles(&["unit"]), ["unit"]);
    assert_eq!(titles(&["stress", "fork"]), ["stress"]);
}
