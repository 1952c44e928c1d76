//! IIN and BIN, the numbers of people and organisations: checked when read, masked when shown.
//!
//! Both have twelve digits, the last of which is a check digit over the eleven before it. A number is
//! shown as `8503****0121`; whoever needs all of it says so by calling `digits`.

use super::{IdError, digits, text_of};
use std::fmt;

/// Individual identification number: `YYMMDD`, century and sex, four digits, check digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Iin(Digits);

/// Sex as the seventh digit of an IIN tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    Male,
    Female,
}

impl Iin {
    /// Reads an IIN. Some systems carry numbers that were never issued; with `checked` off, any twelve
    /// digits will do.
    ///
    /// # Errors
    /// Not twelve digits; with `checked` also no date, no century, or a wrong check digit.
    pub fn parse(text: &str, checked: bool) -> Result<Self, IdError> {
        let digits = Digits::read(text)?;
        if checked {
            let [_, _, month_tens, month, day_tens, day, century, ..] = digits.0;
            let is_date = is_month(month_tens, month) && (1..=31).contains(&(day_tens * 10 + day));
            digits.check(is_date && century <= 6)?;
        }
        Ok(Self(digits))
    }

    /// All twelve digits, for the agency's eyes only: never for a log.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.text()
    }

    /// Sex, unless the number is a foreigner's (seventh digit 0).
    #[must_use]
    pub fn sex(&self) -> Option<Sex> {
        let [_, _, _, _, _, _, century, ..] = self.0.0;
        match century {
            1 | 3 | 5 => Some(Sex::Male),
            2 | 4 | 6 => Some(Sex::Female),
            _ => None,
        }
    }

    /// Date of birth as `YYYY-MM-DD`, unless the number is a foreigner's.
    #[must_use]
    pub fn birth_date(&self) -> Option<String> {
        let [y1, y2, m1, m2, d1, d2, century, ..] = self.0.0;
        let hundreds = match century {
            1 | 2 => 18,
            3 | 4 => 19,
            5 | 6 => 20,
            _ => return None,
        };
        Some(format!("{hundreds}{y1}{y2}-{m1}{m2}-{d1}{d2}"))
    }
}

/// Business identification number: `YYMM` of registration, kind, unit, five digits, check digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bin(Digits);

/// Who an organisation is, by the fifth digit of its BIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinKind {
    /// A resident legal entity (4).
    Resident,
    /// A non-resident legal entity (5).
    NonResident,
    /// A joint sole proprietorship (6).
    JointProprietorship,
}

/// Which part of the organisation it is, by the sixth digit of its BIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinUnit {
    Head,
    Branch,
    Representation,
    Other,
    PeasantFarm,
}

impl Bin {
    /// Reads a BIN. Some systems carry numbers that were never issued; with `checked` off, any twelve
    /// digits will do.
    ///
    /// # Errors
    /// Not twelve digits; with `checked` also no month, no kind or unit, or a wrong check digit.
    pub fn parse(text: &str, checked: bool) -> Result<Self, IdError> {
        let bin = Self(Digits::read(text)?);
        if checked {
            let [_, _, month_tens, month, ..] = bin.0.0;
            let is_month = is_month(month_tens, month);
            bin.0.check(is_month && bin.kind().is_some() && bin.unit().is_some())?;
        }
        Ok(bin)
    }

    /// All twelve digits.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.text()
    }

    /// Who the organisation is; `None` only for an unchecked number.
    #[must_use]
    pub fn kind(&self) -> Option<BinKind> {
        let [_, _, _, _, kind, ..] = self.0.0;
        match kind {
            4 => Some(BinKind::Resident),
            5 => Some(BinKind::NonResident),
            6 => Some(BinKind::JointProprietorship),
            _ => None,
        }
    }

    /// Which part of the organisation it is; `None` only for an unchecked number.
    #[must_use]
    pub fn unit(&self) -> Option<BinUnit> {
        let [_, _, _, _, _, unit, ..] = self.0.0;
        match unit {
            0 => Some(BinUnit::Head),
            1 => Some(BinUnit::Branch),
            2 => Some(BinUnit::Representation),
            3 => Some(BinUnit::Other),
            4 => Some(BinUnit::PeasantFarm),
            _ => None,
        }
    }
}

/// Twelve values from 0 to 9.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Digits([u8; 12]);

impl Digits {
    fn read(text: &str) -> Result<Self, IdError> {
        digits(text).map(Self).ok_or(IdError::NotTwelveDigits)
    }

    fn check(&self, is_kind: bool) -> Result<(), IdError> {
        let [.., last] = self.0;
        if !is_kind {
            Err(IdError::WrongKind)
        } else if self.check_digit() != Some(u16::from(last)) {
            Err(IdError::WrongCheckDigit)
        } else {
            Ok(())
        }
    }

    /// Weighted sum modulo 11; a sum of 10 is weighed anew, and if it is 10 again the number is never
    /// issued.
    fn check_digit(&self) -> Option<u16> {
        const WEIGHTS: [[u16; 11]; 2] =
            [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]];
        WEIGHTS
            .iter()
            .map(|weights| {
                let sum: u16 = self
                    .0
                    .iter()
                    .zip(weights)
                    .map(|(digit, weight)| u16::from(*digit) * weight)
                    .sum();
                sum % 11
            })
            .find(|sum| *sum < 10)
    }

    fn text(&self) -> String {
        text_of(&self.0)
    }
}

const fn is_month(tens: u8, ones: u8) -> bool {
    matches!(tens * 10 + ones, 1..=12)
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, _, _, _, _, e, g, h, i] = self.0;
        write!(f, "{a}{b}{c}{d}****{e}{g}{h}{i}")
    }
}

impl fmt::Display for Iin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Iin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iin({self})")
    }
}

impl fmt::Debug for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iin_tells_sex_and_birth_date() {
        // (IIN, sex, born); the third needs the second pass of weights.
        for (text, sex, born) in [
            ("850312300121", Sex::Male, "1985-03-12"),
            ("010702600344", Sex::Female, "2001-07-02"),
            ("991130400100", Sex::Female, "1999-11-30"),
            ("200211500458", Sex::Male, "2020-02-11"),
        ] {
            let iin = Iin::parse(text, true).expect(text);
            assert_eq!(iin.sex(), Some(sex), "{text}");
            assert_eq!(iin.birth_date().as_deref(), Some(born), "{text}");
            assert_eq!(iin.digits(), text);
        }
    }

    #[test]
    fn a_bin_tells_kind_and_unit() {
        for (text, unit) in [
            ("190540007715", BinUnit::Head),
            ("171140001235", BinUnit::Head),
            ("150841000221", BinUnit::Branch),
        ] {
            let bin = Bin::parse(text, true).expect(text);
            assert_eq!((bin.kind(), bin.unit()), (Some(BinKind::Resident), Some(unit)), "{text}");
            assert_eq!(bin.digits(), text);
        }
    }

    #[test]
    fn an_iin_is_no_bin_and_a_bin_no_iin() {
        assert_eq!(Bin::parse("200211500458", true), Err(IdError::WrongKind));
        assert_eq!(Iin::parse("190540007715", true), Err(IdError::WrongKind));
    }

    #[test]
    fn a_prefix_without_a_check_digit_is_never_issued() {
        for last in 0..10 {
            let text = format!("99113040015{last}");
            assert_eq!(Iin::parse(&text, true), Err(IdError::WrongCheckDigit), "{text}");
        }
    }

    #[test]
    fn numbers_never_issued_pass_only_unchecked() {
        for text in ["999999999999", "123456789012"] {
            assert!(Iin::parse(text, true).is_err() && Bin::parse(text, true).is_err());
            assert_eq!(Iin::parse(text, false).expect(text).digits(), text);
            assert_eq!(Bin::parse(text, false).expect(text).digits(), text);
        }
        for text in ["", "85031230012", "8503123001210", "85031230012x", "٨٥٠٣١٢"] {
            assert_eq!(Iin::parse(text, false), Err(IdError::NotTwelveDigits), "{text}");
        }
    }

    #[test]
    fn display_and_debug_hide_the_middle() {
        let iin = Iin::parse("850312300121", true).expect("valid");
        assert_eq!(iin.to_string(), "8503****0121");
        assert_eq!(format!("{iin:?}"), "Iin(8503****0121)");
        let bin = Bin::parse("190540007715", true).expect("valid");
        assert_eq!(format!("{bin} {bin:?}"), "1905****7715 Bin(1905****7715)");
    }

    #[test]
    fn a_slip_of_the_pen_is_noticed() {
        // Not every slip is: the eleventh weight is 11, so the standard itself is blind there.
        for slip in ["850312300122", "580312300121", "850321300121", "850312310121"] {
            assert_eq!(Iin::parse(slip, true), Err(IdError::WrongCheckDigit), "{slip}");
        }
        assert!(Iin::parse("850312300171", true).is_ok(), "the eleventh place is not covered");
    }
}
