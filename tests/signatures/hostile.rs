//! Every way of bending a signature is refused, each for its own reason.

use crate::signatures::forge::{
    Setting, form_a, form_d, judge, message, reference, setting, sign, signature, token, usual,
};
use crate::signatures::hostile_info::{
    algorithms, canonicalizations, references, shapes, transforms,
};
use crate::signatures::hostile_keys::{keys, values};
use crate::signatures::hostile_parsers::parsers;
use crate::signatures::hostile_wrapping::{ids, moved_bodies, securities, structures};
use crate::signatures::oracles::{folder, write, xmlsec1_verifies};
use crate::signatures::pki::PKI;
use qaqpa_kit::soap::WSU;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

/// One hostile document and the reason for which it must be refused.
pub(crate) struct Case {
    name: String,
    reason: &'static str,
    document: Vec<u8>,
}

pub(crate) fn case(name: impl Into<String>, reason: &'static str, document: String) -> Case {
    Case { name: name.into(), reason, document: document.into_bytes() }
}

impl Case {
    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

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

/// Every case is refused for its reason; the corpus is not smaller than it was.
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
    let first: Vec<_> = wrong.iter().take(40).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), first.join("\n"));
    assert!(cases.len() >= count_min, "{} cases are left", cases.len());
}

#[test]
fn every_hostile_message_is_refused_for_its_reason_in_every_setting() {
    hold(corpus(), 5_000);
}

/// An attacker who pays little must not make us pay much: ten times a good message of the size, at most.
#[test]
fn no_hostile_message_costs_ten_times_a_good_one() {
    let good = sign(&message(), &usual(&PKI.rsa), &PKI.rsa);
    let cost = |document: &[u8]| {
        let times = (0..3).map(|_| {
            let began = Instant::now();
            drop(judge(document));
            began.elapsed()
        });
        times.min().expect("three")
    };
    let usual = cost(good.as_bytes());
    let mut wrong = Vec::new();
    for case in everywhere().into_iter().chain(keys()).chain(values()) {
        let sizes = u32::try_from(case.document.len() / good.len()).expect("small").max(1);
        let spent = cost(&case.document);
        if spent > usual * 10 * sizes {
            wrong.push(format!("{}: {spent:?}, a good one {usual:?} × {sizes}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Neither a socket nor a file but the message itself is opened, whatever the message says.
#[test]
fn no_hostile_message_opens_a_socket_or_a_file() {
    let folder = folder();
    let mut files = Vec::new();
    for (index, case) in everywhere().into_iter().chain(keys()).chain(values()).enumerate() {
        files.push(write(folder.path(), &format!("{index}.xml"), case.document()));
    }
    let trace = folder.path().join("trace");
    let output = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=open,openat,openat2,creat,socket,connect,execve,clone,fork",
        ])
        .arg("-o")
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_qaqpa"))
        .args(["verify", "--signature-only", "--json"])
        .args(&files)
        .output()
        .expect("strace; run `make tools`");
    let told = String::from_utf8_lossy(&output.stdout).lines().count();
    assert_eq!(told, files.len(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = std::fs::read_to_string(trace).expect("trace");
    let ours = folder.path().display().to_string();
    let is_expected = |line: &&str| {
        line.contains(&ours)
            || ["ld.so.cache", "/lib/", ".so", "execve(", "/proc/", "/sys/", "+++", "---"]
                .iter()
                .any(|word| line.contains(word))
    };
    let strays: Vec<&str> = trace.lines().filter(|line| !is_expected(line)).collect();
    assert!(strays.is_empty(), "{}", strays.join("\n"));
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
