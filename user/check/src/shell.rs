//! The shell, by what its scripts print.

use alloc::string::String;

use crate::tool::{Outcome, ensure_eq, output_of, tests};

tests! {
    words_are_expanded_and_split
    quotes_keep_words_together
    parameters_have_defaults
    patterns_are_trimmed
    arithmetic_is_worked_out
    pipes_join_programs
    redirections_go_where_they_say
    here_documents_are_read
    conditions_choose
    loops_repeat
    case_matches_patterns
    functions_take_arguments
    background_jobs_are_waited_for
    substitutions_nest
    paths_are_matched
    failures_end_a_strict_script
    traps_run
    a_failing_write_is_reported
    statuses_are_passed_on
}

/// Runs a script and compares what it prints.
fn prints(script: &str, expected: &str) -> Outcome {
    let (text, _) = output_of("/bin/sh", &["sh", "-c", script])?;
    ensure_eq!(text, expected);
    Ok(())
}

fn words_are_expanded_and_split() -> Outcome {
    prints("x='a  b'; set -- $x; echo $# $2", "2 b\n")?;
    prints("set -- 'a b' c; for i in \"$@\"; do echo $i; done", "a b\nc\n")
}

fn quotes_keep_words_together() -> Outcome {
    prints("x='a  b'; echo \"$x\" '$x' \\$x", "a  b $x $x\n")?;
    prints("echo a\"b\"'c'", "abc\n")
}

fn parameters_have_defaults() -> Outcome {
    prints("echo ${x:-no} ${x:=set} $x ${x:+yes} ${#x}", "no set set yes 3\n")
}

fn patterns_are_trimmed() -> Outcome {
    let script = "x=a/b.c.d; echo ${x##*/} ${x#*/} ${x%.*} ${x%%.*}";
    prints(script, "b.c.d b.c.d a/b.c a/b\n")
}

fn arithmetic_is_worked_out() -> Outcome {
    prints("x=3; echo $((x * (2 + 1) % 5)) $((x > 2 ? 1 : 0))", "4 1\n")?;
    prints("i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i", "3\n")
}

fn pipes_join_programs() -> Outcome {
    prints("seq 1 20 | grep 1 | wc -l", "11\n")?;
    prints("echo a | while read x; do echo [$x]; done", "[a]\n")
}

fn redirections_go_where_they_say() -> Outcome {
    let script = "f=/tmp/check-sh-$$; echo one >$f; echo two >>$f; \
                  cat <$f; (echo three >&2) 2>&1; rm $f";
    prints(script, "one\ntwo\nthree\n")
}

fn here_documents_are_read() -> Outcome {
    prints("x=1; cat <<E\n$x $((x + 1))\nE\n", "1 2\n")?;
    prints("cat <<'E'\n$x\nE\n", "$x\n")
}

fn conditions_choose() -> Outcome {
    prints("if false; then echo a; elif true; then echo b; fi", "b\n")?;
    prints(
        "false || echo or; true && echo and; ! false; echo $?",
        "or\nand\n0\n",
    )
}

fn loops_repeat() -> Outcome {
    prints(
        "for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done",
        "1\n3\n",
    )?;
    prints("i=0; until [ $i = 2 ]; do i=$((i+1)); echo $i; done", "1\n2\n")
}

fn case_matches_patterns() -> Outcome {
    prints("case abc in x|a*) echo yes;; *) echo no;; esac", "yes\n")
}

fn functions_take_arguments() -> Outcome {
    prints("f() { local v=$1; echo $v; return 4; }; f x; echo $?", "x\n4\n")
}

fn background_jobs_are_waited_for() -> Outcome {
    prints("(sleep 0.05; exit 7) & wait $!; echo $?", "7\n")?;
    prints("sleep 100 & kill $!; wait $!; echo $?", "143\n")
}

fn substitutions_nest() -> Outcome {
    prints("echo $(echo \"$(echo in)\" out) `echo old`", "in out old\n")
}

fn paths_are_matched() -> Outcome {
    prints("cd /bin; echo ech[o] tru? nothing*", "echo true nothing*\n")
}

fn failures_end_a_strict_script() -> Outcome {
    prints("set -e; if false; then :; fi; echo a; false; echo b", "a\n")
}

fn traps_run() -> Outcome {
    prints("trap 'echo got' USR1; kill -USR1 $$; echo on", "got\non\n")?;
    prints("trap 'echo end' EXIT; echo on", "on\nend\n")
}

fn a_failing_write_is_reported() -> Outcome {
    let message = "sh: write error: Bad file descriptor\n";
    prints("echo x 2>&1 >&- || echo $?", &(String::from(message) + "1\n"))
}

fn statuses_are_passed_on() -> Outcome {
    prints("(exit 3); echo $?; nothing 2>/dev/null; echo $?", "3\n127\n")?;
    prints("true | false; echo $?; sh -c 'kill -9 $$'; echo $?", "1\n137\n")
}
