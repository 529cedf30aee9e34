//! A CPU's lane: who ran, and what the freezer did there.
use super::drawing::{Anchor, Drawing};
use super::scale::Scale;
use super::timeline::{Event, Timeline};

/// Height of a lane.
pub const HEIGHT: f64 = 76.0;
/// In a lane, from its top: what comes to a CPU, the bars, what tasks do.
const ABOVE: f64 = 14.0;
const BAR: f64 = 24.0;
const BAR_HEIGHT: f64 = 24.0;
const BELOW: f64 = 58.0;

/// A sign for something that takes no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The fake signal.
    Signal,
    /// A task enters the refrigerator.
    Enter,
    /// A task is woken from there.
    Thaw,
    /// And leaves it.
    Leave,
}

/// All marks, with the words of the legend.
pub const MARKS: [(Mark, &str); 4] = [
    (Mark::Signal, "fake signal"),
    (Mark::Enter, "into the refrigerator"),
    (Mark::Thaw, "woken from it"),
    (Mark::Leave, "out of the refrigerator"),
];

impl Mark {
    /// The mark for an event, the CPU where it is shown, and how far down.
    fn of(event: &Event) -> Option<(Mark, usize, f64)> {
        match event.name.as_str() {
            "fake_signal" => Some((Mark::Signal, event.b as usize, ABOVE)),
            "refrigerator_enter" => Some((Mark::Enter, event.cpu, BELOW)),
            "thaw" => Some((Mark::Thaw, event.cpu, ABOVE)),
            "refrigerator_leave" => Some((Mark::Leave, event.cpu, BELOW)),
            _ => None,
        }
    }

    /// Draws it around a point.
    pub fn draw(self, drawing: &mut Drawing, at: (f64, f64), hint: &str) {
        const DOWN: &[(f64, f64)] = &[(-5.0, -5.0), (5.0, -5.0), (0.0, 5.0)];
        const UP: &[(f64, f64)] = &[(-5.0, 5.0), (5.0, 5.0), (0.0, -5.0)];
        const DIAMOND: &[(f64, f64)] =
            &[(0.0, -6.0), (6.0, 0.0), (0.0, 6.0), (-6.0, 0.0)];
        let (corners, class) = match self {
            Mark::Signal => (DOWN, "signal"),
            Mark::Enter => (DIAMOND, "enter"),
            Mark::Thaw => (UP, "thaw"),
            Mark::Leave => (UP, "leave"),
        };
        drawing.shape(at, corners, class, hint);
    }
}

/// All lanes.
pub struct Lanes<'a> {
    /// What is drawn.
    pub timeline: &'a Timeline,
    /// Where times are.
    pub scale: &'a Scale,
    /// Top of the first lane.
    pub top: f64,
    /// The times that are shown.
    pub window: (u64, u64),
}

impl Lanes<'_> {
    fn y(&self, cpu: usize) -> f64 {
        self.top + cpu as f64 * HEIGHT
    }

    fn has(&self, time: u64) -> bool {
        (self.window.0..=self.window.1).contains(&time)
    }

    /// Draws the lanes; the freeze begins at `start`.
    pub fn draw(&self, drawing: &mut Drawing, start: u64) {
        for cpu in 0..self.timeline.cpus() {
            let y = self.y(cpu) + BAR + 17.0;
            let name = format!("CPU {cpu}");
            drawing.text((20.0, y), Anchor::Start, "cpu", &name);
        }
        self.draw_bars(drawing, self.writer(start));
        self.draw_ipis(drawing);
        for event in &self.timeline.events {
            if let Some((mark, cpu, down)) = Mark::of(event)
                && self.has(event.time)
            {
                let at = (self.scale.x(event.time), self.y(cpu) + down);
                let words = event.name.replace('_', " ");
                let name = self.timeline.name(event.a);
                let hint = format!("{words}: {name} {}", event.a);
                mark.draw(drawing, at, &hint);
            }
        }
    }

    /// The task that froze the others: it ran when the freeze began.
    fn writer(&self, start: u64) -> u32 {
        let begin =
            self.timeline.named("freeze_begin").find(|it| it.time == start);
        let runs = |cpu: usize| {
            self.timeline.spans().into_iter().find(|span| {
                span.cpu == cpu && span.start <= start && start < span.end
            })
        };
        begin.and_then(|begin| runs(begin.cpu)).map_or(0, |span| span.task)
    }

    fn draw_bars(&self, drawing: &mut Drawing, writer: u32) {
        let (first, last) = self.window;
        // Names of kernel threads stand above their bars, where there is room.
        let mut free = (0, 0.0);
        for span in self.timeline.spans() {
            if span.end < first || span.start > last {
                continue;
            }
            let left = self.scale.x(span.start.max(first));
            let width = self.scale.x(span.end.min(last)) - left;
            let name = self.timeline.name(span.task);
            let class = match span.task {
                task if task == writer => "writer",
                task if self.timeline.is_user(task) => "user",
                _ => "kernel",
            };
            let y = self.y(span.cpu) + BAR;
            let size = (width.max(1.0), BAR_HEIGHT);
            let hint = format!("{name} {}", span.task);
            drawing.rect((left, y), size, class, &hint);
            if width > name.len() as f64 * 7.0 + 6.0 {
                let middle = (left + width / 2.0, y + 17.0);
                drawing.text(middle, Anchor::Middle, "in", &name);
            } else if class == "kernel" && (span.cpu, left) > free {
                drawing.text((left, y - 6.0), Anchor::Start, "small", &name);
                free = (span.cpu, left + name.len() as f64 * 6.8);
            }
        }
    }

    fn draw_ipis(&self, drawing: &mut Drawing) {
        for ipi in self.timeline.ipis() {
            let ((from, sent), (to, taken)) = (ipi.from, ipi.to);
            if !self.has(sent) {
                continue;
            }
            let is_down = to > from;
            let edge = |is_upper: bool| {
                if is_upper { BAR } else { BAR + BAR_HEIGHT }
            };
            let start = (self.scale.x(sent), self.y(from) + edge(!is_down));
            let end = (self.scale.x(taken), self.y(to) + edge(is_down));
            drawing.line(start, end, "ipi");
            let tip = if is_down { -8.0 } else { 8.0 };
            let corners = [(-4.0, tip), (4.0, tip), (0.0, 0.0)];
            drawing.shape(end, &corners, "tip", "IPI");
        }
    }
}
