//! What both ends of a connection have in common: keys, opening and sealing of frames, fragments.

use std::sync::Arc;

use medley_crypto::{Context, DecryptError, Hash, Suite, SymmetricKey, Verified};
use medley_wire::codec::Writer;
use medley_wire::fragment::{self, Reassembly};
use medley_wire::frame::{FrameBuffer, Header, MAX_BODY, MAX_HEADER};
use medley_wire::messages::DmePacketFragment;
use medley_wire::{AnyMessage, AppId, Dialect, RtId, RtMessage};

use crate::{SendError, SessionError, State};

/// How a frame came, or is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cover {
    /// Bit 7 off.
    Clear,
    /// Bit 7 on and a hash of zero: plaintext too (every CLIENT_APP_BROADCAST of Deadlocked).
    NullHash,
    /// Enciphered and verified.
    Enciphered,
}

/// The way a frame takes; an answer and a relayed message go the way their cause came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// The stream.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A frame that was opened.
pub(crate) struct Opened<'f> {
    pub(crate) cover: Cover,
    /// What deciphering left behind, if it came enciphered.
    pub(crate) verified: Option<Verified>,
    pub(crate) body: &'f mut [u8],
}

/// Why a frame cannot be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    BadHash(DecryptError),
    NoKey(Context),
    Short,
}

impl OpenError {
    pub(crate) fn at(self, state: State, id: RtId, found: usize) -> SessionError {
        match self {
            Self::BadHash(error) => SessionError::BadHash { state, id, error },
            Self::NoKey(context) => SessionError::NoKey { state, id, context },
            Self::Short => SessionError::WrongLength { state, id, wanted: 2, found },
        }
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) suite: Suite,
    pub(crate) dialect: Dialect,
    /// The ctx 3 key.
    pub(crate) peer_key: Option<SymmetricKey>,
    /// The ctx 3 key before the second CRYPTKEY_PEER, until the other end is heard to use the new one: what it had
    /// under way is still to be read.
    previous: Option<Box<SymmetricKey>>,
    /// The ctx 1 key.
    pub(crate) game_key: Option<Arc<SymmetricKey>>,
    pub(crate) frames: FrameBuffer,
    pub(crate) output: Vec<u8>,
    reassembly: Option<Box<Reassembly>>,
}

impl Link {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            suite: Suite::for_medius_version(dialect.medius_version),
            dialect,
            peer_key: None,
            previous: None,
            game_key: None,
            frames: FrameBuffer::new(),
            output: Vec::new(),
            reassembly: None,
        }
    }

    pub(crate) fn set_version(&mut self, version: u16) {
        self.dialect.medius_version = version;
        self.suite = Suite::for_medius_version(version);
    }

    pub(crate) fn set_app(&mut self, app: AppId) {
        self.dialect.app_id = app;
    }

    /// Replaces the ctx 3 key, for everything from the next frame on.
    pub(crate) fn rekey(&mut self, key: SymmetricKey) {
        self.previous = self.peer_key.replace(key).map(Box::new);
    }

    /// Deciphers a frame's body in place and verifies it. RSA is not for here.
    pub(crate) fn open<'f>(&mut self, header: &Header, frame: &'f mut [u8]) -> Result<Opened<'f>, OpenError> {
        let body = frame.get_mut(header.body_at(0)).ok_or(OpenError::Short)?;
        let Some(hash) = header.hash.map(Hash) else {
            return Ok(Opened { cover: Cover::Clear, verified: None, body });
        };
        if hash.is_null() {
            return Ok(Opened { cover: Cover::NullHash, verified: None, body });
        }
        let context = hash.context();
        let key = match context {
            Context::RC_CLIENT_SESSION => self.peer_key.as_ref(),
            Context::RC_SERVER_SESSION => self.game_key.as_deref(),
            _ => None,
        };
        let key = key.ok_or(OpenError::NoKey(context))?;
        let verified = match decrypt(self.suite, key, header.id, hash, body) {
            Ok(verified) => {
                if context == Context::RC_CLIENT_SESSION {
                    self.previous = None;
                }
                verified
            }
            Err(error) => {
                let previous = self.previous.as_deref().filter(|_| context == Context::RC_CLIENT_SESSION);
                let previous = previous.ok_or(error)?;
                decrypt(self.suite, previous, header.id, hash, body)?
            }
        };
        Ok(Opened { cover: Cover::Enciphered, verified, body })
    }

    /// The key and context of an outgoing message; `None` on a clear connection.
    fn cipher(&self, context: Context) -> Option<(&SymmetricKey, Context)> {
        let peer = self.peer_key.as_ref()?;
        match &self.game_key {
            Some(game) if context == Context::RC_SERVER_SESSION => Some((game, context)),
            _ => Some((peer, Context::RC_CLIENT_SESSION)),
        }
    }

    /// Appends a frame to `output`, which may be the stream's or a datagram's.
    pub(crate) fn seal_onto(
        &self,
        output: &mut Vec<u8>,
        id: RtId,
        context: Context,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SendError> {
        seal(output, self.suite, id, self.cipher(context), body)
    }

    /// Appends a frame under ctx 3, in clear or with a null hash.
    pub(crate) fn seal_covered(
        &self,
        output: &mut Vec<u8>,
        id: RtId,
        cover: Cover,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SendError> {
        if cover == Cover::Enciphered {
            return self.seal_onto(output, id, Context::RC_CLIENT_SESSION, body);
        }
        let start = output.len();
        seal(output, self.suite, id, None, body)?;
        let null = Hash::null(Context::RC_CLIENT_SESSION).0;
        if cover == Cover::NullHash
            && self.peer_key.is_some()
            && output.len() > start + 3
            && let Some(first) = output.get_mut(start)
        {
            *first |= 0x80;
            output.splice(start + 3..start + 3, null);
        }
        Ok(())
    }

    /// Appends a frame to the stream.
    pub(crate) fn seal(
        &mut self,
        id: RtId,
        context: Context,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SendError> {
        let mut output = core::mem::take(&mut self.output);
        let result = self.seal_onto(&mut output, id, context, body);
        self.output = output;
        result
    }

    /// Appends a frame with bit 7 off to the stream.
    pub(crate) fn put_clear(&mut self, message: &RtMessage) -> Result<(), SendError> {
        let d = self.dialect;
        seal(&mut self.output, self.suite, message.id(), None, |output| encode(message, output, &d))
    }

    /// Appends `message` to the stream, under ctx 3 where there is a key.
    pub(crate) fn put(&mut self, message: &RtMessage) -> Result<(), SendError> {
        let d = self.dialect;
        self.seal(message.id(), Context::RC_CLIENT_SESSION, |output| encode(message, output, &d))
    }

    /// Appends `messages` to the stream, in one container.
    pub(crate) fn put_container(&mut self, id: RtId, messages: &[RtMessage]) -> Result<(), SendError> {
        let d = self.dialect;
        let mut result = Ok(());
        self.seal(id, Context::RC_CLIENT_SESSION, |output| {
            for message in messages {
                let inner =
                    seal(output, Suite::Ps3, message.id(), None, |output| encode(message, output, &d));
                result = result.clone().and(inner);
            }
        })?;
        result
    }

    /// Appends an application message, in fragments of `piece` bytes if it is longer than one takes.
    pub(crate) fn put_app(
        &mut self,
        id: RtId,
        context: Context,
        piece: Option<usize>,
        payload: &[u8],
    ) -> Result<(), SendError> {
        match piece.and_then(|piece| fragment::cut(payload, piece, &self.dialect)) {
            None => self.seal(id, context, |output| output.extend_from_slice(payload)),
            Some(pieces) => pieces
                .iter()
                .try_for_each(|piece| self.seal(id, context, |output| output.extend_from_slice(piece))),
        }
    }

    /// As [`Link::put_app`], with bit 7 off.
    pub(crate) fn put_app_clear(
        &mut self,
        id: RtId,
        piece: Option<usize>,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let cut = piece.and_then(|piece| fragment::cut(payload, piece, &self.dialect));
        let (suite, output) = (self.suite, &mut self.output);
        let mut put = |bytes: &[u8]| seal(output, suite, id, None, |output| output.extend_from_slice(bytes));
        match cut {
            None => put(payload),
            Some(pieces) => pieces.iter().try_for_each(|piece| put(piece)),
        }
    }

    /// As [`Link::put_app`], encoded straight into the stream when it need not be cut.
    pub(crate) fn put_message(
        &mut self,
        id: RtId,
        context: Context,
        piece: Option<usize>,
        message: &AnyMessage,
    ) -> Result<(), SendError> {
        let start = self.output.len();
        let d = self.dialect;
        let one_piece = piece.map_or(MAX_BODY, |piece| piece + fragment::PIECE_HEADER);
        let mut length = 0;
        let sealed = self.seal(id, context, |output| {
            let before = output.len();
            *output = message.encode_onto(core::mem::take(output), &d);
            length = output.len() - before;
        });
        if length <= one_piece {
            return sealed;
        }
        self.output.truncate(start);
        self.put_app(id, context, piece, &message.encode(&d))
    }

    /// Takes an application payload; if it is a fragment, gives the whole message when it was the last.
    pub(crate) fn reassemble(
        &mut self,
        payload: &[u8],
        state: State,
    ) -> Result<Option<Vec<u8>>, SessionError> {
        let decoded = AnyMessage::decode(payload, &self.dialect)
            .map_err(|error| SessionError::Fragment { state, error: error.into() })?;
        let AnyMessage::DmePacketFragment(fragment) = decoded else { return Ok(Some(payload.to_vec())) };
        let fragment: DmePacketFragment = *fragment;
        let whole = self.reassembly.get_or_insert_default().push(&fragment);
        match whole {
            Ok(None) => Ok(None),
            Ok(whole) => {
                self.reassembly = None;
                Ok(whole)
            }
            Err(error) => {
                self.reassembly = None;
                Err(SessionError::Fragment { state, error })
            }
        }
    }

    /// Heap bytes held, buffers with their capacity.
    pub(crate) fn heap_size(&self) -> usize {
        self.output.capacity()
            + self.frames.pending()
            + self.previous.as_ref().map_or(0, |_| size_of::<SymmetricKey>())
            + self.reassembly.as_ref().map_or(0, |_| size_of::<Reassembly>())
    }
}

/// True for the application payload of a PacketFragment.
pub(crate) fn is_fragment(payload: &[u8]) -> bool {
    payload.starts_with(&[0, 2])
}

pub(crate) fn encode(message: &RtMessage, output: &mut Vec<u8>, d: &Dialect) {
    let mut writer = Writer::onto(core::mem::take(output));
    message.encode(&mut writer, d);
    *output = writer.into_bytes();
}

/// Deciphers and verifies one body. On an error the body is as it was.
fn decrypt(
    suite: Suite,
    key: &SymmetricKey,
    id: RtId,
    hash: Hash,
    body: &mut [u8],
) -> Result<Option<Verified>, OpenError> {
    let prefix = clear_prefix(id, body);
    let enciphered = body.get_mut(prefix..).ok_or(OpenError::Short)?;
    match suite.open_in_place(key, hash, enciphered) {
        Ok(verified) => Ok(verified),
        // No capture has an enciphered APP_LIST: a mask in clear is by analogy with APP_SINGLE, so the other reading
        // is tried too.
        Err(_) if id == RtId::CLIENT_APP_LIST => {
            suite.open_in_place(key, hash, body).map_err(OpenError::BadHash)
        }
        Err(error) => Err(OpenError::BadHash(error)),
    }
}

impl From<DecryptError> for OpenError {
    fn from(error: DecryptError) -> Self {
        Self::BadHash(error)
    }
}

/// Bytes in front of an enciphered body that stay in clear and outside the hash (`uya_ps2_join_game_dme`, all 0x83).
fn clear_prefix(id: RtId, body: &[u8]) -> usize {
    match (id, body) {
        (RtId::CLIENT_APP_SINGLE, _) => 2,
        (RtId::CLIENT_APP_LIST, [mask, ..]) => 1 + usize::from(*mask),
        _ => 0,
    }
}

/// Appends one frame.
fn seal(
    output: &mut Vec<u8>,
    suite: Suite,
    id: RtId,
    cipher: Option<(&SymmetricKey, Context)>,
    body: impl FnOnce(&mut Vec<u8>),
) -> Result<(), SendError> {
    let start = output.len();
    let header = if cipher.is_some() { MAX_HEADER } else { 3 };
    output.resize(start + header, 0);
    body(output);
    let length = output.len().saturating_sub(start + header);
    if length > MAX_BODY {
        output.truncate(start);
        return Err(SendError::TooLong { id, length, limit: MAX_BODY });
    }
    if length == 0 {
        // `97 00 00`: bit 7 tells the mode of the connection, but no hash follows.
        output.truncate(start);
        output.extend_from_slice(&[if cipher.is_some() { id.0 | 0x80 } else { id.0 }, 0, 0]);
        return Ok(());
    }
    let Some(([first, low, high, hash @ ..], body)) =
        output.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(header))
    else {
        return Ok(());
    };
    [*low, *high] = (length as u16).to_le_bytes();
    *first = id.0;
    if let Some((key, context)) = cipher {
        *first |= 0x80;
        let prefix = clear_prefix(id, body).min(length);
        if let Some(body) = body.get_mut(prefix..) {
            hash.copy_from_slice(&suite.encrypt_in_place(key, context, body).0);
        }
    }
    Ok(())
}

/// Appends the header of a relayed APP_SINGLE and room for its payload: `index` is in clear, outside the hash.
pub(crate) fn begin_relay(frame: &mut [u8], hash: Option<Hash>, index: u16, payload: usize) -> &mut [u8] {
    let header = relay_header(hash.is_some());
    let id = RtId::CLIENT_APP_SINGLE.0;
    let [low, high] = ((payload + 2) as u16).to_le_bytes();
    let Some((head, room)) = frame.split_at_mut_checked(header) else { return &mut [] };
    match (head, hash) {
        ([first, l, h, a, b], None) => {
            [*first, *l, *h] = [id, low, high];
            [*a, *b] = index.to_le_bytes();
        }
        ([first, l, h, h0, h1, h2, h3, a, b], Some(hash)) => {
            [*first, *l, *h] = [id | 0x80, low, high];
            [*h0, *h1, *h2, *h3] = hash.0;
            [*a, *b] = index.to_le_bytes();
        }
        _ => {}
    }
    room
}

/// Bytes in front of a relayed payload.
pub(crate) const fn relay_header(hashed: bool) -> usize {
    if hashed { 9 } else { 5 }
}
