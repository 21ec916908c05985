//! Figures: one row a measurement, as a table for people and as JSON for tools.

use core::fmt::Write as _;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies in nanoseconds, up to a minute, to three digits.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        // The bounds are right for the type: 1 < 6e10 and three digits.
        Self(Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap_or_else(|_| unreachable!()))
    }
}

impl Latencies {
    /// Takes one in.
    pub fn record(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds);
    }

    /// In microseconds; `None` if there are none.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let micros = |nanos: u64| nanos as f64 / 1000.0;
        (!self.0.is_empty()).then(|| Summary {
            p50: micros(self.0.value_at_quantile(0.5)),
            p95: micros(self.0.value_at_quantile(0.95)),
            p99: micros(self.0.value_at_quantile(0.99)),
            max: micros(self.0.max()),
        })
    }
}

/// Latencies, microseconds.
#[derive(Clone, Copy, Debug, Serialize, PartialEq)]
pub struct Summary {
    /// Half are below.
    pub p50: f64,
    /// 95 of 100 are below.
    pub p95: f64,
    /// 99 of 100 are below.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// One measurement.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// What was done, and against what.
    pub name: String,
    /// Clients.
    pub clients: usize,
    /// Operations that were to be done: logins, deliveries, answers.
    pub expected: u64,
    /// Operations done.
    pub done: u64,
    /// Operations a second.
    pub rate: f64,
    /// Done of expected.
    pub percent: f64,
    /// From the sending to the end of an operation.
    pub latency: Option<Summary>,
    /// CPU of the server per operation, microseconds.
    pub cpu_us: Option<f64>,
    /// CPU of the server, percent of one core.
    pub cpu_percent: Option<f64>,
    /// Resident memory of the server, KiB.
    pub rss_kib: Option<u64>,
    /// CPU per operation over that of the baseline of the same run.
    pub ratio: Option<f64>,
    /// CPU of the generator's own thread, percent of one core: near 100 it was the limit, and not the server.
    pub generator_percent: Option<f64>,
    /// What else is to be known.
    pub note: String,
}

impl Row {
    /// A row of `done` operations in `seconds`, with the server's CPU seconds.
    #[must_use]
    pub fn new(
        name: String,
        clients: usize,
        expected: u64,
        done: u64,
        seconds: f64,
        cpu: Option<f64>,
    ) -> Self {
        Self {
            name,
            clients,
            expected,
            done,
            rate: done as f64 / seconds.max(1e-9),
            percent: if expected == 0 { 100.0 } else { 100.0 * done as f64 / expected as f64 },
            cpu_us: cpu.map(|cpu| 1e6 * cpu / done.max(1) as f64),
            cpu_percent: cpu.map(|cpu| 100.0 * cpu / seconds.max(1e-9)),
            ..Self::default()
        }
    }
}

/// The medians of several runs of the same measurement, each figure by itself; of the share that was done, the least.
/// `None` without a run.
#[must_use]
pub fn median(runs: &[Row]) -> Option<Row> {
    let first = runs.first()?;
    let middle = |pick: &dyn Fn(&Row) -> Option<f64>| {
        let mut values: Vec<f64> = runs.iter().filter_map(pick).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let latency = |pick: fn(&Summary) -> f64| middle(&|row| row.latency.as_ref().map(pick));
    let least = runs.iter().min_by(|one, other| one.percent.total_cmp(&other.percent)).unwrap_or(first);
    let mut notes: Vec<&str> = Vec::new();
    for row in runs {
        if !row.note.is_empty() && !notes.contains(&row.note.as_str()) {
            notes.push(&row.note);
        }
    }
    Some(Row {
        name: first.name.clone(),
        clients: first.clients,
        expected: least.expected,
        done: least.done,
        percent: least.percent,
        rate: middle(&|row| Some(row.rate)).unwrap_or_default(),
        latency: first.latency.and_then(|_| {
            Some(Summary {
                p50: latency(|summary| summary.p50)?,
                p95: latency(|summary| summary.p95)?,
                p99: latency(|summary| summary.p99)?,
                max: latency(|summary| summary.max)?,
            })
        }),
        cpu_us: middle(&|row| row.cpu_us),
        cpu_percent: middle(&|row| row.cpu_percent),
        rss_kib: middle(&|row| row.rss_kib.map(|kib| kib as f64)).map(|kib| kib as u64),
        ratio: middle(&|row| row.ratio),
        generator_percent: middle(&|row| row.generator_percent),
        note: notes.join("; "),
    })
}

/// The rows as a table.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(8);
    let _ = writeln!(
        text,
        "{:<width$} {:>7} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>6} {:>6}  note",
        "workload",
        "clients",
        "rate/s",
        "done %",
        "p50 us",
        "p95 us",
        "p99 us",
        "max us",
        "cpu us/op",
        "cpu %",
        "RSS KiB",
        "ratio",
        "gen %"
    );
    for row in rows {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let latency = |pick: fn(&Summary) -> f64| number(row.latency.as_ref().map(pick), 0);
        let _ = writeln!(
            text,
            "{:<width$} {:>7} {:>10.0} {:>9.3} {:>9} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>6} {:>6}  {}",
            row.name,
            row.clients,
            row.rate,
            row.percent,
            latency(|summary| summary.p50),
            latency(|summary| summary.p95),
            latency(|summary| summary.p99),
            latency(|summary| summary.max),
            number(row.cpu_us, 3),
            number(row.cpu_percent, 1),
            row.rss_kib.map_or_else(|| "-".to_owned(), |kib| kib.to_string()),
            number(row.ratio, 2),
            number(row.generator_percent, 0),
            row.note,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_computes_rate_share_and_cost() {
        let row = Row::new("x".into(), 8, 200, 100, 2.0, Some(0.001));
        assert_eq!(
            (row.rate, row.percent, row.cpu_us, row.cpu_percent),
            (50.0, 50.0, Some(10.0), Some(0.05))
        );
        let table = table(&[row]);
        assert_eq!(table.lines().count(), 2);
        assert!(table.contains("50.000") && table.contains("10.000"), "{table}");
    }

    #[test]
    fn a_median_takes_each_figure_by_itself_and_the_worst_of_what_was_done() {
        let run = |rate, percent, cpu_us, note: &str| Row {
            name: "x".into(),
            rate,
            percent,
            cpu_us: Some(cpu_us),
            note: note.into(),
            ..Row::default()
        };
        let runs = [run(3.0, 100.0, 7.0, "a"), run(1.0, 99.0, 9.0, ""), run(2.0, 100.0, 8.0, "a")];
        let row = median(&runs).unwrap();
        assert_eq!((row.rate, row.percent, row.cpu_us, row.note.as_str()), (2.0, 99.0, Some(8.0), "a"));
        assert_eq!((row.latency, row.ratio), (None, None));
        assert!(median(&[]).is_none());
    }

    #[test]
    fn latencies_come_in_microseconds() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.summary(), None);
        for value in 1..=100 {
            latencies.record(value * 1000);
        }
        let summary = latencies.summary().unwrap();
        assert!((summary.p50 - 50.0).abs() < 0.2 && (summary.p99 - 99.0).abs() < 0.2, "{summary:?}");
        assert!((summary.max - 100.0).abs() < 0.2, "{summary:?}");
    }
}
