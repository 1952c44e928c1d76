//! The scan: one pass over the source that checks well-formedness and records every node.

use super::{Element, Limits};

/// Index of a node in its document; pre-order, the root element is not always 0 (prolog comes first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// Half-open range of bytes in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Element,
    /// A run of character data with its references, as written.
    Text,
    /// A CDATA section; the node's span covers its marks, [`Node::content`] does not.
    CData,
    Comment,
    /// A processing instruction (not the XML declaration).
    Instruction,
}

/// One node: what it is, where it lies, where its subtree ends.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub kind: Kind,
    /// From the first byte of its start mark to the byte after its end mark.
    pub span: Span,
    /// Between the marks: element content, comment text, CDATA text; equals `span` for text.
    pub content: Span,
    /// Index one past the last node of its subtree (for leaves: own index + 1).
    pub subtree_end: u32,
}

/// Why a document is refused, with the byte offset of the offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlError {
    /// Closed list, e.g. `doctype_forbidden`, `xml_limit_depth`, `undeclared_prefix`.
    pub reason: &'static str,
    pub at: usize,
    /// A cap was crossed (`caller.too_large`), not a rule broken (`caller.malformed`).
    pub is_limit: bool,
}

/// A scanned document over its untouched source.
#[derive(Debug)]
pub struct Document<'s> {
    pub(crate) source: &'s [u8],
}

impl<'s> Document<'s> {
    /// Scans `source` once; a leading UTF-8 byte order mark is skipped.
    ///
    /// # Errors
    /// The first broken rule or crossed cap, with its offset.
    pub fn scan(source: &'s [u8], limits: &Limits) -> Result<Self, XmlError> {
        let _ = (source, limits);
        todo!()
    }
    /// The bytes as they came.
    pub fn source(&self) -> &'s [u8] {
        self.source
    }
    /// The one root element.
    pub fn root(&self) -> Element<'_> {
        todo!()
    }
    /// All nodes in document order (pre-order), prolog and epilog included.
    pub fn nodes(&self) -> &[Node] {
        todo!()
    }
    /// The element at that index, if the node there is one.
    pub fn element(&self, id: NodeId) -> Option<Element<'_>> {
        let _ = id;
        todo!()
    }
}
