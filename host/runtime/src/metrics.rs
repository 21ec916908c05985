//! What is counted, under which name.

/// What a metric is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// A row of the table of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// Unit, as Prometheus names it.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

macro_rules! metrics_table {
    ($($constant:ident = $name:literal, $kind:ident, $unit:literal, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// Every metric of plugins.
        pub static METRICS: &[Metric] = &[$(
            Metric { name: $name, kind: MetricKind::$kind, unit: $unit, labels: &[$($label),*], help: $help },
        )*];
    };
}

metrics_table! {
    CALLS = "medius_plugin_calls_total", Counter, "calls", ["title", "hook"],
        "Calls of a plugin's functions.";
    CALL_NANOSECONDS = "medius_plugin_call_nanoseconds_total", Counter, "nanoseconds", ["title", "hook"],
        "Time spent in them, host calls included.";
    FAILURES = "medius_plugin_failures_total", Counter, "failures", ["title", "hook", "kind"],
        "Calls that ended in a trap, over their deadline or with a bad answer, and instances that could not be made anew.";
    RESTARTS = "medius_plugin_restarts_total", Counter, "restarts", ["title"],
        "Instances made in place of one that failed.";
    QUARANTINES = "medius_plugin_quarantines_total", Counter, "quarantines", ["title"],
        "Times a plugin was taken out of service because it failed too often.";
    SWAPS = "medius_plugin_swaps_total", Counter, "swaps", ["title", "result"],
        "Hand-overs to another version of the plugin.";
    SWAP_PAUSE = "medius_plugin_swap_pause_seconds", Histogram, "seconds", ["title"],
        "How long a hand-over kept the title waiting.";
    LOG_DROPPED = "medius_plugin_log_lines_dropped_total", Counter, "lines", ["title"],
        "Lines of log over the plugin's bound.";
    MEMORY = "medius_plugin_memory_bytes", Gauge, "bytes", ["title"],
        "Linear memory of the title's instances.";
    HOST_REFUSALS = "medius_plugin_host_call_refusals_total", Counter, "calls", ["title", "reason"],
        "Host calls that a limit or a missing capability refused.";
    OWN_COUNTER = "medius_plugin_own_total", Counter, "events", ["title", "name"],
        "What the plugin counts itself.";
    OWN_GAUGE = "medius_plugin_own", Gauge, "units", ["title", "name"],
        "What the plugin measures itself.";
}

/// Tells the installed exporter what each metric is. Call once, after installing it.
pub fn describe() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}
