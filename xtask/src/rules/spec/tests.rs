//! Each fault of the page, of a citation and of a test is found.
use super::{PAGE, Source, check, citation};
use crate::rules::Finding;

const TESTS: &str = "kernel/core/src/freezer/tests.rs";

const GOOD: &str = "\
# A page\n\
\n\
- **F1** A rule\n  \
  in two lines.\n  \
  - Linux: `other_name`.\n  \
  - Kept by: `a_rule_is_kept`,\n    \
    `a_model`.\n\
- **F2** Another.\n  \
  - Not kept yet: there is none.\n\
- **F3** A third.\n  \
  - Kept by: `a_rule_is_kept`.\n  \
  - Untested: the rest.\n";

const TEST: &str = "/// spec: F1 F3\n#[test]\nfn a_rule_is_kept() {}\n\
                    model! {\n    a_model: body\n    fails without STEP\n}";

/// What is found with this page, and files of these paths and texts.
fn found(page: &str, others: &[(&str, &str)]) -> String {
    let mut sources = vec![Source::new(PAGE, page)];
    let others = others.iter().map(|(path, text)| Source::new(path, text));
    sources.extend(others);
    let findings = check(&sources);
    let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    lines.join("\n")
}

#[test]
fn citations_are_read_from_comments() {
    let cited = citation::of_a_test;
    assert_eq!(cited("/// spec: F1 F4."), [('F', 1), ('F', 4)]);
    let range = [('L', 1), ('L', 2), ('L', 3), ('K', 7)];
    assert_eq!(cited("// spec: L1-L3, K7"), range);
    assert_eq!(cited("// spec: Y8 and More9 V+1 É"), [('Y', 8)]);
    assert_eq!(cited("let spec: F1 = 0;"), []);
}

#[test]
fn pointers_may_go_on_in_the_next_line() {
    let text = "//! It ends (SPECIFICATION.md U1, M1 to M3; see F9).\n\
                /// As said (SPECIFICATION.md\n    /// X8) and L1.\n\
                | [page](SPECIFICATION.md) | X9 and G1 F7 or B1\n\
                Not X1 SPECIFICATION.md, nor U2";
    let found = citation::pointers(text);
    let number = |letter, at| (letter, at);
    let expected = [
        (1, number('U', 1)),
        (1, number('M', 1)),
        (1, number('M', 2)),
        (1, number('M', 3)),
        (3, number('X', 8)),
        (4, number('X', 9)),
        (4, number('G', 1)),
        (4, number('F', 7)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn whole_page_with_its_tests_is_fine() {
    assert_eq!(found(GOOD, &[(TESTS, TEST)]), "");
}

#[test]
fn specification_that_is_missing_is_found() {
    let text = check(&[Source::new(TESTS, TEST)])[0].to_string();
    assert!(text.starts_with(PAGE), "{text}");
}

#[test]
fn number_without_a_citing_test_is_found() {
    let less = TEST.replace(" F3", "");
    let text = found(GOOD, &[(TESTS, &less)]);
    assert!(text.contains(":10: no test cites F3"), "{text}");
    assert!(!text.contains("F2"), "{text}");
    let comment = ("kernel/core/src/freezer.rs", "// spec: F3");
    let text = found(GOOD, &[(TESTS, &less), comment]);
    assert!(text.contains("no test cites F3"), "{text}");
}

#[test]
fn citation_of_nothing_is_found() {
    for (path, text) in [
        ("tests/guests/freeze.rs", "// spec: F9"),
        ("kernel/core/src/signal.rs", "//! As told (spec: F9)."),
        ("kernel/src/task.rs", "//! (SPECIFICATION.md F1, F9)"),
        ("kernel/README.md", "see SPECIFICATION.md F9"),
    ] {
        let text = found(GOOD, &[(TESTS, TEST), (path, text)]);
        let expected = format!("{path}:1: F9 is no number");
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[test]
fn name_of_a_text_that_is_elsewhere_is_found() {
    let other = ("kernel/src/task.rs", "\n//! (freezer-spec F1)");
    let text = found(GOOD, &[(TESTS, TEST), other]);
    let expected = "task.rs:2: say SPECIFICATION.md, not freezer-spec";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn test_that_nobody_has_written_is_found() {
    let page = GOOD.replace("`a_model`", "`a_modle`");
    let text = found(&page, &[(TESTS, TEST)]);
    assert!(text.contains(":7: F1: there is no test a_modle"), "{text}");
    let page = GOOD.replace("`a_model`", "`elsewhere`");
    let other = ("user/check/src/main.rs", "fn elsewhere() -> Outcome {");
    let text = found(&page, &[(TESTS, TEST), other]);
    assert!(text.contains("file of elsewhere does not cite F1"), "{text}");
    let other = ("kernel/src/task.rs", "// spec: F1\nfn elsewhere() {");
    let text = found(&page, &[(TESTS, TEST), other]);
    assert!(text.contains("there is no test elsewhere"), "{text}");
}

#[test]
fn entry_that_is_not_whole_is_found() {
    let page = GOOD.replace("Not kept yet: ", "");
    let text = found(&page, &[(TESTS, TEST)]);
    assert!(text.contains(":8: F2 names no test"), "{text}");
    let text = found(&format!("{GOOD}{GOOD}"), &[(TESTS, TEST)]);
    assert!(text.contains("F1 stands in line 3 already"), "{text}");
}
