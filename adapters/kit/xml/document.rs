//! The scanned document: flat tables of nodes, elements, attributes and declarations over the source.

use super::Element;
use std::borrow::Cow;

/// Index of a node in its document; pre-order, the root element is not always 0 (prolog comes first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The index into [`Document::nodes`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Half-open range of bytes in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Element,
    /// A run of character data with its references, as written; two never stand side by side.
    Text,
    /// A CDATA section; the node's span covers its marks, `content` does not.
    CData,
    Comment,
    /// A processing instruction (not the XML declaration).
    Instruction,
}

/// One node: what it is, where it lies, where its subtree ends. Offsets and counts are `u32`: a source
/// is below 4 GiB, and a call that waits to be opened holds a node for every twenty bytes of it.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) content_start: u32,
    pub(super) content_end: u32,
    /// Index one past the last node of its subtree (for leaves: own index + 1).
    pub subtree_end: u32,
    /// Index into the table of elements; meaningless for other kinds.
    pub(super) element: u32,
    pub kind: Kind,
    /// Every canonical form writes it, and all below it, as it stands here, where an element around it
    /// has rendered what its prefix means. A text alone and an element of texts and such elements can
    /// be so, of one prefix and without attributes.
    pub is_plain: bool,
}

impl Node {
    /// From the first byte of its start mark to the byte after its end mark.
    #[inline]
    #[must_use]
    pub const fn span(&self) -> Span {
        Span { start: self.start as usize, end: self.end as usize }
    }

    /// Between the marks: element content, comment text, CDATA text, target and data of an
    /// instruction; equals the span for text.
    #[inline]
    #[must_use]
    pub const fn content(&self) -> Span {
        Span { start: self.content_start as usize, end: self.content_end as usize }
    }
}

/// Why a document is refused, with the byte offset of the offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlError {
    /// Of the whole source: `encoding` (UTF-8 alone is read), `forbidden_character`,
    /// `doctype_forbidden`, `version`, `malformed_declaration`, `misplaced_declaration`.
    /// Of its structure: `root_missing`, `content_outside_root`, `unclosed_element`,
    /// `mismatched_tag`, `malformed_markup`. Of a tag: `malformed_name`, `malformed_attribute`,
    /// `less_than_in_value`, `duplicate_attribute`, `undeclared_prefix`, `reserved_namespace`,
    /// `empty_namespace`. Of content: `malformed_reference`, `unknown_entity`,
    /// `section_end_in_text`, `hyphens_in_comment`, `malformed_instruction`. And the caps of
    /// [`Limits`](super::Limits), with `xml_limit_bytes` for a source of 4 GiB.
    pub reason: &'static str,
    pub at: usize,
    /// A cap was crossed (`caller.too_large`), not a rule broken (`caller.malformed`).
    pub is_limit: bool,
}

impl XmlError {
    pub(super) const fn rule(reason: &'static str, at: usize) -> Self {
        Self { reason, at, is_limit: false }
    }

    pub(super) const fn limit(reason: &'static str, at: usize) -> Self {
        Self { reason, at, is_limit: true }
    }
}

/// What an element has beyond its node. Offsets and counts are `u32`: a source is below 4 GiB.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ElementRow {
    /// Parent's node, [`NO_PARENT`] for the root.
    pub parent: u32,
    pub name: Name,
    /// Index into [`Document::uris`].
    pub uri: u32,
    /// Its attributes and declarations end where those of the element after it begin.
    pub attributes_start: u32,
    pub declarations_start: u32,
}

pub(super) const NO_PARENT: u32 = u32::MAX;

/// A qualified name in the source: `prefix_bytes` is 0 for none, else the colon follows the prefix.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Name {
    pub start: u32,
    pub prefix_bytes: u32,
    pub end: u32,
}

impl Name {
    #[inline]
    pub(super) fn prefix(self, source: &str) -> &str {
        if self.prefix_bytes == 0 {
            return "";
        }
        let end = self.start.saturating_add(self.prefix_bytes);
        source.get(self.start as usize..end as usize).unwrap_or_default()
    }

    #[inline]
    pub(super) fn local(self, source: &str) -> &str {
        let colon = u32::from(self.prefix_bytes > 0);
        let start = self.start.saturating_add(self.prefix_bytes).saturating_add(colon);
        source.get(start as usize..self.end as usize).unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AttributeRow {
    pub name: Name,
    pub uri: u32,
    pub value_start: u32,
    pub value_end: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct DeclarationRow {
    pub prefix_start: u32,
    pub prefix_end: u32,
    pub uri: u32,
}

/// A scanned document over its untouched source.
#[derive(Debug)]
pub struct Document<'s> {
    /// The whole source, byte order mark included, so that its offsets are the caller's offsets.
    pub(super) text: &'s str,
    pub(super) nodes: Vec<Node>,
    pub(super) elements: Vec<ElementRow>,
    pub(super) attributes: Vec<AttributeRow>,
    pub(super) declarations: Vec<DeclarationRow>,
    /// Namespace URIs; 0 is none, 1 is that of `xml`.
    pub(super) uris: Vec<Cow<'s, str>>,
    pub(super) root: u32,
}

impl<'s> Document<'s> {
    /// The bytes as they came.
    #[must_use]
    pub const fn source(&self) -> &'s [u8] {
        self.text.as_bytes()
    }

    /// The one root element.
    #[must_use]
    pub const fn root(&self) -> Element<'_> {
        Element { document: self, id: NodeId(self.root) }
    }

    /// All nodes in document order (pre-order), prolog and epilog included; white space outside
    /// the root is no node.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node at that index.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// The element at that index, if the node there is one.
    #[must_use]
    pub fn element(&self, id: NodeId) -> Option<Element<'_>> {
        let node = self.node(id)?;
        (node.kind == Kind::Element).then_some(Element { document: self, id })
    }

    /// The element whose node stands at that index of [`Document::nodes`].
    #[must_use]
    pub fn element_at(&self, index: usize) -> Option<Element<'_>> {
        self.element(NodeId(u32::try_from(index).ok()?))
    }

    /// The source between two offsets that the scan recorded; empty for any other pair.
    #[must_use]
    pub fn slice(&self, span: Span) -> &'s str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// A node's content as written: raw character data of a text, the inside of a CDATA section …
    #[must_use]
    pub fn node_text(&self, node: &Node) -> &'s str {
        self.slice(node.content())
    }

    /// Target and data of a processing instruction, the white space between them left out.
    #[must_use]
    pub fn instruction(&self, node: &Node) -> Option<(&'s str, &'s str)> {
        if node.kind != Kind::Instruction {
            return None;
        }
        let content = self.node_text(node);
        let is_space = |c| matches!(c, ' ' | '\t' | '\n' | '\r');
        let (target, data) = content.split_once(is_space).unwrap_or((content, ""));
        Some((target, data.trim_start_matches(is_space)))
    }

    pub(super) fn prefix(&self, name: Name) -> &'s str {
        name.prefix(self.text)
    }

    pub(super) fn local(&self, name: Name) -> &'s str {
        name.local(self.text)
    }

    pub(super) fn uri(&self, uri: u32) -> &str {
        self.uris.get(uri as usize).map_or("", |uri| uri)
    }

    pub(super) fn range(&self, start: u32, end: u32) -> &'s str {
        self.slice(Span { start: start as usize, end: end as usize })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    #[test]
    fn a_document_may_be_shared_among_threads_and_outlive_nothing_but_its_source() {
        fn shared<T: Send + Sync>(_: &T) {}
        fn shortened<'short>(document: Document<'static>, _: &'short str) -> Document<'short> {
            document
        }
        let document = Document::scan(b"<a>b</a>", &Limits::default()).unwrap();
        shared(&document);
        let short = String::new();
        assert_eq!(shortened(document, &short).source(), b"<a>b</a>");
    }

    #[test]
    fn a_call_that_waits_holds_56_bytes_an_element_and_28_a_text() {
        assert_eq!((size_of::<Node>(), size_of::<ElementRow>()), (28, 28));
    }

    #[test]
    fn an_instruction_has_a_target_and_data() {
        let source = b"<a>x<?p?><?p \t?><?p  d d ?></a>";
        let document = Document::scan(source, &Limits::default()).unwrap();
        let found: Vec<_> = document.nodes().iter().map(|n| document.instruction(n)).collect();
        assert_eq!(found, [None, None, Some(("p", "")), Some(("p", "")), Some(("p", "d d "))]);
    }

    #[test]
    fn a_span_that_is_none_of_its_own_yields_nothing() {
        let document = Document::scan("<a>қ</a>".as_bytes(), &Limits::default()).unwrap();
        for (start, end) in [(0, 4), (4, 5), (5, 4), (0, 100)] {
            assert_eq!(document.slice(Span { start, end }), "");
        }
        assert!(document.element_at(1).is_none() && document.element_at(2).is_none());
    }
}
