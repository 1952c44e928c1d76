//! A cursor on one element: names, attributes, children, text, and the namespaces in scope.

use super::document::{AttributeRow, ElementRow};
use super::namespaces::XML_URI;
use super::{Document, Node, NodeId, Span, decode_attribute};
use crate::same::same;
use std::borrow::Cow;

/// One attribute (never a namespace declaration).
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'d> {
    /// Prefix as written, empty for none.
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
    #[must_use]
    pub fn value(&self) -> Cow<'d, str> {
        decode_attribute(self.raw)
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

impl<'d> Element<'d> {
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.id
    }

    #[must_use]
    pub const fn document(&self) -> &'d Document<'d> {
        self.document
    }

    /// Prefix as written, empty for none.
    #[must_use]
    pub fn prefix(&self) -> &'d str {
        self.document.prefix(self.row().name)
    }

    /// Local name.
    #[must_use]
    pub fn local(&self) -> &'d str {
        self.document.local(self.row().name)
    }

    /// Qualified name as written.
    #[must_use]
    pub fn name(&self) -> &'d str {
        let name = self.row().name;
        self.document.range(name.start, name.end)
    }

    /// Namespace URI, empty for none.
    #[must_use]
    pub fn namespace(&self) -> &'d str {
        self.document.uri(self.row().uri)
    }

    /// Whether it has this expanded name.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        same(self.local(), local) && same(self.namespace(), namespace)
    }

    /// From `<` of the start tag to the byte after `>` of the end tag.
    #[must_use]
    pub fn span(&self) -> Span {
        self.node().map_or(Span::default(), Node::span)
    }

    /// The start tag, `<` to `>` inclusive.
    #[must_use]
    pub fn start_tag(&self) -> Span {
        Span { start: self.span().start, end: self.content().start }
    }

    /// Between start tag and end tag; empty (at the end) for `<a/>`.
    #[must_use]
    pub fn content(&self) -> Span {
        self.node().map_or(Span::default(), Node::content)
    }

    /// The whole element as written.
    #[must_use]
    pub fn span_str(&self) -> &'d str {
        self.document.slice(self.span())
    }

    /// Its content as written.
    #[must_use]
    pub fn content_str(&self) -> &'d str {
        self.document.slice(self.content())
    }

    /// Whether it is written `<a/>`.
    #[must_use]
    pub fn is_self_closing(&self) -> bool {
        self.content().end == self.span().end
    }

    /// The element around it.
    #[must_use]
    pub fn parent(&self) -> Option<Element<'d>> {
        self.document.element(NodeId(self.row().parent))
    }

    /// Child elements in order.
    pub fn children(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        let document = self.document;
        let end = self.subtree_end();
        let mut next = self.id.0 + 1;
        std::iter::from_fn(move || {
            while next < end {
                let id = NodeId(next);
                next = document.node(id)?.subtree_end;
                if let Some(element) = document.element(id) {
                    return Some(element);
                }
            }
            None
        })
    }

    /// This element and all elements below it, in document order.
    pub fn descendants(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        let document = self.document;
        (self.id.0..self.subtree_end()).filter_map(move |id| document.element(NodeId(id)))
    }

    /// First child with this local name, whatever its namespace (inner ШЭП elements vary).
    #[must_use]
    pub fn child(&self, local: &str) -> Option<Element<'d>> {
        self.children().find(|child| same(child.local(), local))
    }

    /// First child with this expanded name.
    #[must_use]
    pub fn child_of(&self, namespace: &str, local: &str) -> Option<Element<'d>> {
        self.children().find(|child| child.is(namespace, local))
    }

    /// Attributes in the order written.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        let document = self.document;
        let rows = self.rows_of(&document.attributes, |row| row.attributes_start);
        rows.iter().map(move |row| attribute(document, row))
    }

    /// The attribute with this expanded name (namespace empty for none).
    #[must_use]
    pub fn attribute(&self, namespace: &str, local: &str) -> Option<Attribute<'d>> {
        let is_it =
            |found: &Attribute<'_>| same(found.local, local) && same(found.namespace, namespace);
        self.attributes().find(is_it)
    }

    /// Declarations written on this very element, in order.
    pub fn declarations(&self) -> impl Iterator<Item = Binding<'d>> + use<'d> {
        let document = self.document;
        let rows = self.rows_of(&document.declarations, |row| row.declarations_start);
        rows.iter().map(move |row| Binding {
            prefix: document.range(row.prefix_start, row.prefix_end),
            uri: document.uri(row.uri),
        })
    }

    /// Every binding in scope here, innermost wins, undeclared default left out, `xml` left out.
    #[must_use]
    pub fn namespaces_in_scope(&self) -> Vec<Binding<'d>> {
        let mut found: Vec<Binding<'d>> = Vec::new();
        for element in self.ancestors() {
            for binding in element.declarations() {
                if !found.iter().any(|inner| same(inner.prefix, binding.prefix)) {
                    found.push(binding);
                }
            }
        }
        found.retain(|binding| !binding.uri.is_empty() && binding.prefix != "xml");
        found
    }

    /// The URI that this prefix (empty: default) is bound to here.
    #[must_use]
    pub fn resolve(&self, prefix: &str) -> Option<&'d str> {
        if prefix == "xml" {
            return Some(XML_URI);
        }
        let mut declared = self.ancestors().flat_map(|element| element.declarations());
        let binding = declared.find(|binding| same(binding.prefix, prefix))?;
        (!binding.uri.is_empty()).then_some(binding.uri)
    }

    /// This element, the one around it, and so on to the root.
    fn ancestors(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        std::iter::successors(Some(*self), Element::parent)
    }

    pub(super) fn nodes_below(&self) -> &'d [Node] {
        let range = self.id.index() + 1..self.subtree_end() as usize;
        self.document.nodes().get(range).unwrap_or_default()
    }

    fn node(&self) -> Option<&'d Node> {
        self.document.node(self.id)
    }

    pub(super) fn subtree_end(&self) -> u32 {
        self.node().map_or(0, |node| node.subtree_end)
    }

    pub(super) fn row(&self) -> ElementRow {
        self.document.elements.get(self.index()).copied().unwrap_or_default()
    }

    /// Where it stands in the table of elements.
    pub(super) fn index(&self) -> usize {
        self.node().map_or(0, |node| node.element as usize)
    }
}

pub(super) fn attribute<'d>(document: &'d Document<'d>, row: &AttributeRow) -> Attribute<'d> {
    Attribute {
        prefix: document.prefix(row.name),
        local: document.local(row.name),
        namespace: document.uri(row.uri),
        raw: document.range(row.value_start, row.value_end),
        span: Span { start: row.name.start as usize, end: row.value_end as usize + 1 },
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && std::ptr::eq(self.document, other.document)
    }
}

impl Eq for Element<'_> {}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    fn scan(source: &str) -> Document<'_> {
        Document::scan(source.as_bytes(), &Limits::default()).unwrap()
    }

    fn binding<'d>(prefix: &'d str, uri: &'d str) -> Binding<'d> {
        Binding { prefix, uri }
    }

    #[test]
    fn names_are_told_apart_by_prefix_local_and_namespace() {
        let document = scan("<p:a xmlns:p='u&amp;' xmlns='v' b='1' p:b='2'><c/></p:a>");
        let root = document.root();
        assert_eq!((root.prefix(), root.local(), root.name()), ("p", "a", "p:a"));
        assert!(root.is("u&", "a") && !root.is("v", "a"));
        assert!(root.child_of("v", "c").is_some() && root.child_of("", "c").is_none());
        assert_eq!(root.attribute("", "b").unwrap().raw, "1");
        assert_eq!(root.attribute("u&", "b").unwrap().raw, "2");
        assert!(root.attribute("v", "b").is_none(), "the default namespace is not an attribute's");
        let declared: Vec<_> = root.declarations().collect();
        assert_eq!(declared, [binding("p", "u&"), binding("", "v")]);
    }

    #[test]
    fn tags_and_contents_are_where_they_were_written() {
        let document = scan("<!--x--><a b='>' >1<c/><d></d ></a>");
        let root = document.root();
        assert_eq!(document.slice(root.start_tag()), "<a b='>' >");
        assert_eq!(root.content_str(), "1<c/><d></d >");
        let [c, d] = root.children().collect::<Vec<_>>()[..] else { panic!("two children") };
        assert_eq!((c.span_str(), c.content_str(), c.is_self_closing()), ("<c/>", "", true));
        assert_eq!((d.span_str(), d.content_str(), d.is_self_closing()), ("<d></d >", "", false));
        assert_eq!(document.slice(d.start_tag()), "<d>");
        assert_eq!(c.start_tag(), c.span());
    }

    #[test]
    fn relatives_are_found_in_document_order() {
        let document = scan("<a><b><c/>x</b><!----><b><d/></b></a>");
        let locals = |found: Vec<Element<'_>>| found.iter().map(Element::local).collect::<String>();
        assert_eq!(locals(document.root().children().collect()), "bb");
        assert_eq!(locals(document.root().descendants().collect()), "abcbd");
        let first = document.root().child("b").unwrap();
        assert_eq!(locals(first.descendants().collect()), "bc");
        assert_eq!(first.parent(), Some(document.root()));
        assert!(document.root().child("d").is_none(), "only a grandchild");
    }

    #[test]
    fn the_innermost_binding_counts() {
        let document =
            scan("<a xmlns='u' xmlns:p='1' xmlns:q='2'><b xmlns:p='3' xmlns=''><c/></b><p:d/></a>");
        let inner = document.root().child("b").unwrap().child("c").unwrap();
        let mut bindings = inner.namespaces_in_scope();
        bindings.sort_by_key(|found| found.prefix);
        assert_eq!(bindings, [binding("p", "3"), binding("q", "2")]);
        assert_eq!((inner.namespace(), inner.resolve("")), ("", None));
        assert_eq!((inner.resolve("p"), inner.resolve("r")), (Some("3"), None));
        assert_eq!(inner.resolve("xml"), Some(XML_URI));
        assert_eq!(document.root().child("d").unwrap().namespace(), "1");
    }

    #[test]
    fn plain_text_is_text_alone() {
        let text = |source: &str| {
            let document = scan(source);
            document.root().plain_text().map(Cow::into_owned).map_err(|e| (e.reason, e.at))
        };
        assert_eq!(text("<a/>"), Ok(String::new()));
        assert_eq!(text("<a> 1&amp;&#50;\r\n</a>"), Ok(" 1&2\n".to_owned()));
        assert_eq!(text("<a>8801<!-- --></a>"), Err(("comment_in_value", 7)));
        assert_eq!(text("<a><![CDATA[1]]></a>"), Err(("cdata_in_value", 3)));
        assert_eq!(text("<a>1<?p?></a>"), Err(("instruction_in_value", 4)));
        assert_eq!(text("<a>1<b/></a>"), Err(("element_in_value", 4)));
    }

    #[test]
    fn text_is_never_cut_at_a_comment() {
        let document = scan("<a>8801<!-- -->0130<?p?>&#48;<b>1<![CDATA[2&]]></b>3</a>");
        assert_eq!(document.root().text(), "88010130012&3");
    }
}
