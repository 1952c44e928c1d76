//! The numbers of people, organisations, accounts and budget lines: checked when read, masked when shown.
//!
//! Of people's numbers and accounts only the ends are shown; whoever needs all of one says so by
//! calling `digits` or `text`.

mod account;
mod budget;
mod person;

pub use account::{Bic, Iban};
pub use budget::{Kbe, Kbk, Knp};
pub use person::{Bin, BinKind, BinUnit, Iin, Sex};

/// Why a text is none of these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// It is not exactly twelve ASCII digits.
    NotTwelveDigits,
    /// Its length or its letters are not those of this number.
    WrongShape,
    /// Its leading digits are no date, or name a kind that is not issued.
    WrongKind,
    /// Its check digits are not those of the others.
    WrongCheckDigit,
}

impl IdError {
    /// The public reason of the fault that this causes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotTwelveDigits => "id_not_twelve_digits",
            Self::WrongShape => "id_wrong_shape",
            Self::WrongKind => "id_wrong_kind",
            Self::WrongCheckDigit => "id_wrong_check_digit",
        }
    }
}

/// The values of exactly `N` ASCII digits.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| byte - b'0'))
}

/// Values from 0 to 9 as text.
fn text_of(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(b'0' + digit)).collect()
}
