//! Texts of whatever encoding as UTF-8, and the bytes of a file hashed and counted on their way.

use super::Format;
use aws_lc_rs::digest::Context;
use encoding_rs::{Decoder, Encoding, IBM866, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Bytes that tell a file's format and encoding.
const HEAD_BYTES: usize = 64 * 1_024;
const BUFFER_BYTES: usize = 64 * 1_024;

/// The first bytes of a file, which stays where it is.
///
/// # Errors
/// The disk.
pub(in super::super) fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD_BYTES];
    let mut filled = 0;
    while let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) {
        let count = file.read_at(room, filled as u64)?;
        if count == 0 {
            break;
        }
        filled += count;
    }
    head.truncate(filled);
    Ok(head)
}

/// UTF-16 with its mark, or without one where a sign of ASCII stands first.
pub(in super::super) const fn wide(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xff, 0xfe, ..] | [b'!'..=b'~', 0, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] | [0, b'!'..=b'~', ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// The first bytes of a text in an encoding that holds ASCII, without a mark.
pub(in super::super) fn plain(head: &[u8]) -> Cow<'_, [u8]> {
    match wide(head) {
        Some(encoding) => Cow::Owned(encoding.decode(head).0.into_owned().into_bytes()),
        None => Cow::Borrowed(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)),
    }
}

/// A file whose bytes are hashed and counted as they are read.
pub(super) struct Hashed<'a> {
    pub(super) file: &'a File,
    pub(super) hash: &'a mut Context,
    pub(super) bytes: u64,
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        (self.progress)(count as u64);
        Ok(count)
    }
}

/// The encoding of a text by its first bytes; `None` where it is UTF-8 already.
pub(super) fn encoding(format: Format, head: &[u8], asked: &str) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        // Also of UTF-8, whose mark must go.
        return Some(encoding);
    }
    if let Some(encoding) = wide(head).filter(|_| format != Format::Xlsx) {
        return Some(encoding);
    }
    let found = match format {
        Format::Camt => declared(head).and_then(Encoding::for_label),
        Format::OneC | Format::Mt940 | Format::Mt102 => cyrillic(head),
        Format::Csv => Encoding::for_label(asked.as_bytes()),
        Format::Neutral | Format::Xlsx => None,
    };
    found.filter(|encoding| *encoding != UTF_8)
}

/// What an XML declaration says.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let declaration = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = memchr::memmem::find(declaration, b"?>")?;
    let declaration = declaration.get(..end)?;
    let at = memchr::memmem::find(declaration, b"encoding")?;
    let rest = declaration.get(at + 8..)?.trim_ascii_start().strip_prefix(b"=")?;
    let (quote, rest) = rest.trim_ascii_start().split_first()?;
    rest.get(..memchr::memchr(*quote, rest)?)
}

/// UTF-8 where it is; else that of two old encodings in which small letters outnumber what is drawn
/// with lines in the other.
fn cyrillic(head: &[u8]) -> Option<&'static Encoding> {
    let is_whole = match std::str::from_utf8(head) {
        Ok(_) => true,
        // Cut off in the middle of a letter.
        Err(error) => error.error_len().is_none(),
    };
    if is_whole {
        return None;
    }
    // Capitals and most small letters are 0xC0..=0xFF in windows-1251; in cp866 all capitals and half
    // of the small letters are 0x80..=0xAF.
    let count = |range: std::ops::RangeInclusive<u8>| {
        head.iter().filter(|byte| range.contains(byte)).count()
    };
    Some(if count(0xc0..=0xff) >= count(0x80..=0xaf) { WINDOWS_1251 } else { IBM866 })
}

/// A text as UTF-8. What its encoding cannot read becomes U+FFFD.
pub(in super::super) struct Decoded<'a> {
    from: &'a mut dyn Read,
    decoder: Decoder,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    is_ended: bool,
    is_finished: bool,
}

impl<'a> Decoded<'a> {
    pub(in super::super) fn new(from: &'a mut dyn Read, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let buffer = vec![0; BUFFER_BYTES];
        let (start, filled) = (0, 0);
        Self { from, decoder, buffer, start, filled, is_ended: false, is_finished: false }
    }
}

impl Read for Decoded<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        // A decoder may need room for one letter before it moves on.
        if to.len() < 16 {
            return Err(io::Error::other("a buffer too small to decode into"));
        }
        while !self.is_finished {
            if self.start == self.filled && !self.is_ended {
                self.filled = self.from.read(&mut self.buffer)?;
                self.start = 0;
                self.is_ended = self.filled == 0;
            }
            let held = self.buffer.get(self.start..self.filled).unwrap_or_default();
            let (result, read, written, _) = self.decoder.decode_to_utf8(held, to, self.is_ended);
            self.start += read;
            self.is_finished = self.is_ended && result == encoding_rs::CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_from_its_bytes() {
        let text = "1CClientBankExchange\nКодировка=Windows\nПлательщик=ТОО Пример\n";
        let (windows, ..) = WINDOWS_1251.encode(text);
        // encoding_rs writes no cp866: these are its bytes of "Кодировка=DOS".
        let dos = b"1CClientBankExchange\n\x8a\xae\xa4\xa8\xe0\xae\xa2\xaa\xa0=DOS\n";
        for (bytes, expected) in [
            (text.as_bytes(), text.to_owned()),
            (&windows, text.to_owned()),
            (dos, "1CClientBankExchange\nКодировка=DOS\n".to_owned()),
            (&["\u{feff}".as_bytes(), text.as_bytes()].concat(), text.to_owned()),
        ] {
            let mut from = bytes;
            let mut read = Vec::new();
            match encoding(Format::OneC, bytes, "") {
                None => read.extend_from_slice(bytes),
                Some(encoding) => {
                    let mut decoded = Decoded::new(&mut from, encoding);
                    let mut buffer = [0; 64];
                    loop {
                        let count = decoded.read(&mut buffer).unwrap();
                        if count == 0 {
                            break;
                        }
                        read.extend_from_slice(&buffer[..count]);
                    }
                }
            }
            let read = String::from_utf8(read).unwrap();
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn xml_declares_its_encoding_itself() {
        let name = |text: &str| encoding(Format::Camt, text.as_bytes(), "").map(Encoding::name);
        assert_eq!(name("<?xml version='1.0' encoding='windows-1251'?><a/>"), Some("windows-1251"));
        assert_eq!(name("<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"), None);
        assert_eq!(name("<a/>"), None);
    }
}
