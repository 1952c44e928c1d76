//! Every way of bending a signature, as messages with the reason for which each must be refused.

use crate::signatures::forge::{
    Setting, form_a, form_d, message, reference, setting, sign, signature, token, usual,
};
use crate::signatures::hostile_info::{
    algorithms, canonicalizations, references, shapes, transforms,
};
use crate::signatures::hostile_keys::{keys, values};
use crate::signatures::hostile_parsers::parsers;
use crate::signatures::hostile_wrapping::{ids, moved_bodies, securities, structures};
use qaqpa_kit::soap::WSU;

/// One hostile document and the reason for which it must be refused.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) reason: &'static str,
    pub(crate) document: Vec<u8>,
}

pub(crate) fn case(name: impl Into<String>, reason: &'static str, document: String) -> Case {
    Case { name: name.into(), reason, document: document.into_bytes() }
}

impl Case {
    /// Too large to be written eighteen times.
    fn is_heavy(&self) -> bool {
        self.document.len() > 100_000
    }
}

/// The families that are written anew in every setting: two versions of SOAP, three kinds of key, three
/// forms of KeyInfo.
fn everywhere() -> Vec<Case> {
    let families: [fn() -> Vec<Case>; 11] = [
        moved_bodies,
        ids,
        securities,
        structures,
        canonicalizations,
        transforms,
        algorithms,
        references,
        shapes,
        timestamps,
        parsers,
    ];
    families.into_iter().flat_map(|family| family()).collect()
}

/// Every case once.
pub(crate) fn once() -> impl Iterator<Item = Case> {
    everywhere().into_iter().chain(keys()).chain(values())
}

/// The whole corpus.
pub(crate) fn corpus() -> Vec<Case> {
    let mut cases = Vec::new();
    for setting in Setting::all() {
        let named = setting
            .within(everywhere)
            .into_iter()
            .map(|case| Case { name: format!("{} in {}", case.name, setting.name()), ..case });
        cases.extend(named.filter(|case| setting.is_usual() || !case.is_heavy()));
    }
    cases.extend(keys());
    cases.extend(values());
    cases
}

pub(crate) fn case_of_bytes(name: &str, reason: &'static str, document: Vec<u8>) -> Case {
    Case { name: name.to_owned(), reason, document }
}

fn stamp(id: &str, created: &str, expires: &str) -> String {
    format!(
        "<wsu:Timestamp xmlns:wsu=\"{WSU}\" wsu:Id=\"{id}\"><wsu:Created>{created}</wsu:Created>\
         <wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
    )
}

fn timestamps() -> Vec<Case> {
    let by = setting().by;
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
