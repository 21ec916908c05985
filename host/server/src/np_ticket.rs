//! NP tickets: the login ticket of the PlayStation Network as TicketLogin carries it.
//!
//! A ticket is a tree of big-endian type-length-value records. Version 2 and 3 bodies list, in this order: serial id
//! (binary), issuer id (u32), issued and expiration time (u64 milliseconds), user id (u64), online id (text, 32),
//! region (binary), domain (text), service id (binary or text), status (u32) and so on; the next section, type 0x3002,
//! is the signature. Only the online id, the expiry and the signature's tag are read; nothing here verifies a
//! signature, so a ticket proves no more than the title's settings say it does (servers.md 6.2).

use thiserror::Error;

/// What of a ticket is used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NpTicket {
    /// The player's name on the network, without NULs, 1 to 31 bytes.
    pub online_id: Vec<u8>,
    /// Signed by RPCN, the emulators' network: such a name gets a suffix.
    pub rpcn: bool,
}

/// Why a ticket is no use.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TicketError {
    /// A record reaches behind the end.
    #[error("record at byte {offset} wants {wanted} bytes, {found} are left")]
    Truncated {
        /// Where the record starts in what was given.
        offset: usize,
        /// Its length.
        wanted: usize,
        /// What there is.
        found: usize,
    },
    /// The first section is not a body.
    #[error("ticket starts with section {found:#06x}, wanted a body, 0x3000")]
    NoBody {
        /// The section's type.
        found: u16,
    },
    /// The body has no online id.
    #[error("the ticket has no online id of 1 to 31 bytes")]
    NoOnlineId,
}

const SECTION_BODY: u16 = 0x3000;
const RECORD_TEXT: u16 = 0x0004;
/// Records in front of the online id: serial, issuer, issued, expires, user id.
const ONLINE_ID_INDEX: usize = 5;
/// What emulator tickets carry in their signature section.
const RPCN_TAG: &[u8] = b"RPCN";
/// Added to the names of RPCN tickets, so that a console's player and an emulator's are never one.
pub const RPCN_SUFFIX: &str = "@RPCN";

struct Records<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Records<'a> {
    fn next(&mut self) -> Result<Option<(u16, &'a [u8])>, TicketError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let Some((head, rest)) = rest.split_first_chunk::<4>() else {
            return Err(TicketError::Truncated { offset: self.offset, wanted: 4, found: rest.len() });
        };
        let (kind, length) =
            (u16::from_be_bytes([head[0], head[1]]), usize::from(u16::from_be_bytes([head[2], head[3]])));
        let value = rest.get(..length).ok_or(TicketError::Truncated {
            offset: self.offset,
            wanted: length,
            found: rest.len(),
        })?;
        self.offset += 4 + length;
        Ok(Some((kind, value)))
    }
}

impl NpTicket {
    /// Reads a ticket's sections, which stand behind version and size.
    pub fn parse(sections: &[u8]) -> Result<Self, TicketError> {
        let mut outer = Records { bytes: sections, offset: 0 };
        let (kind, body) = outer.next()?.ok_or(TicketError::Truncated { offset: 0, wanted: 4, found: 0 })?;
        if kind != SECTION_BODY {
            return Err(TicketError::NoBody { found: kind });
        }
        let mut inner = Records { bytes: body, offset: 0 };
        let mut online_id = None;
        for index in 0..=ONLINE_ID_INDEX {
            let Some((kind, value)) = inner.next()? else { break };
            if index == ONLINE_ID_INDEX && kind == RECORD_TEXT {
                online_id = Some(value);
            }
        }
        let name = online_id.ok_or(TicketError::NoOnlineId)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let name = &name[..end];
        if name.is_empty() || name.len() > 31 {
            return Err(TicketError::NoOnlineId);
        }
        let signature = sections.get(outer.offset..).unwrap_or_default();
        let rpcn = signature.windows(RPCN_TAG.len()).any(|window| window == RPCN_TAG);
        Ok(Self { online_id: name.to_vec(), rpcn })
    }

    /// The account name that the ticket stands for.
    pub fn account_name(&self) -> Vec<u8> {
        let mut name = self.online_id.clone();
        if self.rpcn {
            name.extend_from_slice(RPCN_SUFFIX.as_bytes());
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut out = kind.to_be_bytes().to_vec();
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value);
        out
    }

    fn ticket(name: &[u8], tag: &[u8]) -> Vec<u8> {
        let body = [
            record(0x0008, &[1; 20]),
            record(0x0001, &[0, 0, 1, 0]),
            record(0x0007, &[0; 8]),
            record(0x0007, &[0; 8]),
            record(0x0002, &[0; 8]),
            record(0x0004, name),
            record(0x0008, b"us\0\0"),
        ]
        .concat();
        [record(0x3000, &body), record(0x3002, &[record(0x0008, tag), record(0x0008, &[9; 56])].concat())]
            .concat()
    }

    #[test]
    fn the_online_id_is_found_by_its_place_among_the_records() {
        let mut field = b"Badger41".to_vec();
        field.resize(32, 0);
        let ticket = NpTicket::parse(&ticket(&field, &[0xde, 0xad, 0xbe, 0xef])).unwrap();
        assert_eq!(ticket, NpTicket { online_id: b"Badger41".to_vec(), rpcn: false });
        assert_eq!(ticket.account_name(), b"Badger41");
    }

    #[test]
    fn a_name_from_the_emulators_network_is_marked() {
        let ticket = NpTicket::parse(&ticket(b"Badger41", b"RPCN")).unwrap();
        assert_eq!(ticket.account_name(), b"Badger41@RPCN");
    }

    #[test]
    fn a_name_that_says_rpcn_is_not_taken_for_the_emulators_signature() {
        assert!(!NpTicket::parse(&ticket(b"RPCN", b"none")).unwrap().rpcn);
    }

    #[test]
    fn every_shorter_ticket_is_refused_or_read_and_none_panics() {
        let whole = ticket(b"Badger41", b"RPCN");
        for length in 0..whole.len() {
            let _ = NpTicket::parse(&whole[..length]);
        }
        assert_eq!(
            NpTicket::parse(&whole[..20]),
            Err(TicketError::Truncated { offset: 0, wanted: 88, found: 16 })
        );
        assert_eq!(NpTicket::parse(&record(0x3001, &[])), Err(TicketError::NoBody { found: 0x3001 }));
        assert_eq!(NpTicket::parse(&ticket(&[0; 32], b"")), Err(TicketError::NoOnlineId));
    }
}
