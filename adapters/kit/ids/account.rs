//! Bank accounts and banks: the KZ IBAN (ИИК) and the BIC (БИК).

use super::IdError;
use std::fmt;

/// A Kazakh account (ИИК, ISO 13616): `KZ`, two check digits, three digits of the bank, thirteen
/// capital letters or digits. Shown as `KZ84****0042`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Iban([u8; 20]);

impl Iban {
    /// Reads an account written without spaces.
    ///
    /// # Errors
    /// Another length, country or letter; or the remainder modulo 97 is not 1.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bytes: [u8; 20] = text.as_bytes().try_into().map_err(|_| IdError::WrongShape)?;
        let [country_1, country_2, rest @ ..] = &bytes;
        let [c1, c2, b1, b2, b3, account @ ..] = rest;
        let is_shaped = [*country_1, *country_2] == *b"KZ"
            && [c1, c2, b1, b2, b3].iter().all(|byte| byte.is_ascii_digit())
            && account.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        if !is_shaped {
            return Err(IdError::WrongShape);
        }
        // ISO 7064: the first four letters go last, a letter counts as two digits from A = 10.
        let (head, tail) = bytes.split_at(4);
        let remainder = tail.iter().chain(head).fold(0_u32, |sum, byte| {
            if byte.is_ascii_digit() {
                (sum * 10 + u32::from(byte - b'0')) % 97
            } else {
                (sum * 100 + u32::from(byte - b'A') + 10) % 97
            }
        });
        if remainder == 1 { Ok(Self(bytes)) } else { Err(IdError::WrongCheckDigit) }
    }

    /// All twenty characters, for the bank's eyes only: never for a log.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }

    /// The three digits of the bank, e.g. `070` for the Treasury.
    #[must_use]
    pub fn bank_code(&self) -> String {
        self.0.iter().skip(4).take(3).copied().map(char::from).collect()
    }
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let (head, rest) = text.split_at(4);
        let (_, tail) = rest.split_at(12);
        write!(f, "{head}****{tail}")
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban({self})")
    }
}

/// A bank (БИК, ISO 9362): four letters or digits, country, two of the place, and for a branch three
/// more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bic(String);

impl Bic {
    /// Reads eight or eleven characters.
    ///
    /// # Errors
    /// Another length; small letters; a country that is no two letters. The nine digits of the МФО,
    /// in use before 2010, are refused too.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let is_shaped = matches!(text.len(), 8 | 11)
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 5 => byte.is_ascii_uppercase(),
                _ => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            });
        if is_shaped { Ok(Self(text.to_owned())) } else { Err(IdError::WrongShape) }
    }

    /// As written, eight or eleven characters.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The bank without its branch: the first eight characters.
    #[must_use]
    pub fn head(&self) -> &str {
        self.0.split_at_checked(8).map_or(&self.0, |(head, _)| head)
    }
}

impl fmt::Display for Bic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_with_its_bank_and_shown_by_its_ends() {
        for (text, bank) in [
            ("KZ24070105KSN0000000", "070"),
            ("KZ84999S000000000042", "999"),
            ("KZ77999A000000000001", "999"),
        ] {
            let iban = Iban::parse(text).expect(text);
            assert_eq!((iban.text().as_str(), iban.bank_code().as_str()), (text, bank));
        }
        let iban = Iban::parse("KZ84999S000000000042").expect("valid");
        assert_eq!(format!("{iban} {iban:?}"), "KZ84****0042 Iban(KZ84****0042)");
    }

    #[test]
    fn an_account_of_another_shape_or_sum_is_refused() {
        for text in ["", "KZ24070105KSN000000", "KZ2407010 KSN0000000", "RU24070105KSN0000000"] {
            assert_eq!(Iban::parse(text), Err(IdError::WrongShape), "{text}");
        }
        for text in ["kz24070105KSN0000000", "KZ24070105ksn0000000", "KZ240A0105KSN0000000"] {
            assert_eq!(Iban::parse(text), Err(IdError::WrongShape), "{text}");
        }
        for text in ["KZ25070105KSN0000000", "KZ24070105KNS0000000", "KZ84999S000000000024"] {
            assert_eq!(Iban::parse(text), Err(IdError::WrongCheckDigit), "{text}");
        }
    }

    #[test]
    fn a_bic_has_eight_or_eleven_characters_and_a_country() {
        let branch = Bic::parse("BANKKZ9AXXX").expect("branch");
        assert_eq!((branch.head(), branch.text()), ("BANKKZ9A", "BANKKZ9AXXX"));
        assert_eq!(Bic::parse("KKMFKZ2A").expect("Treasury").head(), "KKMFKZ2A");
        for text in ["", "KKMFKZ2", "KKMFKZ2AX", "kkmfkz2a", "KKMF122A", "190501234", "ККМФKZ2A"]
        {
            assert_eq!(Bic::parse(text), Err(IdError::WrongShape), "{text}");
        }
    }
}
