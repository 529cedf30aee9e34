//! No package is left out.
use super::{Members, PROGRAMS, cargo_program};

#[test]
fn every_package_for_the_target_belongs_to_a_program() {
    let members = Members::read(&cargo_program()).unwrap();
    members.ensure_complete(&PROGRAMS).unwrap();
    // One that the host tests is linted for the target, too.
    let kernel = members.of("kernel");
    assert!(kernel.contains(&"kernel") && kernel.contains(&"kernel-core"));
    assert!(members.of("user").contains(&"user-lib"));
    assert!(!kernel.contains(&"xtask"), "{kernel:?}");
}

#[test]
fn a_package_outside_all_programs_is_told() {
    let members = Members::read(&cargo_program()).unwrap();
    let error = members.ensure_complete(&["kernel"]).unwrap_err().to_string();
    assert!(error.starts_with("user"), "{error}");
}
