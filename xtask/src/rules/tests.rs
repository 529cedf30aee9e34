//! Each rule finds an example that breaks it, and leaves a good one alone.
use super::source::{Source, code_of};
use super::{Finding, boards, circles, conditions, sizes, unsafety};

fn texts(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    lines.join("\n")
}

#[test]
fn comments_and_strings_are_no_code() {
    let text = "a // b\nc /* d /* e */ f */ g \"h\\\"i\" j r#\"k\"l\"# m\n\
                'n' 'o &'p '\\'' b'q' b\"r\" attr\"s\" br\"t\"u";
    let code = code_of(text);
    let words: Vec<_> = code.split_whitespace().collect();
    let expected = ["a", "c", "g", "j", "m", "'o", "&'p", "attr", "u"];
    assert_eq!(words, expected);
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn unsafe_in_a_scheduler_is_found() {
    let bad = Source::new("kernel/task/src/lib.rs", "fn f() {\n unsafe {} }");
    let findings = unsafety::check(&[bad]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line, 2);
}

#[test]
fn unsafe_in_the_machine_crate_is_allowed() {
    let good = [
        Source::new("kernel/machine/src/arch/cpu.rs", "unsafe fn f() {}"),
        Source::new("kernel/machine/src/lib.rs", "mod arch;"),
        Source::new("kernel/machine/Cargo.toml", "[package]"),
        Source::new("kernel/task/src/a.rs", "// unsafe\nfn is_unsafe() {}"),
    ];
    assert_eq!(texts(&unsafety::check(&good)), "");
    let bad = Source::new("kernel/machinery/src/a.rs", "unsafe fn f() {}");
    assert_eq!(unsafety::check(&[bad]).len(), 1);
}

#[test]
fn crate_must_forbid_unsafe() {
    let crate_of = |manifest: &str, root: &str| {
        let sources = [
            Source::new("kernel/core/Cargo.toml", manifest),
            Source::new("kernel/core/src/lib.rs", root),
        ];
        unsafety::check(&sources).len()
    };
    assert_eq!(crate_of("[package]", "//! Rules."), 1);
    assert_eq!(crate_of("[package]", "#![forbid(unsafe_code)]"), 0);
    assert_eq!(crate_of("[lints.rust]\nunsafe_code = \"forbid\"", ""), 0);
}

#[test]
fn loom_outside_sync_is_found() {
    let text = "#[cfg(loom)]\nuse loom::thread;";
    let bad = Source::new("kernel/core/src/freezer.rs", text);
    assert_eq!(conditions::check(&[bad]).len(), 1);
    let good = Source::new("kernel/core/src/sync/atomic.rs", text);
    assert_eq!(texts(&conditions::check(&[good])), "");
    let text = "#[cfg(all(test, loom))]\nmod models;";
    let good = Source::new("kernel/core/src/freezer.rs", text);
    assert_eq!(texts(&conditions::check(&[good])), "");
}

#[test]
fn features_of_core_are_found() {
    let manifest = "[package]\n[features]\nextra = []";
    let bad = Source::new("kernel/core/Cargo.toml", manifest);
    assert_eq!(conditions::check(&[bad]).len(), 1);
    let text = "#[cfg(feature = \"extra\")]\nmod extra;";
    let bad = Source::new("kernel/core/src/lib.rs", text);
    assert_eq!(conditions::check(&[bad]).len(), 1);
    let page = Source::new("kernel/core/README.md", manifest);
    assert_eq!(texts(&conditions::check(&[page])), "");
    let other = Source::new("user/Cargo.toml", manifest);
    assert_eq!(texts(&conditions::check(&[other])), "");
}

#[test]
fn long_function_is_found() {
    let body = "    work();\n".repeat(70);
    let text = format!("fn short() {{}}\n\npub fn long() {{\n{body}}}\n");
    let findings = sizes::check(&[Source::new("user/src/a.rs", &text)]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line, 3);
}

#[test]
fn long_file_is_found_but_not_long_tests() {
    let text = "\n".repeat(500);
    let findings = sizes::check(&[
        Source::new("user/src/a.rs", &text),
        Source::new("user/src/a/tests.rs", &text),
    ]);
    assert_eq!(findings.len(), 1);
}

#[test]
fn name_of_a_board_outside_boards_is_found() {
    let names = ["sled-3".to_owned(), "snow sled".to_owned()];
    let found = |path: &str, text: &str| {
        texts(&boards::check(&[Source::new(path, text)], &names))
    };
    let text = found("kernel/src/boot.rs", "\nif name == \"maker,sled-3\" {");
    assert!(text.contains("boot.rs:2: names the board sled-3"), "{text}");
    assert!(found("xtask/src/lib.rs", "//! A Snow `Sled`").contains("snow"));
    assert_eq!(found("boards/sled-3/extra.rs", "// sled-3"), "");
    assert_eq!(found("kernel/src/boot.rs", "// a sled"), "");
    assert_eq!(found("kernel/README.md", "a sled-3"), "");
}

/// What the rule says of a crate with these files below `a/src`.
fn circles_of(files: &[(&str, &str)]) -> String {
    let sources: Vec<_> = files
        .iter()
        .map(|(name, text)| Source::new(&format!("a/src/{name}"), text))
        .collect();
    texts(&circles::check(&sources))
}

#[test]
fn circle_planted_in_any_crate_is_found() {
    for folder in [
        "kernel/abi/src",
        "kernel/core/src",
        "kernel/machine/src",
        "kernel/task/src",
        "kernel/linux/files/src",
        "kernel/src",
        "user/src",
        "user/check/src",
        "user/lib/src",
        "xtask/src",
        "tests/src",
        "tests/guests",
    ] {
        let file = |name: &str, text: &str| {
            Source::new(&format!("{folder}/{name}"), text)
        };
        for root in ["lib.rs", "main.rs"] {
            let sources = [
                file(root, "mod one;\nmod two;"),
                file("one.rs", "use crate::two::Two;\npub struct One(Two);"),
                file("two.rs", "pub struct Two;\nfn f(_: super::one::One) {}"),
            ];
            let text = texts(&circles::check(&sources));
            let expected = format!(
                "{folder}/one.rs: imports form a circle of 2 files: \
                 {folder}/one.rs > {folder}/two.rs (Two) > \
                 {folder}/one.rs (One)"
            );
            assert_eq!(text, expected);
        }
    }
}

#[test]
fn circle_of_a_file_and_its_folder_is_found() {
    let text = circles_of(&[
        ("lib.rs", "mod one;"),
        ("one.rs", "mod part;\npub struct One(part::Part);"),
        ("one/part.rs", "pub struct Part;\nuse super::One;"),
    ]);
    assert!(text.contains("circle of 2 files"), "{text}");
}

#[test]
fn circle_through_a_re_export_is_found_where_the_name_is_defined() {
    let files = [
        ("lib.rs", "mod one; mod two;\npub use one::One;"),
        ("one.rs", "pub struct One;\nuse crate::two;\nfn f() { two::g() }"),
        ("two.rs", "use crate::One;\npub fn g() -> One { One }"),
    ];
    let text = circles_of(&files);
    assert!(text.contains("a/src/one.rs > a/src/two.rs (g)"), "{text}");
}

#[test]
fn face_of_a_folder_is_no_circle() {
    let files = [
        ("lib.rs", "mod one;\npub use one::{Data, act};"),
        ("one.rs", "mod act;\nmod data;\npub use act::act;\npub use data::*;"),
        ("one/data.rs", "pub struct Data;"),
        ("one/act.rs", "use super::data::Data;\npub fn act(_: Data) {}"),
    ];
    assert_eq!(circles_of(&files), "");
}

#[test]
fn modules_inside_of_a_file_lead_to_that_file() {
    let files = [
        ("lib.rs", "mod one; mod two;"),
        (
            "one.rs",
            "pub mod state { pub const ON: u32 = super::BASE; }\n\
                    const BASE: u32 = 1;\nuse crate::two;\n\
                    fn f() { two::g(); }",
        ),
        ("two.rs", "use crate::one;\npub fn g() -> u32 { one::state::ON }"),
    ];
    let text = circles_of(&files);
    assert!(text.contains("(ON)") && text.contains("(g)"), "{text}");
}

#[test]
fn names_of_other_crates_and_methods_tie_nothing() {
    let files = [
        ("lib.rs", "mod one; mod two;"),
        ("one.rs", "use crate::two::Two;\nfn f(t: Two) { t.one::<u8>(); }"),
        ("two.rs", "use core::one::One;\npub struct Two(log::Level);"),
    ];
    assert_eq!(circles_of(&files), "");
}
