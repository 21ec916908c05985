//! Datagrams to be sent: frames put together up to a size.

/// Outgoing frames, packed into datagrams in order. Frames are never split; one that is over the limit travels alone.
#[derive(Debug)]
pub struct Datagrams {
    bytes: Vec<u8>,
    /// Where each datagram begins in `bytes`.
    starts: Vec<usize>,
    limit: usize,
}

impl Datagrams {
    /// None yet; each of at most `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), starts: Vec::new(), limit }
    }

    /// Bytes of a datagram, at most.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Sets the limit for what is appended from now on.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes to send, all datagrams together.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Datagrams to send.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.starts.len()
    }

    /// The datagrams, in the order in which their frames were appended.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        self.starts.iter().zip(ends).filter_map(|(start, end)| self.bytes.get(*start..end))
    }

    /// Forgets all; keeps the buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.starts.clear();
    }

    /// Forgets all and gives the buffers back to the allocator: for connections that have gone quiet.
    pub fn release(&mut self) {
        self.bytes = Vec::new();
        self.starts = Vec::new();
    }

    /// Heap bytes held.
    pub(crate) const fn heap_size(&self) -> usize {
        self.bytes.capacity() + self.starts.capacity() * size_of::<usize>()
    }

    /// Appends one frame, `frame`, which is already whole.
    pub fn push(&mut self, frame: &[u8]) {
        self.append(|bytes| bytes.extend_from_slice(frame));
    }

    /// Appends the frame that `write` puts behind what is there, and gives back what `write` gave.
    pub(crate) fn append<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let start = self.bytes.len();
        let result = write(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start);
        if length > 0 {
            let room = self.starts.last().is_some_and(|first| start - first + length <= self.limit);
            if !room {
                self.starts.push(start);
            }
        }
        result
    }

    /// Reserves `length` bytes for one frame and gives them out, zero.
    pub(crate) fn reserve(&mut self, length: usize) -> &mut [u8] {
        let start = self.bytes.len();
        self.append(|bytes| bytes.resize(start + length, 0));
        &mut self.bytes[start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_share_a_datagram_up_to_its_limit() {
        let mut datagrams = Datagrams::new(10);
        for frame in [&[1; 4][..], &[2; 6], &[3; 1], &[4; 12], &[5; 3]] {
            datagrams.push(frame);
        }
        let lengths: Vec<_> = datagrams.iter().map(<[u8]>::len).collect();
        assert_eq!(lengths, [10, 1, 12, 3]);
        assert_eq!((datagrams.count(), datagrams.len()), (4, 26));
        datagrams.clear();
        assert_eq!((datagrams.is_empty(), datagrams.iter().count()), (true, 0));
    }
}
