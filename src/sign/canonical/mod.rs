//! Canonical XML, inclusive and exclusive, streamed from the node table straight into a digest.
//!
//! Source: W3C Recommendations Canonical XML 1.0 (15 March 2001) and 1.1 (2 May 2008), and Exclusive XML
//! Canonicalization 1.0 (18 July 2002). No tree is built and nothing recurses; what is canonical already
//! leaves as slices of the source.

mod content;
mod output;
mod tags;

use super::digest::{Digest, DigestAlgorithm};
use output::Output;
use qaqpa_kit::same::same;
use qaqpa_kit::xml::{Attribute, Binding, Document, Element, Kind, Node, NodeId, Span};

/// URI of exclusive canonicalization without comments.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// URI of exclusive canonicalization with comments.
pub const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
/// URI of inclusive canonicalization without comments.
pub const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// URI of inclusive canonicalization with comments.
pub const INCLUSIVE_WITH_COMMENTS: &str =
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
/// URI of inclusive canonicalization 1.1 without comments.
pub const INCLUSIVE_11: &str = "http://www.w3.org/2006/12/xml-c14n11";
/// URI of inclusive canonicalization 1.1 with comments.
pub const INCLUSIVE_11_WITH_COMMENTS: &str = "http://www.w3.org/2006/12/xml-c14n11#WithComments";

/// Which namespaces an element renders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Those that it visibly utilizes, and listed ones.
    #[default]
    Exclusive,
    /// All in scope; a subset's apex takes the `xml:` attributes above it too.
    Inclusive,
    /// The same by version 1.1: `xml:id` is not taken, and `xml:base` would have to be joined (§2.4).
    Inclusive11,
}

impl Method {
    /// The method of an algorithm's URI, and whether it keeps comments.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<(Self, bool)> {
        match uri {
            EXCLUSIVE => Some((Self::Exclusive, false)),
            EXCLUSIVE_WITH_COMMENTS => Some((Self::Exclusive, true)),
            INCLUSIVE => Some((Self::Inclusive, false)),
            INCLUSIVE_WITH_COMMENTS => Some((Self::Inclusive, true)),
            INCLUSIVE_11 => Some((Self::Inclusive11, false)),
            INCLUSIVE_11_WITH_COMMENTS => Some((Self::Inclusive11, true)),
            _ => None,
        }
    }
}

/// An element that is read as the root of a document of its own.
#[derive(Clone, Copy, Debug)]
pub struct Detached<'o> {
    pub top: NodeId,
    /// The bindings that it keeps of what was in scope above it.
    pub above: &'o [Binding<'o>],
}

/// What is canonicalized, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    pub method: Method,
    /// Comments are kept (`…xml-exc-c14n#WithComments`).
    pub with_comments: bool,
    /// `InclusiveNamespaces/@PrefixList` (exclusive only): rendered wherever in scope; empty for `#default`.
    pub inclusive_prefixes: &'o [&'o str],
    /// Subtrees that are left out.
    pub excluded: &'o [NodeId],
    /// Nothing above this element is looked at; `None`: the document's own root is the top.
    pub detached: Option<Detached<'o>>,
}

/// What the caller must know about a canonical form that was written in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Offset of an element that has no form: a relative namespace URI (Canonical XML §1.3), or, by
    /// version 1.1, two `xml:base` to be joined, which nobody needs and nobody does alike.
    pub formless_at: Option<usize>,
}

/// Writes the canonical form of one element and all below it.
pub fn element(apex: Element<'_>, options: &Options<'_>, sink: &mut impl FnMut(&[u8])) -> Report {
    Writer::new(apex.document(), options, sink).element(apex)
}

/// The digest of an element's canonical form.
///
/// # Errors
/// The offset of what has no form ([`Report::formless_at`]).
pub fn digest(
    apex: Element<'_>,
    options: &Options<'_>,
    algorithm: DigestAlgorithm,
) -> Result<Digest, usize> {
    let mut hasher = algorithm.start();
    let report = element(apex, options, &mut |bytes| hasher.update(bytes));
    match report.formless_at {
        Some(at) => Err(at),
        None => Ok(hasher.finish()),
    }
}

/// The content of an element of another document, which stands in an element of this one that is empty here.
///
/// Every prefix that is bound around it there must mean the same here.
#[derive(Clone, Copy, Debug)]
pub struct Graft<'d> {
    pub at: NodeId,
    pub from: Element<'d>,
}

/// The digest of an element's exclusive canonical form, as if what is grafted stood in it.
///
/// # Errors
/// As [`digest`]; the offset may be one of the other document.
pub fn digest_with<'d>(
    apex: Element<'d>,
    graft: Option<Graft<'d>>,
    algorithm: DigestAlgorithm,
) -> Result<Digest, usize> {
    let (options, mut hasher) = (Options::default(), algorithm.start());
    let mut sink = |bytes: &[u8]| hasher.update(bytes);
    let mut writer = Writer::new(apex.document(), &options, &mut sink);
    writer.graft = graft;
    match writer.element(apex).formless_at {
        Some(at) => Err(at),
        None => Ok(hasher.finish()),
    }
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
    /// What is still to be grafted.
    graft: Option<Graft<'d>>,
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
            graft: None,
            open: Vec::with_capacity(16),
            rendered: Vec::with_capacity(16),
            shadowed: Vec::with_capacity(16),
            namespaces: Vec::new(),
            attributes: Vec::new(),
            report: Report::default(),
        }
    }

    fn element(mut self, apex: Element<'d>) -> Report {
        let start = apex.id().index();
        let end = apex.document().node(apex.id()).map_or(start, |node| node.subtree_end as usize);
        self.nodes(start, end);
        self.finish()
    }

    fn nodes(&mut self, start: usize, end: usize) {
        let (document, floor) = (self.document, self.open.len());
        let mut index = start;
        while index < end {
            self.close_until(index, floor);
            let Some(node) = document.nodes().get(index) else { break };
            if self.options.excluded.iter().any(|id| id.index() == index) {
                index = node.subtree_end as usize;
                continue;
            }
            match node.kind {
                Kind::Element => {
                    let Some(element) = document.element_at(index) else { break };
                    if node.is_plain && self.is_as_written(element, node) {
                        self.output.copy(node.span());
                        index = node.subtree_end as usize;
                        continue;
                    }
                    self.start_element(element, node);
                    if let Some(graft) = self.graft.take_if(|graft| graft.at == element.id()) {
                        self.content_of(graft.from);
                    }
                }
                Kind::Text if node.is_plain => self.output.copy(node.span()),
                Kind::Text => self.text(node.span()),
                Kind::CData => self.cdata(node),
                Kind::Comment => self.comment(node),
                Kind::Instruction => self.instruction(node),
            }
            index += 1;
        }
        self.close_until(usize::MAX, floor);
    }

    /// Whether a plain element is written as it stands: what its prefix means is rendered, nothing in it
    /// is left out, and nothing comes into it.
    fn is_as_written(&self, element: Element<'d>, node: &Node) -> bool {
        let below = element.id().index()..node.subtree_end as usize;
        let is_touched = |id: &NodeId| below.contains(&id.index());
        self.open.last().is_some_and(|around| same(around.prefix, element.prefix()))
            && !self.options.excluded.iter().any(is_touched)
            && !self.graft.is_some_and(|graft| is_touched(&graft.at))
    }

    /// Writes what stands in an element of another document.
    fn content_of(&mut self, element: Element<'d>) {
        let home = std::mem::replace(&mut self.document, element.document());
        self.output.turn_to(element.document());
        let start = element.id().index();
        let end = self.document.node(element.id()).map_or(start, |node| node.subtree_end as usize);
        self.nodes(start + 1, end);
        self.document = home;
        self.output.turn_to(home);
    }

    /// Ends those of the elements opened since `floor` that end before the node at `index`.
    fn close_until(&mut self, index: usize, floor: usize) {
        while self.open.len() > floor
            && let Some(open) = self.open.pop_if(|open| open.subtree_end <= index)
        {
            self.end_tag(&open);
            self.unrender(open.shadowed_mark);
        }
    }

    fn render(&mut self, binding: Binding<'d>) {
        let is_it = |(_, found): &(usize, &mut Binding<'d>)| same(found.prefix, binding.prefix);
        let shadowed = match self.rendered.iter_mut().enumerate().find(is_it) {
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

    fn finish(self) -> Report {
        self.output.finish();
        self.report
    }
}
