//! A cursor inside one tag or declaration: names, white space, and quoted values.

use super::document::{Name, XmlError};
use super::ends::first_of;
use super::rules::{is_space, name_end, reference};
use super::{Limits, Span};

/// Reads `text` from `at` on; `text` begins where the source begins, so offsets are the source's.
pub(super) struct Cursor<'s> {
    pub text: &'s str,
    pub at: usize,
}

impl<'s> Cursor<'s> {
    pub(super) fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or_default()
    }

    const fn bytes(&self) -> &'s [u8] {
        self.text.as_bytes()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) const fn refuse(&self, reason: &'static str) -> XmlError {
        XmlError::rule(reason, self.at)
    }

    /// Where the tag ends if it ends here, and whether its element is empty.
    #[inline]
    pub(super) fn tag_end(&self) -> Option<(usize, bool)> {
        match self.bytes().get(self.at..) {
            Some([b'>', ..]) => Some((self.at + 1, false)),
            Some([b'/', b'>', ..]) => Some((self.at + 2, true)),
            _ => None,
        }
    }

    /// Skips white space; whether there was any.
    pub(super) fn skip_space(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.at > start
    }

    /// Reads a qualified name: one or two names with a colon between them.
    #[inline(always)]
    pub(super) fn name(&mut self, limits: &Limits) -> Result<Name, XmlError> {
        let start = self.at;
        let mut end = name_end(self.text, start);
        if end == start {
            return Err(XmlError::rule("malformed_name", start));
        }
        let mut prefix = 0;
        if self.bytes().get(end) == Some(&b':') {
            let local = end + 1;
            prefix = end - start;
            end = name_end(self.text, local);
            if end == local || self.bytes().get(end) == Some(&b':') {
                return Err(XmlError::rule("malformed_name", start));
            }
        }
        self.at = end;
        if end - start > limits.name_bytes_max {
            return Err(XmlError::limit("xml_limit_name", start));
        }
        Ok(Name { start: offset(start), prefix_bytes: offset(prefix), end: offset(end) })
    }

    /// Reads `=` with white space around it.
    pub(super) fn equals(&mut self) -> Result<(), XmlError> {
        self.skip_space();
        if self.peek() != Some(b'=') {
            return Err(self.refuse("malformed_attribute"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Reads a quoted value, its references checked: the span between the quotes.
    pub(super) fn value(&mut self, limits: &Limits) -> Result<Span, XmlError> {
        let Some(quote @ (b'"' | b'\'')) = self.peek() else {
            return Err(self.refuse("malformed_attribute"));
        };
        self.at += 1;
        let start = self.at;
        loop {
            let found = first_of([quote, b'<', b'&'], self.bytes(), self.at);
            self.at = found.unwrap_or(self.text.len());
            match self.peek() {
                Some(b'&') => {
                    let (_, used) = reference(self.rest()).map_err(|reason| self.refuse(reason))?;
                    self.at += used;
                }
                Some(b'<') => return Err(self.refuse("less_than_in_value")),
                Some(_) => break,
                None => return Err(self.refuse("malformed_attribute")),
            }
        }
        let span = Span { start, end: self.at };
        self.at += 1;
        if span.end - span.start > limits.value_bytes_max {
            return Err(XmlError::limit("xml_limit_value", start));
        }
        Ok(span)
    }
}

/// An offset in a source that was checked to be below 4 GiB.
#[inline]
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
