//! Bulk transfers: many messages to one player, a window of them on the way at a time.
//!
//! They belong to the player's connection more than to an instance, so they go on where a new instance takes over; its outcome is told to
//! whichever serves then.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::api::{Encryption, Message, SessionId};

/// Why a transfer ended, as told to `answers.bulk-done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    Acknowledged = 0,
    TimedOut = 1,
    PlayerLeft = 2,
    Cancelled = 3,
}

#[derive(Debug)]
struct Transfer {
    session: SessionId,
    chunks: VecDeque<Message>,
    count: u32,
    sent: u32,
    acknowledged: u32,
    window: u32,
    timeout: Duration,
    encryption: Encryption,
    deadline: Duration,
}

/// A chunk to be sent now.
#[derive(Debug, PartialEq)]
pub(crate) struct Due {
    pub(crate) session: SessionId,
    pub(crate) message: Message,
    pub(crate) encryption: Encryption,
}

/// The transfers on the way.
#[derive(Debug, Default)]
pub(crate) struct Bulks {
    transfers: BTreeMap<u64, Transfer>,
    last: u64,
    bytes: usize,
    /// Ended and not told yet.
    done: VecDeque<(u64, Outcome)>,
}

impl Bulks {
    pub(crate) fn len(&self) -> usize {
        self.transfers.len() + self.done.len()
    }

    /// Bytes of chunks that wait to be sent.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins a transfer; `window` at least 1.
    pub(crate) fn start(
        &mut self,
        session: SessionId,
        chunks: Vec<Message>,
        window: u32,
        timeout: Duration,
        encryption: Encryption,
        now: Duration,
    ) -> u64 {
        self.last += 1;
        self.bytes += chunks.iter().map(|chunk| chunk.body.len()).sum::<usize>();
        let count = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        let transfer = Transfer {
            session,
            chunks: chunks.into(),
            count,
            sent: 0,
            acknowledged: 0,
            window: window.max(1),
            timeout,
            encryption,
            deadline: now + timeout,
        };
        self.transfers.insert(self.last, transfer);
        if count == 0 {
            self.end(self.last, Outcome::Acknowledged);
        }
        self.last
    }

    /// The next chunk of the transfer that the window lets go.
    pub(crate) fn next_chunk(&mut self, number: u64) -> Option<Due> {
        let transfer = self.transfers.get_mut(&number)?;
        if transfer.sent - transfer.acknowledged >= transfer.window {
            return None;
        }
        let message = transfer.chunks.pop_front()?;
        transfer.sent += 1;
        self.bytes = self.bytes.saturating_sub(message.body.len());
        Some(Due { session: transfer.session, message, encryption: transfer.encryption })
    }

    /// The client has so many chunks in all; more than were sent, or fewer than it had before, change nothing.
    pub(crate) fn acknowledge(&mut self, number: u64, chunks: u32, now: Duration) {
        let Some(transfer) = self.transfers.get_mut(&number) else { return };
        if chunks > transfer.sent || chunks <= transfer.acknowledged {
            return;
        }
        transfer.acknowledged = chunks;
        transfer.deadline = now + transfer.timeout;
        if chunks == transfer.count {
            self.end(number, Outcome::Acknowledged);
        }
    }

    pub(crate) fn cancel(&mut self, number: u64) {
        self.end(number, Outcome::Cancelled);
    }

    pub(crate) fn session_ended(&mut self, session: SessionId) {
        self.end_all(Outcome::PlayerLeft, |transfer| transfer.session == session);
    }

    /// When the next transfer times out or is to be told.
    pub(crate) fn next(&self) -> Option<Duration> {
        if !self.done.is_empty() {
            return Some(Duration::ZERO);
        }
        self.transfers.values().map(|transfer| transfer.deadline).min()
    }

    /// Ends those that have waited too long.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.end_all(Outcome::TimedOut, |transfer| transfer.deadline <= now);
    }

    /// A transfer that ended and is to be told.
    pub(crate) fn take_done(&mut self) -> Option<(u64, Outcome)> {
        self.done.pop_front()
    }

    fn end_all(&mut self, outcome: Outcome, which: impl Fn(&Transfer) -> bool) {
        let numbers: Vec<u64> = self
            .transfers
            .iter()
            .filter(|(_, transfer)| which(transfer))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            self.end(number, outcome);
        }
    }

    fn end(&mut self, number: u64, outcome: Outcome) {
        if let Some(transfer) = self.transfers.remove(&number) {
            self.bytes -= transfer.chunks.iter().map(|chunk| chunk.body.len()).sum::<usize>().min(self.bytes);
            self.done.push_back((number, outcome));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn start(bulks: &mut Bulks, count: u8, window: u32) -> u64 {
        let chunk = |id| Message { class: 0, id, body: vec![id; 10] };
        bulks.start(7, (0..count).map(chunk).collect(), window, TIMEOUT, 0, Duration::ZERO)
    }

    fn sent(bulks: &mut Bulks, number: u64) -> Vec<u8> {
        std::iter::from_fn(|| bulks.next_chunk(number)).map(|due| due.message.id).collect()
    }

    #[test]
    fn a_window_of_chunks_goes_and_more_as_they_are_acknowledged() {
        let mut bulks = Bulks::default();
        let number = start(&mut bulks, 5, 2);
        assert_eq!(bulks.bytes(), 50);
        assert_eq!(sent(&mut bulks, number), [0, 1]);
        bulks.acknowledge(number, 1, Duration::ZERO);
        assert_eq!(sent(&mut bulks, number), [2]);
        // More than were sent, and what was acknowledged already: neither moves the window.
        bulks.acknowledge(number, 5, Duration::ZERO);
        bulks.acknowledge(number, 1, Duration::ZERO);
        assert_eq!(sent(&mut bulks, number), [0; 0]);
        bulks.acknowledge(number, 3, Duration::ZERO);
        assert_eq!(sent(&mut bulks, number), [3, 4]);
        assert_eq!(bulks.take_done(), None);
        bulks.acknowledge(number, 5, Duration::ZERO);
        assert_eq!(bulks.take_done(), Some((number, Outcome::Acknowledged)));
        assert_eq!((bulks.len(), bulks.bytes(), bulks.next()), (0, 0, None));
    }

    #[test]
    fn a_transfer_without_acknowledgement_times_out() {
        let mut bulks = Bulks::default();
        let number = start(&mut bulks, 3, 1);
        assert_eq!(sent(&mut bulks, number), [0]);
        assert_eq!(bulks.next(), Some(TIMEOUT));
        bulks.acknowledge(number, 1, Duration::from_secs(3));
        bulks.expire(TIMEOUT);
        assert_eq!(bulks.take_done(), None);
        bulks.expire(Duration::from_secs(8));
        assert_eq!(bulks.take_done(), Some((number, Outcome::TimedOut)));
        assert_eq!(bulks.bytes(), 0);
    }

    #[test]
    fn a_player_who_leaves_ends_his_transfers_only() {
        let mut bulks = Bulks::default();
        let number = start(&mut bulks, 3, 1);
        let other = bulks.start(8, Vec::new(), 1, TIMEOUT, 0, Duration::ZERO);
        assert_eq!(bulks.take_done(), Some((other, Outcome::Acknowledged)));
        bulks.session_ended(8);
        assert_eq!(bulks.take_done(), None);
        bulks.session_ended(7);
        assert_eq!(bulks.take_done(), Some((number, Outcome::PlayerLeft)));
        bulks.cancel(number);
        assert_eq!(bulks.take_done(), None);
    }
}
