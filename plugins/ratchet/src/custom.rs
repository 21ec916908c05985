//! Messages of the communities' patches: application messages of class DME, type 8. A byte with the message's own number, three
//! of padding, then a body in little-endian order.

use medley_plugin::Message;

/// NetMessageClass of them all.
pub const CLASS: u8 = 0;
/// NetMessageType of them all.
pub const ID: u8 = 8;

/// One that came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Custom<'a> {
    /// Its own number.
    pub number: u8,
    /// What follows the padding.
    pub body: &'a [u8],
}

impl<'a> Custom<'a> {
    /// None: another message, or one that is too short.
    pub fn parse(message: &'a Message) -> Option<Self> {
        if (message.class, message.id) != (CLASS, ID) {
            return None;
        }
        let (head, body) = message.body.split_first_chunk::<4>()?;
        Some(Self { number: head[0], body })
    }

    /// The body's word at a byte offset.
    pub fn u32_at(&self, offset: usize) -> Option<u32> {
        let bytes = self.body.get(offset..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes))
    }
}

/// A message to a client.
pub fn message(number: u8, body: &[u8]) -> Message {
    let mut whole = Vec::with_capacity(4 + body.len());
    whole.extend_from_slice(&[number, 0, 0, 0]);
    whole.extend_from_slice(body);
    Message { class: CLASS, id: ID, body: whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_its_number_three_bytes_and_a_body() {
        let sent = message(2, &[0x65, 0, 0, 0, 0x52, 0x05, 0, 0]);
        let custom = Custom::parse(&sent);
        assert_eq!(custom.map(|custom| custom.number), Some(2));
        assert_eq!(custom.and_then(|custom| custom.u32_at(0)), Some(101));
        assert_eq!(custom.and_then(|custom| custom.u32_at(4)), Some(1362));
        assert_eq!(custom.and_then(|custom| custom.u32_at(5)), None);
    }

    #[test]
    fn other_messages_and_cut_ones_are_none() {
        assert_eq!(Custom::parse(&Message { class: 1, id: 8, body: vec![1, 0, 0, 0] }), None);
        assert_eq!(Custom::parse(&Message { class: CLASS, id: ID, body: vec![1, 0, 0] }), None);
    }
}
