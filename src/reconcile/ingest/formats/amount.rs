//! Amounts as banks write them, into whole tiyn: decimal text, never a float, never rounded.

use super::super::row::AMOUNT_DIGITS_MAX;

/// Decimals that a statement may write (ISO 20022: `fractionDigits` 5).
const DECIMALS_MAX: usize = 5;

/// Reads digits with at most one dot or comma; decimals beyond the second must be zeros.
///
/// # Errors
/// What is wrong, in words of the field's reader.
#[inline]
pub(super) fn tiyn(text: &[u8]) -> Result<i64, &'static str> {
    const REASON: &str = "no decimal amount like 19875.00";
    let text = text.trim_ascii();
    let mut sum = 0_i64;
    let mut digits = 0_usize;
    let mut decimals = None;
    for (at, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            // `.5` is a decimal of XML; a mark alone is none of anybody's.
            let is_mark = matches!(byte, b'.' | b',') && decimals.is_none();
            if !is_mark || at == 0 && text.len() == 1 {
                return Err(REASON);
            }
            decimals = Some(0);
            continue;
        }
        let count = decimals.as_mut().map_or(0, |count| {
            *count += 1;
            *count
        });
        match count {
            0..=2 => {}
            3..=DECIMALS_MAX if digit == 0 => continue,
            3..=DECIMALS_MAX => return Err("more exact than a tiyn, and nothing is rounded here"),
            _ => return Err("more than five decimals"),
        }
        digits += usize::from(sum > 0 || digit > 0);
        if digits > AMOUNT_DIGITS_MAX {
            return Err(TOO_LARGE);
        }
        sum = sum * 10 + i64::from(digit);
    }
    if text.is_empty() {
        return Err(REASON);
    }
    let scale = match decimals.unwrap_or(0) {
        0 => 100,
        1 => 10,
        _ => 1,
    };
    sum.checked_mul(scale).filter(|sum| *sum < LIMIT).ok_or(TOO_LARGE)
}

const LIMIT: i64 = 1_000_000_000_000_000_000;
const TOO_LARGE: &str = "more than 18 digits of tiyn";

/// As [`tiyn`], with a sign before it or, as some statements have it, behind.
///
/// # Errors
/// As [`tiyn`].
pub(super) fn signed(text: &[u8]) -> Result<i64, &'static str> {
    let text = text.trim_ascii();
    let minus = text.strip_prefix(b"-").or_else(|| text.strip_suffix(b"-"));
    match minus {
        Some(amount) => tiyn(amount).map(|tiyn| -tiyn),
        None => tiyn(text.strip_prefix(b"+").unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_is_exact_or_refused() {
        for (text, expected) in [
            ("0", 0),
            ("0.00", 0),
            ("00019875.00", 1_987_500),
            ("19875", 1_987_500),
            ("19875,", 1_987_500),
            ("19875,5", 1_987_550),
            (" 19875.05 ", 1_987_505),
            ("1.00000", 100),
            (".5", 50),
            ("9999999999999999.99", 999_999_999_999_999_999),
        ] {
            assert_eq!(tiyn(text.as_bytes()), Ok(expected), "{text}");
        }
        for text in [
            "",
            ".",
            ",",
            "1.001",
            "1.000000",
            "1.2.3",
            "1 000",
            "-1",
            "+1",
            "1e3",
            "NaN",
            "1.0x",
            "10000000000000000",
            "99999999999999999999999999",
        ] {
            assert!(tiyn(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(
            (signed(b"-1.50"), signed(b"1.50-"), signed(b"+2")),
            (Ok(-150), Ok(-150), Ok(200))
        );
        assert!(signed(b"--1").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(amount in 0_i64..LIMIT) {
            let text = format!("{}.{:02}", amount / 100, amount % 100);
            prop_assert_eq!(tiyn(text.as_bytes()), Ok(amount));
            prop_assert_eq!(tiyn(text.replace('.', ",").as_bytes()), Ok(amount));
        }
    }
}
