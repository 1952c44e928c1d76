//! Every way of bending a signature is refused, each for its own reason.

use crate::signatures::forge::{
    form_a, form_d, judge, message, reference, sign, signature, token, usual,
};
use crate::signatures::hostile_info::{
    algorithms, canonicalizations, references, shapes, transforms,
};
use crate::signatures::hostile_keys::{keys, values};
use crate::signatures::hostile_wrapping::{ids, moved_bodies, securities, structures};
use crate::signatures::oracles::xmlsec1_verifies;
use crate::signatures::pki::PKI;
use qaqpa_kit::soap::WSU;
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

/// The attacks are real: a tool that only asks whether a signature is valid accepts them.
#[test]
fn a_moved_body_is_validly_signed_all_the_same() {
    let moved = moved_bodies().into_iter().filter(|case| case.reason == "ref_target_not_body");
    for case in moved.take(3) {
        let (is_valid, messages) = xmlsec1_verifies(&case.document, &PKI.rsa.cert_pem);
        assert!(is_valid, "{}: {messages}", case.name);
    }
}

#[test]
fn an_id_that_two_readers_could_resolve_differently_is_refused() {
    hold(ids(), 50);
}

#[test]
fn a_second_or_displaced_header_is_refused() {
    hold(securities().into_iter().chain(structures()).collect(), 24);
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
    let families = [canonicalizations(), transforms(), algorithms(), references(), shapes()];
    hold(families.into_iter().flatten().collect(), 70);
}

#[test]
fn a_timestamp_counts_only_if_signed_single_and_fresh() {
    hold(timestamps(), 12);
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
