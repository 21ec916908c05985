//! Field types: texts and blobs of fixed width, ids, addresses.

use core::fmt;

use crate::codec::{
    DecodeError, DecodeErrorKind, Dialect, Empty, IgnoredBytes, Reader, Wire, WireSized, Writer, fill_to,
};

/// A text field of `N` bytes: the bytes up to the first NUL, kept as they are.
///
/// What stands behind the NUL is left-over memory of the sender and is dropped; written out, the rest is zero. A
/// text may fill the field to its last byte: Sony's policy rows do (capture `dl_ps2_full_session`, lines 162 to 198).
/// The encoding is what the client said in SetLocalizationParams, so the bytes are turned into characters only for
/// display.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: u16,
}

/// The id that a client gives a request and finds again in its answer. Mostly the text `1`: it identifies nothing.
pub type MessageId = Text<21>;
/// A session key as it travels: a decimal counter as text, the same from SessionBegin to the end of the session.
pub type SessionKeyText = Text<17>;

impl<const N: usize> Text<N> {
    /// The empty text.
    pub const EMPTY: Self = Self { bytes: [0; N], length: 0 };

    /// The text up to its first NUL, cut so that a NUL still follows it in the field.
    ///
    /// Cuts on a character boundary if `text` is UTF-8.
    pub fn new(text: impl AsRef<[u8]>) -> Self {
        let text = until_nul(text.as_ref());
        Self::full(cut(text, N.saturating_sub(1)))
    }

    /// The text up to its first NUL, cut at the field's whole width.
    pub fn full(text: impl AsRef<[u8]>) -> Self {
        let text = until_nul(text.as_ref());
        let text = &text[..text.len().min(N)];
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text);
        Self { bytes, length: text.len() as u16 }
    }

    /// The bytes, without the NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// No text.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The text for a log or a page: what is not UTF-8 is replaced.
    pub fn to_string_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string_lossy())
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> Empty for Text<N> {
    fn empty() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> From<&str> for Text<N> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<const N: usize> From<&[u8]> for Text<N> {
    fn from(text: &[u8]) -> Self {
        Self::new(text)
    }
}

impl<const N: usize> PartialEq<str> for Text<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> PartialEq<&str> for Text<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> Wire for Text<N> {
    #[inline]
    fn decode(r: &mut Reader<'_>, _: &Dialect) -> Result<Self, DecodeError> {
        let start = r.position();
        let mut bytes = r.array::<N>()?;
        let length = until_nul(&bytes).len();
        bytes[length..].fill(0);
        r.ignored(IgnoredBytes::BehindNul, (start + length + 1).min(start + N)..start + N);
        Ok(Self { bytes, length: length as u16 })
    }

    #[inline]
    fn encode(&self, w: &mut Writer, _: &Dialect) {
        w.put(&self.bytes);
    }
}

/// A text whose width differs by title or version, or is told by an earlier field.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct VarText(Vec<u8>);

impl VarText {
    /// The text up to its first NUL.
    pub fn new(text: impl AsRef<[u8]>) -> Self {
        Self(until_nul(text.as_ref()).to_vec())
    }

    /// The bytes, without the NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// No text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text for a log or a page: what is not UTF-8 is replaced.
    pub fn to_string_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl fmt::Debug for VarText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string_lossy())
    }
}

impl Empty for VarText {
    fn empty() -> Self {
        Self::default()
    }
}

impl From<&str> for VarText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl WireSized for VarText {
    fn decode_sized(r: &mut Reader<'_>, _: &Dialect, size: usize) -> Result<Self, DecodeError> {
        let start = r.position();
        let bytes = r.take(if size == usize::MAX { r.remaining() } else { size })?;
        let text = until_nul(bytes);
        r.ignored(
            IgnoredBytes::BehindNul,
            (start + text.len() + 1).min(start + bytes.len())..start + bytes.len(),
        );
        Ok(Self(text.to_vec()))
    }

    fn encode_sized(&self, w: &mut Writer, _: &Dialect, size: usize) {
        put_sized(w, &self.0, size);
        // A text that takes the rest of its body ends in a NUL: no width tells its end (SERVER_SYSTEM_MESSAGE).
        if size == usize::MAX {
            w.pad(1);
        }
    }
}

/// `N` raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Blob<const N: usize>(pub [u8; N]);

impl<const N: usize> Blob<N> {
    /// `bytes`, cut or zero-filled to the field's width.
    pub fn new(bytes: &[u8]) -> Self {
        let mut blob = [0; N];
        let length = bytes.len().min(N);
        blob[..length].copy_from_slice(&bytes[..length]);
        Self(blob)
    }
}

impl<const N: usize> fmt::Debug for Blob<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<const N: usize> Default for Blob<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Empty for Blob<N> {
    fn empty() -> Self {
        Self::default()
    }
}

impl<const N: usize> Wire for Blob<N> {
    #[inline]
    fn decode(r: &mut Reader<'_>, _: &Dialect) -> Result<Self, DecodeError> {
        r.array().map(Self)
    }

    #[inline]
    fn encode(&self, w: &mut Writer, _: &Dialect) {
        w.put(&self.0);
    }
}

/// Raw bytes whose number is told by an earlier field.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct VarBytes(pub Vec<u8>);

impl fmt::Debug for VarBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl Empty for VarBytes {
    fn empty() -> Self {
        Self::default()
    }
}

impl WireSized for VarBytes {
    fn decode_sized(r: &mut Reader<'_>, _: &Dialect, size: usize) -> Result<Self, DecodeError> {
        let size = if size == usize::MAX { r.remaining() } else { size };
        r.take(size).map(|bytes| Self(bytes.to_vec()))
    }

    fn encode_sized(&self, w: &mut Writer, _: &Dialect, size: usize) {
        put_sized(w, &self.0, size);
    }
}

/// A text of plugin messages: its length in 7-bit groups, the low group first, then the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text7(pub VarText);

impl Empty for Text7 {
    fn empty() -> Self {
        Self::default()
    }
}

impl Wire for Text7 {
    fn decode(r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError> {
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let group = u8::decode(r, d)?;
            length |= usize::from(group & 0x7f) << shift;
            if group & 0x80 == 0 {
                return VarText::decode_sized(r, d, length).map(Self);
            }
        }
        Err(r.error(DecodeErrorKind::Invalid {
            wanted: "a length of at most four 7-bit groups",
            found: length as u64,
        }))
    }

    fn encode(&self, w: &mut Writer, _: &Dialect) {
        let mut length = self.0.as_bytes().len().min((1 << 28) - 1);
        loop {
            let group = (length & 0x7f) as u8;
            length >>= 7;
            w.put(&[if length > 0 { group | 0x80 } else { group }]);
            if length == 0 {
                break;
            }
        }
        w.put(self.0.as_bytes());
    }
}

/// A truth value: one byte, 0 or 1. Another value is taken for true and keeps its byte.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flag(pub u8);

impl Flag {
    /// Whether the byte is not zero.
    pub const fn is_set(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Flag {
    fn from(flag: bool) -> Self {
        Self(flag.into())
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("false"),
            1 => f.write_str("true"),
            other => write!(f, "true({other})"),
        }
    }
}

impl Empty for Flag {
    fn empty() -> Self {
        Self(0)
    }
}

impl Wire for Flag {
    #[inline]
    fn decode(r: &mut Reader<'_>, _: &Dialect) -> Result<Self, DecodeError> {
        r.array::<1>().map(|[byte]| Self(byte))
    }

    #[inline]
    fn encode(&self, w: &mut Writer, _: &Dialect) {
        w.put(&[self.0]);
    }
}

/// An IPv4 address as four bytes, a.b.c.d in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv4(pub core::net::Ipv4Addr);

impl Empty for Ipv4 {
    fn empty() -> Self {
        Self(core::net::Ipv4Addr::UNSPECIFIED)
    }
}

impl Wire for Ipv4 {
    fn decode(r: &mut Reader<'_>, _: &Dialect) -> Result<Self, DecodeError> {
        r.array::<4>().map(|bytes| Self(bytes.into()))
    }

    fn encode(&self, w: &mut Writer, _: &Dialect) {
        w.put(&self.0.octets());
    }
}

/// A big-endian `u32`: plugin messages and NP tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BigEndian(pub u32);

impl From<BigEndian> for i64 {
    fn from(value: BigEndian) -> Self {
        value.0.into()
    }
}

impl Empty for BigEndian {
    fn empty() -> Self {
        Self(0)
    }
}

impl Wire for BigEndian {
    fn decode(r: &mut Reader<'_>, _: &Dialect) -> Result<Self, DecodeError> {
        r.array().map(|bytes| Self(u32::from_be_bytes(bytes)))
    }

    fn encode(&self, w: &mut Writer, _: &Dialect) {
        w.put(&self.0.to_be_bytes());
    }
}

macro_rules! id_types {
    ($($(#[$docs:meta])* $name:ident($number:ty);)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(serde::Deserialize, serde::Serialize)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Empty for $name {
            fn empty() -> Self {
                Self(0)
            }
        }

        impl Wire for $name {
            #[inline]
            fn decode(r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError> {
                <$number>::decode(r, d).map(Self)
            }

            #[inline]
            fn encode(&self, w: &mut Writer, d: &Dialect) {
                self.0.encode(w, d);
            }
        }
    )*};
}

id_types! {
    /// A player's account. Positive for registered ones, negative for anonymous ones.
    AccountId(i32);
    /// Application id of a title's build, e.g. 10684 for Up Your Arsenal NTSC.
    AppId(u32);
    /// A clan.
    ClanId(i32);
    /// A channel or a game as messages name it: both come from one counter per universe (a channel 28035 and its game
    /// 28036 in `dl_ps2_full_session`).
    MediusWorldId(i32);
    /// A world as CONNECT names it: an index on the server that is connected to, never a [`MediusWorldId`].
    NetWorldId(i32);
}

/// The text up to its first NUL.
fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|byte| *byte == 0).map_or(bytes, |end| &bytes[..end])
}

/// `text` cut to `width` bytes, on a character boundary if it is UTF-8.
fn cut(text: &[u8], width: usize) -> &[u8] {
    if text.len() <= width {
        return text;
    }
    match core::str::from_utf8(text) {
        Ok(text) => &text.as_bytes()[..text.floor_char_boundary(width)],
        Err(_) => &text[..width],
    }
}

fn put_sized(w: &mut Writer, bytes: &[u8], size: usize) {
    let given = &bytes[..bytes.len().min(size)];
    w.put(given);
    if size != usize::MAX {
        w.pad(fill_to(size).saturating_sub(given.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_on_a_character_boundary_and_keeps_its_nul() {
        assert_eq!(Text::<6>::new("caféé").as_bytes(), "café".as_bytes());
        assert_eq!(Text::<5>::new("café").as_bytes(), b"caf");
        assert_eq!(Text::<4>::full("abcdef").as_bytes(), b"abcd");
        assert_eq!(Text::<4>::new("ab\0cd").as_bytes(), b"ab");
    }

    #[test]
    fn bytes_that_are_no_utf8_survive_in_a_text() {
        let mut r = Reader::new("test", &[0x0b, 0xff, 0x00, 0xaa]);
        let text = Text::<4>::decode(&mut r, &Dialect::new(108, AppId(0))).unwrap();
        assert_eq!(text.as_bytes(), [0x0b, 0xff]);
        let mut w = Writer::new();
        text.encode(&mut w, &Dialect::new(108, AppId(0)));
        assert_eq!(w.into_bytes(), [0x0b, 0xff, 0x00, 0x00]);
    }
}
