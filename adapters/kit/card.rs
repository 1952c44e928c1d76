//! Card numbers, which must never enter: found before anything of a request is kept.
//!
//! A number is a run of 13 to 19 digits, together or in groups by single spaces or hyphens, that begins
//! as a card scheme's numbers do and has a right Luhn digit (ISO/IEC 7812-1); or a field whose name
//! says that it holds one, or its security code.

mod places;

pub use places::{is_in_body, is_in_document, is_in_query};

use std::borrow::Cow;
use std::ops::Range;

/// Names of fields that hold a card's number or its security code, in lower case without `_` and `-`.
const FIELDS: [&str; 10] =
    ["pan", "cardnumber", "cardno", "cvc", "cvc2", "cvv", "cvv2", "cvn", "securitycode", "cardpan"];

/// Whether a text holds a card number, or a document that is written into it has such a field.
#[must_use]
pub fn is_in_text(text: &str) -> bool {
    has_number(text) || text.split('<').skip(1).any(|tag| is_field(name_of(tag)))
}

fn name_of(tag: &str) -> &str {
    let end = tag.find(|c: char| !c.is_alphanumeric() && !"_-:.".contains(c)).unwrap_or(tag.len());
    let name = tag.get(..end).unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

fn is_field(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !"_-".contains(*c)).collect();
    FIELDS.contains(&plain.to_ascii_lowercase().as_str())
}

fn has_number(text: &str) -> bool {
    find_number(text).is_some()
}

/// The text with every digit of a card number but the last four as `*`; as long as before.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let Some(mut found) = find_number(text) else { return Cow::Borrowed(text) };
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let (before, run) = rest.split_at(found.start);
        let (number, after) = run.split_at(found.len());
        masked.push_str(before);
        let mut digits = number.chars().filter(char::is_ascii_digit).count();
        for c in number.chars() {
            let is_hidden = c.is_ascii_digit() && digits > 4;
            masked.push(if is_hidden { '*' } else { c });
            digits -= usize::from(c.is_ascii_digit());
        }
        rest = after;
        match find_number(rest) {
            Some(next) => found = next,
            None => break,
        }
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

/// Where the first standalone run of digits stands that is a card number.
fn find_number(text: &str) -> Option<Range<usize>> {
    let mut before = None;
    let mut at = 0;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (skipped, run) = rest.split_at(start);
        before = skipped.chars().next_back().or(before);
        let length = length_of(run);
        let (number, after) = run.split_at(length);
        let is_apart =
            !before.is_some_and(|c| c.is_alphanumeric() || c == '-') && !is_joined(after);
        if is_apart && is_number(number) {
            return Some(at + start..at + start + length);
        }
        before = number.chars().next_back();
        at += start + length;
        rest = after;
    }
    None
}

/// A hyphen or a letter goes on with what begins as a number: an id, such as a UUID.
fn is_joined(after: &str) -> bool {
    let mut next = after.chars();
    match next.next() {
        Some('-') => next.next().is_some_and(char::is_alphanumeric),
        Some(c) => c.is_alphanumeric(),
        None => false,
    }
}

/// The bytes of a run of digits with single separators between them.
fn length_of(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut length = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            length = at + 1;
        } else if !matches!(byte, b' ' | b'-') || length != at {
            break;
        }
        at += 1;
    }
    length
}

fn is_number(run: &str) -> bool {
    // Nineteen digits and what parts them; most runs are shorter or longer, and cost nothing.
    if !(13..=37).contains(&run.len()) {
        return false;
    }
    let digits: Vec<u8> =
        run.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    (13..=19).contains(&digits.len()) && is_of_a_scheme(&digits) && is_luhn(&digits)
}

/// Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Mir, Maestro.
fn is_of_a_scheme(digits: &[u8]) -> bool {
    let head = digits.iter().take(4).fold(0_u16, |sum, digit| sum * 10 + u16::from(*digit));
    matches!(
        head,
        4000..=4999 | 5000..=5999 | 2200..=2204 | 2221..=2720 | 3400..=3499 | 3700..=3799
            | 3000..=3059 | 3600..=3699 | 3800..=3999 | 3528..=3589 | 6000..=6999 | 8100..=8171
    )
}

fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit @ 0..=4) => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Document, Limits};
    use proptest::prelude::*;

    #[test]
    fn a_card_number_is_found_however_it_is_grouped() {
        for text in [
            "4111111111111111",
            "pay by 4111 1111 1111 1111 exp 12/27",
            "4111-1111-1111-1111",
            "(5555555555554444)",
            "378282246310005,",
            "6250946000000016",
            "2200000000000004",
            "4222222222222",
            "<pan>1</pan>",
            "x<ns:cvv2 a='1'>123",
        ] {
            assert!(is_in_text(text), "{text}");
        }
    }

    #[test]
    fn what_is_logged_keeps_the_last_four_digits_of_a_card_number() {
        for (text, expected) in [
            ("a 4111111111111111.", "a ************1111."),
            ("at /5555 5555 5555 4444", "at /**** **** **** 4444"),
            ("4222222222222,4111-1111-1111-1111", "*********2222,****-****-****-1111"),
            ("qaqpa 4111111111111112", "qaqpa 4111111111111112"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn other_numbers_are_not_card_numbers() {
        for text in [
            "",
            "4111111111111112",
            "850312300121",
            "0201300012345678",
            "41111111111111111111",
            "KZ24070105KSN0000000",
            "A4111111111111111",
            "41111111-1111-4111-a111-111111111111",
            "019aca00-0000-7000-8000-000000000001",
            "4111  1111  1111  1111",
            "9111111111111111",
            "2026-11-28T10:15:30.000+05:00",
            "company and span <spanner>",
        ] {
            assert!(!is_in_text(text), "{text}");
        }
    }

    #[test]
    fn it_is_found_in_any_element_or_attribute_but_those_that_are_exempt() {
        let is_found = |xml: &str| {
            let document = Document::scan(xml.as_bytes(), &Limits::default()).expect("XML");
            is_in_document(&document, |name| name == "txn_id")
        };
        for xml in [
            "<d><purpose><kk>4111111111111111</kk></purpose></d>",
            "<d><a x='4111111111111111'/></d>",
            "<d><a>&#52;111<!-- -->1111<![CDATA[11111111]]></a></d>",
            "<d><CVC>1</CVC></d>",
            "<d><card_number/></d>",
            "<d>&lt;r>&lt;card-number>1&lt;/card-number>&lt;/r></d>",
            "<d>4111111111111111<a/></d>",
            "<d>1<a>2<b>4111<c/>1111<c/>11111111</b></a></d>",
            "<d>x <a>41111111</a>11111111</d>",
            "<d><a/><!-- 4111 1111 1111 1111 --></d>",
            "<d><a/></d><?x 4111-1111-1111-1111?>",
        ] {
            assert!(is_found(xml), "{xml}");
        }
        for xml in [
            "<d><txn_id>4111111111111111</txn_id></d>",
            "<d><company>1</company></d>",
            "<d><s:Security xmlns:s='s'><n>4111111111111111</n></s:Security></d>",
        ] {
            assert!(!is_found(xml), "{xml}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(.|[0-9 -]{1,20}|ә){0,20}") {
            let _whatever = is_in_text(&text);
        }
    }
}
