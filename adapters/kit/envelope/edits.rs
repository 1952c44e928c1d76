//! Cuts and insertions over a source that is copied once, and what need not be copied at all.

use crate::xml::{Element, Span};
use std::borrow::Cow;

/// Replacements over a source, applied in one copy.
#[derive(Debug, Default)]
pub struct Edits<'t> {
    edits: Vec<(Span, Cow<'t, str>)>,
}

impl<'t> Edits<'t> {
    /// Replaces the bytes of `span` by `text`.
    pub fn replace(&mut self, span: Span, text: impl Into<Cow<'t, str>>) {
        self.edits.push((span, text.into()));
    }

    /// Inserts `text` before the byte at `offset`.
    pub fn insert(&mut self, offset: usize, text: impl Into<Cow<'t, str>>) {
        self.replace(Span { start: offset, end: offset }, text);
    }

    /// Where the byte at `offset` comes to lie.
    #[must_use]
    pub fn moved(&self, offset: usize) -> usize {
        let before = self.edits.iter().filter(|(span, _)| span.end <= offset);
        let (added, cut) = before.fold((0, 0), |(added, cut), (span, text)| {
            (added + text.len(), cut + span.end - span.start)
        });
        (offset + added).saturating_sub(cut)
    }

    /// The source with every edit applied; overlapping edits keep the first.
    #[must_use]
    pub fn apply(self, source: &[u8]) -> Vec<u8> {
        self.applied(source, 0)
    }

    /// The same from an offset on.
    pub(super) fn applied(mut self, source: &[u8], from: usize) -> Vec<u8> {
        self.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let added: usize = self.edits.iter().map(|(_, text)| text.len()).sum();
        let cut: usize = self.edits.iter().map(|(span, _)| span.end - span.start).sum();
        let kept_bytes = (source.len() - from.min(source.len())).saturating_sub(cut);
        let mut out = Vec::with_capacity(kept_bytes + added);
        let mut copied = from;
        for (span, text) in &self.edits {
            if let Some(kept) = source.get(copied..span.start) {
                out.extend_from_slice(kept);
                out.extend_from_slice(text.as_bytes());
                copied = span.end;
            }
        }
        out.extend_from_slice(source.get(copied..).unwrap_or_default());
        out
    }
}

/// A request as the agency shall get it, before signing. The content of its `data` is not copied and
/// still stands where it was read: nothing in it changes, so nobody need read it again.
#[derive(Debug)]
pub struct Spliced<'d> {
    pub text: Vec<u8>,
    /// What is to be put back, where `data` has content.
    pub held: Option<Held<'d>>,
}

/// The content of an element that belongs into an empty one of another document.
#[derive(Clone, Copy, Debug)]
pub struct Held<'d> {
    pub element: Element<'d>,
    /// Between the tags of the empty one.
    pub at: usize,
}

impl<'d> Held<'d> {
    /// What `element` holds, if anything, once `edits` have cut it out.
    pub(super) fn cut(element: Option<Element<'d>>, edits: &mut Edits<'_>) -> Option<Self> {
        let element = element.filter(|element| !element.content_str().is_empty())?;
        let content = element.content();
        let at = edits.moved(content.start);
        edits.replace(content, "");
        Some(Self { element, at })
    }
}

impl Spliced<'_> {
    /// All of it in one piece.
    #[must_use]
    pub fn whole(&self) -> Vec<u8> {
        let mut edits = Edits::default();
        if let Some(held) = self.held {
            edits.insert(held.at, held.element.content_str());
        }
        edits.apply(&self.text)
    }
}
