//! What is drawn is what the kernel noted.
use super::chrome;
use super::picture;
use super::scale::Scale;
use super::scenario;
use super::timeline::{Ipi, Span, Timeline};

/// A spinner on CPU 1 is frozen and thawed by a shell on CPU 0.
const TEXT: &str = "\
# task ID CPU user|kernel STATE NAME
task 2 0 user R sh
task 3 1 user R spin
task 4 1 user S sleep
task 7 0 kernel S kworker
event 1000 0 switch 0 2
event 1000 1 switch 0 3
event 1500 0 born 2 9
event 2000 0 freeze_begin 0 0
event 2100 0 fake_signal 3 1
event 2200 0 ipi 3 1
event 2300 0 switch 2 0
event 2600 1 ipi_taken 3 0
event 2700 1 refrigerator_enter 3 0
event 2800 1 switch 3 0
event 3000 0 switch 0 2
event 3100 0 freeze_end 0 0
event 3200 0 freeze_begin 1 0
event 3300 0 freeze_end 1 0
event 3900 0 thaw_begin 0 0
event 4000 0 thaw 3 0
event 4100 0 thaw_end 0 0
event 4200 1 switch 0 3
event 4300 1 refrigerator_leave 3 0
event 5000 1 switch 3 7
";

fn timeline() -> Timeline {
    Timeline::read(TEXT).unwrap()
}

#[test]
fn lines_of_the_kernel_are_read() {
    let timeline = timeline();
    assert_eq!((timeline.tasks.len(), timeline.cpus()), (4, 2));
    assert_eq!(timeline.name(3), "spin");
    assert_eq!(timeline.name(9), "sh", "dead: its parent's name");
    assert_eq!(timeline.name(8), "#8");
    assert!(!timeline.is_user(7) && timeline.is_user(9));
    assert!(Timeline::read("event 5 x switch 1 2\n").is_err());
    assert!(Timeline::read("task 5\n").is_err());
}

#[test]
fn switches_become_spans() {
    let spans = timeline().spans();
    let span = |cpu, task, start, end| Span { cpu, task, start, end };
    assert!(spans.contains(&span(0, 2, 1000, 2300)));
    assert!(spans.contains(&span(1, 3, 4200, 5000)));
    assert!(spans.iter().all(|span| span.task != 0), "no idleness");
}

#[test]
fn a_freeze_has_phases() {
    let phases = timeline().phases();
    let names: Vec<_> =
        phases.iter().map(|it| (it.name, it.start, it.end)).collect();
    let expected = [
        ("freeze user tasks", 2000, 3100),
        ("freeze kernel threads", 3200, 3300),
        ("all frozen", 3300, 3900),
        ("thaw", 3900, 4100),
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_refused_freeze_was_never_all_frozen() {
    let text = TEXT.replace("freeze_end 1 0", "freeze_end 1 1");
    let phases = Timeline::read(&text).unwrap().phases();
    assert!(phases[1].has_failed);
    assert!(phases.iter().all(|phase| phase.name != "all frozen"));
}

#[test]
fn interrupts_are_paired() {
    let expected = Ipi { from: (0, 2200), to: (1, 2600) };
    assert_eq!(timeline().ipis(), [expected]);
}

#[test]
fn who_slept_was_frozen_in_place() {
    assert_eq!(timeline().frozen_in_place(2000, 4100), [4]);
}

#[test]
fn long_silence_is_cut_out() {
    let scale = Scale::new(&[0, 100, 1_000_000, 1_000_100], 200, 0.0, 500.0);
    let cuts = scale.cuts();
    assert_eq!(cuts.len(), 1);
    assert!((990_000..1_000_000).contains(&cuts[0].missing));
    let inside = scale.x(500_000);
    assert!(scale.x(100) < inside && inside < scale.x(1_000_000));
    assert!(scale.x(1_000_100) <= 500.0);
    assert!(scale.ticks(7, 50.0).contains(&57), "round since the origin");
}

#[test]
fn picture_shows_lanes_marks_and_sleepers() {
    let svg = picture::svg(&timeline(), "A <freeze>").unwrap();
    for part in [
        "A &lt;freeze&gt;",
        "CPU 0",
        "CPU 1",
        "class=\"signal\"",
        "class=\"ipi\"",
        "refrigerator enter: spin 3",
        "refrigerator leave: spin 3",
        "thaw: spin 3",
        "not woken (1): sleep",
        "freeze user tasks: 1.1 µs",
    ] {
        assert!(svg.contains(part), "no {part}:\n{svg}");
    }
    assert!(picture::svg(&Timeline::default(), "").is_err());
}

#[test]
fn json_has_bars_arrows_and_stays() {
    let value = chrome::trace(&timeline());
    let events = value["traceEvents"].as_array().unwrap();
    let count = |phase: &str| {
        events.iter().filter(|event| event["ph"] == phase).count()
    };
    assert_eq!((count("s"), count("f")), (1, 1), "one arrow");
    let is_stay = |event: &&serde_json::Value| event["pid"] == 3;
    let stay = events.iter().filter(is_stay).find(|it| it["ph"] == "X");
    assert_eq!(stay.unwrap()["dur"], 1.6);
}

#[test]
fn scenarios_have_names_of_their_own() {
    for scenario in scenario::ALL {
        let found = scenario::find(scenario.name).unwrap();
        assert_eq!(found.title, scenario.title);
        assert!(found.script().ends_with("\npoweroff -f\n"));
    }
    assert!(scenario::find("none").is_err());
}

/// A group with the spinner and the sleeper is frozen and thawed; the shell
/// is not in it.
#[test]
fn a_groups_freeze_has_its_phases() {
    let text: String = TEXT
        .lines()
        .filter(|line| !line.contains("freeze_end"))
        .filter(|line| !line.contains("freeze_begin 0"))
        .map(|line| line.replace("3200 0 freeze_begin", "2050 0 freeze_begin"))
        .map(|line| line.replace("user S sleep", "user D sleep") + "\n")
        .collect();
    let timeline = Timeline::read(&text).unwrap();
    let phases = timeline.phases();
    let times: Vec<(&str, u64, u64)> = phases
        .iter()
        .map(|phase| (phase.name, phase.start, phase.end))
        .collect();
    assert_eq!(
        times,
        [
            ("ask", 2050, 2200),
            ("park", 2200, 2700),
            ("group frozen", 2700, 3900),
            ("thaw", 3900, 4100),
        ]
    );
    assert_eq!(timeline.frozen_in_place(2050, 4100), [4]);
    let svg = picture::svg(&timeline, "a group").unwrap();
    assert!(svg.contains("group frozen"), "{svg}");
}
