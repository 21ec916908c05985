//! What holds for every message, whatever its fields and whatever the bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod counting;

use counting::allocated;
use medley_wire::enums::NetMessageClass;
use medley_wire::messages::{self, AnyMessage, MessageInfo};
use medley_wire::{AppId, DecodeError, Dialect, RtId, RtMessage};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

/// Versions by titles with layouts of their own.
fn dialects() -> Vec<Dialect> {
    let apps = [0, 10684, 10694, 11184, 20464, 21564, 21834, 24180];
    let versions = [108, 109, 110, 112, 113];
    versions.iter().flat_map(|version| apps.map(|app| Dialect::new(*version, AppId(app)))).collect()
}

fn decode(info: &MessageInfo, body: &[u8], d: &Dialect) -> Result<AnyMessage, DecodeError> {
    if info.class == NetMessageClass::APPLICATION {
        return AnyMessage::decode_plugin(info.id, body, d);
    }
    AnyMessage::decode(&[&[info.class.0, info.id as u8], body].concat(), d)
}

/// What fills a body: lengths inside it are mostly absurd in random bytes, so others are needed to get through.
#[derive(Clone, Copy, Debug)]
enum Filling {
    Zeros,
    Sparse,
    Text,
    Random,
}

/// Letters, a character of two bytes, a colour code, the mark of the JSON view, the end of a text.
const TEXT: &[u8] = b"Badger41 \xc3\xa9\x0bhex:\0";

/// A body by its recipe, so that a failure shrinks to a short one.
#[derive(Clone, Copy, Debug)]
struct Recipe {
    filling: Filling,
    seed: u64,
    /// Bytes more (or fewer) than the empty message has.
    longer: i32,
}

impl Recipe {
    fn bytes(self, natural: usize) -> Vec<u8> {
        let length = natural.saturating_add_signed(self.longer as isize);
        let mut state = self.seed;
        let mut next = || {
            // splitmix64
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let fill = |random: u64| match self.filling {
            Filling::Zeros => 0,
            Filling::Sparse if random.is_multiple_of(7) => (random >> 8) as u8 & 0x0f,
            Filling::Sparse => 0,
            Filling::Text => TEXT[(random % TEXT.len() as u64) as usize],
            Filling::Random => random as u8,
        };
        (0..length).map(|_| fill(next())).collect()
    }
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let filling =
        prop_oneof![Just(Filling::Zeros), Just(Filling::Sparse), Just(Filling::Text), Just(Filling::Random)];
    let longer = prop_oneof![3 => Just(0), 1 => -40..40, 1 => 0..700];
    (filling, any::<u64>(), longer).prop_map(|(filling, seed, longer)| Recipe { filling, seed, longer })
}

/// Runs `property` on `cases` bodies of each message, in arbitrary dialects.
fn for_every_message(
    cases: u32,
    property: impl Fn(&'static MessageInfo, &Dialect, Recipe, Recipe) -> Result<(), TestCaseError>,
) {
    let dialects = dialects();
    for info in messages::ALL {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let strategy = (0..dialects.len(), recipes(), recipes());
        let result = runner.run(&strategy, |(d, first, second)| property(info, &dialects[d], first, second));
        if let Err(error) = result {
            panic!("{}: {error}", info.name);
        }
    }
}

fn natural_length(info: &MessageInfo, d: &Dialect) -> usize {
    AnyMessage::empty(info.name).unwrap().encode_plugin(d).len()
}

/// Encodes, decodes and encodes; and the same over JSON.
fn survives(info: &MessageInfo, message: &AnyMessage, d: &Dialect) -> Result<(), TestCaseError> {
    let encoded = message.encode_plugin(d);
    let again =
        decode(info, &encoded, d).map_err(|error| TestCaseError::fail(format!("its own bytes: {error}")))?;
    prop_assert_eq!(again.encode_plugin(d), encoded.clone());
    prop_assert_eq!(again.to_json(), message.to_json());
    let from_json = AnyMessage::from_json(info.name, message.to_json())
        .map_err(|error| TestCaseError::fail(format!("its own JSON: {error}")))?;
    prop_assert_eq!(from_json.encode_plugin(d), encoded);
    Ok(())
}

#[test]
fn every_message_survives_bytes_and_json_empty_in_every_dialect() {
    for info in messages::ALL {
        let empty = AnyMessage::empty(info.name).unwrap();
        assert_eq!((empty.name(), empty.class(), empty.id()), (info.name, info.class, info.id));
        for d in dialects() {
            let encoded = empty.encode_plugin(&d);
            let decoded = decode(info, &encoded, &d).unwrap_or_else(|error| panic!("{d:?}: {error}"));
            assert_eq!(decoded.name(), info.name);
            survives(info, &decoded, &d).unwrap_or_else(|error| panic!("{} {d:?}: {error}", info.name));
        }
    }
}

#[test]
fn every_message_survives_bytes_and_json_with_arbitrary_fields() {
    for_every_message(48, |info, d, recipe, _| {
        match decode(info, &recipe.bytes(natural_length(info, d)), d) {
            Ok(message) => survives(info, &message, d),
            Err(_) => Ok(()),
        }
    });
}

#[test]
fn fields_of_different_bodies_mixed_encode_to_something_stable() {
    for_every_message(24, |info, d, first, second| {
        let natural = natural_length(info, d);
        let (Ok(first), Ok(second)) =
            (decode(info, &first.bytes(natural), d), decode(info, &second.bytes(natural), d))
        else {
            return Ok(());
        };
        let (Value::Object(mut fields), Value::Object(others)) = (first.to_json(), second.to_json()) else {
            return Err(TestCaseError::fail("no object"));
        };
        for (i, (name, value)) in others.into_iter().enumerate() {
            if i % 2 == 0 {
                fields.insert(name, value);
            }
        }
        let mixed = AnyMessage::from_json(info.name, fields.into())
            .map_err(|error| TestCaseError::fail(format!("mixed fields: {error}")))?;
        let encoded = mixed.encode_plugin(d);
        // A length that does not belong to its bytes may cut them; what comes of it is stable.
        if let Ok(decoded) = decode(info, &encoded, d) {
            prop_assert_eq!(decoded.encode_plugin(d), encoded[..decoded.encode_plugin(d).len()].to_vec());
        }
        Ok(())
    });
}

#[test]
fn a_truncated_body_is_an_error_that_names_the_message_or_lacks_a_pad_only() {
    for info in messages::ALL {
        for d in [
            Dialect::new(108, AppId(10684)),
            Dialect::new(110, AppId(11184)),
            Dialect::new(113, AppId(24180)),
        ] {
            let whole = AnyMessage::empty(info.name).unwrap().encode_plugin(&d);
            let step = (whole.len() / 64).max(1);
            for length in (0..whole.len()).step_by(step) {
                match decode(info, &whole[..length], &d) {
                    Ok(message) => assert_eq!(message.name(), info.name),
                    Err(error) => {
                        assert_eq!(error.message, info.name);
                        assert!(error.offset <= length, "{error}");
                    }
                }
            }
        }
    }
}

/// Bytes that a decoder may have alive at once: the largest message (a 4000-byte announcement and its box) and, for
/// lists, elements that are larger in memory than on the wire, in a vector that grows by doubling.
fn justified(input: usize) -> usize {
    32 * input + 8192
}

#[test]
fn no_message_allocates_more_than_its_bytes_justify() {
    for_every_message(24, |info, d, recipe, _| {
        let natural = natural_length(info, d);
        let body = recipe.bytes(natural);
        let payload = [&[info.class.0, info.id as u8], body.as_slice()].concat();
        let (_, taken) = allocated(|| AnyMessage::decode(&payload, d));
        prop_assert!(taken.peak <= justified(payload.len()), "{taken:?} for {} bytes", payload.len());
        let (_, taken) = allocated(|| AnyMessage::decode_plugin(info.id, &body, d));
        prop_assert!(taken.peak <= justified(body.len()), "{taken:?} for {} bytes", body.len());
        Ok(())
    });
}

#[test]
fn absurd_lengths_inside_short_bodies_allocate_nothing_of_that_size() {
    for info in messages::ALL {
        for d in [Dialect::new(108, AppId(10684)), Dialect::new(113, AppId(24180))] {
            for byte in [0x7f, 0x80, 0xff] {
                let body = vec![byte; natural_length(info, &d)];
                let (_, taken) = allocated(|| decode(info, &body, &d));
                assert!(
                    taken.peak <= justified(body.len()),
                    "{}: {taken:?} for {} bytes",
                    info.name,
                    body.len()
                );
            }
        }
    }
}

fn arbitrary_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..160),
        prop::collection::vec(prop_oneof![4 => Just(0_u8), 1 => 0..24_u8], 0..160),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 4000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn rt_messages_survive_bytes_and_json(id in 0..0x80_u8, body in arbitrary_body(), d in 0..40_usize) {
        let (id, d) = (RtId(id), dialects()[d]);
        if let Ok(message) = RtMessage::decode(id, &body, &d) {
            prop_assert_eq!(message.id(), id);
            let encoded = message.to_body(&d);
            let again = RtMessage::decode(id, &encoded, &d).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(again.to_body(&d), encoded.clone());
            let from_json = RtMessage::from_json(id, message.to_json())
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(from_json.to_body(&d), encoded);
        }
    }

    #[test]
    fn rt_messages_allocate_no_more_than_their_bytes_justify(
        id in 0..0x80_u8,
        body in arbitrary_body(),
        times in 1..40_usize,
        d in 0..40_usize,
    ) {
        let (id, body, d) = (RtId(id), body.repeat(times), dialects()[d]);
        let (_, taken) = allocated(|| RtMessage::decode(id, &body, &d));
        prop_assert!(taken.peak <= justified(body.len()), "{id}: {taken:?} for {} bytes", body.len());
    }

    #[test]
    fn any_payload_at_all_decodes_or_says_where_it_does_not(payload in arbitrary_body(), d in 0..40_usize) {
        let d = dialects()[d];
        match AnyMessage::decode(&payload, &d) {
            Ok(message) => prop_assert_eq!(&message.encode(&d)[..2], &payload[..2]),
            Err(error) => prop_assert!(error.offset <= payload.len(), "{error}"),
        }
    }
}
