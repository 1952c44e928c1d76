//! What character data means: references resolved, line ends and attribute values normalised.

use super::rules::reference;
use memchr::{memchr, memchr2, memchr3};
use std::borrow::Cow;

/// Character data of a text node: references resolved, line ends normalised (XML 1.0 §2.11, §4.4).
///
/// `raw` comes from a scanned document; a reference that the scanner would refuse stays as written.
#[must_use]
pub fn decode_text(raw: &str) -> Cow<'_, str> {
    decode(raw, '\n', |bytes| memchr2(b'&', b'\r', bytes))
}

/// An attribute value of type CDATA: references resolved, then literal tab, line feed and carriage
/// return turned to spaces, CR LF to one (XML 1.0 §3.3.3).
///
/// `raw` comes from a scanned document; a reference that the scanner would refuse stays as written.
#[must_use]
pub fn decode_attribute(raw: &str) -> Cow<'_, str> {
    decode(raw, ' ', |bytes| {
        let found = memchr3(b'&', b'\r', b'\n', bytes);
        let before = bytes.get(..found.unwrap_or(bytes.len())).unwrap_or_default();
        memchr(b'\t', before).or(found)
    })
}

/// The inside of a CDATA section, comment or instruction: line ends normalised (XML 1.0 §2.11).
#[must_use]
pub fn decode_lines(raw: &str) -> Cow<'_, str> {
    decode(raw, '\n', |bytes| memchr(b'\r', bytes))
}

/// Copies what `find` passes over and replaces the rest; borrows when there is nothing to do.
///
/// In an attribute value a line feed is found and becomes a space, so a CR becomes one too.
fn decode(raw: &str, line_end: char, find: impl Fn(&[u8]) -> Option<usize>) -> Cow<'_, str> {
    let Some(first) = find(raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut plain_bytes = first;
    while let Some((plain, special)) = rest.split_at_checked(plain_bytes) {
        out.push_str(plain);
        let (c, used) = match special.as_bytes() {
            [] => break,
            [b'&', ..] => reference(special).unwrap_or(('&', 1)),
            [b'\r', b'\n', ..] => (line_end, 2),
            [b'\r', ..] => (line_end, 1),
            _ => (' ', 1),
        };
        out.push(c);
        rest = special.get(used..).unwrap_or_default();
        plain_bytes = find(rest.as_bytes()).unwrap_or(rest.len());
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_data_is_borrowed() {
        assert!(matches!(decode_text("ЖТ МДҚ\n"), Cow::Borrowed(_)));
        assert!(matches!(decode_attribute("urn:a"), Cow::Borrowed(_)));
        assert!(matches!(decode_lines("a&b\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn line_ends_of_text_become_line_feeds_but_references_stay_what_they_name() {
        assert_eq!(decode_text("a\r\nb\rc\n\r\n&#13;&#xA;\r"), "a\nb\nc\n\n\r\n\n");
        assert_eq!(decode_lines("a\r\nb\rc&amp;"), "a\nb\nc&amp;");
    }

    #[test]
    fn white_space_of_attributes_becomes_spaces_but_references_stay_what_they_name() {
        assert_eq!(decode_attribute("a\r\nb\rc\nd\te&#9;&#10;&#13;&#x20;"), "a b c d e\t\n\r ");
    }

    #[test]
    fn references_are_resolved_once_only() {
        assert_eq!(decode_text("&amp;lt;&lt;&gt;&quot;&apos;&#38;#38;"), "&lt;<>\"'&#38;");
        assert_eq!(decode_attribute("&amp;amp;"), "&amp;");
    }

    #[test]
    fn what_no_scanned_document_holds_stays_as_written() {
        assert_eq!(decode_text("&nbsp;&"), "&nbsp;&");
    }
}
