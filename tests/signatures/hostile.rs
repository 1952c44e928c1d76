//! Every way of bending a signature is refused, each for its own reason.

use crate::signatures::forge::{
    EXCLUSIVE, form_a, form_d, judge, message, reference, sign, signature, token, usual,
};
use crate::signatures::hostile_keys::{keys, values};
use crate::signatures::hostile_wrapping::{headers, ids, moved_bodies};
use crate::signatures::pki::PKI;
use qaqpa_kit::soap::{DS, WSU};
use std::collections::BTreeMap;

/// One hostile document and the reason for which it must be refused.
pub(crate) struct Case {
    name: String,
    reason: &'static str,
    document: Vec<u8>,
}

pub(crate) fn case(name: impl Into<String>, reason: &'static str, document: String) -> Case {
    Case { name: name.into(), reason, document: document.into_bytes() }
}

/// Every case of a family is refused for its reason; the family is not smaller than it was.
fn hold(cases: Vec<Case>, count_min: usize) {
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        *by_reason.entry(case.reason).or_default() += 1;
        match judge(&case.document) {
            Err(reason) if reason == case.reason => {}
            Err(reason) => wrong.push(format!("{}: {reason}, not {}", case.name, case.reason)),
            Ok(_) => wrong.push(format!("{}: ACCEPTED, not {}", case.name, case.reason)),
        }
    }
    println!("{} cases: {by_reason:?}", cases.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= count_min, "{} cases are left", cases.len());
}

#[test]
fn a_moved_body_is_refused_wherever_it_was_moved() {
    hold(moved_bodies(), 30);
}

#[test]
fn an_id_that_two_readers_could_resolve_differently_is_refused() {
    hold(ids(), 50);
}

#[test]
fn a_second_or_displaced_header_is_refused() {
    hold(headers(), 23);
}

#[test]
fn a_key_that_is_not_plainly_one_trusted_certificate_is_refused() {
    hold(keys(), 30);
}

#[test]
fn a_value_that_is_not_the_signature_is_refused() {
    hold(values(), 20);
}

#[test]
fn a_signed_info_that_leaves_the_profile_is_refused_though_it_is_validly_signed() {
    hold(signed_infos(), 40);
}

#[test]
fn a_timestamp_counts_only_if_signed_single_and_fresh() {
    hold(timestamps(), 12);
}

fn signed_infos() -> Vec<Case> {
    let by = &PKI.rsa;
    let good = usual(by);
    let transform = format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\"/>");
    let method = format!("<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>");
    let digest = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>";
    let rsa = by.signer.algorithm().uri();
    let mut cases = Vec::new();
    let mut add = |name: &str, reason, from: &str, to: &str| {
        assert!(good.contains(from), "{name}: {from}");
        let document = sign(&message(), &good.replacen(from, to, 1), by);
        cases.push(case(name, reason, document));
    };
    let c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    for (name, uri) in [
        ("inclusive", c14n),
        ("inclusive with comments", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"),
        ("exclusive with comments", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
        ("1.1", "http://www.w3.org/2006/12/xml-c14n11"),
        ("none", ""),
    ] {
        let to = format!("<ds:CanonicalizationMethod Algorithm=\"{uri}\"/>");
        add(&format!("W20 {name}"), "c14n_forbidden", &method, &to);
    }
    let listed = |inside: &str| {
        format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\">{inside}</ds:CanonicalizationMethod>"
        )
    };
    let list = |prefixes: &str| {
        format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{prefixes}\"/>")
    };
    add("W20 list of no names", "c14n_forbidden", &method, &listed(&list("a:b")));
    add("W20 long list", "c14n_forbidden", &method, &listed(&list(&"a ".repeat(65))));
    add("W20 two lists", "c14n_forbidden", &method, &listed(&(list("a") + &list("b"))));
    add(
        "W20 foreign list",
        "c14n_forbidden",
        &method,
        &listed("<InclusiveNamespaces PrefixList=\"a\"/>"),
    );
    for uri in [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
        c14n,
    ] {
        let other = format!("<ds:Transform Algorithm=\"{uri}\"/>");
        add(&format!("T {uri}"), "transform_forbidden", &transform, &other);
        add(&format!("T before {uri}"), "transform_forbidden", &transform, &(other + &transform));
    }
    add("T none", "transform_forbidden", &transform, "");
    add(
        "T no chain",
        "transform_forbidden",
        &format!("<ds:Transforms>{transform}</ds:Transforms>"),
        "",
    );
    let stylesheet =
        format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\"><x:s xmlns:x=\"urn:x\"/></ds:Transform>");
    add("T with content", "transform_forbidden", &transform, &stylesheet);
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "none",
    ] {
        add(&format!("A2 {uri}"), "alg_forbidden", rsa, uri);
    }
    let method = format!("<ds:SignatureMethod Algorithm=\"{rsa}\"/>");
    let truncated =
        method.replace("/>", "><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>");
    add("A1 truncation", "alg_forbidden", &method, &truncated);
    for uri in
        ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5", ""]
    {
        let to = format!("<ds:DigestMethod Algorithm=\"{uri}\"/>");
        add(&format!("A2 digest {uri}"), "alg_forbidden", digest, &to);
    }
    for (uri, reason) in [
        ("http://example.kz/x", "remote_reference_forbidden"),
        ("file:///etc/passwd", "remote_reference_forbidden"),
        ("cid:part", "remote_reference_forbidden"),
        ("other.xml#body", "remote_reference_forbidden"),
        ("", "ref_target_not_body"),
        ("#xpointer(/)", "ref_unresolved"),
        ("#xpointer(id('body'))", "ref_unresolved"),
        ("#", "ref_unresolved"),
        ("#nowhere", "ref_unresolved"),
        ("#STR", "ref_unresolved"),
    ] {
        add(&format!("K5 {uri}"), reason, "URI=\"#body\"", &format!("URI=\"{uri}\""));
    }
    add("no URI", "ref_unresolved", "URI=\"#body\"", "");
    add(
        "T4 manifest",
        "manifest_forbidden",
        "URI=\"#body\"",
        "URI=\"#body\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"",
    );
    cases.extend(shapes());
    cases
}

/// The children of Signature and SignedInfo: missing, doubled, displaced.
fn shapes() -> Vec<Case> {
    let by = &PKI.rsa;
    let good = usual(by);
    let start = good.find("<ds:SignedInfo>").unwrap();
    let end = good.find("<ds:SignatureValue>").unwrap();
    let signed_info = &good[start..end];
    let one = reference("body");
    let cases = [
        ("W13 no reference", "body_not_signed", good.replace(&one, "")),
        ("T3 four", "reference_limit", good.replace(&one, &one.repeat(4))),
        ("T3 thirty-one", "reference_limit", good.replace(&one, &one.repeat(31))),
        ("W14 twice", "signedinfo_count", good.replace(signed_info, &signed_info.repeat(2))),
        (
            "W14 at the end",
            "signedinfo_count",
            good.replace("</ds:Signature>", &format!("{signed_info}</ds:Signature>")),
        ),
        ("W14 none", "signedinfo_count", good.replace(signed_info, "")),
        (
            "W14 wrapped",
            "signedinfo_count",
            good.replace(signed_info, &format!("<x>{signed_info}</x>")),
        ),
        (
            "W14 nested",
            "signedinfo_count",
            good.replace("<ds:SignedInfo>", "<ds:SignedInfo><ds:SignedInfo>")
                .replace("</ds:SignedInfo>", "</ds:SignedInfo></ds:SignedInfo>"),
        ),
        (
            "W14 in Object",
            "unexpected_object",
            good.replace(
                "</ds:Signature>",
                &format!("<ds:Object>{signed_info}</ds:Object></ds:Signature>"),
            ),
        ),
        (
            "W14 foreign",
            "wrong_namespace",
            good.replace("ds:SignedInfo>", "SignedInfo>")
                .replace("<SignedInfo>", "<SignedInfo xmlns=\"urn:x\">"),
        ),
        (
            "T4 object",
            "manifest_forbidden",
            good.replace("</ds:Signature>", "<ds:Object><ds:Manifest/></ds:Object></ds:Signature>"),
        ),
        (
            "object",
            "unexpected_object",
            good.replace("</ds:Signature>", "<ds:Object/></ds:Signature>"),
        ),
        (
            "object first",
            "unexpected_object",
            good.replace("<ds:SignedInfo>", "<ds:Object/><ds:SignedInfo>"),
        ),
        (
            "no value",
            "unexpected_object",
            good.replace("<ds:SignatureValue>@VALUE@</ds:SignatureValue>", ""),
        ),
        (
            "no digest",
            "signature_incomplete",
            good.replace("<ds:DigestValue>@DIGEST@</ds:DigestValue>", ""),
        ),
        (
            "no method",
            "unexpected_object",
            good.replace(&format!("<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>"), ""),
        ),
        ("two signatures", "signature_count", good.repeat(2)),
        ("empty signature", "signature_incomplete", format!("<ds:Signature xmlns:ds=\"{DS}\"/>")),
    ];
    let signed = |(name, reason, text): (&str, &'static str, String)| {
        assert_ne!(text, good, "{name}");
        case(name, reason, sign(&message(), &text, by))
    };
    cases.into_iter().map(signed).collect()
}

fn stamp(id: &str, created: &str, expires: &str) -> String {
    format!(
        "<wsu:Timestamp xmlns:wsu=\"{WSU}\" wsu:Id=\"{id}\"><wsu:Created>{created}</wsu:Created>\
         <wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
    )
}

fn timestamps() -> Vec<Case> {
    let by = &PKI.rsa;
    let fresh = stamp("ts", "2026-11-22T04:59:00Z", "2026-11-22T05:04:00Z");
    let both = signature(by, &(reference("body") + &reference("ts")), &form_a(by));
    let only_stamp = signature(by, &reference("ts"), &form_a(by));
    let with = |stamps: &str, signature: &str| {
        sign(&message().replace("@S@", &format!("{stamps}@S@")), signature, by)
    };
    let signed_stamp = |name: &str, reason, created: &str, expires: &str| {
        case(name, reason, with(&stamp("ts", created, expires), &both))
    };
    let moved = |fresh: &str| {
        let old = stamp("ts", "2020-01-01T00:00:00Z", "2020-01-01T00:05:00Z");
        let header = format!("<w:W xmlns:w=\"urn:w\">{old}</w:W></soap:Header>");
        sign(
            &message().replace("</soap:Header>", &header).replace("@S@", &format!("{fresh}@S@")),
            &both,
            by,
        )
    };
    let token_only = signature(by, &reference("token"), &form_d());
    vec![
        case("W13 only the stamp", "body_not_signed", with(&fresh, &only_stamp)),
        case("W13 only the token", "body_not_signed", with(&token(by), &token_only)),
        case("W11 unsigned", "timestamp_not_signed", with(&fresh, &usual(by))),
        case(
            "W11 two",
            "duplicate_timestamp",
            with(&(fresh.clone() + &fresh.replace("\"ts\"", "\"t2\"")), &both),
        ),
        case(
            "W11 old one moved",
            "timestamp_not_signed",
            moved(&fresh.replace("\"ts\"", "\"t2\"")),
        ),
        case("W11 old one hidden", "ref_target_not_body", moved("")),
        case("W9 foreign", "wrong_namespace", with("<Timestamp/>", &usual(by))),
        signed_stamp("expired", "message_expired", "2026-11-22T04:00:00Z", "2026-11-22T04:54:59Z"),
        signed_stamp(
            "future",
            "message_from_future",
            "2026-11-22T05:05:01Z",
            "2026-11-22T05:10:00Z",
        ),
        signed_stamp(
            "no zone",
            "timestamp_malformed",
            "2026-11-22T05:00:00",
            "2026-11-22T05:05:00",
        ),
        signed_stamp("words", "timestamp_malformed", "today", "tomorrow"),
        signed_stamp(
            "backwards",
            "timestamp_malformed",
            "2026-11-22T05:00:00Z",
            "2026-11-22T04:59:59Z",
        ),
        case(
            "empty",
            "timestamp_malformed",
            with(&format!("<wsu:Timestamp xmlns:wsu=\"{WSU}\" wsu:Id=\"ts\"/>"), &both),
        ),
        case(
            "R1 without Expires",
            "message_expired",
            with(
                &stamp("ts", "2026-11-22T04:49:00Z", "").replace("<wsu:Expires></wsu:Expires>", ""),
                &both,
            ),
        ),
    ]
}
