//! The plain stretches of a document: tags, texts and the entities of XML, walked where they stand.
//!
//! Plain is what leaves no question: a start tag of ASCII with no attribute of account but a currency of
//! three capitals, an end tag of what is open, UTF-8. Before anything else the walk stops, and the
//! general reader judges it.

use super::super::Sink;
use super::OUTSIDE;
use super::source::EVENT_BYTES_MAX;
use super::start::Starts;
use super::walk::Walk;
use crate::reconcile::ingest::intake::Stop;
use memchr::{memchr_iter, memchr2};

/// The names of the elements that are open, as they are written.
#[derive(Default)]
pub(super) struct Names {
    text: Vec<u8>,
    starts: Vec<usize>,
}

impl Names {
    #[inline]
    pub(super) fn push(&mut self, name: &[u8]) {
        self.starts.push(self.text.len());
        self.text.extend_from_slice(name);
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.text.truncate(self.starts.pop().unwrap_or(0));
    }

    pub(super) const fn count(&self) -> usize {
        self.starts.len()
    }

    /// What follows the end tag of the innermost, of which the mark is taken.
    #[inline]
    fn ended<'a>(&self, held: &'a [u8]) -> Option<&'a [u8]> {
        let name = self.starts.last().and_then(|start| self.text.get(*start..))?;
        held.strip_prefix(name)?.strip_prefix(b">")
    }

    /// An instruction that says nothing, then the start tags of all.
    pub(super) fn tags(&self) -> Vec<u8> {
        let mut tags = b"<?open?>".to_vec();
        let ends = self.starts.iter().skip(1).copied().chain([self.text.len()]);
        for (start, end) in self.starts.iter().copied().zip(ends) {
            tags.push(b'<');
            tags.extend_from_slice(self.text.get(start..end).unwrap_or_default());
            tags.push(b'>');
        }
        tags
    }
}

/// What is held, and its lines, counted as far as anybody asked.
pub(super) struct Lines<'a> {
    held: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// The first of them is this one.
    pub(super) const fn new(held: &'a [u8], line: u64) -> Self {
        Self { held, counted: 0, line }
    }

    /// The line behind which only this is left.
    fn before(&mut self, rest: &[u8]) -> u64 {
        let end = self.held.len() - rest.len();
        let passed = self.held.get(self.counted..end).unwrap_or_default();
        self.line += memchr_iter(b'\n', passed).count() as u64;
        self.counted = end;
        self.line
    }
}

/// What a document is gone over with.
#[derive(Default)]
pub(super) struct Way {
    pub(super) names: Names,
    pub(super) walk: Walk,
    starts: Starts,
}

impl Way {
    /// Walks over what is plain; how many bytes that was, and the line behind them.
    pub(super) fn plain(
        &mut self,
        mut lines: Lines<'_>,
        is_ascii: bool,
        sink: &mut Sink<'_, '_>,
    ) -> Result<(usize, u64), Stop> {
        let is_text = |bytes: &[u8]| is_ascii || std::str::from_utf8(bytes).is_ok();
        let mut rest = lines.held;
        loop {
            let next = match rest {
                [b'<', b'/', after @ ..] => {
                    let Some(next) = self.names.ended(after) else { break };
                    self.names.pop();
                    self.walk.close(|| lines.before(next), sink)?;
                    next
                }
                [b'<', ..] => match self.start(rest, is_ascii, &mut lines, sink)? {
                    Some(next) => next,
                    None => break,
                },
                [b'&', after @ ..] => {
                    let Some((letter, next)) = entity(after) else { break };
                    self.walk.text(&[letter]);
                    next
                }
                _ => {
                    let Some((text, next)) = text(rest).filter(|(text, _)| is_text(text)) else {
                        break;
                    };
                    if !self.walk.is_open() && !text.trim_ascii().is_empty() {
                        return Err(sink.wrong(lines.before(next), OUTSIDE));
                    }
                    self.walk.text(text);
                    next
                }
            };
            rest = next;
        }
        Ok((lines.held.len() - rest.len(), lines.before(rest)))
    }

    /// A start tag, and where nothing but a text follows its end tag too.
    #[inline]
    fn start<'a>(
        &mut self,
        held: &'a [u8],
        is_ascii: bool,
        lines: &mut Lines<'_>,
        sink: &mut Sink<'_, '_>,
    ) -> Result<Option<&'a [u8]>, Stop> {
        let Some((start, next)) = self.starts.next(held) else { return Ok(None) };
        let (names, walk) = (&mut self.names, &mut self.walk);
        if start.tag.is_value()
            && !start.is_empty
            && walk.is_open()
            && let Some((text, after)) = value(start.name(), next)
            && (is_ascii || std::str::from_utf8(text).is_ok())
        {
            let read = walk.value(start.tag, &start.code, text);
            read.map_err(|reason| sink.wrong(lines.before(after), reason))?;
            return Ok(Some(after));
        }
        let opened = walk.open(start.tag, || lines.before(next));
        opened.map_err(|reason| sink.wrong(lines.before(next), reason))?;
        walk.currency(&start.code);
        if start.is_empty {
            walk.close(|| lines.before(next), sink)?;
        } else {
            names.push(start.name());
        }
        Ok(Some(next))
    }
}

/// A text, and what follows, where that is there.
#[inline]
fn text(held: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr2(b'<', b'&', held).filter(|end| *end <= EVENT_BYTES_MAX)?;
    held.split_at_checked(end)
}

/// The text of an element that holds nothing else, and what follows its end tag.
#[inline]
fn value<'a>(name: &[u8], held: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (text, rest) = text(held)?;
    let rest = rest.strip_prefix(b"</")?.strip_prefix(name)?.strip_prefix(b">")?;
    Some((text, rest))
}

/// One of the five entities that XML defines, of which the mark is taken, and what follows.
fn entity(held: &[u8]) -> Option<(u8, &[u8])> {
    let all: [(&[u8], u8); 5] =
        [(b"amp;", b'&'), (b"lt;", b'<'), (b"gt;", b'>'), (b"quot;", b'"'), (b"apos;", b'\'')];
    all.into_iter().find_map(|(name, letter)| Some((letter, held.strip_prefix(name)?)))
}
