//! A cursor inside one tag or declaration: names, white space, and quoted values.

use super::document::{Name, XmlError};
use super::rules::{is_space, name_length, reference};
use super::{Limits, Span};
use memchr::memchr3;

/// Reads `text` from `at` on; `text` ends where the tag's inside ends, so offsets are the source's.
pub(super) struct Cursor<'s> {
    pub text: &'s str,
    pub at: usize,
}

impl<'s> Cursor<'s> {
    pub(super) fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) const fn refuse(&self, reason: &'static str) -> XmlError {
        XmlError::rule(reason, self.at)
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
    pub(super) fn name(&mut self, limits: &Limits) -> Result<Name, XmlError> {
        let start = self.at;
        let first = name_length(self.rest());
        self.at += first;
        let mut prefix = 0;
        if first > 0 && self.peek() == Some(b':') {
            self.at += 1;
            let second = name_length(self.rest());
            if second == 0 || self.text.as_bytes().get(self.at + second) == Some(&b':') {
                return Err(XmlError::rule("malformed_name", start));
            }
            self.at += second;
            prefix = first;
        }
        if first == 0 {
            return Err(XmlError::rule("malformed_name", start));
        }
        if self.at - start > limits.name_bytes_max {
            return Err(XmlError::limit("xml_limit_name", start));
        }
        Ok(Name { start: offset(start), prefix_bytes: offset(prefix), end: offset(self.at) })
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
            let rest = self.rest();
            let found = memchr3(quote, b'<', b'&', rest.as_bytes());
            self.at += found.unwrap_or(rest.len());
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
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
