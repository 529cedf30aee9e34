//! The promises about scripts.

use kernel_abi::Errno;

use super::Script;
use crate::test_random::Random;

fn parse(head: &str) -> Option<(String, Option<String>)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let script = Script::parse(head.as_bytes()).unwrap()?;
    Some((text(script.interpreter), script.argument.map(text)))
}

#[test]
fn the_interpreter_and_one_argument_are_found() {
    let pair = |name: &str, argument: Option<&str>| {
        Some((name.to_string(), argument.map(String::from)))
    };
    assert_eq!(parse("#!/bin/sh\necho"), pair("/bin/sh", None));
    assert_eq!(parse("#! /bin/sh -e \n"), pair("/bin/sh", Some("-e")));
    assert_eq!(parse("#!\t/bin/awk\t-f x\n"), pair("/bin/awk", Some("-f x")));
    assert_eq!(parse("#!/bin/sh"), pair("/bin/sh", None));
    assert_eq!(parse("echo"), None);
    assert_eq!(parse("#"), None);
}

#[test]
fn a_missing_interpreter_is_an_error() {
    for head in ["#!", "#!\n/bin/sh", "#!  \t\n", "#!\0/bin/sh\n"] {
        let parsed = Script::parse(head.as_bytes());
        assert_eq!(parsed, Err(Errno::ENOEXEC), "{head:?}");
    }
}

#[test]
fn a_name_that_may_be_cut_off_is_not_run() {
    let long = format!("#!/{}", "x".repeat(300));
    assert_eq!(Script::parse(long.as_bytes()), Err(Errno::ENOEXEC));
    let long = format!("#!/bin/sh {}", "x".repeat(300));
    assert_eq!(parse(&long).unwrap().0, "/bin/sh");
}

#[test]
fn any_first_line_is_parsed() {
    let mut random = Random::new(4);
    for _ in 0..50_000 {
        let mut head = b"#! /bin/sh -x y\n".to_vec();
        random.mutate(&mut head);
        if let Ok(Some(script)) = Script::parse(&head) {
            assert!(!script.interpreter.is_empty());
            assert_ne!(script.argument, Some(&b""[..]));
        }
    }
}
