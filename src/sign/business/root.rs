//! Where the signed document begins: the one child of `data`, `data` itself, or the text in it.

use crate::sign::{Reason, Refusal};
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::{Binding, Document, Element, Kind, Limits};
use std::collections::HashMap;

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

/// Of each prefix from above that no name has used yet: its binding, and how many open elements hide it.
type Unused<'d> = HashMap<&'d str, (Binding<'d>, usize)>;

/// The bindings from above that names below use and nothing in between declares.
///
/// Declarations are counted as elements open and end: if each name asked all elements around it, a caller
/// could multiply names by declarations.
fn used_from_above<'d>(top: Element<'d>, above: &[Binding<'d>]) -> Vec<Binding<'d>> {
    let mut used = Vec::new();
    let mut unused: Unused<'d> =
        above.iter().map(|binding| (binding.prefix, (*binding, 0))).collect();
    let mut open: Vec<Element<'d>> = Vec::new();
    for element in top.descendants() {
        if unused.is_empty() {
            break;
        }
        while let Some(ended) = open.pop_if(|open| open.span().end <= element.span().start) {
            for binding in ended.declarations() {
                if let Some((_, hiding)) = find(&mut unused, binding.prefix) {
                    *hiding -= 1;
                }
            }
        }
        for binding in element.declarations() {
            if let Some((_, hiding)) = find(&mut unused, binding.prefix) {
                *hiding += 1;
            }
        }
        open.push(element);
        let attributes = element.attributes().map(|attribute| attribute.prefix);
        let prefixes = attributes.filter(|prefix| !prefix.is_empty());
        for prefix in std::iter::once(element.prefix()).chain(prefixes) {
            if let Some((binding, 0)) = find(&mut unused, prefix) {
                used.push(*binding);
                unused.remove(prefix);
            }
        }
    }
    used
}

fn find<'u, 'd>(unused: &'u mut Unused<'d>, prefix: &str) -> Option<&'u mut (Binding<'d>, usize)> {
    #[cfg(test)]
    tests::looked_up();
    unused.get_mut(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::HashSet;

    thread_local! {
        static LOOKED_UP: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts how often a prefix was looked for.
    pub(super) fn looked_up() {
        LOOKED_UP.with(|sum| sum.set(sum.get() + 1));
    }

    /// What is read of the first child of the document's root.
    fn of_child(source: &str, read: impl Fn(Element<'_>, &[Binding<'_>]) -> String) -> String {
        let document = Document::scan(source.as_bytes(), &Limits::default()).expect(source);
        let top = document.root().children().next().expect(source);
        read(top, &document.root().namespaces_in_scope())
    }

    fn in_one_walk(source: &str) -> String {
        of_child(source, |top, above| format!("{:?}", used_from_above(top, above)))
    }

    /// The same word by word: every name asks all elements around it.
    fn by_definition(source: &str) -> String {
        of_child(source, |top, above| {
            let mut used: Vec<Binding<'_>> = Vec::new();
            for element in top.descendants() {
                let around = std::iter::successors(Some(element), |one| {
                    one.parent().filter(|_| *one != top)
                });
                let declared: Vec<&str> =
                    around.flat_map(|one| one.declarations()).map(|one| one.prefix).collect();
                let attributes = element.attributes().map(|attribute| attribute.prefix);
                let prefixes = attributes.filter(|prefix| !prefix.is_empty());
                for prefix in std::iter::once(element.prefix()).chain(prefixes) {
                    let outer = above.iter().find(|one| one.prefix == prefix);
                    if let Some(outer) = outer.filter(|one| !used.contains(one))
                        && !declared.contains(&prefix)
                    {
                        used.push(*outer);
                    }
                }
            }
            format!("{used:?}")
        })
    }

    #[test]
    fn what_is_used_from_above_is_what_nothing_in_between_declares() {
        let tags = [
            "x",
            "x xmlns='4'",
            "x xmlns=''",
            "x p:a='' q:a=''",
            "x xmlns:q='6' q:a=''",
            "p:x",
            "p:x xmlns:p='5'",
            "q:x xmlns:p='5' xmlns=''",
        ];
        let name = |tag: &'static str| tag.split(' ').next().expect("a name");
        let mut sources = Vec::new();
        for one in tags {
            for (two, three) in tags.into_iter().flat_map(|two| tags.map(|three| (two, three))) {
                let (end, inner_end) = (name(one), name(two));
                sources.push(format!("<{one}><{two}/><{three}/></{end}>"));
                sources.push(format!("<{one}><{two}><{three}/></{inner_end}><x q:b=''/></{end}>"));
            }
        }
        let mut kinds = HashSet::new();
        for source in sources {
            let source = format!("<d xmlns='1' xmlns:p='2' xmlns:q='3'>{source}<p:x/></d>");
            let used = in_one_walk(&source);
            assert_eq!(used, by_definition(&source), "{source}");
            kinds.insert(used);
        }
        assert!(kinds.len() > 10, "{kinds:?}");
    }

    #[test]
    fn prefixes_are_looked_for_less_often_than_there_are_bytes_however_deep_names_stand() {
        let mut declarations = String::new();
        for prefix in ('a'..='z').chain('A'..='Z').filter(|prefix| *prefix != 's') {
            declarations.push_str(&format!(" xmlns:{prefix}='v'"));
        }
        let attributes: String = (0..60).map(|index| format!(" s:a{index}=''")).collect();
        let leaves = format!("<x{attributes}/>").repeat(200);
        for depth in [0, 1, 56] {
            let (start, end) = (format!("<y{declarations}>").repeat(depth), "</y>".repeat(depth));
            let source = format!("<d xmlns:s='v'><r xmlns:s='u'>{start}{leaves}{end}</r></d>");
            LOOKED_UP.with(|sum| sum.set(0));
            assert_eq!(in_one_walk(&source), "[]");
            let looked_up = LOOKED_UP.with(Cell::get);
            assert!(looked_up < source.len(), "{depth}: {looked_up} of {}", source.len());
        }
    }
}
