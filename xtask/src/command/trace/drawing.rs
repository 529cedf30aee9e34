//! The little of SVG that a picture needs. Coordinates are points.
use std::fmt::Write;

/// A picture that is being drawn.
#[derive(Default)]
pub struct Drawing {
    body: String,
}

/// Where text stands beside its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// To the right of it.
    Start,
    /// Around it.
    Middle,
}

/// Text as XML wants it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Drawing {
    /// A rectangle; the hint is shown under the pointer.
    pub fn rect(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        class: &str,
        hint: &str,
    ) {
        let hint = escape(hint);
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" \
             width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\">\
             <title>{hint}</title></rect>"
        );
    }

    /// A line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.body,
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" \
             x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        );
    }

    /// A closed figure, from its corners relative to a point.
    pub fn shape(
        &mut self,
        (x, y): (f64, f64),
        corners: &[(f64, f64)],
        class: &str,
        hint: &str,
    ) {
        let points: Vec<String> = corners
            .iter()
            .map(|(right, down)| format!("{:.1},{:.1}", x + right, y + down))
            .collect();
        let (points, hint) = (points.join(" "), escape(hint));
        let _ = writeln!(
            self.body,
            "<polygon class=\"{class}\" points=\"{points}\">\
             <title>{hint}</title></polygon>"
        );
    }

    /// A line of text.
    pub fn text(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        class: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
        };
        let text = escape(text);
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" \
             text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// The whole file.
    pub fn finish(self, size: (f64, f64), style: &str) -> String {
        let (width, height) = size;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \
             viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\">\n<style>{style}</style>\n{}\
             </svg>\n",
            self.body
        )
    }
}
