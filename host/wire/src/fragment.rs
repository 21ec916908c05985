//! DMETypePacketFragment: application messages that are longer than the client takes, cut in pieces.
//!
//! Sony's servers cut at 488 bytes per piece for a limit of 584 (`dl_ps2_full_session`, lines 15 and 204), public
//! emulators at 484. The receiver goes by offset and size, so every cut is taken. Clients of 1.08 and older get long
//! messages whole.

use thiserror::Error;

use crate::codec::{DecodeError, Dialect};
use crate::enums::NetMessageClass;
use crate::messages::{AnyMessage, DmePacketFragment};
use crate::types::VarBytes;

/// Payload of one piece at the PS2's limit of 584 bytes.
pub const PIECE: usize = 488;
/// Payload of one piece at the PS3's limit of 1603 bytes: 1397 bytes of APP payload.
pub const PIECE_PS3: usize = 1375;
/// Class, id and the fields in front of a piece's payload.
pub const PIECE_HEADER: usize = 22;

/// Longest message that is put together again.
pub const MAX_MESSAGE: usize = 0x10000;

/// Cuts an APP payload (class, id, body) into the APP payloads of its fragments, if it is longer than one piece takes.
///
/// `None` if `payload` fits as it is.
pub fn cut(payload: &[u8], piece: usize, d: &Dialect) -> Option<Vec<Vec<u8>>> {
    let [class, id, body @ ..] = payload else { return None };
    if payload.len() <= piece + PIECE_HEADER || piece == 0 || body.len() > MAX_MESSAGE {
        return None;
    }
    let count = body.len().div_ceil(piece);
    let pieces = body.chunks(piece).enumerate().map(|(index, part)| {
        let fragment = DmePacketFragment {
            fragment_message_class: NetMessageClass(*class).0,
            fragment_message_type: *id,
            sub_packet_size: part.len() as u16,
            sub_packet_count: count as u16,
            sub_packet_index: index as u16,
            multi_packetindex: 0,
            packet_buffer_size: body.len() as i32,
            packet_buffer_offset: (index * piece) as i32,
            payload: VarBytes(part.to_vec()),
        };
        AnyMessage::from(fragment).encode(d)
    });
    Some(pieces.collect())
}

/// Why a run of fragments is no message.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FragmentError {
    /// The piece itself.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The whole would be longer than [`MAX_MESSAGE`].
    #[error("a fragmented message of {size} bytes, wanted at most {MAX_MESSAGE}")]
    TooLong {
        /// PacketBufferSize.
        size: i32,
    },
    /// The piece does not continue what came before.
    #[error("fragment at {offset} with {length} bytes of {size}, wanted offset {expected}")]
    OutOfPlace {
        /// PacketBufferOffset.
        offset: i32,
        /// Payload length.
        length: usize,
        /// PacketBufferSize.
        size: i32,
        /// Where the next piece has to start.
        expected: usize,
    },
}

/// Puts fragments together again. One per connection and direction; holds one message at most.
#[derive(Debug, Default)]
pub struct Reassembly {
    /// Class, id, then the body so far.
    message: Vec<u8>,
    size: i32,
}

impl Reassembly {
    /// Takes one fragment's APP payload; gives the whole APP payload when it was the last.
    ///
    /// # Errors
    /// The piece is broken, too long or out of place. What was collected before is dropped.
    pub fn push(&mut self, fragment: &DmePacketFragment) -> Result<Option<Vec<u8>>, FragmentError> {
        let DmePacketFragment { packet_buffer_size: size, packet_buffer_offset: offset, .. } = *fragment;
        let length = fragment.payload.0.len();
        if size < 0 || size as usize > MAX_MESSAGE {
            self.clear();
            return Err(FragmentError::TooLong { size });
        }
        let head = [fragment.fragment_message_class, fragment.fragment_message_type];
        // A new first piece starts over: TCP loses nothing, so the sender gave the old message up.
        if offset == 0 {
            self.clear();
            self.message.extend_from_slice(&head);
            self.size = size;
        }
        let expected = self.message.len().saturating_sub(2);
        let fits =
            self.message.starts_with(&head) && self.size == size && usize::try_from(offset) == Ok(expected);
        if !fits || expected + length > size as usize || length == 0 {
            self.clear();
            return Err(FragmentError::OutOfPlace { offset, length, size, expected });
        }
        self.message.extend_from_slice(&fragment.payload.0);
        if expected + length < size as usize {
            return Ok(None);
        }
        self.size = 0;
        Ok(Some(core::mem::take(&mut self.message)))
    }

    fn clear(&mut self) {
        self.message.clear();
        self.size = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::AppId;

    const D: Dialect = Dialect::new(110, AppId(11184));

    fn fragment(payload: &[u8]) -> DmePacketFragment {
        match AnyMessage::decode(payload, &D).unwrap() {
            AnyMessage::DmePacketFragment(fragment) => *fragment,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_of_680_bytes_is_cut_at_488_as_sony_cut_it_and_put_together_again() {
        let payload: Vec<u8> = [4, 0x11].into_iter().chain((0..678).map(|i| i as u8)).collect();
        let pieces = cut(&payload, PIECE, &D).unwrap();
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [510, 212]);
        assert_eq!(hex::encode(&pieces[0][..22]), "00020411e8010200000000000000a602000000000000");
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.push(&fragment(&pieces[0])).unwrap(), None);
        assert_eq!(reassembly.push(&fragment(&pieces[1])).unwrap().unwrap(), payload);
    }

    #[test]
    fn every_cut_of_a_message_of_1500_bytes_comes_together_again() {
        let payload: Vec<u8> = [4, 0x11].into_iter().chain((0..1500).map(|i| (i % 251) as u8)).collect();
        for piece in 1..=1499 {
            let Some(pieces) = cut(&payload, piece, &D) else {
                // With its header such a piece is longer than the message.
                assert!(piece + PIECE_HEADER >= payload.len(), "pieces of {piece}");
                continue;
            };
            assert_eq!(pieces.len(), 1500usize.div_ceil(piece), "pieces of {piece}");
            let mut reassembly = Reassembly::default();
            let (last, first) = pieces.split_last().unwrap();
            for part in first {
                assert_eq!(reassembly.push(&fragment(part)).unwrap(), None, "pieces of {piece}");
            }
            let whole = reassembly.push(&fragment(last)).unwrap();
            assert_eq!(whole.as_ref(), Some(&payload), "pieces of {piece}");
        }
    }

    #[test]
    fn a_message_that_fits_is_not_cut() {
        assert_eq!(cut(&[1; 510], PIECE, &D), None);
        assert_eq!(cut(&[1; 511], PIECE, &D).map(|pieces| pieces.len()), Some(2));
    }

    #[test]
    fn a_fragment_out_of_place_is_an_error_and_allocates_nothing() {
        let mut piece = DmePacketFragment { packet_buffer_size: i32::MAX, ..Default::default() };
        assert_eq!(Reassembly::default().push(&piece), Err(FragmentError::TooLong { size: i32::MAX }));
        piece.packet_buffer_size = 100;
        piece.packet_buffer_offset = 50;
        piece.payload = VarBytes(vec![1; 10]);
        let error = Reassembly::default().push(&piece).unwrap_err();
        assert_eq!(error, FragmentError::OutOfPlace { offset: 50, length: 10, size: 100, expected: 0 });
    }
}
