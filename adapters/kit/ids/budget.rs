//! The codes that tell what a payment is for and who its sides are: КБК, КНП and КБе.

use super::{IdError, digits, text_of};
use std::fmt;

/// Budget classification (КБК): six digits, the first of which is the category of income.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kbk([u8; 6]);

impl Kbk {
    /// Reads six digits; whether the code is in use, the reference table of the installation says.
    ///
    /// # Errors
    /// Not six digits, or a category that is not 1 to 7.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let code: [u8; 6] = digits(text).ok_or(IdError::WrongShape)?;
        let [category, ..] = code;
        if (1..=7).contains(&category) { Ok(Self(code)) } else { Err(IdError::WrongKind) }
    }
}

/// Purpose of payment (КНП): three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Knp([u8; 3]);

impl Knp {
    /// Reads three digits.
    ///
    /// # Errors
    /// Not three digits.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        digits(text).map(Self).ok_or(IdError::WrongShape)
    }
}

/// A side of the payment (КОд of the payer, КБе of the payee): residency and sector of the economy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kbe([u8; 2]);

impl Kbe {
    /// Reads two digits.
    ///
    /// # Errors
    /// Not two digits; a residency that is not 1 or 2; sector 0.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let code: [u8; 2] = digits(text).ok_or(IdError::WrongShape)?;
        match code {
            [1 | 2, 1..=9] => Ok(Self(code)),
            _ => Err(IdError::WrongKind),
        }
    }

    /// Whether the side is a resident of the country.
    #[must_use]
    pub const fn is_resident(self) -> bool {
        matches!(self.0, [1, _])
    }
}

impl fmt::Display for Kbk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of(&self.0))
    }
}

impl fmt::Display for Knp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of(&self.0))
    }
}

impl fmt::Display for Kbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_as_it_was_read() {
        assert_eq!(Kbk::parse("108125").map(|code| code.to_string()), Ok("108125".to_owned()));
        assert_eq!(Knp::parse("010").map(|code| code.to_string()), Ok("010".to_owned()));
        assert_eq!(Kbe::parse("19").map(|code| code.to_string()), Ok("19".to_owned()));
        assert!(Kbe::parse("11").is_ok_and(Kbe::is_resident));
        assert!(!Kbe::parse("29").is_ok_and(Kbe::is_resident));
    }

    #[test]
    fn a_code_of_another_shape_is_refused() {
        for text in ["", "10812", "1081250", "10812x", "１０８１２５"] {
            assert_eq!(Kbk::parse(text), Err(IdError::WrongShape), "{text}");
        }
        assert_eq!(Kbk::parse("908125"), Err(IdError::WrongKind));
        assert_eq!(Knp::parse("91"), Err(IdError::WrongShape));
        // Seen in registers: the residency alone.
        assert_eq!(Kbe::parse("1"), Err(IdError::WrongShape));
        for text in ["39", "10", "01"] {
            assert_eq!(Kbe::parse(text), Err(IdError::WrongKind), "{text}");
        }
    }
}
