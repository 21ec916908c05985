//! Frames: the outermost layer of TCP streams and UDP datagrams alike.
//!
//! ```text
//! offset 0  u8   bits 0..6 message id, bit 7: a hash is present
//!        1  u16  length of the body, little-endian
//!        3  [4]  hash, only if bit 7 is set and the length is not zero
//!   3 or 7  body
//! ```
//!
//! A frame of length zero has no hash, whatever bit 7 says: `97 00 00` (capture `dl_ps2_full_session`, line 307).

use core::ops::Range;

use thiserror::Error;

use crate::rt::RtId;

/// Longest body that is taken. The longest seen is 1397 bytes; announcements of 1.13 reach 4000 and some.
pub const MAX_BODY: usize = 0x4000;

/// Bytes in front of the body, at most.
pub const MAX_HEADER: usize = 7;

/// A frame that no peer of ours sends.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("frame of {id}: a body of {length} bytes, wanted at most {MAX_BODY}")]
pub struct FrameTooLong {
    /// Message id.
    pub id: RtId,
    /// Length as the frame says it.
    pub length: usize,
}

/// Where the parts of one frame are in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message id.
    pub id: RtId,
    /// The hash, if the frame has one. A frame with bit 7 and no body has none.
    pub hash: Option<[u8; 4]>,
    /// Offset of the body.
    pub body: usize,
    /// Length of the body.
    pub length: usize,
}

impl Header {
    /// Reads the header at the start of `input`; `None` if more bytes must come first.
    ///
    /// # Errors
    /// The body would be longer than [`MAX_BODY`]: told as soon as the length is there.
    pub fn parse(input: &[u8]) -> Result<Option<Self>, FrameTooLong> {
        let [first, low, high, rest @ ..] = input else { return Ok(None) };
        let id = RtId(first & 0x7f);
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        if length > MAX_BODY {
            return Err(FrameTooLong { id, length });
        }
        if first & 0x80 == 0 || length == 0 {
            return Ok(Some(Self { id, hash: None, body: 3, length }));
        }
        Ok(rest.first_chunk().map(|hash| Self { id, hash: Some(*hash), body: 7, length }))
    }

    /// Bytes of the whole frame.
    pub fn total(&self) -> usize {
        self.body + self.length
    }

    /// The body's place in the buffer, for a frame that starts at `start`.
    pub fn body_at(&self, start: usize) -> Range<usize> {
        start + self.body..start + self.total()
    }

    /// Appends a header to `output`. A body of length zero gets no hash and no bit 7.
    pub fn write(id: RtId, hash: Option<[u8; 4]>, length: usize, output: &mut Vec<u8>) {
        let hash = hash.filter(|_| length > 0);
        let first = if hash.is_some() { id.0 | 0x80 } else { id.0 };
        let [low, high] = (length as u16).to_le_bytes();
        output.extend_from_slice(&[first, low, high]);
        if let Some(hash) = hash {
            output.extend_from_slice(&hash);
        }
    }
}

/// Longest kept room for the beginning of a frame: nearly every frame fits, and an idle connection holds no more.
const KEPT: usize = 2048;

/// Cuts a TCP stream into frames, in place: whole frames are handled where they were read, only a frame's beginning
/// at the end of a read is kept, and copied once.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    /// The beginning of a frame that is not whole yet; never longer than one frame.
    partial: Vec<u8>,
}

impl FrameBuffer {
    /// An empty buffer. It allocates when a read ends inside a frame, and then keeps up to 2 KiB for the next such frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that wait for the rest of their frame.
    pub fn pending(&self) -> usize {
        self.partial.len()
    }

    /// Hands each whole frame of `input` to `each`, its header and all its bytes, to be deciphered in place.
    ///
    /// # Errors
    /// What `each` returned, or a frame that is too long; the rest of `input` is then not looked at.
    pub fn feed<E: From<FrameTooLong>>(
        &mut self,
        mut input: &mut [u8],
        mut each: impl FnMut(Header, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while !self.partial.is_empty() && !input.is_empty() {
            let wanted = match Header::parse(&self.partial)? {
                Some(header) => header.total(),
                None => self.partial.len() + 1,
            };
            let missing = wanted.saturating_sub(self.partial.len()).min(input.len());
            let (now, later) = input.split_at_mut(missing);
            self.partial.extend_from_slice(now);
            input = later;
            if let Some(header) = Header::parse(&self.partial)?
                && header.total() == self.partial.len()
            {
                let mut frame = core::mem::take(&mut self.partial);
                let result = each(header, &mut frame);
                if frame.capacity() <= KEPT {
                    frame.clear();
                    self.partial = frame;
                }
                result?;
            }
        }
        while let Some(header) = Header::parse(input)? {
            if header.total() > input.len() {
                break;
            }
            let (frame, later) = input.split_at_mut(header.total());
            each(header, frame)?;
            input = later;
        }
        if !input.is_empty() {
            self.partial.extend_from_slice(input);
        }
        Ok(())
    }
}

/// Hands each frame of a datagram to `each`; a short tail is ignored, as the original servers do.
///
/// # Errors
/// What `each` returned.
pub fn split_datagram<E>(
    mut datagram: &mut [u8],
    mut each: impl FnMut(Header, &mut [u8]) -> Result<(), E>,
) -> Result<(), E> {
    while let Ok(Some(header)) = Header::parse(datagram)
        && header.total() <= datagram.len()
    {
        let (frame, later) = datagram.split_at_mut(header.total());
        each(header, frame)?;
        datagram = later;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(buffer: &mut FrameBuffer, input: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, FrameTooLong> {
        let mut found = Vec::new();
        buffer.feed(&mut input.to_vec(), |header, frame| {
            found.push((header.id.0, frame[header.body..].to_vec()));
            Ok::<_, FrameTooLong>(())
        })?;
        Ok(found)
    }

    #[test]
    fn a_zero_length_frame_with_bit_7_has_no_hash() {
        let header = Header::parse(&[0x97, 0, 0, 0x8b]).unwrap().unwrap();
        assert_eq!((header.id, header.hash, header.total()), (RtId::CLIENT_CONNECT_READY_AUX_UDP, None, 3));
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_frames() {
        let stream =
            [&[0x97, 0, 0][..], &[0x85, 1, 0, 1, 2, 3, 4, 0xa5], &[0x05, 2, 0, 7, 8], &[0x01, 0, 0]].concat();
        let whole = frames(&mut FrameBuffer::new(), &stream).unwrap();
        assert_eq!(whole, [(0x17, vec![]), (0x05, vec![0xa5]), (0x05, vec![7, 8]), (0x01, vec![])]);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut buffer = FrameBuffer::new();
                let mut found = frames(&mut buffer, &stream[..first]).unwrap();
                found.extend(frames(&mut buffer, &stream[first..second]).unwrap());
                found.extend(frames(&mut buffer, &stream[second..]).unwrap());
                assert_eq!(found, whole, "cut at {first} and {second}");
                assert_eq!(buffer.pending(), 0);
            }
        }
    }

    #[test]
    fn the_room_of_a_cut_frame_is_kept_up_to_2_kib() {
        let mut buffer = FrameBuffer::new();
        for (length, kept) in [(100, true), (4000, false), (100, true)] {
            let mut frame = Vec::new();
            Header::write(RtId::CLIENT_ECHO, None, length, &mut frame);
            frame.resize(3 + length, 0xa5);
            assert_eq!(frames(&mut buffer, &frame[..50]).unwrap(), []);
            assert_eq!(frames(&mut buffer, &frame[50..]).unwrap(), [(0x05, vec![0xa5; length])]);
            let room = buffer.partial.capacity();
            assert_eq!((buffer.pending(), room > 0, room <= KEPT), (0, kept, true), "{length}");
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_its_body_comes() {
        let error = frames(&mut FrameBuffer::new(), &[0x8b, 0x01, 0x40]).unwrap_err();
        assert_eq!(error, FrameTooLong { id: RtId::CLIENT_APP_TOSERVER, length: 0x4001 });
        assert_eq!(
            error.to_string(),
            "frame of CLIENT_APP_TOSERVER: a body of 16385 bytes, wanted at most 16384"
        );
    }

    #[test]
    fn a_datagrams_short_tail_is_ignored() {
        let mut seen = Vec::new();
        let mut datagram = [0x05, 1, 0, 0xa5, 0x05, 9, 0, 1];
        split_datagram(&mut datagram, |header, _| {
            seen.push(header.id);
            Ok::<_, ()>(())
        })
        .unwrap();
        assert_eq!(seen, [RtId::CLIENT_ECHO]);
    }
}
