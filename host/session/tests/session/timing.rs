//! Deadlines, under virtual time.

use std::time::Duration;

use medley_session::*;
use medley_wire::RtId;

use crate::pair::{Pair, clear_frame, client_config, server_config};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_connection_that_says_nothing_is_closed_after_the_handshake_timeout() {
    let mut pair = Pair::new(client_config(110, ServerKind::Mas, false), server_config(ServerKind::Mas));
    let start = pair.now;
    assert_eq!(pair.server.poll_timeout(), Some(start + 30 * SECOND));
    assert_eq!(pair.server.handle_timeout(start + 29 * SECOND), None);
    assert_eq!(pair.server.handle_timeout(start + 30 * SECOND), Some(Timeout::Handshake));
    assert_eq!(pair.server.state(), State::Closed);
    assert_eq!((pair.server.poll_timeout(), pair.server.handle_timeout(start + 99 * SECOND)), (None, None));
}

#[test]
fn echoes_do_not_prolong_a_handshake() {
    let mut pair = Pair::new(client_config(108, ServerKind::Mas, false), server_config(ServerKind::Mas));
    let start = pair.now;
    pair.now = start + 29 * SECOND;
    pair.feed_server(clear_frame(RtId::CLIENT_ECHO, &[0xa5]));
    assert_eq!(pair.server.poll_timeout(), Some(start + 30 * SECOND));
    assert_eq!(pair.server.handle_timeout(start + 30 * SECOND), Some(Timeout::Handshake));
}

#[test]
fn a_silent_client_is_closed_and_one_that_echoes_is_kept() {
    let mut config = client_config(108, ServerKind::Mls, true);
    config.echo = None;
    let mut silent = Pair::new(config, server_config(ServerKind::Mls));
    silent.run();
    let start = silent.now;
    // No echo of the server's at 1.08: the only deadline is silence.
    assert_eq!(silent.server.poll_timeout(), Some(start + 50 * SECOND));
    assert_eq!(silent.next_deadline(), Some(Timeout::Idle));
    assert_eq!(silent.now, start + 50 * SECOND);

    let mut alive = Pair::new(client_config(108, ServerKind::Mls, true), server_config(ServerKind::Mls));
    alive.run();
    for _ in 0..40 {
        assert_eq!(alive.next_deadline(), None);
    }
    assert_eq!(alive.now.since(start), 600 * SECOND);
    assert_eq!(alive.heard.iter().filter(|event| event.starts_with("EchoReply")).count(), 40);
}

#[test]
fn server_echoes_go_out_every_30_seconds_above_1_08_and_tell_the_round_trip() {
    let mut config = client_config(110, ServerKind::Mls, true);
    config.echo = None;
    let mut pair = Pair::new(config, server_config(ServerKind::Mls));
    pair.run();
    let start = pair.now;
    assert_eq!(pair.told.last().unwrap(), "EchoReply { rtt: 0ns }");
    assert_eq!(pair.heard.last().unwrap(), "ServerEcho(ServerEcho { seconds: 1336367873, microseconds: 0 })");
    assert_eq!(pair.server.poll_timeout(), Some(start + 30 * SECOND));
    pair.now = start + 30 * SECOND + Duration::from_micros(12_345);
    assert_eq!(pair.server.handle_timeout(pair.now), None);
    let echo = pair.server.take_output();
    pair.now = pair.now + Duration::from_millis(80);
    pair.feed_client(echo);
    pair.run();
    assert_eq!(pair.told.last().unwrap(), "EchoReply { rtt: 80ms }");
    assert_eq!(
        pair.heard.last().unwrap(),
        "ServerEcho(ServerEcho { seconds: 1336367903, microseconds: 12345 })"
    );
    for _ in 0..10 {
        assert_eq!(pair.next_deadline(), None);
    }
    assert!(pair.is_ready());
}

#[test]
fn an_echo_that_never_went_out_is_not_told() {
    let mut pair = Pair::new(client_config(110, ServerKind::Mls, false), server_config(ServerKind::Mls));
    pair.run();
    let told = pair.told.len();
    pair.feed_server(clear_frame(RtId::SERVER_ECHO, &[1, 2, 3, 4, 5, 6, 7, 8]));
    pair.feed_server(clear_frame(RtId::SERVER_ECHO, &[1]));
    assert_eq!(pair.server_error, None);
    assert_eq!(pair.told.len(), told);
}
