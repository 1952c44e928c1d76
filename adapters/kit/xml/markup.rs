//! Markup that is no tag: comments, CDATA sections, processing instructions and the XML declaration.

use super::cursor::Cursor;
use super::document::XmlError;
use super::rules::{is_space, name_length};
use super::scan::Scanner;
use super::{Kind, Span, ends};

impl Scanner<'_, '_> {
    pub(super) fn comment(&mut self, start: usize) -> Result<usize, XmlError> {
        let Some((end, is_clean)) = ends::comment(self.bytes(), start + "<!--".len()) else {
            return Err(XmlError::rule("malformed_markup", start));
        };
        if !is_clean {
            return Err(XmlError::rule("hyphens_in_comment", start));
        }
        let span = Span { start, end };
        self.push(Kind::Comment, (span, inside(span, "<!--", "-->")), false)?;
        self.spoil();
        Ok(end)
    }

    pub(super) fn section(&mut self, start: usize) -> Result<usize, XmlError> {
        let Some(end) = ends::after(b"]]>", self.bytes(), start + "<![CDATA[".len()) else {
            return Err(XmlError::rule("malformed_markup", start));
        };
        if self.is_outside_root() {
            return Err(XmlError::rule("content_outside_root", start));
        }
        let span = Span { start, end };
        self.push(Kind::CData, (span, inside(span, "<![CDATA[", "]]>")), false)?;
        self.spoil();
        Ok(end)
    }

    /// An instruction, or the declaration, which is one by its looks.
    pub(super) fn instruction(&mut self, start: usize, is_first: bool) -> Result<usize, XmlError> {
        let found = ends::after(b"?>", self.bytes(), start + "<?".len());
        let is_cut = self.bytes().get(start + "<?".len()) == Some(&b'>');
        let Some(end) = found.filter(|_| !is_cut) else {
            return Err(XmlError::rule("malformed_markup", start));
        };
        let span = Span { start, end };
        let content = inside(span, "<?", "?>");
        let text = self.document.slice(content);
        let after_xml = text.strip_prefix("xml").map(str::as_bytes);
        if after_xml.is_some_and(|data| data.first().is_none_or(|b| is_space(*b))) {
            if !is_first {
                return Err(XmlError::rule("misplaced_declaration", start));
            }
            self.declaration(span)?;
            return Ok(end);
        }
        let name = name_length(text);
        let (target, data) = text.split_at_checked(name).unwrap_or_default();
        let is_separated = data.is_empty() || data.bytes().next().is_some_and(is_space);
        if name == 0 || !is_separated || target.eq_ignore_ascii_case("xml") {
            return Err(XmlError::rule("malformed_instruction", start));
        }
        if name > self.limits.name_bytes_max {
            return Err(XmlError::limit("xml_limit_name", content.start));
        }
        self.push(Kind::Instruction, (span, content), false)?;
        self.spoil();
        Ok(end)
    }

    /// Checks the XML declaration, productions \[23\] to \[26\], \[32\], \[80\] and \[81\]; it is no node.
    fn declaration(&self, span: Span) -> Result<(), XmlError> {
        let inside = inside(span, "<?xml", "?>");
        let text = self.document.text.get(..inside.end).unwrap_or_default();
        let mut cursor = Cursor { text, at: inside.start };
        let refused = XmlError::rule("malformed_declaration", span.start);
        let mut wanted = ["version", "encoding", "standalone"].as_slice();
        loop {
            let is_separated = cursor.skip_space();
            if cursor.is_done() {
                break;
            }
            let word = cursor.rest();
            let word = word.get(..name_length(word)).unwrap_or_default();
            let place = wanted.iter().position(|name| *name == word);
            let (Some(place), true) = (place, is_separated) else { return Err(refused) };
            // The version comes first and always.
            if wanted.len() == 3 && place != 0 {
                return Err(refused);
            }
            wanted = wanted.get(place + 1..).unwrap_or_default();
            cursor.at += word.len();
            cursor.equals().map_err(|_| refused)?;
            let value = cursor.value(self.limits).map_err(|_| refused)?;
            let at = value.start;
            self.declared(word, self.document.slice(value))
                .map_err(|reason| XmlError::rule(reason, at))?;
        }
        if wanted.len() == 3 { Err(refused) } else { Ok(()) }
    }

    fn declared(&self, word: &str, value: &str) -> Result<(), &'static str> {
        let is_utf8 = value.eq_ignore_ascii_case("utf-8");
        let is_ascii = value.eq_ignore_ascii_case("us-ascii") && self.document.text.is_ascii();
        match word {
            "version" if value == "1.0" => Ok(()),
            "version" => Err("version"),
            "encoding" if is_utf8 || is_ascii => Ok(()),
            "encoding" => Err("encoding"),
            _ if matches!(value, "yes" | "no") => Ok(()),
            _ => Err("malformed_declaration"),
        }
    }
}

/// The span without its marks.
fn inside(span: Span, before: &str, after: &str) -> Span {
    Span { start: span.start + before.len(), end: span.end.saturating_sub(after.len()) }
}
