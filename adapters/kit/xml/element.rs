//! A cursor on one element: names, attributes, children, text, and the namespaces in scope.

use super::{Document, NodeId, Span};
use std::borrow::Cow;

/// One attribute (never a namespace declaration).
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'d> {
    pub prefix: &'d str,
    pub local: &'d str,
    /// Namespace URI, empty for none.
    pub namespace: &'d str,
    /// Value as written, between its quotes; [`Attribute::value`] resolves it.
    pub raw: &'d str,
    /// From the first byte of the name to the byte after the closing quote.
    pub span: Span,
}

impl<'d> Attribute<'d> {
    /// The normalised value (XML 1.0 §3.3.3, CDATA type), references resolved.
    pub fn value(&self) -> Cow<'d, str> {
        todo!()
    }
}

/// One namespace declaration (`xmlns` or `xmlns:prefix`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'d> {
    /// Empty for the default namespace.
    pub prefix: &'d str,
    /// The URI, resolved; empty undeclares the default namespace.
    pub uri: &'d str,
}

/// Why an element has no plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextError {
    /// `element_in_value`, `comment_in_value`, `instruction_in_value` or `cdata_in_value`.
    pub reason: &'static str,
    pub at: usize,
}

/// A cursor on one element of a scanned document; two cursors are equal when they are the same node.
#[derive(Clone, Copy, Debug)]
pub struct Element<'d> {
    pub(crate) document: &'d Document<'d>,
    pub(crate) id: NodeId,
}

#[allow(unused_variables)]
impl<'d> Element<'d> {
    pub fn id(&self) -> NodeId {
        self.id
    }
    pub fn document(&self) -> &'d Document<'d> {
        self.document
    }
    /// Prefix as written, empty for none.
    pub fn prefix(&self) -> &'d str {
        todo!()
    }
    pub fn local(&self) -> &'d str {
        todo!()
    }
    /// Namespace URI, empty for none.
    pub fn namespace(&self) -> &'d str {
        todo!()
    }
    /// Whether it has this expanded name.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        todo!()
    }
    /// From `<` of the start tag to the byte after `>` of the end tag.
    pub fn span(&self) -> Span {
        todo!()
    }
    /// The start tag, `<` to `>` inclusive.
    pub fn start_tag(&self) -> Span {
        todo!()
    }
    /// Between start tag and end tag; empty (at the end) for `<a/>`.
    pub fn content(&self) -> Span {
        todo!()
    }
    /// Whether it is written `<a/>`.
    pub fn is_self_closing(&self) -> bool {
        todo!()
    }
    pub fn parent(&self) -> Option<Element<'d>> {
        todo!()
    }
    /// Child elements in order.
    pub fn children(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        std::iter::empty()
    }
    /// This element and all elements below it, in document order.
    pub fn descendants(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        std::iter::empty()
    }
    /// First child with this local name, whatever its namespace (inner ШЭП elements vary).
    pub fn child(&self, local: &str) -> Option<Element<'d>> {
        todo!()
    }
    /// First child with this expanded name.
    pub fn child_of(&self, namespace: &str, local: &str) -> Option<Element<'d>> {
        todo!()
    }
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        std::iter::empty()
    }
    /// The attribute with this expanded name (namespace empty for none).
    pub fn attribute(&self, namespace: &str, local: &str) -> Option<Attribute<'d>> {
        todo!()
    }
    /// Declarations written on this very element, in order.
    pub fn declarations(&self) -> impl Iterator<Item = Binding<'d>> + use<'d> {
        std::iter::empty()
    }
    /// Every binding in scope here, innermost wins, undeclared default left out, `xml` left out.
    pub fn namespaces_in_scope(&self) -> Vec<Binding<'d>> {
        todo!()
    }
    /// The URI that this prefix (empty: default) is bound to here.
    pub fn resolve(&self, prefix: &str) -> Option<&'d str> {
        todo!()
    }
    /// Its text, references resolved and line ends normalised; refuses any other node inside.
    ///
    /// # Errors
    /// An element, comment, instruction or CDATA section inside it.
    pub fn plain_text(&self) -> Result<Cow<'d, str>, TextError> {
        todo!()
    }
    /// All character data below it, CDATA included, comments and instructions left out.
    pub fn text(&self) -> Cow<'d, str> {
        todo!()
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && std::ptr::eq(self.document, other.document)
    }
}
