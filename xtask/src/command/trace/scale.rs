//! From nanoseconds to points of the picture.
//!
//! Where nothing happens for long, time is cut out, and the picture says how
//! much: else the microseconds in which a freeze happens would be invisible
//! beside the milliseconds for which it waits.

/// A cut: where it is in the picture, and how many nanoseconds are missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Points from the left.
    pub x: f64,
    /// Nanoseconds.
    pub missing: u64,
}

/// Width of a cut, in points.
const CUT: f64 = 36.0;

/// A stretch of time that is drawn as it is.
struct Piece {
    start: u64,
    end: u64,
    x: f64,
}

/// A scale over some stretches of time.
pub struct Scale {
    pieces: Vec<Piece>,
    points_per_ns: f64,
}

impl Scale {
    /// Shows all of `times` between `left` and `right`; gaps longer than
    /// `longest` nanoseconds are cut.
    pub fn new(times: &[u64], longest: u64, left: f64, right: f64) -> Scale {
        let mut times = times.to_vec();
        times.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for time in times {
            match ranges.last_mut() {
                Some((_, end)) if time - *end <= longest => *end = time,
                _ => ranges.push((time, time)),
            }
        }
        // Some room, so that what stands alone is seen.
        let room = longest / 4;
        for (start, end) in &mut ranges {
            (*start, *end) = (start.saturating_sub(room), *end + room);
        }
        let shown: u64 = ranges.iter().map(|(start, end)| end - start).sum();
        let cuts = ranges.len().saturating_sub(1) as f64 * CUT;
        let points_per_ns = (right - left - cuts) / shown.max(1) as f64;
        let mut x = left;
        let mut pieces = Vec::new();
        for (start, end) in ranges {
            pieces.push(Piece { start, end, x });
            x += (end - start) as f64 * points_per_ns + CUT;
        }
        Scale { pieces, points_per_ns }
    }

    /// Where a time is. What is cut out is at the cut.
    pub fn x(&self, time: u64) -> f64 {
        let at = self.pieces.partition_point(|piece| piece.start <= time);
        let Some(piece) = self.pieces.get(at.saturating_sub(1)) else {
            return 0.0;
        };
        let time = time.clamp(piece.start, piece.end);
        piece.x + (time - piece.start) as f64 * self.points_per_ns
    }

    /// Where time is cut out.
    pub fn cuts(&self) -> Vec<Cut> {
        let between = |pair: &[Piece]| Cut {
            x: pair[1].x - CUT / 2.0,
            missing: pair[1].start - pair[0].end,
        };
        self.pieces.windows(2).map(between).collect()
    }

    /// Times to mark, round when counted from `origin`, with about so many
    /// points between them.
    pub fn ticks(&self, origin: u64, distance: f64) -> Vec<u64> {
        let step = round_up(distance / self.points_per_ns);
        let within = |piece: &Piece| {
            let first = piece.start.saturating_sub(origin).div_ceil(step);
            let last = piece.end.saturating_sub(origin) / step;
            (first..=last).map(|at| origin + at * step).collect::<Vec<u64>>()
        };
        self.pieces.iter().flat_map(within).collect()
    }
}

/// The next of 1, 2, 5, 10, 20, 50, …
fn round_up(wanted: f64) -> u64 {
    let mut power = 1;
    loop {
        for digit in [1, 2, 5] {
            if (digit * power) as f64 >= wanted {
                return digit * power;
            }
        }
        power *= 10;
    }
}
