//! Each rule finds an example that breaks it, and leaves a good one alone.
use super::source::{Source, code_of};
use super::{Finding, boards, conditions, layers, sizes, unsafety};

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
    let bad = Source::new("kernel/src/task.rs", "fn f() {\n unsafe {} }");
    let findings = unsafety::check(&[bad]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line, 2);
}

#[test]
fn unsafe_in_the_machine_half_is_allowed() {
    let good = [
        Source::new("kernel/src/arch/aarch64/cpu.rs", "unsafe fn f() {}"),
        Source::new("kernel/src/arch.rs", "unsafe fn f() {}"),
        Source::new("kernel/src/task.rs", "// unsafe\nfn is_unsafe() {}"),
    ];
    assert_eq!(texts(&unsafety::check(&good)), "");
    let bad = Source::new("kernel/src/archive.rs", "unsafe fn f() {}");
    assert_eq!(unsafety::check(&[bad]).len(), 1);
}

#[test]
fn core_must_forbid_unsafe() {
    let bad = Source::new("kernel/core/src/lib.rs", "//! Rules.");
    assert_eq!(unsafety::check(&[bad]).len(), 1);
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
fn import_from_a_higher_layer_is_found() {
    let bad = [
        Source::new("kernel/src/task.rs", "use core::fmt;\nuse crate::files;"),
        Source::new("kernel/src/files.rs", "use crate::task::Task;"),
    ];
    let text = texts(&layers::check(&bad));
    let expected = "kernel/src/task.rs:2: task must not import crate::files";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn braces_hide_no_import() {
    let text = "use crate::{\n arch::{cpu, irq},\n files::pipe as p,\n};";
    let bad = [
        Source::new("kernel/src/task.rs", text),
        Source::new("kernel/src/files/pipe.rs", ""),
        Source::new("kernel/src/arch/aarch64/irq.rs", ""),
    ];
    let text = texts(&layers::check(&bad));
    assert!(text.contains("crate::files::pipe"), "{text}");
    assert!(!text.contains("arch"), "{text}");
}

#[test]
fn circle_within_a_layer_is_found() {
    let bad = [
        Source::new("kernel/src/mm/heap.rs", "use crate::sync::spin::Lock;"),
        Source::new("kernel/src/sync/spin.rs", "use crate::mm::heap;"),
    ];
    let text = texts(&layers::check(&bad));
    let expected = "circle: mm/heap > sync/spin > mm/heap";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn two_modules_may_meet_without_a_circle() {
    let good = [
        Source::new("kernel/src/sync/spin.rs", "use crate::arch::irq::mask;"),
        Source::new("kernel/src/arch/aarch64/irq.rs", ""),
        Source::new(
            "kernel/src/arch/aarch64/gic.rs",
            "use crate::sync::spin::Lock;",
        ),
    ];
    assert_eq!(texts(&layers::check(&good)), "");
}

#[test]
fn boot_may_hand_over_and_nothing_else_upwards() {
    let good = Source::new(
        "kernel/src/arch/aarch64/boot.rs",
        "fn go() { crate::kernel_main(information) }",
    );
    assert_eq!(texts(&layers::check(&[good])), "");
    let bad = Source::new("kernel/src/arch.rs", "use crate::HOOKS;");
    assert_eq!(layers::check(&[bad]).len(), 1);
}

#[test]
fn module_without_a_layer_is_found() {
    let bad = Source::new("kernel/src/helpers.rs", "");
    let text = texts(&layers::check(&[bad]));
    assert!(text.contains("in no layer"), "{text}");
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
