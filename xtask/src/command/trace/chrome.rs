//! The timeline as JSON in the Trace Event Format, which Perfetto and
//! `chrome://tracing` show.
use serde_json::{Value, json};

use super::timeline::{Event, Timeline};

/// Rows of the viewer: CPUs, the freezer's phases, tasks in the refrigerator.
const CPUS: u32 = 1;
const FREEZER: u32 = 2;
const REFRIGERATOR: u32 = 3;

/// The whole trace.
pub fn trace(timeline: &Timeline) -> Value {
    let mut events = names(timeline);
    events.extend(spans(timeline));
    events.extend(phases(timeline));
    events.extend(frozen(timeline));
    events.extend(arrows(timeline));
    let instants = timeline.events.iter().filter(|it| it.name != "switch");
    events.extend(instants.map(|event| instant(timeline, event)));
    json!({ "displayTimeUnit": "ns", "traceEvents": events })
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

fn names(timeline: &Timeline) -> Vec<Value> {
    let row = |pid: u32, name: &str| {
        json!({ "ph": "M", "name": "process_name", "pid": pid,
                "args": { "name": name } })
    };
    let cpu = |cpu: usize| {
        json!({ "ph": "M", "name": "thread_name", "pid": CPUS, "tid": cpu,
                "args": { "name": format!("CPU {cpu}") } })
    };
    let rows =
        [(CPUS, "CPUs"), (FREEZER, "freezer"), (REFRIGERATOR, "refrigerator")];
    let rows = rows.into_iter().map(|(pid, name)| row(pid, name));
    rows.chain((0..timeline.cpus()).map(cpu)).collect()
}

fn bar(name: &str, at: (u32, u64), start: u64, end: u64) -> Value {
    let (pid, tid) = at;
    json!({ "ph": "X", "name": name, "pid": pid, "tid": tid,
            "ts": micros(start), "dur": micros(end - start) })
}

fn title(timeline: &Timeline, task: u32) -> String {
    format!("{} {task}", timeline.name(task))
}

fn spans(timeline: &Timeline) -> Vec<Value> {
    let spans = timeline.spans();
    let bar = |span: &super::timeline::Span| {
        let name = title(timeline, span.task);
        bar(&name, (CPUS, span.cpu as u64), span.start, span.end)
    };
    spans.iter().map(bar).collect()
}

fn phases(timeline: &Timeline) -> Vec<Value> {
    let phases = timeline.phases();
    let bar = |phase: &super::timeline::Phase| {
        bar(phase.name, (FREEZER, 0), phase.start, phase.end)
    };
    phases.iter().map(bar).collect()
}

/// Each stay in the refrigerator.
fn frozen(timeline: &Timeline) -> Vec<Value> {
    let stay = |enter: &Event| {
        let leave = timeline
            .named("refrigerator_leave")
            .find(|leave| leave.a == enter.a && leave.time >= enter.time)?;
        let name = title(timeline, enter.a);
        let row = (REFRIGERATOR, u64::from(enter.a));
        Some(bar(&name, row, enter.time, leave.time))
    };
    timeline.named("refrigerator_enter").filter_map(stay).collect()
}

fn arrows(timeline: &Timeline) -> Vec<Value> {
    let end = |phase: &str, id: usize, (cpu, time): (usize, u64)| {
        json!({ "ph": phase, "bp": "e", "id": id, "name": "IPI", "cat": "ipi",
                "pid": CPUS, "tid": cpu, "ts": micros(time) })
    };
    let ipis = timeline.ipis().into_iter().enumerate();
    ipis.flat_map(|(id, it)| [end("s", id, it.from), end("f", id, it.to)])
        .collect()
}

fn instant(timeline: &Timeline, event: &Event) -> Value {
    let Event { time, cpu, name, a, b } = event;
    let words = name.replace('_', " ");
    json!({ "ph": "i", "s": "t", "name": words, "pid": CPUS, "tid": cpu,
            "ts": micros(*time),
            "args": { "a": a, "b": b, "task": timeline.name(*a) } })
}
