//! The promises about the command line.

use super::word::FOREIGN;
use super::{Argument, CommandLine, ForInit, HONOURED};
use crate::test_random::Random;

fn arguments(text: &str) -> Vec<(&str, Option<&str>)> {
    let pair = |word: Argument<'static>| (word.key, word.value);
    let text: &'static str = String::from(text).leak();
    CommandLine::new(text).arguments().map(pair).collect()
}

#[test]
fn words_and_values_are_split() {
    let expected =
        [("quiet", None), ("rdinit", Some("/init")), ("x", Some("a=b"))];
    assert_eq!(arguments("  quiet rdinit=/init\tx=a=b\n"), expected);
    assert_eq!(arguments(""), []);
    assert_eq!(arguments("=v"), [("", Some("v"))]);
}

#[test]
fn quotes_keep_blanks_together() {
    assert_eq!(arguments(r#"a="b c" d"#), [("a", Some("b c")), ("d", None)]);
    assert_eq!(arguments(r#""a=b c""#), [("a", Some("b c"))]);
    assert_eq!(arguments(r#"a="b c"#), [("a", Some("b c"))]);
    assert_eq!(arguments(r#"a="""#), [("a", Some(""))]);
}

#[test]
fn the_last_value_of_a_key_counts() {
    let line = CommandLine::new("loglevel=3 quiet loglevel=7 -- loglevel=9");
    assert_eq!(line.value("loglevel"), Some("7"));
    assert_eq!(line.value("quiet"), None);
    assert!(line.has("quiet") && !line.has("debug"));
    let line = CommandLine::new("a-b=1");
    assert_eq!(line.value("a_b"), Some("1"));
}

#[test]
fn what_nobody_knows_goes_to_the_first_program() {
    let text = r#"quiet single TERM=vt100 m.x=1 foo -- -a "b c" x=y"#;
    let line = CommandLine::new(text);
    let got: Vec<_> = line.for_init().collect();
    let expected = [
        ForInit::Argument("single"),
        ForInit::Variable("TERM", "vt100"),
        ForInit::Argument("foo"),
        ForInit::Argument("-a"),
        ForInit::Argument("b c"),
        ForInit::Argument("x=y"),
    ];
    assert_eq!(got, expected);
}

#[test]
fn words_of_linux_are_not_for_the_first_program() {
    let text = "nokaslr ro rw rootfstype=ext4 maxcpus=2 nosmp mem=1G earlycon \
                earlycon=pl011,0x9000000 console=ttyAMA0,115200 printk.time=1 \
                audit=0 selinux=0 cgroup_disable=memory cgroup-enable=memory \
                cgroup.memory=nokmem systemd.unit=rescue.target \
                root=/dev/vda2 rootwait loglevel=junk panic=x debug \
                crashkernel=auto isolcpus=1-3 nohz-full=1 net.ifnames=0 \
                mitigations=off transparent_hugepage=never initcall_debug";
    let got: Vec<_> = CommandLine::new(text).for_init().collect();
    assert_eq!(got, []);
    // Linux's kernel does not know these either.
    let text = "BOOT_IMAGE=/Image single splash noquiet ronly";
    assert_eq!(CommandLine::new(text).for_init().count(), 5);
}

#[test]
fn tables_of_words_are_sorted() {
    let words: Vec<&str> = FOREIGN.split(' ').collect();
    assert!(words.is_sorted_by(|a, b| a < b));
    let is_plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_');
    assert!(words.iter().all(|word| word.chars().all(is_plain)));
    assert!(HONOURED.is_sorted_by(|a, b| a.0 < b.0));
    assert!(HONOURED.iter().all(|(name, _)| !words.contains(name)));
}

#[test]
fn values_without_sense_are_told_and_ignored() {
    let text = "quiet loglevel=3 loglevel=junk nr_cpus=x nr_cpus=0 panic=-1 \
                panic=x freezer.slow=abc freezer.stubborn=yes nosmp=1 quiet=y \
                maxcpus suspend.pm_test_delay=-1 rdinit= -- nr_cpus=y";
    let line = CommandLine::new(text);
    let wrong: Vec<String> = line.wrong().map(|w| w.to_string()).collect();
    let expected = [
        "loglevel=junk",
        "nr_cpus=x",
        "nr_cpus=0",
        "panic=x",
        "freezer.slow=abc",
        "freezer.stubborn=yes",
        "nosmp=1",
        "quiet=y",
        "maxcpus",
        "suspend.pm_test_delay=-1",
        "rdinit=",
    ];
    assert_eq!(wrong, expected);
    assert_eq!(line.value("loglevel"), Some("3"));
    assert_eq!(line.number::<i64>("panic"), Some(-1));
    assert_eq!(line.number::<usize>("nr_cpus"), None);
    assert!(line.has("quiet") && !line.has("nosmp"));
    let line = CommandLine::new("freezer.slow=20 nr_cpus=2 quiet loglevel=8");
    assert_eq!(line.wrong().count(), 0);
}

#[test]
fn cpus_at_the_start_are_limited() {
    let cpus = |text: &'static str| CommandLine::new(text).cpus_at_start(4);
    assert_eq!(cpus(""), 4);
    assert_eq!(cpus("maxcpus=2"), 2);
    assert_eq!(cpus("maxcpus=9"), 4);
    assert_eq!(cpus("maxcpus=0"), 1);
    assert_eq!(cpus("maxcpus=x"), 4);
    assert_eq!(cpus("maxcpus=3 nosmp"), 1);
}

#[test]
fn any_text_is_parsed_to_its_end() {
    let mut random = Random::new(9);
    for _ in 0..20_000 {
        let len = random.below(20);
        let pick = |_| ['a', '=', '"', ' ', '-', 'é'];
        let text: String =
            (0..len).map(|at| pick(at)[random.below(6) as usize]).collect();
        let line = CommandLine::new(&text);
        assert!(line.arguments().count() <= text.len());
        let _ = line.for_init().count();
    }
}
