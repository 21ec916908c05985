//! Datagrams to be sent: frames put together up to a size.

/// Outgoing frames, packed into datagrams in order. Frames are never split; one that is over the limit travels alone.
#[derive(Debug)]
pub struct Datagrams {
    bytes: Vec<u8>,
    /// Where each datagram begins in `bytes`.
    starts: Vec<usize>,
    limit: usize,
}

/// Datagrams that follow each other, see [`Datagrams::runs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// All of them.
    pub bytes: &'a [u8],
    /// Bytes of each but perhaps the last.
    pub size: usize,
    /// How many.
    pub count: usize,
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

    /// The same in runs that one system call can send: datagrams as long as the first of their run, of which the last may
    /// be shorter. At most `bytes` bytes (one datagram, if it is longer) and `count` datagrams each.
    pub fn runs(&self, bytes: usize, count: usize) -> impl Iterator<Item = Run<'_>> {
        let end_of = move |at: usize| self.starts.get(at + 1).copied().unwrap_or(self.bytes.len());
        let mut at = 0;
        core::iter::from_fn(move || {
            let start = *self.starts.get(at)?;
            let (first, size) = (at, end_of(at) - start);
            at += 1;
            while at < self.starts.len() && at - first < count && end_of(at) - start <= bytes {
                let length = end_of(at) - end_of(at - 1);
                if length > size {
                    break;
                }
                at += 1;
                if length < size {
                    break;
                }
            }
            let bytes = self.bytes.get(start..end_of(at - 1))?;
            Some(Run { bytes, size, count: at - first })
        })
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

    #[test]
    fn a_run_is_of_one_length_but_for_its_end() {
        let mut datagrams = Datagrams::new(0);
        for length in [5, 5, 5, 3, 3, 4, 9, 2, 2] {
            datagrams.push(&vec![length as u8; length]);
        }
        let runs = |bytes, count| -> Vec<_> {
            datagrams.runs(bytes, count).map(|run| (run.bytes.len(), run.size, run.count)).collect()
        };
        assert_eq!(runs(1000, 60), [(18, 5, 4), (3, 3, 1), (4, 4, 1), (11, 9, 2), (2, 2, 1)]);
        assert_eq!(runs(1000, 2), [(10, 5, 2), (8, 5, 2), (3, 3, 1), (4, 4, 1), (11, 9, 2), (2, 2, 1)]);
        assert_eq!(runs(10, 60), [(10, 5, 2), (8, 5, 2), (3, 3, 1), (4, 4, 1), (9, 9, 1), (4, 2, 2)]);
        // Nothing is left out, and one that is too long goes by itself.
        assert_eq!(runs(1, 60).len(), 9);
        let cut = datagrams.runs(1000, 60).flat_map(|run| run.bytes.chunks(run.size));
        assert!(cut.eq(datagrams.iter()));
        assert_eq!(Datagrams::new(10).runs(1000, 60).count(), 0);
    }
}
