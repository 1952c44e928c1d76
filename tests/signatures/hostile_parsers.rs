//! What lax parsers let pass and strict ones do not, and bombs: each in data, in the head, and in what is signed.

use crate::signatures::corpus::{Case, case, case_of_bytes};
use crate::signatures::forge::{message, setting, sign, usual};

/// Where an offence is put: before this mark of a well-signed message.
const PLACES: [(&str, &str); 4] = [
    ("data", "<amount>"),
    ("head", "<messageId>"),
    ("header", "<wsse:Security "),
    ("SignedInfo", "<ds:SignatureMethod "),
];

/// A name, the reason, and what is put in.
fn offences() -> Vec<(&'static str, &'static str, String)> {
    let text = str::to_owned;
    let attributes: String = (0..65).map(|n| format!(" a{n}=''")).collect();
    let declarations: String = (0..65).map(|n| format!(" xmlns:a{n}='urn:a'")).collect();
    vec![
        ("W17 undeclared prefix", "undeclared_prefix", text("<q:a/>")),
        ("W17 undeclared prefix of an attribute", "undeclared_prefix", text("<a q:b=''/>")),
        ("W17 name of a digit", "malformed_name", text("<1a/>")),
        ("W17 two colons", "malformed_name", text("<soap:a:b/>")),
        ("W17 no space between attributes", "malformed_attribute", text("<a b='1'c='2'/>")),
        ("W17 no quotes", "malformed_attribute", text("<a b=1/>")),
        ("W17 less-than in a value", "less_than_in_value", text("<a b='<'/>")),
        ("W17 control character", "forbidden_character", text("<a>\u{1}</a>")),
        ("W17 control character by reference", "forbidden_character", text("<a>&#1;</a>")),
        ("W17 hyphens in a comment", "hyphens_in_comment", text("<!-- a -- b -->")),
        ("W17 declaration inside", "misplaced_declaration", text("<?xml version='1.0'?>")),
        ("W17 section end in text", "section_end_in_text", text("<a>]]></a>")),
        ("W17 two attributes of one name", "duplicate_attribute", text("<a b='1' b='2'/>")),
        (
            "W19 two attributes of one expanded name",
            "duplicate_attribute",
            text("<a xmlns:p='urn:p' xmlns:q='urn:p' p:b='1' q:b='2'/>"),
        ),
        ("W17 unknown entity", "unknown_entity", text("<a>&nbsp;</a>")),
        ("W17 bare ampersand", "malformed_reference", text("<a>a & b</a>")),
        ("W9 xml bound otherwise", "reserved_namespace", text("<a xmlns:xml='urn:x'/>")),
        ("W9 xmlns bound", "reserved_namespace", text("<a xmlns:xmlns='urn:x'/>")),
        ("W9 prefix undeclared", "empty_namespace", text("<a xmlns:p=''/>")),
        ("X1 doctype inside", "doctype_forbidden", text("<!DOCTYPE a>")),
        ("X3 attributes", "xml_limit_attributes", format!("<a{attributes}/>")),
        ("X3 namespaces", "xml_limit_namespaces", format!("<a{declarations}/>")),
        ("X3 name", "xml_limit_name", format!("<{}/>", "a".repeat(300))),
        ("X3 value", "xml_limit_value", format!("<a b='{}'/>", "c".repeat(70_000))),
        ("X4 depth", "xml_limit_depth", format!("{}{}", "<a>".repeat(64), "</a>".repeat(64))),
    ]
}

pub(crate) fn parsers() -> Vec<Case> {
    let by = setting().by;
    let good = sign(&message(), &usual(by), by);
    let mut cases = Vec::new();
    for (name, reason, offence) in offences() {
        for (place, mark) in PLACES {
            let at = good.find(mark).expect(mark);
            let document = format!("{}{offence}{}", &good[..at], &good[at..]);
            cases.push(case(format!("{name} in {place}"), reason, document));
        }
    }
    for (name, reason, document) in [
        ("W17 two roots", "content_outside_root", format!("{good}<a/>")),
        ("W17 text after the root", "content_outside_root", format!("{good}a")),
        ("W17 text before the root", "content_outside_root", format!("a{good}")),
        ("W17 section after the root", "content_outside_root", format!("{good}<![CDATA[a]]>")),
        ("W17 unclosed", "unclosed_element", good.replace("</soap:Envelope>", "")),
        ("W17 crossed", "mismatched_tag", good.replacen("</amount></data>", "</data></amount>", 1)),
        ("W17 version 1.1", "version", format!("<?xml version='1.1'?>{good}")),
        (
            "X6 another encoding said",
            "encoding",
            format!("<?xml version='1.0' encoding='windows-1251'?>{good}"),
        ),
        (
            "X1 external",
            "doctype_forbidden",
            format!("<!DOCTYPE a SYSTEM 'file:///etc/passwd'>{good}"),
        ),
        (
            "X1 remote",
            "doctype_forbidden",
            format!("<!DOCTYPE a SYSTEM 'http://127.0.0.1/'>{good}"),
        ),
        (
            "X1 parameter entity",
            "doctype_forbidden",
            format!("<!DOCTYPE a [<!ENTITY % p SYSTEM 'x'>%p;]>{good}"),
        ),
        (
            "X2 laughs",
            "doctype_forbidden",
            format!("<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;'>]>{good}"),
        ),
    ] {
        cases.push(case(name, reason, document));
    }
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let overlong = good.replace(">100<", ">\u{1}\u{1}<").into_bytes();
    let overlong: Vec<u8> =
        overlong.iter().map(|byte| if *byte == 1 { 0xc0 } else { *byte }).collect();
    cases.push(case_of_bytes("X6 UTF-16", "encoding", utf16.clone()));
    cases.push(case_of_bytes(
        "X6 UTF-16 with its mark",
        "encoding",
        [&[0xfe, 0xff], &utf16[..]].concat(),
    ));
    cases.push(case_of_bytes("X6 overlong", "encoding", overlong));
    cases.push(case_of_bytes(
        "X6 UTF-7",
        "content_outside_root",
        good.replace('<', "+ADw-").into_bytes(),
    ));
    cases
}
