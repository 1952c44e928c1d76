//! Keyed fingerprints of rows: one that spreads ids over partitions, and one that proves rows equal.
//!
//! NH (Black et al., UMAC, RFC 4418) over two lanes compresses a row to 256 bits, so that two different
//! rows meet with a chance of about 2⁻¹²⁸; SipHash-1-3 with a key of its own makes 128 bits of them that
//! nobody can steer. The keys are random in every run and never leave it: no bank can choose rows whose
//! sums agree by design. Nothing that a run writes depends on them.

/// Words of key: enough for the longest row (an id of 64 bytes, 125 bytes of content, the days).
const KEY_WORDS: usize = 40;
/// Bytes of randomness that a key is made of.
pub const KEY_BYTES: usize = (KEY_WORDS + 4) * 8;

/// The secret of one run.
#[derive(Clone)]
pub struct Secret {
    words: [u64; KEY_WORDS],
    sip: [u64; 2],
    fold: [u64; 2],
}

/// What stands for a row while it is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of its id alone; only a filter.
    pub key: u64,
    /// Of everything that two sides must agree on.
    pub content: u128,
}

impl Secret {
    /// A secret made of random bytes.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut words = bytes.chunks_exact(8).map(word);
        let mut next = || words.next().unwrap_or_default();
        Self {
            words: std::array::from_fn(|_| next()),
            sip: std::array::from_fn(|_| next()),
            fold: std::array::from_fn(|_| next() | 1),
        }
    }

    /// Of a row by its id, the text of its other fields, and a word for what is not in the text.
    #[must_use]
    #[inline]
    pub fn row(&self, id: &[u8], content: &[u8], rest: u64) -> Fingerprint {
        let mut lanes = Lanes { sums: [0; 2], key: &self.words };
        lanes.add(id);
        let key = self.fold(lanes.low(), id.len());
        lanes.add(content);
        lanes.pair(rest, (id.len() as u64) << 32 | content.len() as u64);
        Fingerprint { key, content: self.seal(lanes.sums) }
    }

    /// Of a text alone: only a filter.
    #[must_use]
    pub fn text(&self, text: &[u8]) -> u64 {
        let mut lanes = Lanes { sums: [0; 2], key: &self.words };
        lanes.add(text);
        self.fold(lanes.low(), text.len())
    }

    #[inline]
    fn fold(&self, sum: u128, length: usize) -> u64 {
        let [first, second] = self.fold;
        let (low, high) = halves(sum);
        let product = u128::from(low ^ first) * u128::from(high ^ second ^ length as u64);
        let (low, high) = halves(product);
        (low ^ high).wrapping_mul(first)
    }

    /// SipHash-1-3 with 128 bits of output over the two sums.
    #[inline]
    fn seal(&self, sums: [u128; 2]) -> u128 {
        let [k0, k1] = self.sip;
        let mut v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        for sum in sums {
            let (low, high) = halves(sum);
            for word in [low, high] {
                v[3] ^= word;
                round(&mut v);
                v[0] ^= word;
            }
        }
        let length = 32_u64 << 56;
        v[3] ^= length;
        round(&mut v);
        v[0] ^= length;
        v[2] ^= 0xee;
        (0..3).for_each(|_| round(&mut v));
        let low = v[0] ^ v[1] ^ v[2] ^ v[3];
        v[1] ^= 0xdd;
        (0..3).for_each(|_| round(&mut v));
        let high = v[0] ^ v[1] ^ v[2] ^ v[3];
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Two sums of products, each pair of words with key words of its own.
struct Lanes<'a> {
    sums: [u128; 2],
    key: &'a [u64],
}

impl Lanes<'_> {
    /// Adds a text, its last pair of words filled up with zeros; its length must be added too.
    #[inline]
    fn add(&mut self, text: &[u8]) {
        let mut chunks = text.chunks_exact(16);
        for chunk in &mut chunks {
            let (first, second) = chunk.split_at(8);
            self.pair(word(first), word(second));
        }
        let tail = chunks.remainder();
        if let Some(last) = text.last_chunk::<16>() {
            // The last sixteen bytes, some of them again: no copy, and as injective with the length.
            let (first, second) = last.split_at(8);
            if !tail.is_empty() {
                self.pair(word(first), word(second));
            }
        } else if !tail.is_empty() {
            let mut padded = [0_u8; 16];
            for (to, from) in padded.iter_mut().zip(tail) {
                *to = *from;
            }
            let (first, second) = padded.split_at(8);
            self.pair(word(first), word(second));
        }
    }

    #[inline]
    fn pair(&mut self, first: u64, second: u64) {
        let [k0, k1, k2, k3, ..] = self.key else { return };
        let product =
            |a: u64, b: u64| u128::from(first.wrapping_add(a)) * u128::from(second.wrapping_add(b));
        self.sums[0] = self.sums[0].wrapping_add(product(*k0, *k1));
        self.sums[1] = self.sums[1].wrapping_add(product(*k2, *k3));
        self.key = self.key.get(2..).unwrap_or_default();
    }

    fn low(&self) -> u128 {
        self.sums[0]
    }
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "halves of a number")]
fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[inline]
fn round(v: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *v;
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32);
    c = c.wrapping_add(b);
    a = a.wrapping_add(d);
    b = b.rotate_left(17) ^ c;
    d = d.rotate_left(21) ^ a;
    c = c.rotate_left(32);
    *v = [a, b, c, d];
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn secret(seed: u8) -> Secret {
        let mut state = u64::from(seed) + 1;
        Secret::new(&std::array::from_fn(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        }))
    }

    #[test]
    fn the_seal_is_siphash_with_128_bits() {
        // The permutation and its padding against the published vector of SipHash-2-4-128 cannot be
        // had with other round counts; what is checked is that every input bit reaches every output bit.
        let secret = secret(1);
        let base = secret.seal([0; 2]);
        for bit in 0..128 {
            for sums in [[1 << bit, 0], [0, 1 << bit]] {
                let flipped = (secret.seal(sums) ^ base).count_ones();
                assert!((36..=92).contains(&flipped), "bit {bit}: {flipped} of 128");
            }
        }
    }

    #[test]
    fn rows_that_differ_in_one_place_differ() {
        let secret = secret(2);
        let long = "9".repeat(64);
        let ids = ["", "a", "a\0", "GW26112200000017", "GW26112200000017x", &long];
        let contents = ["", "x", "900101300017;990140000017;108125;911;1987500;KZT;POSTED"];
        let mut seen = BTreeMap::new();
        for id in ids {
            for content in contents {
                for rest in [0, 1, 1 << 32] {
                    let print = secret.row(id.as_bytes(), content.as_bytes(), rest);
                    let twin = seen.insert(print.content, (id, content, rest));
                    assert_eq!(twin, None, "{id} {content} {rest}");
                }
            }
        }
    }

    #[test]
    fn another_secret_gives_other_fingerprints() {
        let row = |seed| secret(seed).row(b"GW26112200000017", b"content", 0);
        assert_eq!(row(1), row(1));
        assert_ne!(row(1).content, row(2).content);
        assert_ne!(row(1).key, row(2).key);
    }

    proptest! {
        #[test]
        fn a_text_moved_from_one_field_to_the_next_is_another_row(text in ".{1,60}", at in 0_usize..60) {
            let secret = secret(3);
            let bytes = text.as_bytes();
            let (head, tail) = bytes.split_at(at.min(bytes.len()));
            let whole = secret.row(bytes, b"", 0);
            let split = secret.row(head, tail, 0);
            prop_assert_eq!(tail.is_empty(), whole.content == split.content);
        }
    }
}
