//! Money as whole tiyn: decimal text in and out without a float, without rounding.
//!
//! A tiyn is 1/100 tenge. Banks write `19875.00` (1C, Kaspi), `19875,00` (MT) or `19875`; a third
//! decimal is refused, never rounded. `parse` after `Display` is the identity.

use std::fmt;

/// Why a text is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// Not digits with at most one dot or comma between them.
    NotDecimal,
    /// More than two decimals.
    TooFine,
    /// Zero or less where money must move.
    NotPositive,
    /// Beyond what 63 bits of tiyn hold.
    TooLarge,
}

impl MoneyError {
    /// The public reason of the fault that this causes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotDecimal => "amount_not_decimal",
            Self::TooFine => "amount_too_fine",
            Self::NotPositive => "amount_not_positive",
            Self::TooLarge => "amount_too_large",
        }
    }
}

/// An amount or a balance in tiyn, of either sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tiyn(i64);

impl Tiyn {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many tiyn.
    #[must_use]
    pub const fn new(tiyn: i64) -> Self {
        Self(tiyn)
    }

    /// Whole tiyn.
    #[must_use]
    pub const fn tiyn(self) -> i64 {
        self.0
    }

    /// Reads tenge with at most two decimals after a dot or a comma; a leading `-` is a debt.
    ///
    /// # Errors
    /// No such decimal, a third decimal (even a zero), or more than 63 bits of tiyn.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (is_debt, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (tenge, fraction) = match digits.split_once(['.', ',']) {
            Some((_, "")) => return Err(MoneyError::NotDecimal),
            Some((tenge, fraction)) => (tenge, fraction),
            None => (digits, ""),
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if tenge.is_empty() || !is_number(tenge) || !is_number(fraction) {
            return Err(MoneyError::NotDecimal);
        }
        let scale = match fraction.len() {
            0 => 100,
            1 => 10,
            2 => 1,
            _ => return Err(MoneyError::TooFine),
        };
        let digits = tenge.bytes().chain(fraction.bytes());
        // Downward, because the smallest number has no opposite.
        let sum = digits
            .map(|byte| i64::from(byte - b'0'))
            .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_sub(digit));
        let debt = sum.and_then(|sum| sum.checked_mul(scale));
        let tiyn = if is_debt { debt } else { debt.and_then(i64::checked_neg) };
        tiyn.map(Self).ok_or(MoneyError::TooLarge)
    }

    /// The sum; `None` beyond 63 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference; `None` beyond 63 bits.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl fmt::Display for Tiyn {
    /// Tenge with a dot and always two decimals: `19875.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", whole / 100, whole % 100)
    }
}

/// Money that moves: more than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount(i64);

impl Amount {
    /// So many tiyn.
    ///
    /// # Errors
    /// Zero or less.
    pub const fn new(tiyn: i64) -> Result<Self, MoneyError> {
        if tiyn > 0 { Ok(Self(tiyn)) } else { Err(MoneyError::NotPositive) }
    }

    /// Reads tenge as [`Tiyn::parse`] does.
    ///
    /// # Errors
    /// As [`Tiyn::parse`]; and zero or less.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        Tiyn::parse(text).and_then(|money| Self::new(money.0))
    }

    /// Whole tiyn, 1 or more.
    #[must_use]
    pub const fn tiyn(self) -> i64 {
        self.0
    }

    /// Tenge with a comma and two decimals, as MT writes them: `19875,00`.
    #[must_use]
    pub fn with_comma(self) -> String {
        self.to_string().replace('.', ",")
    }
}

impl From<Amount> for Tiyn {
    fn from(amount: Amount) -> Self {
        Self(amount.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Tiyn(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_way_that_banks_write_an_amount_is_read() {
        for (text, tiyn) in [
            ("19875.00", 1_987_500),
            ("19875,00", 1_987_500),
            ("160000", 16_000_000),
            ("0.01", 1),
            ("1,5", 150),
            ("007.10", 710),
            ("-3.05", -305),
            ("92233720368547758.07", i64::MAX),
            ("-92233720368547758.08", i64::MIN),
        ] {
            assert_eq!(Tiyn::parse(text), Ok(Tiyn(tiyn)), "{text}");
        }
    }

    #[test]
    fn what_is_no_exact_amount_is_refused_and_never_rounded() {
        for (text, error) in [
            ("", MoneyError::NotDecimal),
            ("-", MoneyError::NotDecimal),
            (".5", MoneyError::NotDecimal),
            ("5.", MoneyError::NotDecimal),
            ("+5", MoneyError::NotDecimal),
            ("1 000", MoneyError::NotDecimal),
            ("1,000.00", MoneyError::NotDecimal),
            ("1e3", MoneyError::NotDecimal),
            ("٣", MoneyError::NotDecimal),
            ("--1", MoneyError::NotDecimal),
            ("1.000", MoneyError::TooFine),
            ("0.005", MoneyError::TooFine),
            ("92233720368547758.08", MoneyError::TooLarge),
            ("99999999999999999999999", MoneyError::TooLarge),
        ] {
            assert_eq!(Tiyn::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn money_that_moves_is_more_than_nothing() {
        for text in ["0", "0.00", "-1"] {
            assert_eq!(Amount::parse(text), Err(MoneyError::NotPositive), "{text}");
        }
        assert_eq!(Amount::parse("500").map(Amount::with_comma), Ok("500,00".to_owned()));
    }

    #[test]
    fn a_sum_beyond_63_bits_is_none() {
        assert_eq!(Tiyn::new(i64::MAX).checked_add(Tiyn::new(1)), None);
        assert_eq!(Tiyn::new(i64::MIN).checked_sub(Tiyn::new(1)), None);
        assert_eq!(Tiyn::new(3).checked_sub(Tiyn::new(5)), Some(Tiyn::new(-2)));
    }

    proptest! {
        #[test]
        fn reading_what_was_written_gives_the_same_money(tiyn in any::<i64>()) {
            let money = Tiyn(tiyn);
            prop_assert_eq!(Tiyn::parse(&money.to_string()), Ok(money));
            prop_assert_eq!(Tiyn::parse(&money.to_string().replace('.', ",")), Ok(money));
        }

        #[test]
        fn any_text_is_survived(text in ".*") {
            if let Ok(money) = Tiyn::parse(&text) {
                prop_assert_eq!(Tiyn::parse(&money.to_string()), Ok(money));
            }
        }
    }
}
