//! Start tags, and which came after which: a document of many entries writes the same ones in the same order.
//!
//! So each is looked for where it came the last time, and taken apart only where it is a new one.

use super::tag::Tag;
use memchr::memchr3_iter;

/// Start tags that are remembered; with more all are forgotten.
const KNOWN_MAX: usize = 256;
/// Of four tags in a row as one number; with three, two places of an entry look alike.
const LAST_BITS: usize = 3;
const LASTS: usize = 1 << (4 * LAST_BITS);
/// Bytes of one at most; the general reader takes longer ones.
const BYTES_MAX: usize = 128;

/// A start tag that leaves no question.
pub(super) struct Start {
    /// All of it.
    text: Vec<u8>,
    name_bytes: usize,
    pub(super) tag: Tag,
    /// The currency that it tells.
    pub(super) code: Vec<u8>,
    /// It is an end tag too.
    pub(super) is_empty: bool,
}

impl Start {
    /// Its name as it is written.
    #[inline]
    pub(super) fn name(&self) -> &[u8] {
        self.text.get(1..=self.name_bytes).unwrap_or_default()
    }
}

/// All that came before.
pub(super) struct Starts {
    known: Vec<Start>,
    /// The last four, as a number.
    last: usize,
    /// What came after these four.
    after: Vec<usize>,
}

impl Default for Starts {
    fn default() -> Self {
        Self { known: Vec::new(), last: 0, after: vec![0; LASTS] }
    }
}

impl Starts {
    /// The start tag that stands first, and what follows; `None`: it is not plain, or not there as a whole.
    #[inline]
    pub(super) fn next<'a>(&mut self, held: &'a [u8]) -> Option<(&Start, &'a [u8])> {
        let mut at = self.after.get(self.last).copied().unwrap_or_default();
        if !self.known.get(at).is_some_and(|start| held.starts_with(&start.text)) {
            at = self.find(held)?;
        }
        self.last = (self.last << LAST_BITS ^ at) % LASTS;
        let start = self.known.get(at)?;
        Some((start, held.get(start.text.len()..)?))
    }

    fn find(&mut self, held: &[u8]) -> Option<usize> {
        let found = self.known.iter().position(|start| held.starts_with(&start.text));
        let at = match found {
            Some(at) => at,
            None => {
                let start = start(held)?;
                if self.known.len() >= KNOWN_MAX {
                    *self = Self::default();
                }
                self.known.push(start);
                self.known.len() - 1
            }
        };
        if let Some(after) = self.after.get_mut(self.last) {
            *after = at;
        }
        Some(at)
    }
}

fn start(held: &[u8]) -> Option<Start> {
    let held = held.get(..BYTES_MAX).unwrap_or(held);
    let (name, local, rest) = name(held.strip_prefix(b"<")?)?;
    let end = end(rest)?;
    let more = rest.get(..end).filter(|more| more.is_ascii())?;
    let (more, is_empty) = more.strip_suffix(b"/").map_or((more, false), |more| (more, true));
    if !matches!(more.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')) {
        return None;
    }
    let tag = Tag::of(local);
    let code = if tag.has_currency() { currency(more)? } else { &[] };
    let bytes = held.len() - rest.len() + end + 1;
    let (text, code) = (held.get(..bytes)?.to_vec(), code.to_vec());
    Some(Start { text, name_bytes: name.len(), tag, code, is_empty })
}

/// A name, of that what is behind a prefix, and what follows.
fn name(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = word(text)?;
    let Some(local) = rest.strip_prefix(b":") else { return Some((name, name, rest)) };
    let (local, rest) = word(local)?;
    let whole = text.get(..name.len() + 1 + local.len())?;
    Some((whole, local, rest))
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let end = text.iter().position(|byte| !is_word(byte))?;
    text.split_at_checked(end).filter(|(word, _)| !word.is_empty())
}

/// Where a tag ends: at the first `>` that is not between quotes.
fn end(text: &[u8]) -> Option<usize> {
    let mut quote = None;
    for at in memchr3_iter(b'>', b'"', b'\'', text) {
        let byte = *text.get(at)?;
        match quote {
            None if byte == b'>' => return Some(at),
            None => quote = Some(byte),
            Some(open) if open == byte => quote = None,
            Some(_) => {}
        }
    }
    None
}

/// The currency of an amount, where it is written as everybody writes it.
fn currency(attributes: &[u8]) -> Option<&[u8]> {
    if attributes.is_empty() {
        return Some(&[]);
    }
    let code = attributes.strip_prefix(b" Ccy=\"")?.strip_suffix(b"\"")?;
    (code.len() == 3 && code.iter().all(u8::is_ascii_uppercase)).then_some(code)
}
