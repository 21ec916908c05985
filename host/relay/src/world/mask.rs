//! A set of client indices of one world.

use super::DmeIndex;

/// Any subset of the 256 client indices that a world can have. Routing is a handful of operations on these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mask([u64; 4]);

impl Mask {
    /// Nobody.
    pub const EMPTY: Self = Self([0; 4]);

    /// One client.
    #[must_use]
    pub const fn one(index: DmeIndex) -> Self {
        let mut words = [0; 4];
        words[index.0 as usize / 64] = 1 << (index.0 % 64);
        Self(words)
    }

    /// The mask of CLIENT_APP_LIST: the lowest byte first, in it the least significant bit (transport.md section 7).
    /// Bytes past the 256th client name nobody and are left out.
    #[must_use]
    pub fn from_list(bytes: &[u8]) -> Self {
        let mut words = [0; 4];
        for (at, byte) in bytes.iter().take(32).enumerate() {
            words[at / 8] |= u64::from(*byte) << (8 * (at % 8));
        }
        Self(words)
    }

    /// Whether the client is in.
    #[must_use]
    pub const fn contains(self, index: DmeIndex) -> bool {
        self.0[index.0 as usize / 64] & (1 << (index.0 % 64)) != 0
    }

    /// Puts a client in or out.
    pub const fn set(&mut self, index: DmeIndex, on: bool) {
        let bit = 1 << (index.0 % 64);
        let word = &mut self.0[index.0 as usize / 64];
        if on {
            *word |= bit;
        } else {
            *word &= !bit;
        }
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([a[0] & b[0], a[1] & b[1], a[2] & b[2], a[3] & b[3]])
    }

    /// Those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([a[0] | b[0], a[1] | b[1], a[2] | b[2], a[3] | b[3]])
    }

    /// Those here but not there.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([a[0] & !b[0], a[1] & !b[1], a[2] & !b[2], a[3] & !b[3]])
    }

    /// Nobody is in.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0[0] | self.0[1] | self.0[2] | self.0[3] == 0
    }

    /// How many are in, 0 to 256.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0[0].count_ones() + self.0[1].count_ones() + self.0[2].count_ones() + self.0[3].count_ones()
    }

    /// The lowest index.
    #[must_use]
    pub fn first(self) -> Option<DmeIndex> {
        self.iter().next()
    }

    /// All indices, ascending.
    pub fn iter(self) -> impl Iterator<Item = DmeIndex> {
        let mut words = self.0;
        core::iter::from_fn(move || {
            for (at, word) in words.iter_mut().enumerate() {
                if *word != 0 {
                    let bit = word.trailing_zeros();
                    *word &= *word - 1;
                    return Some(DmeIndex((64 * at) as u8 + bit as u8));
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_mask_counts_from_the_lowest_bit_of_the_first_byte() {
        let mask = Mask::from_list(&[0b0000_0101, 0x80]);
        assert_eq!(mask.iter().map(|index| index.0).collect::<Vec<_>>(), [0, 2, 15]);
        let all = Mask::from_list(&[0xff; 200]);
        assert_eq!((all.len(), all.iter().last()), (256, Some(DmeIndex(255))));
    }

    #[test]
    fn set_operations_agree_with_the_members() {
        let mut a = Mask::EMPTY;
        for index in [0, 63, 64, 200, 255] {
            a.set(DmeIndex(index), true);
        }
        let b = Mask::one(DmeIndex(64)).or(Mask::one(DmeIndex(7)));
        assert_eq!(a.and(b), Mask::one(DmeIndex(64)));
        assert!(!a.without(b).contains(DmeIndex(64)));
        assert_eq!(a.or(b).len(), 6);
        a.set(DmeIndex(0), false);
        assert_eq!(a.first(), Some(DmeIndex(63)));
        assert!(Mask::EMPTY.is_empty() && Mask::EMPTY.first().is_none());
    }
}
