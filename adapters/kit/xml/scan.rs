//! The scan: one pass over the source that checks well-formedness and records every node.

use super::cursor::offset;
use super::document::{NO_PARENT, Name, Node, XmlError};
use super::namespaces::Scope;
use super::rules::{forbidden_char, is_space, reference};
use super::{Document, Kind, Limits, Span, ends};

const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// An element whose end tag is still to come.
struct Open {
    node: u32,
    name: Name,
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
        let nodes = (text.len() / 16).clamp(4, 2048);
        let document = Document {
            text,
            nodes: Vec::with_capacity(nodes),
            elements: Vec::with_capacity(nodes * 5 / 8),
            attributes: Vec::with_capacity(nodes / 4),
            declarations: Vec::with_capacity(nodes / 8),
            uris: Scope::first_uris(),
            root: NO_PARENT,
        };
        let open = Vec::with_capacity(16);
        Self { document, limits, scope: Scope::new(), attribute_order: Vec::new(), open }
    }

    /// Each step reads what begins at an offset and returns the offset after it.
    fn run(mut self) -> Result<Document<'s>, XmlError> {
        let text = self.document.text;
        let first = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut at = first;
        while let Some(rest) = self.bytes().get(at..).filter(|rest| !rest.is_empty()) {
            at = match rest {
                [b'<', b'/', ..] => self.end_tag(at)?,
                [b'<', b'?', ..] => self.instruction(at, at == first)?,
                // Nothing inside a document type is ever read.
                [b'<', b'!', b'D' | b'd', ..] => {
                    return Err(XmlError::rule("doctype_forbidden", at));
                }
                [b'<', b'!', b'-', b'-', ..] => self.comment(at)?,
                [b'<', b'!', rest @ ..] if rest.starts_with(b"[CDATA[") => self.section(at)?,
                [b'<', b'!', ..] => return Err(XmlError::rule("malformed_markup", at)),
                [b'<', ..] => self.start_tag(at)?,
                [b'&', ..] => self.reference(at)?,
                _ => self.text(at)?,
            };
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

    pub(super) const fn bytes(&self) -> &'s [u8] {
        self.document.text.as_bytes()
    }

    /// Node of the innermost open element.
    #[inline]
    pub(super) fn parent(&self) -> u32 {
        self.open.last().map_or(NO_PARENT, |open| open.node)
    }

    pub(super) fn is_outside_root(&self) -> bool {
        self.open.is_empty()
    }

    /// A tag without end is refused for that, whatever else is wrong with it.
    #[cold]
    fn refuse_tag(&self, start: usize, error: XmlError) -> XmlError {
        match ends::tag(self.bytes(), start) {
            Some(_) => error,
            None => XmlError::rule("malformed_markup", start),
        }
    }

    fn start_tag(&mut self, start: usize) -> Result<usize, XmlError> {
        let scope_mark = self.scope.mark();
        let node = offset(self.document.nodes.len());
        let read = self.may_begin(start, node).and_then(|()| self.read_start_tag(start));
        let (end, is_empty) = read.map_err(|error| self.refuse_tag(start, error))?;
        if is_empty {
            self.scope.close(scope_mark);
        } else {
            let name = self.document.elements.last().map_or(Name::default(), |row| row.name);
            self.open.push(Open { node, name, scope_mark });
        }
        Ok(end)
    }

    #[inline]
    fn may_begin(&mut self, start: usize, node: u32) -> Result<(), XmlError> {
        if self.open.is_empty() {
            if self.document.root != NO_PARENT {
                return Err(XmlError::rule("content_outside_root", start));
            }
            self.document.root = node;
        }
        if self.open.len() >= self.limits.depth_max {
            return Err(XmlError::limit("xml_limit_depth", start));
        }
        Ok(())
    }

    fn end_tag(&mut self, start: usize) -> Result<usize, XmlError> {
        let Some(end) = self.matching_end(start + 2) else {
            return Err(self.refuse_tag(start, XmlError::rule("mismatched_tag", start)));
        };
        let nodes_end = offset(self.document.nodes.len());
        let Some(Open { node, scope_mark, .. }) = self.open.pop() else { return Ok(end) };
        if let Some(element) = self.document.nodes.get_mut(node as usize) {
            element.span.end = end;
            element.content.end = start;
            element.subtree_end = nodes_end;
        }
        self.scope.close(scope_mark);
        Ok(end)
    }

    /// End of the end tag with its name at that offset, if it is that of the innermost element.
    #[inline]
    fn matching_end(&self, name_at: usize) -> Option<usize> {
        let Name { start, end, .. } = self.open.last()?.name;
        let bytes = self.bytes();
        let name = bytes.get(start as usize..end as usize)?;
        let mut at = name_at + name.len();
        if bytes.get(name_at..at)? != name {
            return None;
        }
        while bytes.get(at).copied().is_some_and(is_space) {
            at += 1;
        }
        (bytes.get(at) == Some(&b'>')).then_some(at + 1)
    }

    fn text(&mut self, start: usize) -> Result<usize, XmlError> {
        if self.open.is_empty() {
            return self.space(start);
        }
        let end = ends::text(self.bytes(), start)
            .map_err(|at| XmlError::rule("section_end_in_text", at))?;
        self.push_text(Span { start, end })
    }

    /// White space outside the root is no node.
    fn space(&self, start: usize) -> Result<usize, XmlError> {
        let rest = self.bytes().get(start..).unwrap_or_default();
        let end = start + rest.iter().take_while(|b| is_space(**b)).count();
        match self.bytes().get(end) {
            None | Some(b'<' | b'&') => Ok(end),
            Some(_) => Err(XmlError::rule("content_outside_root", end)),
        }
    }

    fn reference(&mut self, start: usize) -> Result<usize, XmlError> {
        if self.open.is_empty() {
            let is_closed = ends::is_reference_closed(self.bytes(), start);
            let reason = if is_closed { "content_outside_root" } else { "malformed_reference" };
            return Err(XmlError::rule(reason, start));
        }
        let (_, used) = reference(self.document.text.get(start..).unwrap_or_default())
            .map_err(|reason| XmlError::rule(reason, start))?;
        self.push_text(Span { start, end: start + used })
    }

    /// Records character data; text and references that touch are one node.
    #[inline]
    fn push_text(&mut self, span: Span) -> Result<usize, XmlError> {
        match self.document.nodes.last_mut() {
            Some(last) if last.kind == Kind::Text && last.span.end == span.start => {
                last.span.end = span.end;
                last.content.end = span.end;
            }
            _ => self.push(Kind::Text, span, span)?,
        }
        Ok(span.end)
    }

    #[inline]
    pub(super) fn push(&mut self, kind: Kind, span: Span, content: Span) -> Result<(), XmlError> {
        if self.document.nodes.len() >= self.limits.nodes_max {
            return Err(XmlError::limit("xml_limit_nodes", span.start));
        }
        let subtree_end = offset(self.document.nodes.len() + 1);
        let element = offset(self.document.elements.len());
        self.document.nodes.push(Node { kind, span, content, subtree_end, element });
        Ok(())
    }
}
