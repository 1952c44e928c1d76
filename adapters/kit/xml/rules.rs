//! The characters, names and references that XML 1.0 (fifth edition) and Namespaces 1.0 allow.

/// White space, production \[3\].
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Characters that a document may contain, production \[2\].
pub(super) const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a document may contain the text (XML 1.0, production \[2\]).
#[must_use]
pub fn is_text(text: &str) -> bool {
    forbidden_char(text).is_none()
}

/// Whether the text is a name without colon, so can name an element (Namespaces, production \[4\]).
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && name_length(text) == text.len()
}

/// Byte offset of the first character that no document may contain.
///
/// UTF-8 rules surrogates out already, so only control characters, U+FFFE and U+FFFF are left.
pub(super) fn forbidden_char(text: &str) -> Option<usize> {
    let (chunks, rest) = text.as_bytes().as_chunks();
    for (index, chunk) in chunks.iter().enumerate() {
        if is_suspect(chunk) {
            let found = forbidden_in(text, index * chunk.len(), chunk);
            if found.is_some() {
                return found;
            }
        }
    }
    // The last whole chunk covers the rest, and some bytes once more.
    let is_clean = text.as_bytes().last_chunk().is_some_and(|last| !is_suspect(last));
    if is_clean { None } else { forbidden_in(text, text.len() - rest.len(), rest) }
}

/// Whether a control character may be among the bytes, or one of U+F000 to U+FFFF (from 0xEF).
///
/// No early exit, and one number to compare at the end: so the compiler tests many bytes at once.
#[inline]
fn is_suspect(chunk: &[u8; 128]) -> bool {
    let weight = |b: u8| match b {
        0xEF => 0,
        b'\t' | b'\n' | b'\r' => b' ',
        b => b,
    };
    chunk.iter().fold(u8::MAX, |least, b| least.min(weight(*b))) < b' '
}

fn forbidden_in(text: &str, start: usize, bytes: &[u8]) -> Option<usize> {
    bytes.iter().enumerate().find_map(|(at, &b)| {
        let is_control = b < b' ' && !is_space(b);
        let is_last_pair =
            b == 0xEF && text.get(start + at..).is_some_and(|t| !t.starts_with(is_char));
        (is_control || is_last_pair).then_some(start + at)
    })
}

/// First character of a name without colon, production \[4\] of Namespaces.
const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// Further characters of a name without colon.
const fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c,
            '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// What an ASCII byte may be in a name: [`NAME_CHAR`], and [`NAME_START`] too.
static NAME_BYTES: [u8; 256] = name_bytes();
const NAME_CHAR: u8 = 1;
const NAME_START: u8 = 2;

const fn name_bytes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => NAME_START | NAME_CHAR,
            b'-' | b'.' | b'0'..=b'9' => NAME_CHAR,
            _ => 0,
        };
        rest = others;
        byte = byte.wrapping_add(1);
    }
    table
}

#[inline]
fn is_name_byte(byte: u8, class: u8) -> bool {
    NAME_BYTES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// End of the name without colon (`NCName`) that starts at `start`; `start` when there is none.
#[inline]
pub(super) fn name_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = start;
    let mut class = NAME_START;
    while let Some(byte) = bytes.get(end) {
        if !is_name_byte(*byte, class) {
            if byte.is_ascii() {
                return end;
            }
            return start + text.get(start..).map_or(0, name_length_beyond_ascii);
        }
        class = NAME_CHAR;
        end += 1;
    }
    end
}

/// Bytes of the name without colon (`NCName`) at the start of `text`; 0 when there is none.
pub(super) fn name_length(text: &str) -> usize {
    name_end(text, 0)
}

fn name_length_beyond_ascii(text: &str) -> usize {
    if !text.starts_with(is_name_start) {
        return 0;
    }
    text.find(|c: char| !is_name_char(c)).unwrap_or(text.len())
}

/// Reads the reference at the start of `text` (which begins with `&`): its character and its bytes.
///
/// # Errors
/// `unknown_entity` for any entity but the five of XML 1.0 §4.6, `forbidden_character` for a
/// character that production \[2\] excludes, else `malformed_reference`.
pub(super) fn reference(text: &str) -> Result<(char, usize), &'static str> {
    const FIVE: [(&str, char); 5] =
        [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"'), ("&apos;", '\'')];
    if let Some((name, c)) = FIVE.into_iter().find(|(name, _)| text.starts_with(name)) {
        return Ok((c, name.len()));
    }
    let (digits_start, radix) = match text.as_bytes() {
        [b'&', b'#', b'x', ..] => (3, 16),
        [b'&', b'#', ..] => (2, 10),
        _ => {
            let name = text.get(1..).map_or(0, name_length);
            let is_closed = text.as_bytes().get(name + 1) == Some(&b';');
            let is_entity = name > 0 && is_closed;
            return Err(if is_entity { "unknown_entity" } else { "malformed_reference" });
        }
    };
    let mut code = 0u32;
    let mut digits = 0;
    for c in text.chars().skip(digits_start) {
        let Some(digit) = c.to_digit(radix) else { break };
        // Saturates far above the last character, however many digits follow.
        code = code.saturating_mul(radix).saturating_add(digit);
        digits += 1;
    }
    let end = digits_start + digits;
    if digits == 0 || text.as_bytes().get(end) != Some(&b';') {
        return Err("malformed_reference");
    }
    match char::from_u32(code) {
        Some(c) if is_char(c) => Ok((c, end + 1)),
        _ => Err("forbidden_character"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_character_is_found_wherever_it_stands() {
        for bad in ["\0", "\u{1}", "\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
            for before in [0, 1, 61, 125, 126, 127, 128, 129, 300] {
                let text = format!("{}{bad}x", "a".repeat(before));
                assert_eq!(forbidden_char(&text), Some(before), "{bad:?} after {before}");
            }
        }
    }

    #[test]
    fn every_other_character_is_let_through() {
        let all: String = ('\0'..=char::MAX).filter(|c| is_char(*c)).collect();
        assert_eq!(forbidden_char(&all), None);
        assert_eq!(
            all.chars().count(),
            0x11_0000 - 0x800 - 29 - 2,
            "29 controls and two of 0xFFFx"
        );
    }

    #[test]
    fn a_name_ends_before_the_first_character_that_is_none_of_it() {
        for (text, length) in [
            ("a:b", 1),
            ("_x.1-2 ", 6),
            ("1a", 0),
            ("-a", 0),
            ("", 0),
            (":a", 0),
            ("қақпа=", 10),
            ("aқ>", 3),
            ("a×", 1),
            ("a\u{B7}", 3),
            ("\u{B7}", 0),
            ("\u{10000}\u{EFFFF}\u{F0000}", 8),
        ] {
            assert_eq!(name_length(text), length, "{text:?}");
        }
    }

    #[test]
    fn a_reference_is_one_of_five_or_a_character() {
        assert_eq!(reference("&amp;x"), Ok(('&', 5)));
        assert_eq!(reference("&#65;"), Ok(('A', 5)));
        assert_eq!(reference("&#x049b;"), Ok(('қ', 8)));
        assert_eq!(reference(&format!("&#{}65;", "0".repeat(100))), Ok(('A', 105)));
        assert_eq!(reference("&#x10FFFF;"), Ok(('\u{10FFFF}', 10)));
    }

    #[test]
    fn any_other_reference_is_refused_for_its_reason() {
        for text in ["&nbsp;", "&AMP;", "&lol9;"] {
            assert_eq!(reference(text), Err("unknown_entity"), "{text}");
        }
        for text in ["&", "&;", "& ;", "&amp", "&#;", "&#x;", "&#X41;", "&#6 5;", "&#-1;", "&a:b;"]
        {
            assert_eq!(reference(text), Err("malformed_reference"), "{text}");
        }
        for text in ["&#0;", "&#x1F;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#99999999999999;"] {
            assert_eq!(reference(text), Err("forbidden_character"), "{text}");
        }
    }
}
