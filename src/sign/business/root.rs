//! Where the signed document begins: the one child of `data`, `data` itself, or the text in it.

use crate::sign::{Reason, Refusal};
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::{Binding, Document, Element, Kind, Limits};

/// The root of a signed document, read as if nothing stood above it.
#[derive(Clone, Debug)]
pub struct Root<'d> {
    pub element: Element<'d>,
    /// It is the root of its document, so that what stands beside it is signed by `URI=""` too.
    pub is_document: bool,
    /// It is the channel's `data`, whose attributes are the channel's.
    pub is_data: bool,
    /// The bindings from above that a signer may have seen, one reading after the other. A document that
    /// was put into `data` as it was has its own; one that was cut out of a tree took all in scope along.
    pub surroundings: Vec<Vec<Binding<'d>>>,
}

impl<'d> Root<'d> {
    /// The root of a whole document.
    #[must_use]
    pub fn of_document(document: &'d Document<'d>) -> Self {
        let element = document.root();
        Self { element, is_document: true, is_data: false, surroundings: vec![Vec::new()] }
    }

    fn inside(element: Element<'d>, is_data: bool) -> Self {
        let above = element.parent().map(|parent| parent.namespaces_in_scope()).unwrap_or_default();
        let used = used_from_above(element, &above);
        let mut surroundings = vec![used];
        if surroundings.first().is_none_or(|used| used.len() != above.len()) {
            surroundings.push(above);
        }
        Self { element, is_document: false, is_data, surroundings }
    }
}

/// Looks at the signed document in `data`.
///
/// # Errors
/// `signature_missing` where there is no document at all, `document_ambiguous` where two readers could
/// find two, `signed_document_not_xml`; and what `look` says.
pub fn look<T>(
    data: Element<'_>,
    limits: &Limits,
    look: impl FnOnce(&Root<'_>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let at = data.span().start;
    let mut children = data.children();
    let first = children.next();
    let is_single = children.next().is_none();
    if let Some(first) = first {
        if has_text(data) {
            return Err(Reason::DocumentAmbiguous.at(at));
        }
        let is_signed = data.children().any(|child| child.is(DS, "Signature"));
        return match is_single && !is_signed {
            true => look(&Root::inside(first, false)),
            false => look(&Root::inside(data, true)),
        };
    }
    let text = data.text();
    let text = text.trim();
    if text.is_empty() {
        return Err(Reason::SignatureMissing.at(at));
    }
    // Text that is no document is no signed one either, whatever else it is.
    if !text.trim_start_matches('\u{feff}').starts_with('<') {
        return Err(Reason::SignatureMissing.at(at));
    }
    // A reader that stops at the first comment would find another document.
    if let Some(at) = split_at(data) {
        return Err(Reason::DocumentAmbiguous.at(at));
    }
    let document = Document::scan(text.as_bytes(), limits)
        .map_err(|error| Reason::SignedDocumentNotXml.at(error.at))?;
    look(&Root::of_document(&document))
}

/// Where a comment or an instruction stands in an element without children.
fn split_at(element: Element<'_>) -> Option<usize> {
    let document = element.document();
    let end = document.node(element.id()).map_or(0, |node| node.subtree_end as usize);
    let inside = document.nodes().get(element.id().index() + 1..end).unwrap_or_default();
    let is_other = |kind| matches!(kind, Kind::Comment | Kind::Instruction);
    inside.iter().find(|node| is_other(node.kind)).map(|node| node.span().start)
}

/// Whether an element has character data of its own that is no white space.
pub(super) fn has_text(element: Element<'_>) -> bool {
    let document = element.document();
    let end = document.node(element.id()).map_or(0, |node| node.subtree_end as usize);
    let mut index = element.id().index() + 1;
    while let Some(node) = document.nodes().get(index).filter(|_| index < end) {
        let is_text = match node.kind {
            Kind::Text => !document.node_text(node).bytes().all(|byte| byte.is_ascii_whitespace()),
            Kind::CData => true,
            _ => false,
        };
        if is_text {
            return true;
        }
        index = node.subtree_end as usize;
    }
    false
}

/// The bindings from above that names below use and nothing in between declares.
fn used_from_above<'d>(top: Element<'d>, above: &[Binding<'d>]) -> Vec<Binding<'d>> {
    let mut used: Vec<Binding<'d>> = Vec::new();
    if above.is_empty() {
        return used;
    }
    for element in top.descendants() {
        let attributes = element.attributes().map(|attribute| attribute.prefix);
        let prefixes = attributes.filter(|prefix| !prefix.is_empty());
        for prefix in std::iter::once(element.prefix()).chain(prefixes) {
            let is_known = used.iter().any(|binding| binding.prefix == prefix);
            let outer = above.iter().find(|binding| binding.prefix == prefix);
            if let Some(outer) = outer.filter(|_| !is_known)
                && !is_declared_within(element, top, prefix)
            {
                used.push(*outer);
            }
        }
    }
    used
}

fn is_declared_within(element: Element<'_>, top: Element<'_>, prefix: &str) -> bool {
    let mut at = Some(element);
    while let Some(here) = at {
        if here.declarations().any(|binding| binding.prefix == prefix) {
            return true;
        }
        at = here.parent().filter(|_| here != top);
    }
    false
}
