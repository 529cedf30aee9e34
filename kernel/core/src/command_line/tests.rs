//! The promises about the command line.

use super::{Argument, CommandLine, ForInit};
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
    let got: Vec<_> = line.for_init(|key| key == "quiet").collect();
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
fn any_text_is_parsed_to_its_end() {
    let mut random = Random::new(9);
    for _ in 0..20_000 {
        let len = random.below(20);
        let pick = |_| ['a', '=', '"', ' ', '-', 'é'];
        let text: String =
            (0..len).map(|at| pick(at)[random.below(6) as usize]).collect();
        let line = CommandLine::new(&text);
        assert!(line.arguments().count() <= text.len());
        let _ = line.for_init(|_| false).count();
    }
}
