//! The scan: one pass over the source that checks well-formedness and records every node.

use super::cursor::{Cursor, offset};
use super::document::{ElementRow, NO_PARENT, Node, XmlError};
use super::namespaces::Scope;
use super::rules::{forbidden_char, is_blank, is_space, name_length, reference};
use super::{Document, Kind, Limits, Span};
use quick_xml::errors::Error;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// An element whose end tag is still to come.
struct Open {
    node: u32,
    scope_mark: usize,
}

pub(super) struct Scanner<'s, 'l> {
    pub(super) document: Document<'s>,
    pub(super) limits: &'l Limits,
    pub(super) scope: Scope<'s>,
    /// Scratch of the check for duplicate attributes: URI, local name, offset.
    pub(super) attribute_order: Vec<(u32, &'s str, u32)>,
    open: Vec<Open>,
}

impl<'s> Document<'s> {
    /// Scans `source` once; a leading UTF-8 byte order mark is skipped.
    ///
    /// # Errors
    /// A broken rule or crossed cap, with its offset. What holds for the whole source (its size,
    /// its encoding, its characters) is looked at first.
    pub fn scan(source: &'s [u8], limits: &Limits) -> Result<Self, XmlError> {
        if u32::try_from(source.len()).is_err() {
            return Err(XmlError::limit("xml_limit_bytes", u32::MAX as usize));
        }
        // A NUL this early is UTF-16 or UTF-32 without its mark; with it, it is no UTF-8.
        if source.iter().take(4).any(|b| *b == 0) {
            return Err(XmlError::rule("encoding", 0));
        }
        let text = std::str::from_utf8(source)
            .map_err(|error| XmlError::rule("encoding", error.valid_up_to()))?;
        if let Some(at) = forbidden_char(text) {
            return Err(XmlError::rule("forbidden_character", at));
        }
        Scanner::new(text, limits).run()
    }
}

impl<'s, 'l> Scanner<'s, 'l> {
    fn new(text: &'s str, limits: &'l Limits) -> Self {
        // Enough for an ordinary message in one allocation each; large ones grow.
        let nodes = (text.len() / 24).clamp(4, 1024);
        let document = Document {
            text,
            nodes: Vec::with_capacity(nodes),
            elements: Vec::with_capacity(nodes / 2),
            attributes: Vec::with_capacity(nodes / 4),
            declarations: Vec::with_capacity(nodes / 8),
            uris: Scope::first_uris(),
            root: NO_PARENT,
        };
        let scope = Scope::default();
        Self { document, limits, scope, attribute_order: Vec::new(), open: Vec::new() }
    }

    fn run(mut self) -> Result<Document<'s>, XmlError> {
        let text = self.document.text;
        let mark_bytes = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        // The reader drops the byte order mark itself and counts offsets without it.
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        let mut start = mark_bytes;
        loop {
            if is_doctype(text, start) {
                return Err(XmlError::rule("doctype_forbidden", start));
            }
            let event = reader.read_event().map_err(|error| refusal(&error, start))?;
            let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let span = Span { start, end: end.saturating_add(mark_bytes) };
            match event {
                Event::Start(_) => self.start_element(span)?,
                Event::Empty(_) => self.empty_element(span)?,
                Event::End(_) => self.end_element(span)?,
                Event::Text(_) => self.text(span)?,
                Event::GeneralRef(_) => self.reference(span)?,
                Event::CData(_) => self.cdata(span)?,
                Event::Comment(_) => self.comment(span)?,
                Event::Decl(_) if start == mark_bytes => self.declaration(span)?,
                Event::Decl(_) => return Err(XmlError::rule("misplaced_declaration", start)),
                Event::PI(_) => self.instruction(span)?,
                Event::DocType(_) => return Err(XmlError::rule("doctype_forbidden", start)),
                Event::Eof => break,
            }
            start = span.end;
        }
        self.finish()
    }

    fn finish(self) -> Result<Document<'s>, XmlError> {
        if let Some(open) = self.open.last() {
            let at = self.document.nodes.get(open.node as usize).map_or(0, |node| node.span.start);
            return Err(XmlError::rule("unclosed_element", at));
        }
        if self.document.root == NO_PARENT {
            return Err(XmlError::rule("root_missing", self.document.text.len()));
        }
        Ok(self.document)
    }

    /// Node of the innermost open element.
    pub(super) fn parent(&self) -> u32 {
        self.open.last().map_or(NO_PARENT, |open| open.node)
    }

    fn start_element(&mut self, tag: Span) -> Result<(), XmlError> {
        let scope_mark = self.scope.mark();
        let inside = Span { start: tag.start + 1, end: tag.end.saturating_sub(1) };
        let node = self.element(tag, inside)?;
        self.open.push(Open { node, scope_mark });
        Ok(())
    }

    fn empty_element(&mut self, tag: Span) -> Result<(), XmlError> {
        let scope_mark = self.scope.mark();
        let inside = Span { start: tag.start + 1, end: tag.end.saturating_sub(2) };
        self.element(tag, inside)?;
        self.scope.close(scope_mark);
        Ok(())
    }

    /// Records an element as if it were empty; its end tag sets span and subtree anew.
    fn element(&mut self, tag: Span, inside: Span) -> Result<u32, XmlError> {
        let id = offset(self.document.nodes.len());
        if self.open.is_empty() {
            if self.document.root != NO_PARENT {
                return Err(XmlError::rule("content_outside_root", tag.start));
            }
            self.document.root = id;
        }
        if self.open.len() >= self.limits.depth_max {
            return Err(XmlError::limit("xml_limit_depth", tag.start));
        }
        let text = self.document.text.get(..inside.end).unwrap_or_default();
        let row = self.read_start_tag(Cursor { text, at: inside.start })?;
        self.push(Kind::Element, tag, Span { start: tag.end, end: tag.end })?;
        self.document.elements.push(row);
        Ok(id)
    }

    fn end_element(&mut self, tag: Span) -> Result<(), XmlError> {
        let refused = XmlError::rule("mismatched_tag", tag.start);
        let Some(Open { node, scope_mark }) = self.open.pop() else { return Err(refused) };
        let nodes_end = offset(self.document.nodes.len());
        let Some(element) = self.document.nodes.get_mut(node as usize) else { return Err(refused) };
        element.span.end = tag.end;
        element.content.end = tag.start;
        element.subtree_end = nodes_end;
        let row = self.document.elements.get(element.element as usize).copied();
        let ElementRow { name, .. } = row.unwrap_or_default();
        let inside = Span { start: tag.start + 2, end: tag.end.saturating_sub(1) };
        let rest =
            self.document.slice(inside).strip_prefix(self.document.range(name.start, name.end));
        if !rest.is_some_and(is_blank) {
            return Err(refused);
        }
        self.scope.close(scope_mark);
        Ok(())
    }

    fn text(&mut self, span: Span) -> Result<(), XmlError> {
        let text = self.document.slice(span);
        if self.open.is_empty() {
            let Some(at) = text.bytes().position(|b| !is_space(b)) else { return Ok(()) };
            return Err(XmlError::rule("content_outside_root", span.start + at));
        }
        if text.contains("]]>") {
            let at = text.find("]]>").unwrap_or_default();
            return Err(XmlError::rule("section_end_in_text", span.start + at));
        }
        self.push_text(span)
    }

    fn reference(&mut self, span: Span) -> Result<(), XmlError> {
        if self.open.is_empty() {
            return Err(XmlError::rule("content_outside_root", span.start));
        }
        reference(self.document.slice(span))
            .map_err(|reason| XmlError::rule(reason, span.start))?;
        self.push_text(span)
    }

    /// Records character data; text and references that touch are one node.
    fn push_text(&mut self, span: Span) -> Result<(), XmlError> {
        match self.document.nodes.last_mut() {
            Some(last) if last.kind == Kind::Text && last.span.end == span.start => {
                last.span.end = span.end;
                last.content.end = span.end;
                Ok(())
            }
            _ => self.push(Kind::Text, span, span),
        }
    }

    fn cdata(&mut self, span: Span) -> Result<(), XmlError> {
        if self.open.is_empty() {
            return Err(XmlError::rule("content_outside_root", span.start));
        }
        self.push(Kind::CData, span, inside(span, "<![CDATA[", "]]>"))
    }

    fn comment(&mut self, span: Span) -> Result<(), XmlError> {
        let content = inside(span, "<!--", "-->");
        let text = self.document.slice(content);
        if text.contains("--") || text.ends_with('-') {
            return Err(XmlError::rule("hyphens_in_comment", span.start));
        }
        self.push(Kind::Comment, span, content)
    }

    fn instruction(&mut self, span: Span) -> Result<(), XmlError> {
        let content = inside(span, "<?", "?>");
        let text = self.document.slice(content);
        let name = name_length(text);
        let (target, data) = text.split_at_checked(name).unwrap_or_default();
        let is_separated = data.is_empty() || data.bytes().next().is_some_and(is_space);
        if name == 0 || !is_separated || target.eq_ignore_ascii_case("xml") {
            return Err(XmlError::rule("malformed_instruction", span.start));
        }
        if name > self.limits.name_bytes_max {
            return Err(XmlError::limit("xml_limit_name", content.start));
        }
        self.push(Kind::Instruction, span, content)
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

    fn push(&mut self, kind: Kind, span: Span, content: Span) -> Result<(), XmlError> {
        if self.document.nodes.len() >= self.limits.nodes_max {
            return Err(XmlError::limit("xml_limit_nodes", span.start));
        }
        let subtree_end = offset(self.document.nodes.len() + 1);
        let element = offset(self.document.elements.len());
        self.document.nodes.push(Node { kind, span, content, subtree_end, element });
        Ok(())
    }
}

/// The span without its marks.
fn inside(span: Span, before: &str, after: &str) -> Span {
    Span { start: span.start + before.len(), end: span.end.saturating_sub(after.len()) }
}

/// Looked at before the reader sees it: nothing inside a document type is ever read.
fn is_doctype(text: &str, at: usize) -> bool {
    matches!(text.as_bytes().get(at..), Some([b'<', b'!', b'D' | b'd', ..]))
}

/// The reader's own complaints: a reference without its semicolon, else markup without its end.
fn refusal(error: &Error, at: usize) -> XmlError {
    let is_reference = matches!(error, Error::IllFormed(_));
    XmlError::rule(if is_reference { "malformed_reference" } else { "malformed_markup" }, at)
}
