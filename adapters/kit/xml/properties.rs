//! Random documents scan to exactly what was written, and random bytes never break the scanner.

use super::{Document, Kind, Limits, Span};
use proptest::prelude::*;
use proptest::sample::select;

/// A piece of a random document.
#[derive(Clone, Debug)]
enum Piece {
    Leaf(Kind, String),
    Element { name: &'static str, attributes: Vec<(String, String)>, children: Vec<Piece> },
}

/// What the scan is expected to record of one node, in document order.
#[derive(Debug, PartialEq)]
struct Expected {
    kind: Kind,
    span: Span,
    content: Span,
    subtree_end: u32,
}

fn leaf() -> impl Strategy<Value = Piece> {
    let text =
        select(&["a", "қақпа \u{10348}", "&amp;", "&#x49B;", "]] ", " \r\n\t", ">", "'\""][..]);
    let section = select(&["", "<b>&", "]] >", "қ", "\r\n"][..]);
    let comment = select(&["", " - ", "<b>&amp;", "қ"][..]);
    let instruction = select(&["p", "p ", "p a=b?", "қ > <"][..]);
    prop_oneof![
        prop::collection::vec(text, 1..4).prop_map(|runs| Piece::Leaf(Kind::Text, runs.concat())),
        section.prop_map(|text| Piece::Leaf(Kind::CData, text.to_owned())),
        comment.prop_map(|text| Piece::Leaf(Kind::Comment, text.to_owned())),
        instruction.prop_map(|text| Piece::Leaf(Kind::Instruction, text.to_owned())),
    ]
}

fn element(children: impl Strategy<Value = Vec<Piece>>) -> impl Strategy<Value = Piece> {
    let names = select(&["a", "p:a", "q:қ", "_-.1"][..]);
    let attributes =
        prop::collection::btree_map("(p:|q:|xml:)?[a-c]", "([a-cқ>' \n]|&lt;){0,5}", 0..4)
            .prop_map(|map| map.into_iter().collect());
    (names, attributes, children).prop_map(|(name, attributes, children)| Piece::Element {
        name,
        attributes,
        children,
    })
}

fn root() -> impl Strategy<Value = Piece> {
    let tree = prop_oneof![leaf(), element(Just(Vec::new()))]
        .prop_recursive(5, 64, 6, |inner| element(prop::collection::vec(inner, 0..6)));
    element(prop::collection::vec(tree, 0..6))
}

/// Writes a piece and notes what it should scan to.
fn write(piece: &Piece, is_root: bool, out: &mut String, nodes: &mut Vec<Expected>) {
    let start = out.len();
    let index = nodes.len();
    let none = Span::default();
    match piece {
        Piece::Leaf(kind, text) => {
            let (before, after) = match kind {
                Kind::CData => ("<![CDATA[", "]]>"),
                Kind::Comment => ("<!--", "-->"),
                Kind::Instruction => ("<?", "?>"),
                Kind::Text | Kind::Element => ("", ""),
            };
            out.push_str(&format!("{before}{text}{after}"));
            let span = Span { start, end: out.len() };
            let last = nodes.last_mut().filter(|last| {
                *kind == Kind::Text && last.kind == Kind::Text && last.span.end == start
            });
            if let Some(last) = last {
                (last.span.end, last.content.end) = (span.end, span.end);
                return;
            }
            let content = Span { start: start + before.len(), end: out.len() - after.len() };
            let subtree_end = u32::try_from(index + 1).unwrap();
            nodes.push(Expected { kind: *kind, span, content, subtree_end });
        }
        Piece::Element { name, attributes, children } => {
            nodes.push(Expected { kind: Kind::Element, span: none, content: none, subtree_end: 0 });
            out.push_str(&format!("<{name}"));
            if is_root {
                out.push_str(" xmlns:p='urn:p' xmlns='' xmlns:q=\"urn:q\"");
            }
            for (name, value) in attributes {
                out.push_str(&format!("\n{name} = \"{value}\""));
            }
            let is_self_closing = children.is_empty() && attributes.len() % 2 == 0;
            out.push_str(if is_self_closing { "/>" } else { ">" });
            let mut content = Span { start: out.len(), end: out.len() };
            if !is_self_closing {
                children.iter().for_each(|child| write(child, false, out, nodes));
                content.end = out.len();
                out.push_str(&format!("</{name} >"));
            }
            let span = Span { start, end: out.len() };
            let subtree_end = u32::try_from(nodes.len()).unwrap();
            nodes[index] = Expected { kind: Kind::Element, span, content, subtree_end };
        }
    }
}

fn written(root: &Piece) -> (String, Vec<Expected>) {
    let (mut out, mut nodes) = (String::from("\u{FEFF}<?xml version='1.0'?>\n"), Vec::new());
    write(&Piece::Leaf(Kind::Comment, " prolog ".to_owned()), false, &mut out, &mut nodes);
    out.push('\n');
    write(root, true, &mut out, &mut nodes);
    (out, nodes)
}

proptest! {
    #[test]
    fn a_document_scans_to_exactly_the_nodes_it_was_written_from(root in root()) {
        let (source, expected) = written(&root);
        let document = Document::scan(source.as_bytes(), &Limits::default()).unwrap();
        let found: Vec<_> = document.nodes().iter().map(|node| Expected {
            kind: node.kind,
            span: node.span(),
            content: node.content(),
            subtree_end: node.subtree_end,
        }).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn every_attribute_lies_where_its_span_says(root in root()) {
        let (source, _) = written(&root);
        let document = Document::scan(source.as_bytes(), &Limits::default()).unwrap();
        for element in document.root().descendants() {
            for attribute in element.attributes() {
                let name = match attribute.prefix {
                    "" => attribute.local.to_owned(),
                    prefix => format!("{prefix}:{}", attribute.local),
                };
                let text = format!("{name} = \"{}\"", attribute.raw);
                prop_assert_eq!(document.slice(attribute.span), text);
                let namespace = match attribute.prefix {
                    "" => "",
                    "xml" => "http://www.w3.org/XML/1998/namespace",
                    "p" => "urn:p",
                    _ => "urn:q",
                };
                prop_assert_eq!(attribute.namespace, namespace);
                prop_assert!(element.start_tag().start < attribute.span.start);
                prop_assert!(attribute.span.end < element.start_tag().end);
            }
        }
    }

    #[test]
    fn mutated_documents_are_refused_inside_the_source_or_scan_to_nested_nodes(
        root in root(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut source = written(&root).0.into_bytes();
        for (place, byte, edit) in edits {
            let at = place.index(source.len().max(1));
            let mark = b"<>&;'\"/?!-:= "[usize::from(byte) % 13];
            match edit {
                0 if at < source.len() => source[at] = byte,
                1 if at < source.len() => source[at] = mark,
                2 if at < source.len() => drop(source.remove(at)),
                _ => source.insert(at, mark),
            }
        }
        check(&source)?;
    }

    #[test]
    fn random_marks_are_refused_inside_the_source_or_scan_to_nested_nodes(
        marks in prop::collection::vec(select(&MARKS[..]), 0..40),
    ) {
        check(marks.concat().as_bytes())?;
    }

    #[test]
    fn random_bytes_never_break_the_scan(source in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&source)?;
    }
}

const MARKS: [&str; 24] = [
    "<",
    ">",
    "/",
    "</",
    "/>",
    "<a>",
    "</a>",
    "<a ",
    "=",
    "'",
    "\"",
    "b",
    " ",
    "&",
    ";",
    "#",
    "<!",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "xmlns:",
];

/// Scans, and holds what a reader of the result relies on.
fn check(source: &[u8]) -> Result<(), TestCaseError> {
    let document = match Document::scan(source, &Limits::default()) {
        Ok(document) => document,
        Err(error) => {
            prop_assert!(error.at <= source.len(), "{error:?}");
            return Ok(());
        }
    };
    for (index, node) in document.nodes().iter().enumerate() {
        prop_assert!(
            node.span().start <= node.content().start && node.content().end <= node.span().end
        );
        prop_assert!(source.get(node.content().start..node.content().end).is_some());
        prop_assert_eq!(document.node_text(node).len(), node.content().end - node.content().start);
        prop_assert!((node.subtree_end as usize) > index);
        for below in &document.nodes()[index + 1..node.subtree_end as usize] {
            prop_assert!(below.span().start >= node.content().start);
            prop_assert!(below.span().end <= node.content().end);
        }
    }
    prop_assert_eq!(document.root().parent(), None);
    for element in document.root().descendants() {
        for child in element.children() {
            prop_assert_eq!(child.parent(), Some(element));
        }
        element.attributes().for_each(|attribute| drop(attribute.value()));
        drop((element.text(), element.namespaces_in_scope()));
    }
    Ok(())
}
