//! The scan: one pass over the source that checks well-formedness and records every node.

use super::cursor::offset;
use super::document::{NO_PARENT, Name, Node, XmlError};
use super::namespaces::Scope;
use super::rules::{forbidden_char, is_space, reference};
use super::{Document, Kind, Limits, Span, ends};
use crate::same::{same, same_bytes};
use memchr::{memchr, memchr_iter};

/// The tables begin no larger than for so many `<`.
const MARKS_MAX: usize = 1 << 16;
const BYTE_ORDER_MARK: &str = "\u{FEFF}";
/// References in text that are written so in canonical form too (Canonical XML §2.3).
const CANONICAL_REFERENCES: [&str; 4] = ["&lt;", "&gt;", "&amp;", "&#xD;"];

/// An element whose end tag is still to come.
struct Open {
    node: u32,
    name: Name,
    /// What the name's prefix means.
    uri: u32,
    scope_mark: usize,
    /// Its start tag is `<name>`.
    is_bare: bool,
    /// All that was found in it so far is plain, and elements there have its prefix.
    is_plain: bool,
}

pub(super) struct Scanner<'s, 'l> {
    pub(super) document: Document<'s>,
    pub(super) limits: &'l Limits,
    pub(super) scope: Scope<'s>,
    /// Scratch of the check for duplicate attributes: URI, local name, offset.
    pub(super) attribute_order: Vec<(u32, &'s str, u32)>,
    open: Vec<Open>,
    /// There is a carriage return somewhere, so each text is looked through for one.
    has_returns: bool,
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
        // Enough in one allocation each, as most are written: two marks an element, and a text between any
        // two that do not touch. A source of marks alone is refused before it fills as much.
        let marks = memchr_iter(b'<', text.as_bytes()).count().clamp(4, MARKS_MAX);
        let texts = marks.saturating_sub(ends::touching(text.as_bytes()));
        let document = Document {
            text,
            nodes: Vec::with_capacity(marks / 2 + texts + 4),
            elements: Vec::with_capacity(marks / 2 + 4),
            attributes: Vec::with_capacity(marks / 8 + 8),
            declarations: Vec::with_capacity(8),
            uris: Scope::first_uris(),
            root: NO_PARENT,
        };
        let open = Vec::with_capacity(16);
        let has_returns = memchr(b'\r', text.as_bytes()).is_some();
        let (scope, attribute_order) = (Scope::new(), Vec::new());
        Self { document, limits, scope, attribute_order, open, has_returns }
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
            let at =
                self.document.nodes.get(open.node as usize).map_or(0, |node| node.span().start);
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

    /// What a prefix means in the innermost open element, where that is the element's own prefix.
    #[inline]
    pub(super) fn uri_around(&self, prefix: &str) -> Option<u32> {
        let around = self.open.last()?;
        same(around.name.prefix(self.document.text), prefix).then_some(around.uri)
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
            self.spoil();
        } else {
            let row = self.document.elements.last().map(|row| (row.name, row.uri));
            let (name, uri) = row.unwrap_or_default();
            let is_bare = end - start == (name.end - name.start) as usize + "<>".len();
            self.open.push(Open { node, name, uri, scope_mark, is_bare, is_plain: true });
        }
        Ok(end)
    }

    /// What was found is not plain, so nothing around it is.
    #[inline]
    pub(super) fn spoil(&mut self) {
        if let Some(around) = self.open.last_mut() {
            around.is_plain = false;
        }
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
        let Some(open) = self.open.pop() else { return Ok(end) };
        let name_bytes = (open.name.end - open.name.start) as usize;
        let is_plain = open.is_plain && open.is_bare && end - start == name_bytes + "</>".len();
        if let Some(element) = self.document.nodes.get_mut(open.node as usize) {
            element.end = offset(end);
            element.content_end = offset(start);
            element.subtree_end = nodes_end;
            element.is_plain = is_plain;
        }
        if let Some(around) = self.open.last_mut()
            && around.is_plain
        {
            let text = self.document.text;
            around.is_plain = is_plain && same(around.name.prefix(text), open.name.prefix(text));
        }
        self.scope.close(open.scope_mark);
        Ok(end)
    }

    /// End of the end tag with its name at that offset, if it is that of the innermost element.
    #[inline]
    fn matching_end(&self, name_at: usize) -> Option<usize> {
        let Name { start, end, .. } = self.open.last()?.name;
        let bytes = self.bytes();
        let name = bytes.get(start as usize..end as usize)?;
        let mut at = name_at + name.len();
        if !same_bytes(bytes.get(name_at..at)?, name) {
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
        let (end, is_plain) = ends::text(self.bytes(), start)
            .map_err(|at| XmlError::rule("section_end_in_text", at))?;
        let is_plain = is_plain
            && !(self.has_returns
                && self.bytes().get(start..end).is_some_and(|text| memchr(b'\r', text).is_some()));
        self.push_text(Span { start, end }, is_plain)
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
        let span = Span { start, end: start + used };
        let is_plain = CANONICAL_REFERENCES.contains(&self.document.slice(span));
        self.push_text(span, is_plain)
    }

    /// Records character data; text and references that touch are one node.
    #[inline]
    fn push_text(&mut self, span: Span, is_plain: bool) -> Result<usize, XmlError> {
        match self.document.nodes.last_mut() {
            Some(last) if last.kind == Kind::Text && last.end == offset(span.start) => {
                last.end = offset(span.end);
                last.content_end = last.end;
                last.is_plain &= is_plain;
            }
            _ => self.push(Kind::Text, (span, span), is_plain)?,
        }
        if !is_plain {
            self.spoil();
        }
        Ok(span.end)
    }

    #[inline]
    pub(super) fn push(
        &mut self,
        kind: Kind,
        (span, content): (Span, Span),
        is_plain: bool,
    ) -> Result<(), XmlError> {
        if self.document.nodes.len() >= self.limits.nodes_max {
            return Err(XmlError::limit("xml_limit_nodes", span.start));
        }
        let subtree_end = offset(self.document.nodes.len() + 1);
        let element = offset(self.document.elements.len());
        self.document.nodes.push(Node {
            start: offset(span.start),
            end: offset(span.end),
            content_start: offset(content.start),
            content_end: offset(content.end),
            subtree_end,
            element,
            kind,
            is_plain,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the element `x` of a document is plain.
    fn is_plain(source: &str) -> bool {
        let document = Document::scan(source.as_bytes(), &Limits::default()).expect(source);
        let x = document.root().descendants().find(|element| element.local() == "x");
        document.node(x.expect(source).id()).expect("a node").is_plain
    }

    #[test]
    fn the_tables_fit_a_document_however_it_is_laid_out() {
        for element in
            ["<b>1</b>", "\n  <b>1</b>", "\n  <b><c>1</c>\n</b>", "<b>&lt;</b>", "<b></b>"]
        {
            let source = format!("<a>{}</a>", element.repeat(1000));
            let document = Document::scan(source.as_bytes(), &Limits::default()).expect(element);
            let spare = |capacity: usize, length: usize| capacity - length;
            let spare_nodes = spare(document.nodes.capacity(), document.nodes.len());
            let spare_elements = spare(document.elements.capacity(), document.elements.len());
            assert!(spare_nodes <= 8 && spare_elements <= 8, "{element}");
        }
    }

    #[test]
    fn what_canonical_xml_writes_as_it_stands_is_plain() {
        for source in [
            "<x></x>",
            "<x>a]] 'қ\"\n\t&lt;&gt;&amp;&#xD;</x>",
            "<x><a>1</a>\n <b><c></c></b></x>",
            "<a b='1'>\r&#13;<x>1</x><?p?></a>",
            "<p:a xmlns:p='u'><x>1</x></p:a>",
            "<a xmlns:p='u'><p:x><p:a></p:a></p:x></a>",
        ] {
            assert!(is_plain(source), "{source}");
        }
    }

    #[test]
    fn what_canonical_xml_may_write_otherwise_is_not_plain() {
        for inside in [
            "a > b",
            "a\r\n",
            "&#13;",
            "&#xd;",
            "&quot;",
            "&#65;",
            "&gt;&apos;",
            "<![CDATA[a]]>",
            "<!---->",
            "<?p?>",
            "<a/>",
            "<a ></a>",
            "<a></a >",
            "<a b=\"1\"></a>",
            "<a xmlns=\"u\"></a>",
            "<p:a></p:a>",
            "<a><b>&gt;&#62;</b></a>",
        ] {
            let before = format!("<r xmlns:p='u'><a>1</a><x><a>1</a>{inside}</x></r>");
            let after = format!("<r xmlns:p='u'><x>{inside}<a>1</a></x></r>");
            assert!(!is_plain(&before) && !is_plain(&after), "{inside}");
        }
        for source in ["<x/>", "<x ></x>", "<x></x >", "<x a='1'></x>", "<x xmlns='u'></x>"] {
            assert!(!is_plain(source), "{source}");
        }
    }
}
