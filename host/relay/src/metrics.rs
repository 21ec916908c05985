//! What the relay counts: one table declares the counters, their names for Prometheus and their meaning.

use std::sync::atomic::{AtomicU64, Ordering};

/// Whether a number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows; a rate is what is interesting.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// One row of [`METRICS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricInfo {
    /// Name of the series.
    pub name: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    /// What is counted.
    pub unit: &'static str,
    /// Label and value, where one name has several series.
    pub label: Option<(&'static str, &'static str)>,
    /// Meaning, for the operator.
    pub help: &'static str,
}

macro_rules! counters {
    ($($field:ident: $kind:ident $name:literal $([$label:literal = $value:literal])? in $unit:literal, $help:literal;)*) => {
        /// Every metric of the relay, in the order of [`RelayCounters`]' fields.
        pub const METRICS: &[MetricInfo] = &[$(MetricInfo {
            name: $name,
            kind: MetricKind::$kind,
            unit: $unit,
            label: counters!(@label $($label, $value)?),
            help: $help,
        }),*];

        /// The counters of one thread: it alone writes, everybody reads.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $field: Counter,)*
        }

        /// The relay's numbers at one moment, all threads together.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct RelayCounters {
            $(#[doc = $help] pub $field: u64,)*
        }

        impl RelayCounters {
            pub(crate) fn add(&mut self, counters: &Counters) {
                $(self.$field = self.$field.wrapping_add(counters.$field.get());)*
            }

            /// Each row of the table with its value.
            pub fn rows(&self) -> impl Iterator<Item = (&'static MetricInfo, u64)> {
                METRICS.iter().zip([$(self.$field),*])
            }
        }
    };
    (@label) => { None };
    (@label $label:literal, $value:literal) => { Some(($label, $value)) };
}

counters! {
    worlds: Gauge "medius_relay_worlds" in "worlds", "Game worlds now";
    players: Gauge "medius_relay_players" in "players", "Players who finished their handshake, now";
    connections: Gauge "medius_relay_connections" in "connections", "TCP connections with an accepted access key, now";
    half_open: Gauge "medius_relay_half_open_connections" in "connections", "TCP connections that have not shown an access key yet, now";
    accepted: Counter "medius_relay_connections_total" in "connections", "TCP connections accepted";
    entered: Counter "medius_relay_entered_total" in "players", "Connections let in by their access key";
    joined: Counter "medius_relay_joined_total" in "players", "Handshakes finished";
    tcp_messages_in: Counter "medius_relay_messages_received_total"["transport" = "tcp"] in "messages", "Messages for other players that came";
    udp_messages_in: Counter "medius_relay_messages_received_total"["transport" = "udp"] in "messages", "Messages for other players that came";
    tcp_messages_out: Counter "medius_relay_messages_sent_total"["transport" = "tcp"] in "messages", "Messages put into a player's output, once per receiver";
    udp_messages_out: Counter "medius_relay_messages_sent_total"["transport" = "udp"] in "messages", "Messages put into a player's output, once per receiver";
    tcp_bytes_in: Counter "medius_relay_bytes_received_total"["transport" = "tcp"] in "bytes", "Bytes read";
    udp_bytes_in: Counter "medius_relay_bytes_received_total"["transport" = "udp"] in "bytes", "Bytes read";
    tcp_bytes_out: Counter "medius_relay_bytes_sent_total"["transport" = "tcp"] in "bytes", "Bytes written";
    udp_bytes_out: Counter "medius_relay_bytes_sent_total"["transport" = "udp"] in "bytes", "Bytes written";
    writes: Counter "medius_relay_writes_total" in "calls", "TCP writes: messages sent divided by this is the aggregation";
    datagrams_in: Counter "medius_relay_datagrams_received_total" in "datagrams", "Datagrams read";
    datagrams_out: Counter "medius_relay_datagrams_sent_total" in "datagrams", "Datagrams written";
    unknown_target: Counter "medius_relay_dropped_total"["reason" = "unknown_target"] in "messages", "Messages dropped";
    not_joined: Counter "medius_relay_dropped_total"["reason" = "not_joined"] in "messages", "Messages dropped";
    too_fast: Counter "medius_relay_dropped_total"["reason" = "rate"] in "messages", "Messages dropped";
    too_much: Counter "medius_relay_dropped_total"["reason" = "bytes"] in "messages", "Messages dropped";
    bad_datagrams: Counter "medius_relay_datagrams_dropped_total"["reason" = "hash"] in "datagrams", "Datagrams dropped";
    unknown_datagrams: Counter "medius_relay_datagrams_dropped_total"["reason" = "unknown_source"] in "datagrams", "Datagrams dropped";
    spoofed_datagrams: Counter "medius_relay_datagrams_dropped_total"["reason" = "wrong_source"] in "datagrams", "Datagrams dropped";
    unsent_datagrams: Counter "medius_relay_datagrams_dropped_total"["reason" = "socket_full"] in "datagrams", "Datagrams dropped";
    key_unknown: Counter "medius_relay_refused_total"["reason" = "key_unknown"] in "connections", "Connections refused";
    key_expired: Counter "medius_relay_refused_total"["reason" = "key_expired"] in "connections", "Connections refused";
    key_session: Counter "medius_relay_refused_total"["reason" = "key_session"] in "connections", "Connections refused";
    too_many: Counter "medius_relay_refused_total"["reason" = "limit"] in "connections", "Connections refused";
    too_often: Counter "medius_relay_refused_total"["reason" = "rate"] in "connections", "Connections refused";
    protocol_errors: Counter "medius_relay_closed_total"["reason" = "protocol"] in "connections", "Connections closed by the relay";
    timeouts: Counter "medius_relay_closed_total"["reason" = "timeout"] in "connections", "Connections closed by the relay";
    slow_readers: Counter "medius_relay_closed_total"["reason" = "slow_reader"] in "connections", "Connections closed by the relay";
    displaced: Counter "medius_relay_closed_total"["reason" = "displaced"] in "connections", "Connections closed by the relay";
    put_out: Counter "medius_relay_closed_total"["reason" = "order"] in "connections", "Connections closed by the relay";
    expired_slots: Counter "medius_relay_expired_slots_total" in "slots", "Slots whose client never came";
    lost_notices: Counter "medius_relay_lost_notices_total" in "messages", "Notifications to MPS lost because its link was too far behind";
    turns: Counter "medius_relay_turns_total" in "turns", "Turns of the relay's threads: read all, relay, write all";
}

/// A number that one thread writes.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// A plain load and store: there is one writer, and a locked addition per packet is not free.
    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.get().wrapping_add(count), Ordering::Relaxed);
    }

    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tells the process' metrics recorder what each metric means. Once, at the start.
pub(crate) fn describe() {
    for row in METRICS {
        match row.kind {
            MetricKind::Counter => metrics::describe_counter!(row.name, row.help),
            MetricKind::Gauge => metrics::describe_gauge!(row.name, row.help),
        }
    }
}

/// Hands all values to the process' metrics recorder.
pub(crate) fn publish(counters: &RelayCounters) {
    for (row, value) in counters.rows() {
        let labels: Vec<metrics::Label> =
            row.label.iter().map(|(name, value)| metrics::Label::new(*name, *value)).collect();
        match row.kind {
            MetricKind::Counter => metrics::counter!(row.name, labels).absolute(value),
            MetricKind::Gauge => metrics::gauge!(row.name, labels).set(value as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_metric_has_its_own_series_and_a_name_in_the_house_style() {
        let mut seen = HashSet::new();
        for row in METRICS {
            assert!(seen.insert((row.name, row.label)), "{} twice", row.name);
            assert!(row.name.starts_with("medius_relay_"), "{}", row.name);
            assert_eq!(row.name.ends_with("_total"), row.kind == MetricKind::Counter, "{}", row.name);
            assert!(!row.help.is_empty() && !row.unit.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn rows_carry_the_values_of_their_fields() {
        let counters = Counters::default();
        counters.worlds.set(3);
        counters.turns.add(5);
        let mut sum = RelayCounters::default();
        sum.add(&counters);
        sum.add(&counters);
        assert_eq!((sum.worlds, sum.turns), (6, 10));
        let rows: Vec<_> = sum.rows().filter(|(_, value)| *value > 0).map(|(row, _)| row.name).collect();
        assert_eq!(rows, ["medius_relay_worlds", "medius_relay_turns_total"]);
    }
}
