//! The query of a request, read strictly: names once, escapes whole, nothing that two readers read differently.

use std::borrow::Cow;

/// Parameters of one query.
pub const PARAMETERS_MAX: usize = 64;

/// A query, or a body of `application/x-www-form-urlencoded`; the values hold no control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Query<'q> {
    /// Reads `name=value` pairs between `&`; `+` is a space, `%XX` a byte of UTF-8.
    ///
    /// # Errors
    /// The public reason: too many parameters, one without `=`, a broken escape, bytes that are no
    /// UTF-8, a control character, or a name that stands twice.
    pub fn read(text: &'q str) -> Result<Self, &'static str> {
        let mut pairs: Vec<(Cow<'q, str>, Cow<'q, str>)> = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == PARAMETERS_MAX {
                return Err("parameters_too_many");
            }
            let (name, value) = part.split_once('=').ok_or("parameter_without_value")?;
            let (name, value) = (decoded(name)?, decoded(value)?);
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err("parameter_repeated");
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of that name, spaces around it cut off; `None` where it is absent or empty.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        let value = value.trim();
        (!value.is_empty()).then_some(value)
    }

    /// All names and values, in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn decoded(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let decoded = if text.contains(['%', '+']) {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = rest.next().and_then(digit).zip(rest.next().and_then(digit));
                    let (high, low) = digits.ok_or("escape_broken")?;
                    high << 4 | low
                }
                byte => byte,
            });
        }
        Cow::Owned(String::from_utf8(bytes).map_err(|_| "parameter_not_utf8")?)
    } else {
        Cow::Borrowed(text)
    };
    if decoded.chars().any(char::is_control) {
        return Err("control_character");
    }
    Ok(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends `name=value` to a query, everything but letters, digits and `-._~` escaped (RFC 3986 §2.3).
pub fn push_parameter(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_values_are_decoded_once() {
        let query = Query::read("a=1&&b=%D2%9B%2b+x&c=&d=a%3Db=c&e=%2525").expect("fits");
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("қ+ x")),
            ("c", None),
            ("d", Some("a=b=c")),
            ("e", Some("%25")),
            ("f", None),
        ] {
            assert_eq!(query.value(name), value, "{name}");
        }
    }

    #[test]
    fn what_two_readers_may_read_differently_is_refused() {
        for (text, reason) in [
            ("a=1&a=2", "parameter_repeated"),
            ("a=1&%61=2", "parameter_repeated"),
            ("a", "parameter_without_value"),
            ("a=%", "escape_broken"),
            ("a=%4", "escape_broken"),
            ("a=%+1", "escape_broken"),
            ("a=%FF", "parameter_not_utf8"),
            ("a=%00", "control_character"),
            ("a=1%0d%0aHost:x", "control_character"),
        ] {
            assert_eq!(Query::read(text), Err(reason), "{text}");
        }
        let many = |count: usize| (0..count).map(|n| format!("a{n}=1&")).collect::<String>();
        assert!(Query::read(&many(PARAMETERS_MAX)).is_ok());
        assert_eq!(Query::read(&many(PARAMETERS_MAX + 1)), Err("parameters_too_many"));
    }

    proptest! {
        #[test]
        fn what_is_pushed_is_read_again(value in "\\PC{1,40}") {
            let mut query = String::new();
            push_parameter(&mut query, "a", &value);
            push_parameter(&mut query, "b", "2");
            let read = Query::read(&query).expect("well-formed");
            prop_assert_eq!(read.value("a").unwrap_or_default(), value.trim());
            prop_assert_eq!(read.value("b"), Some("2"));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[%+&=a-f0-9қ ]{0,60}") {
            prop_assert!(Query::read(&text).is_ok_and(|query| query.0.len() <= PARAMETERS_MAX)
                || Query::read(&text).is_err());
        }
    }
}
