//! Serial numbers of one length, so that twenty megabytes of them are one sorted array.

/// Octets that RFC 5280 §4.1.2.2 allows.
const OCTETS_MAX: usize = 20;

/// A certificate's serial number as a number of 21 octets, its sign spread to the left. Certificates
/// with a negative number exist, and `-1` is not `255`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Serial([u8; OCTETS_MAX + 1]);

impl Serial {
    /// Reads an INTEGER, header included.
    pub(super) fn read(tlv: &[u8]) -> der::Result<Self> {
        let malformed = || der::ErrorKind::Value { tag: der::Tag::Integer };
        match tlv {
            [0x02, length, octets @ ..] if usize::from(*length) == octets.len() => {
                Self::of(octets).ok_or_else(|| malformed().into())
            }
            _ => Err(malformed().into()),
        }
    }

    /// Takes the octets of an INTEGER; `None` where there are none or too many.
    pub(super) fn of(octets: &[u8]) -> Option<Self> {
        let (first, start) = (octets.first()?, (OCTETS_MAX + 1).checked_sub(octets.len())?);
        let mut number = [if *first >= 0x80 { 0xff } else { 0 }; OCTETS_MAX + 1];
        number.get_mut(start..)?.copy_from_slice(octets);
        Some(Self(number))
    }

    /// The octets of the INTEGER, as short as DER wants it.
    pub(super) fn octets(&self) -> &[u8] {
        let is_spare = |pair: &[u8]| match pair {
            [0, next] => *next < 0x80,
            [0xff, next] => *next >= 0x80,
            _ => false,
        };
        let spare = self.0.windows(2).take_while(|pair| is_spare(pair)).count();
        self.0.get(spare..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Serial;

    #[test]
    fn a_negative_number_is_another_than_the_positive_one_of_the_same_octet() {
        let of = |octets: &[u8]| Serial::of(octets).expect("a number");
        assert_ne!(of(&[0xff]), of(&[0x00, 0xff]));
        assert_eq!(of(&[0x00, 0xff]).octets(), [0x00, 0xff]);
        assert_eq!(of(&[0xff]).octets(), [0xff]);
        assert_eq!(of(&[0]).octets(), [0]);
        assert_eq!(of(&[0x7f; 20]).octets(), [0x7f; 20]);
        assert!(of(&[1]) < of(&[1, 0]));
        assert_eq!(Serial::of(&[]), None);
        assert_eq!(Serial::of(&[1; 22]), None);
    }
}
