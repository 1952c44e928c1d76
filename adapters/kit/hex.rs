//! Bytes as hexadecimal digits: written small, read as digits and nothing else.

/// Two small digits a byte.
#[must_use]
pub fn lower(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16));
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(bytes.iter().flat_map(digits).flatten());
    text
}

/// The byte of two digits, small or capital. The standard library takes a sign for the first one.
#[must_use]
pub fn byte(digits: &str) -> Option<u8> {
    let is_pair = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_pair.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// The bytes of pairs of digits, small or capital.
#[must_use]
pub fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| std::str::from_utf8(pair).ok().and_then(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(lower(&[0, 9, 10, 0x5f, 255]), "00090a5fff");
        assert_eq!(bytes(&lower(&all)), Some(all.clone()));
        assert_eq!(bytes(&lower(&all).to_uppercase()), Some(all));
        assert_eq!((lower(&[]).as_str(), bytes("")), ("", Some(Vec::new())));
        for wrong in ["0", "+f", "-1", " 1", "0x", "0g", "ёё", "00+f", "000"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
