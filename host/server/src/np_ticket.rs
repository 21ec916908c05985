//! NP tickets: the login ticket of the PlayStation Network as TicketLogin carries it.
//!
//! A ticket is a tree of big-endian type-length-value records. Version 2 and 3 bodies list, in this order: serial id
//! (binary), issuer id (u32), issued and expiration time (u64 milliseconds), user id (u64), online id (text, 32),
//! region (binary), domain (text), service id (binary or text), status (u32) and so on; the next section, type 0x3002,
//! is the signature: an identifier of the key (binary) and a DER signature (binary). A ticket proves no more than the
//! title's settings ask of it (servers.md 6.2): nothing, or that a key of theirs signed it and that it has not expired.
//!
//! What is signed is known from public servers of other titles: by PlayStation Network everything in front of the
//! signature's bytes, version and size included; by RPCN the body's record. The captured ticket (`dl_ps3_full_session`,
//! line 16 of its walk) has the form of the first; its key is not known.

use medley_crypto::{EcdsaCurve, EcdsaKey};
use medley_titles::{TicketKey, TicketNetwork};
use thiserror::Error;

/// What of a ticket is used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NpTicket {
    /// The player's name on the network, without NULs, 1 to 31 bytes.
    pub online_id: Vec<u8>,
    /// Signed by RPCN, the emulators' network: such a name gets a suffix.
    pub rpcn: bool,
    /// When it expires, milliseconds since 1970; `None` if it does not say.
    pub expires: Option<u64>,
    /// What the signature is over.
    signed: Vec<u8>,
    /// The signature; empty if there is none.
    signature: Vec<u8>,
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
const SECTION_SIGNATURE: u16 = 0x3002;
const RECORD_TEXT: u16 = 0x0004;
const RECORD_TIME: u16 = 0x0007;
/// Records in front of the expiration time: serial, issuer, issued.
const EXPIRES_INDEX: usize = 3;
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
    /// Reads a ticket: its version word, and the sections that stand behind version and size.
    pub fn parse(version: u32, sections: &[u8]) -> Result<Self, TicketError> {
        let mut outer = Records { bytes: sections, offset: 0 };
        let (kind, body) = outer.next()?.ok_or(TicketError::Truncated { offset: 0, wanted: 4, found: 0 })?;
        if kind != SECTION_BODY {
            return Err(TicketError::NoBody { found: kind });
        }
        let mut inner = Records { bytes: body, offset: 0 };
        let (mut online_id, mut expires) = (None, None);
        for index in 0..=ONLINE_ID_INDEX {
            let Some((kind, value)) = inner.next()? else { break };
            match (index, kind) {
                (EXPIRES_INDEX, RECORD_TIME) => expires = value.try_into().ok().map(u64::from_be_bytes),
                (ONLINE_ID_INDEX, RECORD_TEXT) => online_id = Some(value),
                _ => {}
            }
        }
        let name = online_id.ok_or(TicketError::NoOnlineId)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let name = &name[..end];
        if name.is_empty() || name.len() > 31 {
            return Err(TicketError::NoOnlineId);
        }
        let after_body = outer.offset;
        let rest = sections.get(after_body..).unwrap_or_default();
        let rpcn = rest.windows(RPCN_TAG.len()).any(|window| window == RPCN_TAG);
        // Broken, it is as good as none.
        let signature = signature(&mut outer).ok().flatten();
        let signed = match &signature {
            None => Vec::new(),
            Some(_) if rpcn => sections.get(..after_body).unwrap_or_default().to_vec(),
            Some((at, _)) => {
                let size = u32::try_from(sections.len()).unwrap_or(u32::MAX);
                let sections = sections.get(..*at).unwrap_or_default();
                [&version.to_be_bytes()[..], &size.to_be_bytes(), sections].concat()
            }
        };
        let signature = signature.map(|(_, signature)| signature.to_vec()).unwrap_or_default();
        Ok(Self { online_id: name.to_vec(), rpcn, expires, signed, signature })
    }

    /// Whether one of the keys of the ticket's network signed it, and it still holds at `now` (seconds since 1970).
    pub fn is_proven(&self, keys: &[TicketKey], now: i64) -> bool {
        let now = u64::try_from(now).unwrap_or(0).saturating_mul(1000);
        let (network, curve) = if self.rpcn {
            (TicketNetwork::Rpcn, EcdsaCurve::Secp224k1)
        } else {
            (TicketNetwork::Psn, EcdsaCurve::Secp192r1)
        };
        let own = keys.iter().filter(|key| key.network == network).filter_map(|key| {
            let key = hex::decode(&key.public_key).ok().and_then(|key| EcdsaKey::new(curve, &key).ok());
            if key.is_none() {
                tracing::error!(?network, "a key in accounts.ticket_key is no key of its network");
            }
            key
        });
        let holds = self.expires.is_some_and(|expires| now < expires);
        holds && own.into_iter().any(|key| key.verifies(&self.signed, &self.signature))
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

/// The signature of the next section and where its bytes begin; `None` if that is no signature.
fn signature<'a>(sections: &mut Records<'a>) -> Result<Option<(usize, &'a [u8])>, TicketError> {
    let Some((SECTION_SIGNATURE, section)) = sections.next()? else { return Ok(None) };
    let begins = sections.offset - section.len();
    let mut records = Records { bytes: section, offset: 0 };
    // The key's identifier comes first.
    records.next()?;
    let Some((_, signature)) = records.next()? else { return Ok(None) };
    Ok(Some((begins + records.offset - signature.len(), signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: u32 = 0x2101_0000;

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
        let ticket = NpTicket::parse(VERSION, &ticket(&field, &[0xde, 0xad, 0xbe, 0xef])).unwrap();
        assert_eq!((&ticket.online_id[..], ticket.rpcn), (&b"Badger41"[..], false));
        assert_eq!(ticket.account_name(), b"Badger41");
    }

    #[test]
    fn a_name_from_the_emulators_network_is_marked() {
        let ticket = NpTicket::parse(VERSION, &ticket(b"Badger41", b"RPCN")).unwrap();
        assert_eq!(ticket.account_name(), b"Badger41@RPCN");
    }

    #[test]
    fn a_name_that_says_rpcn_is_not_taken_for_the_emulators_signature() {
        assert!(!NpTicket::parse(VERSION, &ticket(b"RPCN", b"none")).unwrap().rpcn);
    }

    #[test]
    fn every_shorter_ticket_is_refused_or_read_and_none_panics() {
        let whole = ticket(b"Badger41", b"RPCN");
        for length in 0..whole.len() {
            let _ = NpTicket::parse(VERSION, &whole[..length]);
        }
        assert_eq!(
            NpTicket::parse(VERSION, &whole[..20]),
            Err(TicketError::Truncated { offset: 0, wanted: 88, found: 16 })
        );
        assert_eq!(
            NpTicket::parse(VERSION, &record(0x3001, &[])),
            Err(TicketError::NoBody { found: 0x3001 })
        );
        assert_eq!(NpTicket::parse(VERSION, &ticket(&[0; 32], b"")), Err(TicketError::NoOnlineId));
    }

    const PSN_KEY: &str = "579ef88e0d9495b3394af608c393ca0e6e6349531fed0bb9ac704bf022718a252f1f85fbdd7be3ea\
         7d9a22a78e2dafa8";
    const RPCN_KEY: &str = "4111bdc51f488aa77f5bb7ae3a81122d187985d591fcccb813a85e83a5b6399e9284ed64c6740595\
         13679d29c0bb4f8c1dfd97333d3e4795";
    /// Tickets of two networks with keys of their own, signed by OpenSSL: to 2100, and long expired.
    const PSN: &str = "30000070000800140101010101010101010101010101010101010101000100040000010000070008\
         00000000000003e800070008000003bb2cc3d8000002000800000000000000000004002042616467\
         65725f34310000000000000000000000000000000000000000000000000800047573000030020044\
         00080004719f1d4a000800383035021834ae323e96896eb32cb2fa3ce982e0cc376a1505c2b96176\
         021900a9e7a6110c6005082134c3968fd5cadc0a22e2679a0b31eb00";
    const PSN_LATE: &str = "30000070000800140101010101010101010101010101010101010101000100040000010000070008\
         00000000000003e80007000800000000000007d0000200080000000000000000000400204c617465\
         5f343100000000000000000000000000000000000000000000000000000800047573000030020044\
         00080004719f1d4a000800383036021900e806a84bfe96fc21c5318884eb7fb8419736cd3d7b04a4\
         54021900eab0c2e4bf3a68fd29d0f092e175f0c3264398fbb40b9dc3";
    const RPCN: &str = "30000070000800140101010101010101010101010101010101010101000100040000010000070008\
         00000000000003e800070008000003bb2cc3d8000002000800000000000000000004002042616467\
         65725f3431000000000000000000000000000000000000000000000000080004757300003002004c\
         000800045250434e00080040303e021d009eb595861a0bb9f056214d789e5441109ad96fa0bfdf7f\
         0fb81548ad021d009bc3aebf5b8ac183386416a2dabc9571a08e7ed85a55be79027321aa";
    const RPCN_LATE: &str = "30000070000800140101010101010101010101010101010101010101000100040000010000070008\
         00000000000003e80007000800000000000007d0000200080000000000000000000400204c617465\
         5f34310000000000000000000000000000000000000000000000000000080004757300003002004a\
         000800045250434e0008003e303c021c6421c942812717c7066bba6042ef65b6e3ae423120b45b73\
         4fbb7687021c4f6f8f445a3ac5dfe9b32d5b4a8262e744043e42b05b344a4eddf601";

    fn keys() -> [TicketKey; 2] {
        [(TicketNetwork::Psn, PSN_KEY), (TicketNetwork::Rpcn, RPCN_KEY)]
            .map(|(network, key)| TicketKey { network, public_key: key.to_owned() })
    }

    fn proven(hex: &str, keys: &[TicketKey], now: i64) -> bool {
        NpTicket::parse(VERSION, &hex::decode(hex).unwrap()).unwrap().is_proven(keys, now)
    }

    #[test]
    fn a_ticket_is_proven_by_a_key_of_its_network_until_it_expires() {
        let [psn, rpcn] = keys();
        for (ticket, own, other) in [(PSN, &psn, &rpcn), (RPCN, &rpcn, &psn)] {
            assert!(proven(ticket, std::slice::from_ref(own), 1_700_000_000));
            assert!(!proven(ticket, std::slice::from_ref(other), 1_700_000_000));
            assert!(!proven(ticket, &[], 1_700_000_000));
            assert!(proven(ticket, &keys(), 4_102_444_799) && !proven(ticket, &keys(), 4_102_444_800));
            let wrong = TicketKey { public_key: "00".repeat(own.public_key.len() / 2), ..own.clone() };
            assert!(!proven(ticket, &[wrong], 1_700_000_000));
        }
        assert!(proven(PSN_LATE, &keys(), 1) && !proven(PSN_LATE, &keys(), 2));
        assert!(proven(RPCN_LATE, &keys(), 1) && !proven(RPCN_LATE, &keys(), 2));
    }

    #[test]
    fn no_bit_of_a_ticket_may_change_and_none_be_missing() {
        for whole in [PSN, RPCN] {
            let whole = hex::decode(whole).unwrap();
            let last = whole.len() - usize::from(*whole.last().unwrap() == 0);
            for at in 0..last {
                let mut changed = whole.clone();
                changed[at] ^= 1 << (at % 8);
                for ticket in [&changed[..], &whole[..at]] {
                    let parsed = NpTicket::parse(VERSION, ticket);
                    // In RPCN's the signature's own section is not signed, and but for its name none of it matters.
                    let signed = parsed.is_ok_and(|ticket| ticket.is_proven(&keys(), 1));
                    assert!(
                        !signed || (ticket[..0x74] == whole[..0x74] && ticket.len() == whole.len()),
                        "{at}"
                    );
                }
            }
        }
        let psn = hex::decode(PSN).unwrap();
        assert!(
            !NpTicket::parse(VERSION + 1, &psn).unwrap().is_proven(&keys(), 1),
            "the version is signed too"
        );
    }
}
