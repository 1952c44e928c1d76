//! Start and end tags in canonical form: which namespaces are rendered where, and attributes in order.

use super::{Method, Open, Writer};
use qaqpa_kit::same::same;
use qaqpa_kit::xml::{Attribute, Binding, Element, Node, Span};
use std::cmp::Ordering;

/// Namespace of `xml:lang`, `xml:space`, `xml:base` and `xml:id`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

impl<'d, S: FnMut(&[u8])> Writer<'d, '_, S> {
    pub(super) fn start_element(&mut self, element: Element<'d>, node: &Node) {
        let (name, shadowed_mark) = (element.name(), self.shadowed.len());
        let prefix = element.prefix();
        let tag = Span { start: node.span().start, end: node.content().start };
        // `<name>` declares nothing, and its parent's tag has rendered what the same prefix means.
        let is_bare = tag.end - tag.start == name.len() + 2;
        if is_bare && self.open.last().is_some_and(|parent| same(parent.prefix, prefix)) {
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
        let end_tag = Span { start: node.content().end, end: node.span().end };
        let subtree_end = node.subtree_end as usize;
        self.open.push(Open { name, prefix, end_tag, subtree_end, shadowed_mark });
    }

    /// Gathers what is rendered here, unless an output ancestor has rendered the same already:
    /// exclusive (§3) visibly utilized prefixes and listed ones, inclusive (§2.3) all in scope.
    fn collect_namespaces(&mut self, element: Element<'d>) {
        self.namespaces.clear();
        match self.options.method {
            Method::Inclusive | Method::Inclusive11 => self.collect_in_scope(element),
            Method::Exclusive => self.collect_utilized(element),
        }
        for binding in element.declarations().chain(self.namespaces.iter().copied()) {
            if is_relative(binding.uri) && self.report.formless_at.is_none() {
                self.report.formless_at = Some(element.span().start);
            }
        }
    }

    fn collect_utilized(&mut self, element: Element<'d>) {
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
    }

    /// Everything in scope at the apex; below it, what a declaration changes.
    fn collect_in_scope(&mut self, element: Element<'d>) {
        if !self.open.is_empty() {
            element.declarations().for_each(|binding| self.consider(binding));
            return;
        }
        let (top, above) = self
            .options
            .detached
            .map_or((None, &[][..]), |detached| (Some(detached.top), detached.above));
        let mut seen: Vec<&str> = Vec::new();
        let mut at = Some(element);
        while let Some(here) = at {
            for binding in here.declarations() {
                if !seen.contains(&binding.prefix) {
                    seen.push(binding.prefix);
                    self.consider(binding);
                }
            }
            if here != element {
                self.inherit_xml_attributes(here);
            }
            at = here.parent().filter(|_| Some(here.id()) != top);
        }
        for binding in above {
            if !seen.contains(&binding.prefix) {
                self.consider(*binding);
            }
        }
    }

    /// The apex of a subset takes the `xml:` attributes of what stands above it (Canonical XML §2.4);
    /// by version 1.1 no `xml:id`, and there is no form where an `xml:base` stands on another.
    fn inherit_xml_attributes(&mut self, above: Element<'d>) {
        let is_11 = self.options.method == Method::Inclusive11;
        for attribute in above.attributes().filter(|attribute| attribute.namespace == XML) {
            let is_own = |own: &Attribute<'_>| own.namespace == XML && own.local == attribute.local;
            let is_known = self.attributes.iter().any(is_own);
            if is_11 && is_known && attribute.local == "base" {
                self.report.formless_at.get_or_insert(above.span().start);
            }
            let stays_above = is_11 && attribute.local == "id";
            if !(is_known || stays_above) {
                self.attributes.push(attribute);
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
                if let Some(uri) = self.in_scope(element, prefix) {
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

    /// What a prefix means at an element, seen from within what is detached.
    fn in_scope(&self, element: Element<'d>, prefix: &str) -> Option<&'d str> {
        let Some(detached) = self.options.detached else { return element.resolve(prefix) };
        let mut at = Some(element);
        while let Some(here) = at {
            if let Some(found) = here.declarations().find(|binding| same(binding.prefix, prefix)) {
                return (!found.uri.is_empty()).then_some(found.uri);
            }
            at = here.parent().filter(|_| here.id() != detached.top);
        }
        detached
            .above
            .iter()
            .find(|binding| same(binding.prefix, prefix))
            .map(|binding| binding.uri)
    }

    fn consider(&mut self, binding: Binding<'d>) {
        let current = self.rendered.iter().find(|found| same(found.prefix, binding.prefix));
        let is_rendered = match current {
            Some(current) => same(current.uri, binding.uri),
            None => binding.uri.is_empty(),
        };
        let is_known = || self.namespaces.iter().any(|found| same(found.prefix, binding.prefix));
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

    pub(super) fn end_tag(&mut self, open: &Open<'d>) {
        // Anything but `</name>` is `<a/>` or has white space before `>`.
        if open.end_tag.end - open.end_tag.start == open.name.len() + 3 {
            self.output.copy(open.end_tag);
        } else {
            self.output.write(b"</");
            self.output.write(open.name.as_bytes());
            self.output.write(b">");
        }
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
