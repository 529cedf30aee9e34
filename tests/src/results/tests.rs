//! What a guest says of its tests is taken seriously.
use super::{ensure_passed, ensure_passed_on_board, ensure_passed_without};

#[test]
fn all_passed_is_success() {
    ensure_passed("test a ... ok\n2 passed, 0 failed\n").unwrap();
    ensure_passed("[ 0.1] test a ... ok\n[ 0.2] 1 passed, 0 failed").unwrap();
}

#[test]
fn failures_are_named() {
    let output = "test a ... ok\ntest b ... FAILED: lost a page\n\
                  1 passed, 1 failed\n";
    let error = ensure_passed(output).unwrap_err().to_string();
    assert!(error.contains("b ... FAILED: lost a page"), "{error}");
}

#[test]
fn nothing_is_no_success() {
    assert!(ensure_passed("test a ... ok\n").is_err());
    assert!(ensure_passed("0 passed, 0 failed\n").is_err());
    assert!(ensure_passed("about 5 passed, 0 failed today\n").is_err());
}

#[test]
fn only_a_board_may_lack_what_a_test_needs() {
    let output = "test a ... ok\ntest b ... ignored: the machine has no c\n\
                  1 passed, 0 failed\n";
    assert!(ensure_passed(output).is_err());
    ensure_passed_on_board(output).unwrap();
    let output = output.replace("1 passed, 0", "0 passed, 1");
    assert!(ensure_passed_on_board(&output).is_err());
}

#[test]
fn a_machine_may_lack_what_it_is_known_to_lack() {
    let output = "test a ... ok\ntest b ... ignored: the machine has no /c\n\
                  1 passed, 0 failed\n";
    ensure_passed_without(output, "/c").unwrap();
    assert!(ensure_passed_without(output, "/d").is_err());
    let output = output.replace("1 passed, 0", "0 passed, 1");
    assert!(ensure_passed_without(&output, "/c").is_err());
}
