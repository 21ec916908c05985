//! How bytes travel into a client's memory: in numbered pieces, so many on the way at a time, each told where it belongs.

use medley_plugin::host::send::{self, Bulk};
use medley_plugin::{Encryption, Error, Message, SessionId};

use crate::custom;

/// Bytes of one piece, as the patches take it.
pub const PIECE: usize = 1362;
/// A client that says nothing for so long is given up.
const TIMEOUT_MILLIS: u32 = 15_000;

/// The numbers of a title's patch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Numbers {
    /// Of the message that carries a piece.
    pub piece: u8,
    /// Of the client's answer: the download's id, and the bytes that it has.
    pub received: u8,
    /// Pieces on the way at a time. Each is numbered backwards within its batch; the client answers the one that has 0.
    pub batch: u32,
}

/// Bytes for an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Payload {
    /// Where they go.
    pub address: u32,
    /// The bytes.
    pub data: Vec<u8>,
}

/// A download as the client knows it.
#[derive(Clone, Debug)]
pub struct Download {
    numbers: Numbers,
    pieces: Vec<Message>,
    /// Bytes that the client has after each piece.
    ends: Vec<u32>,
}

impl Download {
    /// Cuts payloads into pieces. `id` is told to the client and comes back in its answers.
    pub fn new(numbers: Numbers, id: u32, payloads: &[Payload]) -> Self {
        let total: usize = payloads.iter().map(|payload| payload.data.len()).sum();
        let (mut pieces, mut ends, mut end) = (Vec::new(), Vec::new(), 0u32);
        for payload in payloads {
            for (place, data) in payload.data.chunks(PIECE).enumerate() {
                let offset = (place * PIECE) as u32;
                let last = numbers.batch.saturating_sub(1);
                let backwards = last - (pieces.len() as u32 % numbers.batch.max(1));
                let mut body = Vec::with_capacity(20 + data.len());
                for word in [id, payload.address.wrapping_add(offset), total as u32, offset] {
                    body.extend_from_slice(&word.to_le_bytes());
                }
                body.extend_from_slice(&(backwards as u16).to_le_bytes());
                body.extend_from_slice(&(data.len() as u16).to_le_bytes());
                body.extend_from_slice(data);
                pieces.push(custom::message(numbers.piece, &body));
                end += data.len() as u32;
                ends.push(end);
            }
        }
        Self { numbers, pieces, ends }
    }

    /// Begins to send. The pieces go in the clear: that is how the patches expect them.
    pub fn start(&self, to: SessionId) -> Result<u64, Error> {
        send::start_bulk(
            to,
            Bulk {
                chunks: self.pieces.clone(),
                window: self.numbers.batch,
                timeout_millis: TIMEOUT_MILLIS,
                encryption: Encryption::Clear,
            },
        )
    }

    /// Bytes that the client has after each piece, for [`pieces_in`].
    pub fn into_ends(self) -> Vec<u32> {
        self.ends
    }

    /// Pieces in all.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Nothing to send.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// Pieces that a client with so many bytes has whole.
pub fn pieces_in(ends: &[u32], bytes: u32) -> u32 {
    ends.partition_point(|end| *end <= bytes) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custom::Custom;

    const UYA: Numbers = Numbers { piece: 1, received: 2, batch: 10 };

    #[test]
    fn payloads_are_cut_at_1362_bytes_and_numbered_backwards_in_batches() {
        let payloads = [
            Payload { address: 0x000D_0000, data: vec![7; 1362 * 11] },
            Payload { address: 0x000C_FFD0, data: vec![9; 32] },
        ];
        let download = Download::new(UYA, 101, &payloads);
        assert_eq!(download.len(), 12);
        let words = |at: usize| {
            let custom = Custom::parse(&download.pieces[at]).unwrap();
            let countdown = u16::from_le_bytes([custom.body[16], custom.body[17]]);
            let length = u16::from_le_bytes([custom.body[18], custom.body[19]]);
            (custom.u32_at(0), custom.u32_at(4), custom.u32_at(8), custom.u32_at(12), countdown, length)
        };
        let total = Some(1362 * 11 + 32);
        assert_eq!(words(0), (Some(101), Some(0x000D_0000), total, Some(0), 9, 1362));
        assert_eq!(words(9), (Some(101), Some(0x000D_0000 + 9 * 1362), total, Some(9 * 1362), 0, 1362));
        assert_eq!(words(10).4, 9);
        // The second payload begins anew at offset 0.
        assert_eq!(words(11), (Some(101), Some(0x000C_FFD0), total, Some(0), 8, 32));
    }

    #[test]
    fn bytes_received_tell_how_many_pieces_are_whole() {
        let payloads = [Payload { address: 0, data: vec![0; 3000] }];
        let ends = Download::new(UYA, 1, &payloads).into_ends();
        let whole: Vec<u32> =
            [0, 1361, 1362, 2724, 2999, 3000, u32::MAX].map(|bytes| pieces_in(&ends, bytes)).into();
        assert_eq!(whole, [0, 0, 1, 2, 2, 3, 3]);
        assert!(Download::new(UYA, 1, &[]).is_empty());
    }
}
