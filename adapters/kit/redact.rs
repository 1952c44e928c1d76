//! Hides IIN, BIN and card numbers in any text that is about to be logged.

use crate::card;
use std::borrow::Cow;

/// Digits of an IIN or a BIN; a card number has more.
const ID_DIGITS: usize = 12;

/// Masks every run of exactly twelve ASCII digits as `8503****0121`. Numbers in the field fail their
/// check digit, so none is asked for. Longer and shorter runs stay: they are other things, but for card
/// numbers, of which the last four digits stay. Linear.
#[must_use]
pub fn ids(text: &str) -> Cow<'_, str> {
    // Most of what is logged has few digits, and one pass without branches tells.
    if text.bytes().filter(u8::is_ascii_digit).count() < ID_DIGITS {
        return Cow::Borrowed(text);
    }
    match people(text) {
        Cow::Borrowed(text) => card::masked(text),
        Cow::Owned(text) => Cow::Owned(card::masked(&text).into_owned()),
    }
}

fn people(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut kept = text;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (_, from_run) = rest.split_at(start);
        let length = from_run.find(|c: char| !c.is_ascii_digit()).unwrap_or(from_run.len());
        let (_, after) = from_run.split_at(length);
        if length == ID_DIGITS {
            let (before, _) = kept.split_at(kept.len() - from_run.len() + 4);
            let (_, tail) = from_run.split_at(8);
            masked.push_str(before);
            masked.push_str("****");
            kept = tail;
        }
        rest = after;
    }
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    masked.push_str(kept);
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn twelve_digits_are_masked_wherever_they_stand() {
        for (text, masked) in [
            ("", ""),
            ("850312300121", "8503****0121"),
            ("IIN850312300121,BIN190540007715.", "IIN8503****0121,BIN1905****7715."),
            ("ИИН 850312300121 ЖСН", "ИИН 8503****0121 ЖСН"),
            ("123456789012", "1234****9012"),
            ("0201300012345678 is an address", "0201300012345678 is an address"),
            ("4111 1111 1111 1111", "**** **** **** 1111"),
            ("85031230012 has eleven", "85031230012 has eleven"),
            ("1 850312300121 22", "1 8503****0121 22"),
        ] {
            assert_eq!(ids(text), masked);
        }
    }

    #[test]
    fn a_text_without_ids_is_not_copied() {
        assert!(matches!(ids("entry 42 of 2025-03-11"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_run_of_twelve_survives_and_nothing_else_changes(
            text in "([0-9]{10,14}|[a-zИ ]{0,2}){0,6}"
        ) {
            let masked = ids(&text);
            prop_assert_eq!(masked.len(), text.len());
            prop_assert!(masked.split(|c: char| !c.is_ascii_digit()).all(|run| run.len() != 12));
            for (was, is) in text.bytes().zip(masked.bytes()) {
                prop_assert!(was == is || (was.is_ascii_digit() && is == b'*'));
            }
            prop_assert!(matches!(ids(&masked), Cow::Borrowed(_)));
        }

        #[test]
        fn any_text_is_survived(text in ".*") {
            prop_assert_eq!(ids(&text).chars().count(), text.chars().count());
        }
    }
}
