//! Exclusive XML Canonicalization 1.0, streamed from the node table straight into a digest.
//!
//! Source: W3C Recommendation of 18 July 2002, over Canonical XML 1.0 (15 March 2001). No tree is
//! built and nothing recurses; what is canonical already leaves as slices of the source.

mod output;

use memchr::{memchr3, memchr3_iter};
use output::Output;
use qaqpa_kit::xml::{
    Attribute, Binding, Document, Element, Kind, Node, NodeId, Span, decode_lines, decode_text,
};
use std::cmp::Ordering;

/// URI of exclusive canonicalization without comments.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// What is canonicalized, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    /// Comments are kept (`…xml-exc-c14n#WithComments`).
    pub with_comments: bool,
    /// `InclusiveNamespaces/@PrefixList`: rendered wherever in scope; empty for `#default`.
    pub inclusive_prefixes: &'o [&'o str],
    /// Subtrees that are left out.
    pub excluded: &'o [NodeId],
}

/// What the caller must know about a canonical form that was written in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Offset of an element with a relative namespace URI: Canonical XML §1.3 gives no form for it.
    pub relative_namespace_at: Option<usize>,
}

/// Writes the canonical form of one element and all below it.
pub fn element(apex: Element<'_>, options: &Options<'_>, sink: &mut impl FnMut(&[u8])) -> Report {
    let mut writer = Writer::new(apex.document(), options, sink);
    let start = apex.id().index();
    let end = apex.document().node(apex.id()).map_or(start, |node| node.subtree_end as usize);
    writer.nodes(start, end);
    writer.finish()
}

/// Writes an element's canonical form, some subtrees left out, for comparing content: relative
/// namespaces are as good as others here.
pub fn exclusive_without(apex: Element<'_>, excluded: &[NodeId], sink: &mut impl FnMut(&[u8])) {
    element(apex, &Options { excluded, ..Options::default() }, sink);
}

/// Writes the canonical form of a whole document.
pub fn document(
    document: &Document<'_>,
    options: &Options<'_>,
    sink: &mut impl FnMut(&[u8]),
) -> Report {
    let mut writer = Writer::new(document, options, sink);
    let root = document.root().id().index();
    let end = document.node(document.root().id()).map_or(root, |node| node.subtree_end as usize);
    for node in document.nodes().get(..root).unwrap_or_default() {
        writer.outside(node, false);
    }
    writer.nodes(root, end);
    for node in document.nodes().get(end..).unwrap_or_default() {
        writer.outside(node, true);
    }
    writer.finish()
}

/// An element whose end tag is still to be written.
struct Open<'d> {
    name: &'d str,
    prefix: &'d str,
    /// Where it is written; empty for `<a/>`.
    end_tag: Span,
    subtree_end: usize,
    shadowed_mark: usize,
}

struct Writer<'d, 'k, S> {
    document: &'d Document<'d>,
    options: &'d Options<'d>,
    output: Output<'d, 'k, S>,
    open: Vec<Open<'d>>,
    /// What each prefix is rendered as here: one entry a prefix, because every element looks here.
    rendered: Vec<Binding<'d>>,
    /// What the open elements' own namespaces took the place of: where in `rendered`, and the URI.
    shadowed: Vec<(usize, Option<&'d str>)>,
    namespaces: Vec<Binding<'d>>,
    attributes: Vec<Attribute<'d>>,
    report: Report,
}

impl<'d, 'k, S: FnMut(&[u8])> Writer<'d, 'k, S> {
    fn new(document: &'d Document<'d>, options: &'d Options<'d>, sink: &'k mut S) -> Self {
        Self {
            document,
            options,
            output: Output::new(document, sink),
            open: Vec::with_capacity(16),
            rendered: Vec::with_capacity(16),
            shadowed: Vec::with_capacity(16),
            namespaces: Vec::new(),
            attributes: Vec::new(),
            report: Report::default(),
        }
    }

    fn nodes(&mut self, start: usize, end: usize) {
        let document = self.document;
        let mut index = start;
        while index < end {
            self.close_until(index);
            let Some(node) = document.nodes().get(index) else { break };
            if self.options.excluded.iter().any(|id| id.index() == index) {
                index = node.subtree_end as usize;
                continue;
            }
            match node.kind {
                Kind::Element => {
                    if let Some(element) = document.element_at(index) {
                        self.start_element(element, node);
                    }
                }
                Kind::Text => self.text(node.span),
                Kind::CData => self.cdata(node),
                Kind::Comment => self.comment(node),
                Kind::Instruction => self.instruction(node),
            }
            index += 1;
        }
        self.close_until(usize::MAX);
    }

    fn close_until(&mut self, index: usize) {
        while let Some(open) = self.open.pop_if(|open| open.subtree_end <= index) {
            self.end_tag(&open);
            self.unrender(open.shadowed_mark);
        }
    }

    fn render(&mut self, binding: Binding<'d>) {
        let same = |(_, found): &(usize, &mut Binding<'d>)| found.prefix == binding.prefix;
        let shadowed = match self.rendered.iter_mut().enumerate().find(same) {
            Some((place, found)) => (place, Some(std::mem::replace(found, binding).uri)),
            None => {
                self.rendered.push(binding);
                (self.rendered.len() - 1, None)
            }
        };
        self.shadowed.push(shadowed);
    }

    /// Undoes what was rendered since the mark, last first.
    fn unrender(&mut self, shadowed_mark: usize) {
        for (place, uri) in self.shadowed.drain(shadowed_mark..).rev() {
            match (self.rendered.get_mut(place), uri) {
                (Some(found), Some(uri)) => found.uri = uri,
                _ => self.rendered.truncate(place),
            }
        }
    }

    /// A comment or instruction before or after the root stands on its own line.
    fn outside(&mut self, node: &Node, is_after: bool) {
        if node.kind == Kind::Comment && !self.options.with_comments {
            return;
        }
        if is_after {
            self.output.write(b"\n");
        }
        match node.kind {
            Kind::Comment => self.comment(node),
            _ => self.instruction(node),
        }
        if !is_after {
            self.output.write(b"\n");
        }
    }

    fn start_element(&mut self, element: Element<'d>, node: &Node) {
        let (name, shadowed_mark) = (element.name(), self.shadowed.len());
        let prefix = element.prefix();
        let tag = Span { start: node.span.start, end: node.content.start };
        // `<name>` declares nothing, and its parent's tag has rendered what the same prefix means.
        let is_bare = tag.end - tag.start == name.len() + 2;
        if is_bare && self.open.last().is_some_and(|parent| parent.prefix == prefix) {
            self.output.copy(tag);
        } else {
            self.attributes.clear();
            self.attributes.extend(element.attributes());
            self.collect_namespaces(element);
            self.output.copy(Span { start: tag.start, end: tag.start + 1 + name.len() });
            self.write_namespaces();
            self.write_attributes();
            // The last byte of every start tag is `>`, also of `<a/>`.
            self.output.copy(Span { start: tag.end.saturating_sub(1), end: tag.end });
        }
        let end_tag = Span { start: node.content.end, end: node.span.end };
        let subtree_end = node.subtree_end as usize;
        self.open.push(Open { name, prefix, end_tag, subtree_end, shadowed_mark });
    }

    /// Gathers what §3 renders here: visibly utilized prefixes and listed ones, unless an output
    /// ancestor has rendered the same already.
    fn collect_namespaces(&mut self, element: Element<'d>) {
        self.namespaces.clear();
        self.consider(Binding { prefix: element.prefix(), uri: element.namespace() });
        for index in 0..self.attributes.len() {
            if let Some(attribute) = self.attributes.get(index)
                && !attribute.prefix.is_empty()
            {
                let (prefix, uri) = (attribute.prefix, attribute.namespace);
                self.consider(Binding { prefix, uri });
            }
        }
        self.collect_listed(element);
        for binding in element.declarations().chain(self.namespaces.iter().copied()) {
            if is_relative(binding.uri) && self.report.relative_namespace_at.is_none() {
                self.report.relative_namespace_at = Some(element.span().start);
            }
        }
    }

    /// Listed prefixes follow the rules of Canonical XML: all in scope at the apex, and below it
    /// wherever a declaration changes one.
    fn collect_listed(&mut self, element: Element<'d>) {
        let listed = self.options.inclusive_prefixes;
        if listed.is_empty() {
            return;
        }
        if self.open.is_empty() {
            for prefix in listed {
                if let Some(uri) = element.resolve(prefix) {
                    self.consider(Binding { prefix, uri });
                }
            }
        } else {
            for binding in element.declarations() {
                if listed.contains(&binding.prefix) {
                    self.consider(binding);
                }
            }
        }
    }

    fn consider(&mut self, binding: Binding<'d>) {
        let current = self.rendered.iter().find(|found| found.prefix == binding.prefix);
        let is_rendered = match current {
            Some(current) => current.uri == binding.uri,
            None => binding.uri.is_empty(),
        };
        let is_known = || self.namespaces.iter().any(|found| found.prefix == binding.prefix);
        if !is_rendered && binding.prefix != "xml" && !is_known() {
            self.namespaces.push(binding);
        }
    }

    fn write_namespaces(&mut self) {
        if self.namespaces.is_empty() {
            return;
        }
        let mut namespaces = std::mem::take(&mut self.namespaces);
        namespaces.sort_unstable_by_key(|binding| binding.prefix);
        for binding in &namespaces {
            if binding.prefix.is_empty() {
                self.output.write(b" xmlns=\"");
            } else {
                self.output.write(b" xmlns:");
                self.output.write(binding.prefix.as_bytes());
                self.output.write(b"=\"");
            }
            self.output.escaped_attribute(binding.uri);
            self.output.write(b"\"");
        }
        for binding in &namespaces {
            self.render(*binding);
        }
        self.namespaces = namespaces;
    }

    /// Attributes by namespace URI, then local name (Canonical XML §2.2); none first.
    fn write_attributes(&mut self) {
        if self.attributes.is_empty() {
            return;
        }
        let mut attributes = std::mem::take(&mut self.attributes);
        attributes.sort_unstable_by(in_order);
        for attribute in &attributes {
            self.attribute(attribute);
        }
        self.attributes = attributes;
    }

    fn attribute(&mut self, attribute: &Attribute<'d>) {
        let colon = usize::from(!attribute.prefix.is_empty());
        let name_bytes = attribute.prefix.len() + colon + attribute.local.len();
        let name = Span { start: attribute.span.start, end: attribute.span.start + name_bytes };
        let is_plain =
            !attribute.raw.bytes().any(|byte| matches!(byte, b'&' | b'"' | b'\t' | b'\n' | b'\r'));
        let before = attribute.span.start.saturating_sub(1);
        let source = self.document.source();
        let is_canonical = is_plain
            && attribute.span.end - attribute.span.start == name_bytes + attribute.raw.len() + 3
            && source.get(before) == Some(&b' ')
            && source.get(attribute.span.end - 1) == Some(&b'"');
        if is_canonical {
            return self.output.copy(Span { start: before, end: attribute.span.end });
        }
        self.output.write(b" ");
        self.output.copy(name);
        self.output.write(b"=\"");
        self.output.escaped_attribute(&attribute.value());
        self.output.write(b"\"");
    }

    fn end_tag(&mut self, open: &Open<'d>) {
        // Anything but `</name>` is `<a/>` or has white space before `>`.
        if open.end_tag.end - open.end_tag.start == open.name.len() + 3 {
            self.output.copy(open.end_tag);
        } else {
            self.output.write(b"</");
            self.output.write(open.name.as_bytes());
            self.output.write(b">");
        }
    }

    fn text(&mut self, span: Span) {
        let raw = self.document.slice(span);
        let mut copied = 0;
        for at in memchr3_iter(b'&', b'>', b'\r', raw.as_bytes()) {
            let Some(special) = raw.get(at..) else { break };
            let canonical = ["&lt;", "&gt;", "&amp;", "&#xD;"];
            if at < copied || canonical.iter().any(|reference| special.starts_with(reference)) {
                continue;
            }
            let used = match special.as_bytes() {
                [b'&', ..] => special.find(';').map_or(1, |end| end + 1),
                [b'\r', b'\n', ..] => 2,
                _ => 1,
            };
            self.output.copy(Span { start: span.start + copied, end: span.start + at });
            self.output.escaped_text(&decode_text(special.get(..used).unwrap_or_default()));
            copied = at + used;
        }
        self.output.copy(Span { start: span.start + copied, end: span.end });
    }

    fn cdata(&mut self, node: &Node) {
        let raw = self.document.node_text(node);
        if memchr3(b'&', b'<', b'>', raw.as_bytes()).is_none() && !raw.contains('\r') {
            self.output.copy(node.content);
        } else {
            self.output.escaped_text(&decode_lines(raw));
        }
    }

    fn comment(&mut self, node: &Node) {
        if self.options.with_comments {
            self.output.write(b"<!--");
            self.output.write(decode_lines(self.document.node_text(node)).as_bytes());
            self.output.write(b"-->");
        }
    }

    fn instruction(&mut self, node: &Node) {
        let Some((target, data)) = self.document.instruction(node) else { return };
        self.output.write(b"<?");
        self.output.write(target.as_bytes());
        if !data.is_empty() {
            self.output.write(b" ");
            self.output.write(decode_lines(data).as_bytes());
        }
        self.output.write(b"?>");
    }

    fn finish(self) -> Report {
        self.output.finish();
        self.report
    }
}

/// Most attributes have no namespace. Asking that first matters: glibc's memcmp of nothing at the
/// dangling address of an empty literal takes a microcode assist, ten times the price of an answer.
fn in_order(left: &Attribute<'_>, right: &Attribute<'_>) -> Ordering {
    let by_namespace = match (left.namespace.is_empty(), right.namespace.is_empty()) {
        (false, false) => left.namespace.cmp(right.namespace),
        (left_is_empty, right_is_empty) => right_is_empty.cmp(&left_is_empty),
    };
    by_namespace.then_with(|| left.local.cmp(right.local))
}

/// A URI without a scheme (RFC 3986 §4.1); the empty one undeclares and is none.
fn is_relative(uri: &str) -> bool {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme =
        scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && scheme.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
    !uri.is_empty() && !is_scheme
}
