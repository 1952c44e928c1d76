//! The scan: one pass over the source that cuts it into tags, texts and marks, checks well-formedness
//! and records every node.

use super::cursor::{Cursor, offset};
use super::document::{ElementRow, NO_PARENT, Node, XmlError};
use super::namespaces::Scope;
use super::rules::{forbidden_char, is_blank, is_space, name_length, reference};
use super::{Document, Kind, Limits, Span};
use memchr::{memchr, memchr_iter, memchr2, memchr3};

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
        let mut start = mark_bytes;
        while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
            start += match rest.as_bytes() {
                [b'<', mark @ (b'!' | b'?'), ..] => self.marked(rest, *mark, start, mark_bytes)?,
                [b'<', ..] => self.tag(rest, start)?,
                [b'&', ..] => self.reference(rest, start)?,
                bytes => self.text(rest, memchr2(b'<', b'&', bytes), start)?,
            };
        }
        self.finish()
    }

    /// Reads a start or end tag at the head of `rest`; its bytes.
    fn tag(&mut self, rest: &'s str, start: usize) -> Result<usize, XmlError> {
        let bytes = rest.as_bytes();
        let length = tag_length(bytes).ok_or(XmlError::rule("malformed_markup", start))?;
        let tag = Span { start, end: start + length };
        match bytes.get(..length) {
            Some([b'<', b'/', ..]) => self.end_element(tag)?,
            Some([.., b'/', b'>']) => self.empty_element(tag)?,
            _ => self.start_element(tag)?,
        }
        Ok(length)
    }

    /// Reads what `<!` or `<?` begins at the head of `rest`; its bytes.
    fn marked(
        &mut self,
        rest: &'s str,
        mark: u8,
        start: usize,
        mark_bytes: usize,
    ) -> Result<usize, XmlError> {
        let (before, after) = match rest.as_bytes() {
            _ if mark == b'?' => ("<?", "?>"),
            [_, _, b'-', b'-', ..] => ("<!--", "-->"),
            // Nothing inside a document type is ever read.
            [_, _, b'D' | b'd', ..] => return Err(XmlError::rule("doctype_forbidden", start)),
            _ => ("<![CDATA[", "]]>"),
        };
        let content = rest.strip_prefix(before).and_then(|rest| rest.find(after));
        let content = content.ok_or(XmlError::rule("malformed_markup", start))?;
        let length = before.len() + content + after.len();
        let span = Span { start, end: start + length };
        match before {
            "<?" if is_declaration(rest) && start == mark_bytes => self.declaration(span)?,
            "<?" if is_declaration(rest) => {
                return Err(XmlError::rule("misplaced_declaration", start));
            }
            "<?" => self.instruction(span)?,
            "<!--" => self.comment(span)?,
            _ => self.cdata(span)?,
        }
        Ok(length)
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

    /// Reads character data at the head of `rest`, which ends where markup begins; its bytes.
    fn text(
        &mut self,
        rest: &'s str,
        markup_at: Option<usize>,
        start: usize,
    ) -> Result<usize, XmlError> {
        let length = markup_at.unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        if self.open.is_empty() {
            let Some(at) = text.bytes().position(|b| !is_space(b)) else { return Ok(length) };
            return Err(XmlError::rule("content_outside_root", start + at));
        }
        let mut marks = memchr_iter(b']', text.as_bytes());
        if let Some(at) = marks.find(|at| text.get(*at..).is_some_and(|t| t.starts_with("]]>"))) {
            return Err(XmlError::rule("section_end_in_text", start + at));
        }
        self.push_text(Span { start, end: start + length })?;
        Ok(length)
    }

    /// Reads a reference at the head of `rest`; its bytes.
    fn reference(&mut self, rest: &'s str, start: usize) -> Result<usize, XmlError> {
        if self.open.is_empty() {
            return Err(XmlError::rule("content_outside_root", start));
        }
        let (_, length) = reference(rest).map_err(|reason| XmlError::rule(reason, start))?;
        self.push_text(Span { start, end: start + length })?;
        Ok(length)
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

/// Bytes of the tag at the start of `bytes`: up to the first `>` outside quotes; no tag ends within.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    if bytes.get(1) == Some(&b'/') {
        return memchr(b'>', bytes).map(|at| at + 1);
    }
    let mut at = 1;
    loop {
        at += memchr3(b'>', b'"', b'\'', bytes.get(at..)?)?;
        let quote = *bytes.get(at)?;
        at += 1;
        if quote == b'>' {
            return Some(at);
        }
        at += memchr(quote, bytes.get(at..)?)? + 1;
    }
}

/// Whether `<?` begins the XML declaration, and no instruction whose target begins with `xml`.
fn is_declaration(rest: &str) -> bool {
    let after = rest.strip_prefix("<?xml").and_then(|rest| rest.bytes().next());
    after.is_some_and(|byte| is_space(byte) || byte == b'?')
}
