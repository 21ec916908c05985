//! What is counted: one table of metrics, and the closed list of [`Event`]s with a counter each.
//!
//! Metrics with labels of more values (title, message) are counted where they happen, under the names of [`METRICS`].

use std::sync::atomic::{AtomicU64, Ordering};

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

        /// Every metric of the servers.
        pub static METRICS: &[Metric] = &[$(
            Metric { name: $name, kind: MetricKind::$kind, unit: $unit, labels: &[$($label),*], help: $help },
        )*];
    };
}

metrics_table! {
    CONNECTIONS_ACCEPTED = "medius_server_connections_accepted_total", Counter, "connections", ["server"],
        "TCP connections taken in.";
    CONNECTIONS_REFUSED = "medius_server_connections_refused_total", Counter, "connections", ["reason"],
        "TCP connections turned away before a byte was read.";
    CONNECTIONS_CLOSED = "medius_server_connections_closed_total", Counter, "connections", ["reason"],
        "TCP connections closed, by who or what closed them.";
    CONNECTIONS = "medius_server_connections", Gauge, "connections", [],
        "TCP connections open now.";
    HALF_OPEN = "medius_server_half_open_connections", Gauge, "connections", [],
        "TCP connections that have not identified themselves yet.";
    PROTOCOL_ERRORS = "medius_server_protocol_errors_total", Counter, "errors", ["kind"],
        "What peers sent that is not the protocol.";
    NAT_PACKETS = "medius_server_nat_packets_total", Counter, "packets", ["result"],
        "Datagrams to the NAT service.";
    BANDWIDTH_PROBES = "medius_server_bandwidth_probes_total", Counter, "packets", ["result"],
        "Datagrams to the bandwidth probe service.";
    TITLE_RESTARTS = "medius_server_title_restarts_total", Counter, "restarts", ["title"],
        "Times a title's state was lost to a defect and begun anew.";
    APPS_REFUSED = "medius_server_apps_refused_total", Counter, "connections", ["server"],
        "Connections with an app id that is not served.";
    REQUESTS = "medius_lobby_requests_total", Counter, "requests", ["message"],
        "Requests that had a handler.";
    UNHANDLED = "medius_lobby_unhandled_requests_total", Counter, "requests", ["title", "message"],
        "Messages without a handler: those that only servers send.";
    REFUSALS = "medius_lobby_refusals_total", Counter, "requests", ["message"],
        "Requests answered with a failure.";
    LOGINS = "medius_lobby_logins_total", Counter, "logins", ["title", "result"],
        "Logins, by outcome.";
    PLUGIN_EVENTS_LOST = "medius_lobby_plugin_events_lost_total", Counter, "events", ["title"],
        "Events that a plugin was not told of, because there were too many at once.";
}

macro_rules! events_table {
    ($($(#[$docs:meta])* $event:ident = $metric:ident, $label:literal, $value:literal;)*) => {
        /// Something that is counted, with the metric and label it is counted under.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Event {
            $($(#[$docs])* $event,)*
        }

        impl Event {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$event,)*];

            /// Metric name, label and value.
            pub const fn metric(self) -> (&'static str, &'static str, &'static str) {
                match self {
                    $(Self::$event => ($metric, $label, $value),)*
                }
            }
        }
    };
}

events_table! {
    /// A connection to MUIS.
    AcceptedMuis = CONNECTIONS_ACCEPTED, "server", "muis";
    /// A connection to MAS.
    AcceptedMas = CONNECTIONS_ACCEPTED, "server", "mas";
    /// A connection to MLS.
    AcceptedMls = CONNECTIONS_ACCEPTED, "server", "mls";
    /// A connection to MPS.
    AcceptedMps = CONNECTIONS_ACCEPTED, "server", "mps";
    /// A connection to MAPS.
    AcceptedMaps = CONNECTIONS_ACCEPTED, "server", "maps";
    /// A connection to MMS.
    AcceptedMms = CONNECTIONS_ACCEPTED, "server", "mms";
    /// A connection to MUCG.
    AcceptedMucg = CONNECTIONS_ACCEPTED, "server", "mucg";
    /// The host has as many connections as it may.
    RefusedHostFull = CONNECTIONS_REFUSED, "reason", "host_full";
    /// The address has as many connections as it may.
    RefusedAddressFull = CONNECTIONS_REFUSED, "reason", "address_full";
    /// The address connects too often.
    RefusedAddressTooFast = CONNECTIONS_REFUSED, "reason", "address_too_fast";
    /// Too many connections have not identified themselves.
    RefusedHalfOpenFull = CONNECTIONS_REFUSED, "reason", "half_open_full";
    /// The address is banned: told so, then closed.
    RefusedBanned = CONNECTIONS_REFUSED, "reason", "banned";
    /// Maintenance mode: told so, then closed.
    RefusedMaintenance = CONNECTIONS_REFUSED, "reason", "maintenance";
    /// The peer closed the socket, with or without a disconnect message.
    ClosedByPeer = CONNECTIONS_CLOSED, "reason", "peer";
    /// Nothing came for too long.
    ClosedIdle = CONNECTIONS_CLOSED, "reason", "idle";
    /// No session or login within the time for it.
    ClosedHalfOpen = CONNECTIONS_CLOSED, "reason", "half_open";
    /// The peer broke the protocol.
    ClosedProtocol = CONNECTIONS_CLOSED, "reason", "protocol";
    /// The push queue was full.
    ClosedPushQueue = CONNECTIONS_CLOSED, "reason", "push_queue";
    /// The peer does not read what it is sent.
    ClosedSlowReader = CONNECTIONS_CLOSED, "reason", "slow_reader";
    /// Too many messages a second.
    ClosedFlood = CONNECTIONS_CLOSED, "reason", "flood";
    /// An unknown access key.
    ClosedUnknownKey = CONNECTIONS_CLOSED, "reason", "unknown_key";
    /// The app id is not served.
    ClosedAppNotServed = CONNECTIONS_CLOSED, "reason", "app_not_served";
    /// The title put the player out: a newer login, a kick, a ban, the session's end.
    ClosedByTitle = CONNECTIONS_CLOSED, "reason", "title";
    /// The host shuts down.
    ClosedShutdown = CONNECTIONS_CLOSED, "reason", "shutdown";
    /// The operating system reported an error.
    ClosedIo = CONNECTIONS_CLOSED, "reason", "io";
    /// A handler or the connection's task failed: a defect of the host.
    ClosedDefect = CONNECTIONS_CLOSED, "reason", "defect";
    /// A frame or handshake that the session machine refused.
    ErrorSession = PROTOCOL_ERRORS, "kind", "session";
    /// An application message that does not decode.
    ErrorUndecodable = PROTOCOL_ERRORS, "kind", "undecodable";
    /// An application message of an unknown layout.
    ErrorUnknownMessage = PROTOCOL_ERRORS, "kind", "unknown_message";
    /// A request in a state that does not allow it.
    ErrorPrecondition = PROTOCOL_ERRORS, "kind", "precondition";
    /// A request on a server that does not take it.
    ErrorWrongServer = PROTOCOL_ERRORS, "kind", "wrong_server";
    /// A message without a handler.
    Unhandled = PROTOCOL_ERRORS, "kind", "unhandled";
    /// A NAT probe was answered.
    NatAnswered = NAT_PACKETS, "result", "answered";
    /// A NAT keep-alive.
    NatKeepAlive = NAT_PACKETS, "result", "keep_alive";
    /// A datagram of another size.
    NatIgnored = NAT_PACKETS, "result", "ignored";
    /// A source over its rate.
    NatLimited = NAT_PACKETS, "result", "limited";
    /// A bandwidth probe was answered.
    BandwidthAnswered = BANDWIDTH_PROBES, "result", "answered";
    /// A datagram that is no bandwidth probe.
    BandwidthIgnored = BANDWIDTH_PROBES, "result", "ignored";
    /// A bandwidth probe too many from one address.
    BandwidthLimited = BANDWIDTH_PROBES, "result", "limited";
}

/// A counter for each [`Event`], beside the exporter's, so that a running host can be asked directly.
#[derive(Debug)]
pub struct Counters {
    counts: Vec<AtomicU64>,
    exported: Vec<metrics_handle::Handle>,
}

mod metrics_handle {
    /// The exporter's counter; its own `Debug` shows nothing.
    pub(super) struct Handle(pub(super) metrics::Counter);

    impl std::fmt::Debug for Handle {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Counter")
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        let exported = Event::ALL.iter().map(|event| {
            let (metric, label, value) = event.metric();
            metrics_handle::Handle(metrics::counter!(metric, label => value))
        });
        Self { counts: Event::ALL.iter().map(|_| AtomicU64::new(0)).collect(), exported: exported.collect() }
    }
}

impl Counters {
    /// Counts one.
    pub fn count(&self, event: Event) {
        let index = event as usize;
        if let (Some(count), Some(exported)) = (self.counts.get(index), self.exported.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
            exported.0.increment(1);
        }
    }

    /// How many there were.
    pub fn get(&self, event: Event) -> u64 {
        self.counts.get(event as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_counted_under_a_metric_of_the_table_and_its_label() {
        for event in Event::ALL {
            let (name, label, _) = event.metric();
            let metric = METRICS.iter().find(|metric| metric.name == name);
            assert!(metric.is_some_and(|metric| metric.labels.contains(&label)), "{event:?}");
        }
    }

    #[test]
    fn metric_names_say_subsystem_and_unit() {
        for metric in METRICS {
            assert!(metric.name.starts_with("medius_server_") || metric.name.starts_with("medius_lobby_"));
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == MetricKind::Counter,
                "{}",
                metric.name
            );
            assert!(metric.help.ends_with('.'));
        }
    }
}
