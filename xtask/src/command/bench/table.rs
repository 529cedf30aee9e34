//! Measured rows: read from what the guest prints, written as a table or as
//! JSON.
use std::fmt::Write;

use serde_json::{Value, json};

use super::linux;

/// One measured figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// How much of `unit` it was.
    pub value: f64,
    /// `us`, `KiB`, …
    pub unit: String,
}

impl Row {
    /// A row of our own.
    pub fn new(name: &str, value: f64, unit: &str) -> Row {
        Row { name: name.into(), value, unit: unit.into() }
    }

    fn ratio(&self) -> Option<f64> {
        linux::find(&self.name).map(|linux| self.value / linux.value)
    }

    /// Whether it is more than it may be.
    pub fn is_over_limit(&self) -> bool {
        linux::limit(&self.name).is_some_and(|limit| self.value > limit)
    }
}

/// The rows in lines such as `bench: getppid 0.150 us`.
pub fn read(output: &str) -> Vec<Row> {
    output.lines().filter_map(read_line).collect()
}

fn read_line(line: &str) -> Option<Row> {
    let (_, words) = line.split_once("bench: ")?;
    let mut words = words.split_whitespace();
    let (name, value, unit) = (words.next()?, words.next()?, words.next()?);
    Some(Row::new(name, value.parse().ok()?, unit))
}

/// `rows` with the sum of a freeze's two phases after them.
pub fn with_sums(rows: Vec<Row>) -> Vec<Row> {
    let mut all = Vec::new();
    for row in rows {
        let sum = row.name.strip_suffix("_kernel").and_then(|freeze| {
            let user = format!("{freeze}_user");
            let user = all.iter().find(|row: &&Row| row.name == user)?;
            Some(Row::new(freeze, user.value + row.value, &row.unit))
        });
        all.push(row);
        all.extend(sum);
    }
    all
}

/// The rows as a table for a person, with Linux's column and the limit beside
/// ours. A dash stands for what is not known.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<28} {:>12} {:>12} {:>7} {:>10}  unit\n",
        "benchmark", "Firn", "Linux 5.10", "ratio", "limit"
    );
    for row in rows {
        let linux = linux::find(&row.name);
        let version = linux.and_then(|linux| linux.version);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<28} {:>12} {:>12} {:>7} {:>10}  {}{}{}",
            row.name,
            number(row.value),
            linux.map_or("-".into(), |linux| number(linux.value)),
            row.ratio().map_or("-".into(), |ratio| format!("{ratio:.2}")),
            linux::limit(&row.name).map_or("-".into(), number),
            row.unit,
            version.map_or(String::new(), |name| format!(" (Linux {name})")),
            if row.is_over_limit() { "  over the limit" } else { "" },
        );
    }
    text
}

fn number(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{value:.0}"),
        value => format!("{value:.3}"),
    }
}

/// The rows for a program.
pub fn json(rows: &[Row]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let linux = linux::find(&row.name);
            json!({
                "name": row.name,
                "value": row.value,
                "unit": row.unit,
                "linux": linux.map(|linux| linux.value),
                "linux_version":
                    linux.map(|linux| linux.version.unwrap_or("5.10")),
                "limit": linux::limit(&row.name),
            })
        })
        .collect();
    json!({ "rows": rows })
}
