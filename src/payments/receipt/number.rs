//! The number of a receipt: its order's id in letters that people can read aloud, with a check letter.
//!
//! An id is 48 bits of time and 74 bits from the operating system's generator, independent of any
//! clock, so numbers sort by time, cannot be guessed, and are unique over nodes, restarts and clocks
//! that jump, without a table. The other six bits of a UUID version 7 are always the same (RFC 9562
//! §5.7) and are left out: 122 bits are 25 letters of Crockford's base 32.

use crate::payments::record::Id;
use std::fmt;

/// Crockford's letters, in the order of ASCII, so that numbers sort as their ids do.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters without the last, which checks the others.
const CHECKED: usize = 25;
/// Letters between two hyphens where a number is printed.
const GROUP: usize = 5;
/// x⁵ + x² + 1, of which x generates all 31 elements of the field of 32.
const POLYNOMIAL: u8 = 0b10_0101;

/// A receipt's number, 26 letters without hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(String);

/// The text is no number of a receipt: a letter is wrong, missing, or has changed places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no number of a receipt")]
pub struct NotANumber;

impl Number {
    /// The number of an order; `None` for an id that this house did not make.
    #[must_use]
    pub fn of(order: &Id) -> Option<Self> {
        let id: uuid::Uuid = order.text().parse().ok()?;
        let bits = id.as_u128();
        let is_ours = (bits >> 76) & 0xF == 7 && (bits >> 62) & 0b11 == 0b10;
        if !is_ours {
            return None;
        }
        let value = (bits >> 80) << 74 | ((bits >> 64) & 0xFFF) << 62 | bits & ((1 << 62) - 1);
        let mut text = String::with_capacity(CHECKED + 1);
        let mut sum = 0;
        for place in (0..CHECKED).rev() {
            let digit = u8::try_from(value >> (5 * place) & 31).ok()?;
            sum = step(sum, digit);
            text.push(letter(digit));
        }
        text.push(letter(step(sum, 0)));
        Some(Self(text))
    }

    /// Reads a number as people write it: hyphens and spaces, small letters, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`NotANumber`]: any one wrong letter and any two that changed places are noticed.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        let mut canonical = String::with_capacity(CHECKED + 1);
        let mut sum = 0;
        for written in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let digit = digit(written).ok_or(NotANumber)?;
            if canonical.len() > CHECKED {
                return Err(NotANumber);
            }
            sum = step(sum, digit);
            canonical.push(letter(digit));
        }
        // Two bits of the first letter are in use.
        let fits = canonical.len() == CHECKED + 1 && canonical.starts_with(['0', '1', '2', '3']);
        if fits && sum == 0 { Ok(Self(canonical)) } else { Err(NotANumber) }
    }

    /// The id of its order.
    #[must_use]
    pub fn order(&self) -> Option<Id> {
        let digits = self.0.bytes().take(CHECKED).filter_map(digit);
        let value = digits.fold(0_u128, |value, digit| value << 5 | u128::from(digit));
        let (time, rand_a, rand_b) = (value >> 74, value >> 62 & 0xFFF, value & ((1 << 62) - 1));
        let bits = time << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b;
        uuid::Uuid::from_u128(bits).to_string().parse().ok()
    }

    /// 26 letters: the form that is signed, hashed and compared.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// In groups, for people: `01KB2-…`.
    #[must_use]
    pub fn grouped(&self) -> String {
        let mut grouped = String::with_capacity(32);
        for (place, letter) in self.0.chars().enumerate() {
            if place > 0 && place % GROUP == 0 && place < CHECKED {
                grouped.push('-');
            }
            grouped.push(letter);
        }
        grouped
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Horner's step over the field of 32: every letter has a weight of its own, none of them zero.
const fn step(sum: u8, digit: u8) -> u8 {
    let doubled = sum << 1;
    let reduced = if doubled & 32 == 0 { doubled } else { doubled ^ POLYNOMIAL };
    reduced ^ digit
}

fn letter(digit: u8) -> char {
    LETTERS.get(usize::from(digit)).map_or('0', |letter| char::from(*letter))
}

fn digit(written: u8) -> Option<u8> {
    let meant = match written.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    LETTERS.iter().position(|letter| *letter == meant).and_then(|place| u8::try_from(place).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = (Id, Number)> {
        (0_i64..4_000_000_000_000_000).prop_map(|at_us| {
            let id = Id::at(at_us);
            let number = Number::of(&id).expect("an id of ours");
            (id, number)
        })
    }

    #[test]
    fn a_number_is_the_same_for_ever() {
        let id: Id = "019a4c2e-0d80-7abc-8def-0123456789ab".parse().expect("an id");
        let number = Number::of(&id).expect("ours");
        assert_eq!(number.text(), "00SMK1E1P0AQGVVR14D2PF2DB8");
        assert_eq!(number.grouped(), "00SMK-1E1P0-AQGVV-R14D2-PF2DB8");
        assert_eq!(number.order(), Some(id));
    }

    #[test]
    fn an_id_of_another_kind_has_no_number() {
        for id in ["9d9d5b0c-4c3c-4f0e-8f3e-000000000000", "019a4c2e-0d80-7abc-cdef-0123456789ab"] {
            assert_eq!(Number::of(&id.parse().expect("a UUID")), None, "{id}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let (_, Number(good)) = (0, Number::of(&Id::at(1_795_582_800_000_000)).expect("ours"));
        let (first, rest) = good.split_at(1);
        for text in ["", "0", rest, &format!("{good}0"), &good.replace(first, "4"), "U"] {
            assert_eq!(Number::parse(text), Err(NotANumber), "{text}");
        }
        assert_eq!(Number::parse(&"0".repeat(1_000_000)), Err(NotANumber));
    }

    proptest! {
        #[test]
        fn a_number_leads_back_to_its_order_however_it_is_written((id, number) in number()) {
            prop_assert_eq!(number.order(), Some(id));
            let written = number.grouped().to_lowercase().replace('0', "o").replace('1', "l");
            prop_assert_eq!(Number::parse(&written), Ok(number));
        }

        #[test]
        fn any_one_wrong_letter_is_noticed(
            (_, number) in number(), place in 0_usize..26, other in 0_u8..32,
        ) {
            let mut text: Vec<char> = number.text().chars().collect();
            prop_assume!(text[place] != letter(other));
            text[place] = letter(other);
            let text: String = text.into_iter().collect();
            prop_assert_eq!(Number::parse(&text), Err(NotANumber));
        }

        #[test]
        fn any_two_letters_that_changed_places_are_noticed(
            (_, number) in number(), one in 0_usize..26, two in 0_usize..26,
        ) {
            let mut text: Vec<char> = number.text().chars().collect();
            prop_assume!(text[one] != text[two]);
            text.swap(one, two);
            let text: String = text.into_iter().collect();
            prop_assert_eq!(Number::parse(&text), Err(NotANumber));
        }

        #[test]
        fn numbers_sort_by_time((id, number) in number(), (other_id, other) in number()) {
            prop_assert_eq!(id.cmp(&other_id), number.cmp(&other));
        }
    }
}
