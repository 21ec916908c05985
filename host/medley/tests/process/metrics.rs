//! docs/metrics.md: what `/metrics` has, from the tables that declare it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

const FILE: &str = "docs/metrics.md";
const HEAD: &str = "# Metrics

`/metrics` on the operator's port (10076) in the text format of Prometheus. This file is made from the tables in
`host/server/src/events.rs` and `host/relay/src/metrics.rs`: `MEDLEY_UPDATE_DOCS=1 cargo test -p medley docs`.

A counter only grows, from the start of the process on; a gauge is the number of this moment. A series whose labels are open
(a title, a message) is there from the first time it is counted. A game relay in a process of its own (`medley relay`) has no such port: what
it does shows in the host's counters of MPS, and in its log.
";

/// One metric of either table: labels with the values that are known beforehand.
struct Row {
    name: &'static str,
    kind: String,
    unit: &'static str,
    labels: Vec<(&'static str, Vec<&'static str>)>,
    help: &'static str,
}

/// The servers' metrics, with the labels' values that events have.
fn server() -> Vec<Row> {
    let rows = medley_server::METRICS.iter().map(|metric| {
        let values = |label: &&'static str| {
            let events = medley_server::Event::ALL.iter().map(|event| event.metric());
            let own = events.filter(|(name, key, _)| *name == metric.name && key == label);
            (*label, own.map(|(_, _, value)| value).collect())
        };
        Row {
            name: metric.name,
            kind: format!("{:?}", metric.kind).to_lowercase(),
            unit: metric.unit,
            labels: metric.labels.iter().map(values).collect(),
            help: metric.help,
        }
    });
    rows.collect()
}

/// The metrics of title plugins.
fn plugins() -> Vec<Row> {
    let rows = medley_runtime::METRICS.iter().map(|metric| Row {
        name: metric.name,
        kind: format!("{:?}", metric.kind).to_lowercase(),
        unit: metric.unit,
        labels: metric.labels.iter().map(|label| (*label, Vec::new())).collect(),
        help: metric.help,
    });
    rows.collect()
}

/// The relay's metrics: its table has a row per series.
fn relay() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for metric in medley_relay::METRICS {
        if let Some(row) = rows.iter_mut().find(|row| row.name == metric.name) {
            for (known, values) in &mut row.labels {
                values.extend(metric.label.filter(|(label, _)| label == known).map(|(_, value)| value));
            }
            continue;
        }
        rows.push(Row {
            name: metric.name,
            kind: format!("{:?}", metric.kind).to_lowercase(),
            unit: metric.unit,
            labels: metric.label.iter().map(|(label, value)| (*label, vec![*value])).collect(),
            help: metric.help,
        });
    }
    rows
}

fn table(text: &mut String, title: &str, rows: &[Row]) -> Result<()> {
    write!(text, "\n## {title}\n\n| Metric | Kind | Unit | Labels | Meaning |\n|---|---|---|---|---|\n")?;
    for Row { name, kind, unit, labels, help } in rows {
        let label = |(label, values): &(&str, Vec<&str>)| match values.as_slice() {
            [] => format!("`{label}`"),
            values => format!("`{label}`: {}", values.join(", ")),
        };
        let labels = labels.iter().map(label).collect::<Vec<_>>().join("; ");
        let stop = if help.ends_with('.') { "" } else { "." };
        writeln!(text, "| `{name}` | {kind} | {unit} | {labels} | {help}{stop} |")?;
    }
    Ok(())
}

/// Every metric that the host can show, by name, with the help text that stands beside it.
pub(crate) fn described() -> Vec<(&'static str, &'static str)> {
    server().into_iter().chain(relay()).chain(plugins()).map(|row| (row.name, row.help)).collect()
}

/// The names that the document has.
pub(crate) fn documented() -> Result<Vec<String>> {
    let text = fs::read_to_string(path())?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    Ok(rows.map(|(name, _)| name.to_owned()).collect())
}

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FILE)
}

#[test]
fn the_docs_of_the_metrics_are_what_the_tables_say() -> Result<()> {
    let mut text = HEAD.to_owned();
    table(&mut text, "Servers (MUIS, MAS, MLS, MPS, NAT)", &server())?;
    table(&mut text, "Game relay (DME)", &relay())?;
    table(&mut text, "Title plugins", &plugins())?;
    if std::env::var_os("MEDLEY_UPDATE_DOCS").is_some() {
        fs::write(path(), text)?;
        return Ok(());
    }
    let stale = fs::read_to_string(path()).unwrap_or_default() != text;
    ensure!(!stale, "{FILE} is stale: run MEDLEY_UPDATE_DOCS=1 cargo test -p medley docs");
    Ok(())
}
