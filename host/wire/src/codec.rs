//! Reading and writing of message bodies: [`Reader`], [`Writer`], and the traits that every field type has.
//!
//! All numbers are little-endian. A [`Reader`] never looks past its input and never allocates more than the input
//! justifies; its errors say message, field, offset, wanted and found.

use core::ops::Range;

use thiserror::Error;

use crate::types::AppId;

/// What decides a layout besides the message itself: the client's Medius version and its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// 108 for 1.08 and so on, up to 113. A client that sends no CLIENT_HELLO speaks 1.08 or older.
    pub medius_version: u16,
    /// The application id of the client's CONNECT message.
    pub app_id: AppId,
}

/// Titles whose 1.08 channel rows carry all four generic fields.
const FULL_CHANNEL_ROWS_AT_108: [u32; 8] = [10202, 10304, 10550, 10724, 10680, 10681, 10683, 10684];
/// 1.13 titles that keep the 1000-byte announcement: Warhawk and its betas.
const SHORT_ANNOUNCEMENTS_AT_113: [u32; 13] =
    [21564, 21574, 21584, 21594, 22274, 22284, 22294, 22304, 20040, 20041, 20042, 20043, 20044];
/// Titles whose SessionBeginResponse ends in one pad byte.
const SHORT_SESSION_BEGIN_RESPONSE: [u32; 2] = [10694, 21064];
/// Titles that take an SVO URL inside UniverseVariableInformationResponse.
const SVO_URL_IN_VARIABLE_INFORMATION: [u32; 19] = [
    10421, 20043, 20244, 20371, 20374, 20464, 21093, 21094, 21324, 21514, 21614, 21624, 21784, 21834, 22073,
    22500, 22920, 22924, 22930,
];
/// Titles whose PartyJoinByIndexResponse ends in MaxPlayers.
const MAX_PLAYERS_IN_PARTY_JOIN: [u32; 8] = [20624, 22500, 22920, 22924, 22930, 23360, 24000, 24180];

impl Dialect {
    /// A dialect.
    pub const fn new(medius_version: u16, app_id: AppId) -> Self {
        Self { medius_version, app_id }
    }

    /// 1.08 and older: no hello, version prefixes in the RT connect messages, no fragments, no server echo.
    pub const fn is_108(&self) -> bool {
        self.medius_version <= 108
    }

    pub(crate) fn full_channel_row(&self) -> bool {
        self.medius_version > 108 || FULL_CHANNEL_ROWS_AT_108.contains(&self.app_id.0)
    }

    /// Bytes of an announcement's text, the NUL included.
    pub fn announcement_width(&self) -> usize {
        let long = self.medius_version == 113 && !SHORT_ANNOUNCEMENTS_AT_113.contains(&self.app_id.0);
        if long { 4000 } else { 1000 }
    }

    pub(crate) fn short_session_begin_response(&self) -> bool {
        SHORT_SESSION_BEGIN_RESPONSE.contains(&self.app_id.0)
    }

    pub(crate) fn svo_url_in_variable_information(&self) -> bool {
        SVO_URL_IN_VARIABLE_INFORMATION.contains(&self.app_id.0)
    }

    pub(crate) fn max_players_in_party_join(&self) -> bool {
        MAX_PLAYERS_IN_PARTY_JOIN.contains(&self.app_id.0)
    }

    /// 1.13 widths for some clan and MGCL texts, and 200-byte ones before.
    pub(crate) fn at_113(&self, then: usize, otherwise: usize) -> usize {
        if self.medius_version == 113 { then } else { otherwise }
    }
}

/// Why a body could not be decoded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}.{field} at offset {offset}: {kind}")]
pub struct DecodeError {
    /// SDK name of the message, or of the RT message.
    pub message: &'static str,
    /// SDK name of the field that was being read.
    pub field: &'static str,
    /// Offset of the field in the body, which starts behind class and id.
    pub offset: usize,
    /// What was wrong with it.
    pub kind: DecodeErrorKind,
}

/// What was wrong with a field.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The body ends inside the field.
    #[error("wanted {wanted} bytes, found {found}")]
    Truncated {
        /// Bytes that the field takes.
        wanted: usize,
        /// Bytes that were left.
        found: usize,
    },
    /// The field's value cannot be.
    #[error("wanted {wanted}, found {found}")]
    Invalid {
        /// What would have been legal.
        wanted: &'static str,
        /// What was there.
        found: u64,
    },
}

/// Where each field of a decoded body lay, for tools that explain a frame.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Dotted field path and its bytes, in wire order; structures come behind their members.
    pub fields: Vec<(String, Range<usize>)>,
    /// Bytes that mean nothing: padding, and what stands behind the NUL of a text.
    pub ignored: Vec<(IgnoredBytes, Range<usize>)>,
    path: Vec<(&'static str, usize)>,
}

/// Why bytes of a body mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoredBytes {
    /// Behind the NUL of a text field.
    BehindNul,
    /// Alignment padding.
    Pad,
}

/// Cursor over one message body.
#[derive(Debug)]
pub struct Reader<'a> {
    input: &'a [u8],
    position: usize,
    message: &'static str,
    field: &'static str,
    trace: Option<Box<Trace>>,
}

impl<'a> Reader<'a> {
    /// Reads `input`, the body of `message`.
    pub fn new(message: &'static str, input: &'a [u8]) -> Self {
        Self { input, position: 0, message, field: "", trace: None }
    }

    /// As [`Reader::new`], and remembers where each field was.
    pub fn traced(message: &'static str, input: &'a [u8]) -> Self {
        Self { trace: Some(Box::default()), ..Self::new(message, input) }
    }

    /// Ends reading and gives back the trace, if one was asked for.
    pub fn into_trace(self) -> Option<Trace> {
        self.trace.map(|trace| *trace)
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.input.len() - self.position
    }

    /// Offset of the next byte.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Names the field that is read next.
    pub fn at(&mut self, field: &'static str) {
        self.field = field;
        if let Some(trace) = &mut self.trace {
            trace.path.push((field, self.position));
        }
    }

    /// Closes the field that [`Reader::at`] opened.
    pub fn done(&mut self) {
        let Some(trace) = &mut self.trace else { return };
        let path = trace.path.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(".");
        if let Some((_, start)) = trace.path.pop()
            && start != self.position
        {
            trace.fields.push((path, start..self.position));
        }
    }

    /// Takes the next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.input.get(self.position..).and_then(|left| left.get(..count)) {
            Some(bytes) => {
                self.position += count;
                Ok(bytes)
            }
            None => Err(self.error(DecodeErrorKind::Truncated { wanted: count, found: self.remaining() })),
        }
    }

    /// Takes the next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.input.get(self.position..).and_then(|left| left.first_chunk::<N>()) {
            Some(bytes) => {
                self.position += N;
                Ok(*bytes)
            }
            None => Err(self.error(DecodeErrorKind::Truncated { wanted: N, found: self.remaining() })),
        }
    }

    /// Skips `count` bytes of alignment padding, whatever they hold.
    pub fn pad(&mut self, count: usize) -> Result<(), DecodeError> {
        self.at("padding");
        let start = self.position;
        self.take(count)?;
        self.ignored(IgnoredBytes::Pad, start..self.position);
        self.done();
        Ok(())
    }

    /// Skips up to `count` bytes of padding at a body's end: some senders leave it out.
    pub fn pad_end(&mut self, count: usize) {
        let start = self.position;
        self.position += count.min(self.remaining());
        self.ignored(IgnoredBytes::Pad, start..self.position);
    }

    /// Notes bytes without meaning.
    pub fn ignored(&mut self, why: IgnoredBytes, range: Range<usize>) {
        if let Some(trace) = &mut self.trace
            && !range.is_empty()
        {
            trace.ignored.push((why, range));
        }
    }

    /// An error at the present field and position.
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { message: self.message, field: self.field, offset: self.position, kind }
    }
}

/// Growing output of one or more bodies.
#[derive(Debug, Default)]
pub struct Writer {
    output: Vec<u8>,
}

impl Writer {
    /// An empty output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes behind what `output` holds already.
    pub fn onto(output: Vec<u8>) -> Self {
        Self { output }
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.output
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.output.len()
    }

    /// Nothing written yet.
    pub fn is_empty(&self) -> bool {
        self.output.is_empty()
    }

    /// Writes `bytes`.
    pub fn put(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Writes `count` zero bytes.
    pub fn pad(&mut self, count: usize) {
        self.output.resize(self.output.len() + count, 0);
    }
}

/// A value with one fixed way onto the wire.
pub trait Wire: Sized {
    /// Reads the value.
    fn decode(r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError>;
    /// Writes the value.
    fn encode(&self, w: &mut Writer, d: &Dialect);
}

/// A value whose size on the wire is told by an earlier field or by the dialect.
pub trait WireSized: Sized {
    /// Reads `size` bytes (elements for a `Vec`); `usize::MAX` means all that is left.
    fn decode_sized(r: &mut Reader<'_>, d: &Dialect, size: usize) -> Result<Self, DecodeError>;
    /// Writes exactly `size` bytes or elements, cut or zero-filled; `usize::MAX` means as many as there are.
    fn encode_sized(&self, w: &mut Writer, d: &Dialect, size: usize);
}

/// The value of a field that was not given: zero, empty, absent.
pub trait Empty {
    /// The empty value.
    fn empty() -> Self;
}

/// The empty value of an optional field's content.
pub fn empty_of<T: Empty>(_: &Option<T>) -> T {
    T::empty()
}

/// A size as an earlier field tells it. A negative one is no size: none of it can be there.
pub fn size_from<T: TryInto<i64>>(size: T) -> usize {
    // `usize::MAX` is the mark for "the rest", so a hostile size must not become it.
    size.try_into().ok().and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX - 1)
}

/// How far a short value is filled up: a wrong size in our own hands must not become a huge body.
pub(crate) fn fill_to(size: usize) -> usize {
    if size <= MAX_FILL { size } else { 0 }
}

const MAX_FILL: usize = 0x4000;

macro_rules! wire_numbers {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            #[inline]
            fn decode(r: &mut Reader<'_>, _: &Dialect) -> Result<Self, DecodeError> {
                r.array().map(Self::from_le_bytes)
            }

            #[inline]
            fn encode(&self, w: &mut Writer, _: &Dialect) {
                w.put(&self.to_le_bytes());
            }
        }

        impl Empty for $number {
            fn empty() -> Self {
                0 as Self
            }
        }
    )*};
}

wire_numbers!(u8, i8, u16, i16, u32, i32, u64, i64, f32);

impl<T: Wire + Copy + Empty, const N: usize> Wire for [T; N] {
    fn decode(r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError> {
        let mut values = [T::empty(); N];
        for value in &mut values {
            *value = T::decode(r, d)?;
        }
        Ok(values)
    }

    fn encode(&self, w: &mut Writer, d: &Dialect) {
        for value in self {
            value.encode(w, d);
        }
    }
}

impl<T: Empty + Copy, const N: usize> Empty for [T; N] {
    fn empty() -> Self {
        [T::empty(); N]
    }
}

impl<T: Wire + Empty> WireSized for Vec<T> {
    fn decode_sized(r: &mut Reader<'_>, d: &Dialect, size: usize) -> Result<Self, DecodeError> {
        let mut values = Self::new();
        if size == usize::MAX {
            while r.remaining() > 0 {
                let before = r.remaining();
                values.push(T::decode(r, d)?);
                if r.remaining() == before {
                    return Err(r.error(DecodeErrorKind::Truncated { wanted: 1, found: 0 }));
                }
            }
            return Ok(values);
        }
        // No element is shorter than a byte, so more elements than bytes can never come.
        if size > r.remaining() {
            return Err(r.error(DecodeErrorKind::Truncated { wanted: size, found: r.remaining() }));
        }
        for _ in 0..size {
            values.push(T::decode(r, d)?);
        }
        Ok(values)
    }

    fn encode_sized(&self, w: &mut Writer, d: &Dialect, size: usize) {
        for value in self.iter().take(size) {
            value.encode(w, d);
        }
        for _ in self.len()..fill_to(size) {
            T::empty().encode(w, d);
        }
    }
}

impl<T> Empty for Vec<T> {
    fn empty() -> Self {
        Self::new()
    }
}

impl<T> Empty for Option<T> {
    fn empty() -> Self {
        None
    }
}
