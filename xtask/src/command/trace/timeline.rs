//! What the kernel noted, in order, and what it means.
use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// A task, as the kernel showed it when the events were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// Whether it is a process's.
    pub is_user: bool,
    /// The letter of its state.
    pub state: char,
}

/// Something that happened on a CPU at a time in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since boot.
    pub time: u64,
    /// Which CPU.
    pub cpu: usize,
    /// What, in the kernel's word.
    pub name: String,
    /// Mostly a task.
    pub a: u32,
    /// What else there is to say.
    pub b: u32,
}

/// A stretch of time on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which CPU.
    pub cpu: usize,
    /// The task that ran; 0 is idleness.
    pub task: u32,
    /// From, in nanoseconds.
    pub start: u64,
    /// To, in nanoseconds.
    pub end: u64,
}

/// A part of the last freeze and thaw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// In words.
    pub name: &'static str,
    /// From, in nanoseconds.
    pub start: u64,
    /// To, in nanoseconds.
    pub end: u64,
    /// Whether it ended otherwise than it should.
    pub has_failed: bool,
}

/// An IPI for a task: sent from a CPU at a time, taken on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipi {
    /// The CPU and the time of the sender.
    pub from: (usize, u64),
    /// The CPU and the time of the one that was interrupted.
    pub to: (usize, u64),
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Tasks that lived when the events were read, by number.
    pub tasks: BTreeMap<u32, Task>,
    /// By time.
    pub events: Vec<Event>,
}

impl Timeline {
    /// Reads what the kernel's file shows.
    ///
    /// # Errors
    /// A line is not as it should be.
    pub fn read(text: &str) -> Result<Timeline> {
        let mut timeline = Timeline::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let known = match words.first() {
                Some(&"task") => timeline.add_task(&words[1..]),
                Some(&"event") => timeline.add_event(&words[1..]),
                _ => Some(()),
            };
            known.with_context(|| format!("the trace has a line {line:?}"))?;
        }
        timeline.events.sort_by_key(|event| event.time);
        Ok(timeline)
    }

    fn add_task(&mut self, words: &[&str]) -> Option<()> {
        let [id, _cpu, kind, state, name @ ..] = words else { return None };
        let task = Task {
            name: name.join(" "),
            is_user: *kind == "user",
            state: state.chars().next()?,
        };
        self.tasks.insert(id.parse().ok()?, task);
        Some(())
    }

    fn add_event(&mut self, words: &[&str]) -> Option<()> {
        let [time, cpu, name, a, b] = words else { return None };
        self.events.push(Event {
            time: time.parse().ok()?,
            cpu: cpu.parse().ok()?,
            name: (*name).into(),
            a: a.parse().ok()?,
            b: b.parse().ok()?,
        });
        Some(())
    }

    /// The events of that name.
    pub fn named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Event> {
        self.events.iter().filter(move |event| event.name == name)
    }

    /// The number of CPUs that did anything.
    pub fn cpus(&self) -> usize {
        self.events.iter().map(|event| event.cpu + 1).max().unwrap_or(0)
    }

    /// What a task is called. One that is dead by now has its parent's name.
    pub fn name(&self, task: u32) -> String {
        let born = || self.named("born").rfind(|event| event.b == task);
        match self.tasks.get(&task) {
            _ if task == 0 => "idle".into(),
            Some(task) => task.name.clone(),
            None => match born() {
                Some(event) if event.a != task => self.name(event.a),
                _ => format!("#{task}"),
            },
        }
    }

    /// Whether a task is a process's, so far as is known.
    pub fn is_user(&self, task: u32) -> bool {
        self.tasks.get(&task).is_none_or(|task| task.is_user) && task != 0
    }

    /// Who ran where, idleness left out.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        let end = self.events.last().map_or(0, |event| event.time);
        for cpu in 0..self.cpus() {
            let mut switches =
                self.named("switch").filter(|it| it.cpu == cpu).peekable();
            while let Some(Event { time, b: task, .. }) = switches.next() {
                let end = switches.peek().map_or(end, |next| next.time);
                let (task, start) = (*task, *time);
                spans.push(Span { cpu, task, start, end });
            }
        }
        spans.retain(|span| span.task != 0);
        spans
    }

    /// The last freeze of a group: it asks kernel threads at once, and nobody
    /// waits for its end.
    fn group_freeze(&self) -> Option<&Event> {
        let last = self.named("freeze_begin").next_back()?;
        let ends = self.named("freeze_end").any(|it| it.time > last.time);
        (last.a == 1 && !ends).then_some(last)
    }

    /// A group's freeze and its thaw.
    fn group_phases(&self, start: u64) -> Option<Vec<Phase>> {
        let after = |name, time| {
            self.named(name).map(|it| it.time).find(move |it| *it > time)
        };
        let thaw = after("thaw_begin", start)?;
        let thawed = after("thaw_end", thaw)?;
        let last = |names: &[&str]| {
            let is_it = |event: &&Event| {
                names.contains(&event.name.as_str())
                    && (start..thaw).contains(&event.time)
            };
            self.events.iter().rfind(is_it).map_or(start, |event| event.time)
        };
        let asked = last(&["fake_signal", "ipi"]);
        let parked = last(&["refrigerator_enter"]).max(asked);
        let phase =
            |name, start, end| Phase { name, start, end, has_failed: false };
        Some(Vec::from([
            phase("ask", start, asked),
            phase("park", asked, parked),
            phase("group frozen", parked, thaw),
            phase("thaw", thaw, thawed),
        ]))
    }

    /// The last freeze and its thaw.
    pub fn phases(&self) -> Vec<Phase> {
        if let Some(start) = self.group_freeze() {
            return self.group_phases(start.time).unwrap_or_default();
        }
        let is_first = |event: &&Event| event.a == 0;
        let Some(first) = self.named("freeze_begin").rfind(is_first) else {
            return Vec::new();
        };
        let after =
            self.events.iter().skip_while(|event| event.time < first.time);
        let mut phases = Vec::new();
        let (mut begun, mut last) = (first.time, first.time);
        for event in after {
            let end = event.time;
            let (start, name) = match (event.name.as_str(), event.a) {
                ("freeze_end", 0) => (begun, "freeze user tasks"),
                ("freeze_end", _) => (begun, "freeze kernel threads"),
                ("thaw_begin", _) => (last, "all frozen"),
                ("thaw_end", _) => (begun, "thaw"),
                ("freeze_begin", _) => {
                    begun = end;
                    continue;
                }
                _ => continue,
            };
            let has_failed = event.b != 0;
            phases.push(Phase { name, start, end, has_failed });
            (begun, last) = (end, end);
        }
        // Without a moment in between nothing was ever all frozen.
        let has_failed = phases.iter().any(|phase| phase.has_failed);
        phases.retain(|it| it.name != "all frozen" || !has_failed);
        phases
    }

    /// The freezer's interrupts. One that was sent to a task which parked by
    /// itself is not noticed.
    pub fn ipis(&self) -> Vec<Ipi> {
        let sent = self.named("ipi");
        let pair = |sent: &Event| {
            let taken = self.named("ipi_taken").find(|taken| {
                (taken.cpu, taken.a) == (sent.b as usize, sent.a)
                    && taken.time >= sent.time
            })?;
            let from = (sent.cpu, sent.time);
            Some(Ipi { from, to: (taken.cpu, taken.time) })
        };
        sent.filter_map(pair).collect()
    }

    /// User tasks that slept through the time from `start` on: they were
    /// frozen where they slept.
    pub fn frozen_in_place(&self, start: u64, end: u64) -> Vec<u32> {
        let spans = self.spans();
        let ran = |task: u32| {
            spans.iter().any(|span| {
                span.task == task && span.end > start && span.start < end
            })
        };
        let was_there = |task: u32| {
            let born = self.named("born").find(|event| event.b == task);
            born.is_none_or(|event| event.time < start)
        };
        let is_frozen = |(id, task): (&u32, &Task)| {
            // Who runs now, as the reader of the file does, may be new. A
            // group is frozen again by then.
            let is_asleep = match self.group_freeze() {
                Some(_) => task.state == 'D',
                None => !matches!(task.state, 'R' | 'Z'),
            };
            let was_idle = was_there(*id) && !ran(*id);
            let sleeps = task.is_user && is_asleep && was_idle;
            let parks = self.named("refrigerator_enter").any(|event| {
                event.a == *id && (start..end).contains(&event.time)
            });
            (sleeps && !parks).then_some(*id)
        };
        self.tasks.iter().filter_map(is_frozen).collect()
    }
}
