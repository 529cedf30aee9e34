//! The timeline as a picture: a lane for each CPU, the freezer's phases above
//! them, who slept through it all below.
use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::drawing::{Anchor, Drawing};
use super::lane::{self, Lanes};
use super::scale::Scale;
use super::timeline::{Phase, Timeline};

/// Width of the picture, and of what is drawn to scale.
const WIDTH: f64 = 1120.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 28.0;
/// The phases, and the first lane below them.
const PHASES: f64 = 68.0;
const LANES: f64 = 126.0;
/// Below the lanes.
const FOOT: f64 = 104.0;

/// What is shown before the freeze and after the thaw, in nanoseconds.
const MARGIN: u64 = 5_000;
/// A time without events longer than this is cut out.
const GAP: u64 = 20_000;
/// Tasks that leave the refrigerator so long after the thaw are shown.
const AFTER: u64 = 60_000;

const STYLE: &str = "
text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;
fill:#1f2937}
.title{font-size:18px;font-weight:600}.cpu{font-weight:600}
.small{font-size:12px;fill:#4b5563}.in{font-size:12px;fill:#fff}
.card{fill:#fff;stroke:#d1d5db}.ice{fill:#e0f2fe}
.user{fill:#d97706}.kernel{fill:#6b7280}.writer{fill:#2563eb}
.phase{fill:#0e7490}.all{fill:#1e3a8a}.bad{fill:#b91c1c}
.grid{stroke:#d1d5db}.cut{stroke:#9ca3af;stroke-dasharray:3 3;stroke-width:2}
.ipi{stroke:#7c3aed;stroke-width:1.6}.tip{fill:#7c3aed}
.signal{fill:#dc2626}.enter{fill:#0284c7}.leave{fill:#16a34a}
.thaw{fill:#fff;stroke:#16a34a;stroke-width:1.6}
";

/// The picture as an SVG file, under a headline.
///
/// # Errors
/// There is no freeze in the timeline.
pub fn svg(timeline: &Timeline, title: &str) -> Result<String> {
    let phases = timeline.phases();
    let first = phases.first().context("the trace holds no freeze")?;
    let last = phases.last().unwrap_or(first);
    let window = window(timeline, first.start, last.end);
    let times: Vec<u64> = timeline
        .events
        .iter()
        .map(|event| event.time)
        .filter(|time| (window.0..=window.1).contains(time))
        .collect();
    let scale = Scale::new(&times, GAP, LEFT, RIGHT);
    let mut drawing = Drawing::default();
    let foot = LANES + timeline.cpus() as f64 * lane::HEIGHT;
    let height = foot + FOOT;
    let frame = (WIDTH - 1.0, height - 1.0);
    drawing.rect((0.5, 0.5), frame, "card", title);
    drawing.text((20.0, 34.0), Anchor::Start, "title", title);
    draw_ice(&mut drawing, &scale, &phases, foot);
    draw_grid(&mut drawing, &scale, first.start, foot);
    draw_phases(&mut drawing, &scale, &phases);
    let lanes = Lanes { timeline, scale: &scale, top: LANES, window };
    lanes.draw(&mut drawing, first.start);
    let asleep = timeline.frozen_in_place(first.start, last.end);
    draw_asleep(&mut drawing, timeline, &asleep, foot + 26.0);
    draw_legend(&mut drawing, foot + 56.0);
    let note = "One nanosecond is one instruction, on all CPUs together. \
                Dashed: nothing happens, time is cut out.";
    drawing.text((20.0, foot + 88.0), Anchor::Start, "small", note);
    Ok(drawing.finish((WIDTH, height), STYLE))
}

/// From shortly before the freeze until the last of the frozen runs again.
fn window(timeline: &Timeline, start: u64, end: u64) -> (u64, u64) {
    let leaves = timeline.named("refrigerator_leave").map(|event| event.time);
    let last = leaves.filter(|time| (end..end + AFTER).contains(time)).max();
    (start.saturating_sub(MARGIN), last.unwrap_or(end) + MARGIN)
}

fn draw_grid(drawing: &mut Drawing, scale: &Scale, start: u64, bottom: f64) {
    let cuts = scale.cuts();
    for cut in &cuts {
        drawing.line((cut.x, LANES), (cut.x, bottom), "cut");
        let text = format!("… {} …", duration(cut.missing));
        drawing.text((cut.x, LANES - 8.0), Anchor::Middle, "small", &text);
    }
    let mut last = String::new();
    for time in scale.ticks(start, 90.0) {
        let x = scale.x(time);
        let is_cut = cuts.iter().any(|cut| (cut.x - x).abs() < 64.0);
        if is_cut || x >= RIGHT - 10.0 {
            continue;
        }
        drawing.line((x, LANES - 4.0), (x, bottom), "grid");
        let text = duration(time - start);
        if text != last {
            let above = (x, LANES - 8.0);
            drawing.text(above, Anchor::Middle, "small", &text);
        }
        last = text;
    }
}

fn is_ice(phase: &Phase) -> bool {
    matches!(phase.name, "all frozen" | "group frozen")
}

/// While all stand still, so does the picture's ground.
fn draw_ice(
    drawing: &mut Drawing,
    scale: &Scale,
    phases: &[Phase],
    bottom: f64,
) {
    for phase in phases.iter().filter(|phase| is_ice(phase)) {
        let (left, right) = (scale.x(phase.start), scale.x(phase.end));
        let size = (right - left, bottom - LANES);
        drawing.rect((left, LANES), size, "ice", phase.name);
    }
}

/// `340 ns`, `12.3 us`, `20 ms`
fn duration(nanos: u64) -> String {
    let round = |value: f64, unit: &str| {
        let text = format!("{value:.1}");
        format!("{} {unit}", text.trim_end_matches(".0"))
    };
    match nanos {
        0..1000 => format!("{nanos} ns"),
        1000..1_000_000 => round(nanos as f64 / 1e3, "µs"),
        _ => round(nanos as f64 / 1e6, "ms"),
    }
}

fn draw_phases(drawing: &mut Drawing, scale: &Scale, phases: &[Phase]) {
    // From where on each of the two rows above the phases is free.
    let mut free = [0.0; 2];
    for phase in phases {
        let (left, right) = (scale.x(phase.start), scale.x(phase.end));
        let width = (right - left).max(3.0);
        let time = duration(phase.end - phase.start);
        let verdict = if phase.has_failed { " refused" } else { "" };
        let text = format!("{}{verdict}: {time}", phase.name);
        let class = match phase.name {
            _ if phase.has_failed => "bad",
            _ if is_ice(phase) => "all",
            _ => "phase",
        };
        drawing.rect((left, PHASES), (width, 24.0), class, &text);
        let length = text.chars().count() as f64 * 6.8;
        if width > length {
            let middle = (left + width / 2.0, PHASES + 17.0);
            drawing.text(middle, Anchor::Middle, "in", &text);
        } else if let Some(row) = free.iter().position(|end| left > *end) {
            let x = left.min(RIGHT - length);
            let y = PHASES - 5.0 - row as f64 * 15.0;
            drawing.text((x, y), Anchor::Start, "small", &text);
            free[row] = x + length;
        }
    }
}

/// Who was frozen without being asked.
fn draw_asleep(
    drawing: &mut Drawing,
    timeline: &Timeline,
    tasks: &[u32],
    y: f64,
) {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for &task in tasks {
        *names.entry(timeline.name(task)).or_default() += 1;
    }
    let list = names.iter().map(|(name, count)| match count {
        1 => name.clone(),
        _ => format!("{count} × {name}"),
    });
    let list = list.collect::<Vec<String>>().join(", ");
    let count = tasks.len();
    let text = format!("Frozen in place, asleep, not woken ({count}): {list}");
    drawing.text((20.0, y), Anchor::Start, "", &text);
}

fn draw_legend(drawing: &mut Drawing, y: f64) {
    let mut x = 20.0;
    let bars = [
        ("writer", "the task that freezes"),
        ("user", "user task"),
        ("kernel", "kernel thread"),
    ];
    for (class, text) in bars {
        drawing.rect((x, y - 11.0), (22.0, 13.0), class, text);
        drawing.text((x + 28.0, y), Anchor::Start, "small", text);
        x += 40.0 + text.len() as f64 * 6.4;
    }
    for (mark, text) in lane::MARKS {
        mark.draw(drawing, (x + 6.0, y - 4.0), text);
        drawing.text((x + 16.0, y), Anchor::Start, "small", text);
        x += 30.0 + text.len() as f64 * 6.9;
    }
    drawing.line((x, y - 5.0), (x + 24.0, y - 5.0), "ipi");
    drawing.text((x + 30.0, y), Anchor::Start, "small", "IPI");
}
