//! Spoiled messages, each explained rightly: the broken rule and what its sender did.

use crate::signatures::business::{DOCUMENT, signed, template, without_prolog};
use crate::signatures::forge::{EXCLUSIVE, form_a, message, reference, sign, signature, usual};
use crate::signatures::oracles::{folder, write};
use crate::signatures::pki::{Identity, Kind, PKI, issue, leaf};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::algorithm::DigestAlgorithm;
use qaqpa::sign::canonical::{self, Method, Options};
use qaqpa::sign::explain::hint::Hint;
use qaqpa::sign::xmldsig::ENVELOPED;
use qaqpa_kit::fault::Language;
use qaqpa_kit::soap::WSU;
use qaqpa_kit::xml::{Document, Element, Limits};
use rcgen::date_time_ymd;
use serde_json::Value;
use std::process::{Command, Output};

/// A name, the word of the reason, the word of the first hint, and the message.
type Spoiled = (&'static str, &'static str, &'static str, String);

fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replacen(from, to, 1)
}

/// The usual message whose DigestValue is of other bytes, signed all the same.
fn with_digest(digest: &str) -> String {
    let text = usual(&PKI.rsa).replace("@DIGEST@", digest);
    sign(&message(), &text, &PKI.rsa)
}

fn digest_of(bytes: &[u8]) -> String {
    STANDARD.encode(DigestAlgorithm::Sha256.digest(bytes).as_ref())
}

/// Something of the unsigned message's element with this local name.
fn of_element<T>(local: &str, read: impl FnOnce(Element<'_>) -> T) -> T {
    let text = message().replace("@S@", "");
    let document = Document::scan(text.as_bytes(), &Limits::default()).expect("message");
    let element = document.root().descendants().find(|one| one.local() == local);
    read(element.expect(local))
}

fn form(local: &str, method: Method) -> Vec<u8> {
    of_element(local, |element| {
        let options = Options { method, ..Options::default() };
        let mut out = Vec::new();
        canonical::element(element, &options, &mut |bytes| out.extend_from_slice(bytes));
        out
    })
}

#[expect(clippy::too_many_lines, reason = "a table: one row a case")]
fn of_transport() -> Vec<Spoiled> {
    let by: &Identity = &PKI.rsa;
    let good = sign(&message(), &usual(by), by);
    let lines = message().replace("<amount>", "\n<amount>").replace("</amount>", "\r\n</amount>");
    let lines = sign(&lines, &usual(by), by);
    let inclusive = with_digest(&digest_of(&form("Body", Method::Inclusive)));
    let raw = of_element("Body", |body| digest_of(body.span_str().as_bytes()));
    let sha1 = signature(by, &reference("body"), &form_a(by));
    let sha1 =
        sha1.replace("xmlenc#sha256", "xmldsig#sha1").replace("2001/04/xmldsig", "2000/09/xmldsig");
    let foreign_id = swap(&usual(by), "URI=\"#body\"", "URI=\"#Body\"");
    let twice = swap(&message(), "</soap:Header>", "<x Id=\"body\"/></soap:Header>");
    let other_key = {
        let text = signature(by, &reference("body"), &form_a(by));
        sign(&message(), &text, &PKI.stranger)
    };
    let method = format!("<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>");
    let wide = swap(&usual(by), &method, &method.replace(EXCLUSIVE, canonical::INCLUSIVE));
    let stale = format!(
        "<wsu:Timestamp xmlns:wsu=\"{WSU}\" wsu:Id=\"ts\"><wsu:Created>2026-11-22T04:00:00Z</wsu:Created>\
         <wsu:Expires>2026-11-22T04:05:00Z</wsu:Expires></wsu:Timestamp>"
    );
    let both = signature(by, &(reference("body") + &reference("ts")), &form_a(by));
    let stale = sign(&message().replace("@S@", &format!("{stale}@S@")), &both, by);
    let mut expired = leaf("Expired");
    expired.not_after = date_time_ymd(2026, 11, 21);
    let expired = issue(&expired, Kind::P256, &PKI.root);
    let nothing = with_digest(&digest_of(b""));
    let relative = swap(&message(), "xmlns:c=\"urn:c\"", "xmlns:c=\"urn:c\" xmlns:r=\"relative\"");
    let remote = swap(&usual(by), "URI=\"#body\"", "URI=\"http://127.0.0.1/body\"");
    let foreign = swap(&message(), "wsu:Id=\"body\"", "xmlns:f=\"urn:f\" f:Id=\"body\"");
    let twice_named = signature(by, &reference("body").repeat(2), &form_a(by));
    let session = "<sessionId>{3f0c7d2a-9a7b-4f55-8a0e-1c2d3e4f5a6b}</sessionId></requestInfo>";
    let half = with_digest(&STANDARD.encode(aws_lc_rs_sha512(&form("Body", Method::Exclusive))));
    vec![
        ("good", "", "", good.clone()),
        ("value changed", "digest_mismatch", "changed", swap(&good, ">100<", ">999<")),
        ("indented", "digest_mismatch", "white_space", swap(&good, "<amount>", "\n  <amount>")),
        (
            "line feed in a value",
            "digest_mismatch",
            "changed",
            swap(&good, "<amount>100", "<amount>100\n"),
        ),
        (
            "LF became CR LF by reference",
            "digest_mismatch",
            "line_ends",
            swap(&lines, "\r\n</amount>", "&#13;\n</amount>"),
        ),
        ("signed inclusively", "digest_mismatch", "wrong_c14n", inclusive),
        ("text signed", "digest_mismatch", "not_canonicalized", with_digest(&raw)),
        (
            "payload signed",
            "digest_mismatch",
            "wrong_element",
            with_digest(&digest_of(&form("SendMessage", Method::Exclusive))),
        ),
        (
            "sessionId came later",
            "digest_mismatch",
            "field_added",
            swap(&good, "</requestInfo>", session),
        ),
        ("SHA-512 in place of SHA-256", "digest_mismatch", "digest_algorithm", half),
        ("SHA-1", "alg_forbidden", "old_algorithm", sign(&message(), &sha1, by)),
        ("Id in another case", "ref_unresolved", "wrong_id", sign(&message(), &foreign_id, by)),
        ("Id twice", "duplicate_id", "duplicate_id", sign(&twice, &usual(by), by)),
        ("nothing hashed", "digest_of_nothing", "nothing_hashed", nothing),
        ("relative namespace", "c14n_error", "no_form", sign(&relative, &usual(by), by)),
        ("remote", "remote_reference_forbidden", "remote_reference", sign(&message(), &remote, by)),
        ("foreign Id", "wrong_namespace", "wrong_namespace", sign(&foreign, &usual(by), by)),
        (
            "one element twice",
            "duplicate_reference",
            "references",
            sign(&message(), &twice_named, by),
        ),
        ("other key", "bad_signature", "wrong_key", other_key),
        (
            "other SignatureMethod",
            "bad_signature",
            "signature_algorithm",
            sign(&message(), &usual(by).replace("#rsa-sha256", "#rsa-sha512"), by),
        ),
        ("SignedInfo inclusive", "c14n_forbidden", "wrong_c14n", sign(&message(), &wide, by)),
        (
            "CR LF as text in base64",
            "value_not_base64",
            "base64",
            swap(&good, "</ds:SignatureValue>", "\\r\\n</ds:SignatureValue>"),
        ),
        (
            "doubly escaped in base64",
            "value_not_base64",
            "base64",
            swap(&good, "</ds:DigestValue>", "&amp;#13;</ds:DigestValue>"),
        ),
        ("old stamp", "message_expired", "wrong_clock", stale),
        (
            "expired certificate",
            "cert_expired",
            "certificate_days",
            sign(&message(), &usual(&expired), &expired),
        ),
        (
            "stranger",
            "cert_unknown",
            "unknown_issuer",
            sign(&message(), &usual(&PKI.stranger), &PKI.stranger),
        ),
    ]
}

/// Parts that are missing, doubled or of another kind.
fn of_structure() -> Vec<Spoiled> {
    let by: &Identity = &PKI.rsa;
    let good = sign(&message(), &usual(by), by);
    let body_end = good.find("</soap:Body>").expect("body");
    let doubled = format!("{}{}", &good[..body_end], "</soap:Body><soap:Body/></soap:Envelope>");
    vec![
        ("unsigned", "signature_missing", "not_signed", message().replace("@S@", "")),
        (
            "prefix lost",
            "undeclared_prefix",
            "prefix_lost",
            good.replacen(" xmlns:c=\"urn:c\"", "", 1)
                .replace("<amount>", "<c:amount>")
                .replace("</amount>", "</c:amount>"),
        ),
        ("two bodies", "duplicate_body", "misplaced", doubled),
        (
            "no key info",
            "signature_incomplete",
            "incomplete",
            sign(
                &message(),
                &usual(by).replace(&format!("<ds:KeyInfo>{}</ds:KeyInfo>", form_a(by)), ""),
                by,
            ),
        ),
        (
            "envelope of nobody",
            "soap_version",
            "no_envelope",
            good.replace("http://schemas.xmlsoap.org/soap/envelope/", "urn:soap"),
        ),
        (
            "instruction",
            "instruction_outside_data",
            "misplaced",
            swap(&good, "<soap:Body", "<?a b?><soap:Body"),
        ),
        ("cut off", "malformed_markup", "not_xml", good[..good.len() - 20].to_owned()),
        (
            "key value",
            "keyinfo_ambiguous",
            "key_info",
            sign(
                &message(),
                &signature(by, &reference("body"), &format!("{}<ds:KeyValue/>", form_a(by))),
                by,
            ),
        ),
        (
            "family of another key",
            "alg_key_mismatch",
            "wrong_certificate",
            sign(&message(), &signature(by, &reference("body"), &form_a(&PKI.p256)), by),
        ),
    ]
}

fn aws_lc_rs_sha512(bytes: &[u8]) -> Vec<u8> {
    DigestAlgorithm::Sha512.digest(bytes).as_ref().to_vec()
}

fn of_documents() -> Vec<Spoiled> {
    let by = &PKI.rsa;
    let good = signed(DOCUMENT, by);
    let named = template(without_prolog(DOCUMENT), "", &[ENVELOPED, canonical::EXCLUSIVE], by);
    let exclusive = crate::signatures::business::signed_by_xmlsec1(&named, by);
    let from = format!("Transform Algorithm=\"{}\"", canonical::EXCLUSIVE);
    let to = format!("Transform Algorithm=\"{}\"", canonical::INCLUSIVE);
    vec![
        ("good document", "", "", good.clone()),
        (
            "document changed",
            "digest_mismatch",
            "changed",
            swap(&good, "171140001235<", "171140001236<"),
        ),
        (
            "document indented",
            "digest_mismatch",
            "white_space",
            swap(&good, "<Empty/>", "\n <Empty/>"),
        ),
        (
            "document exclusive, named inclusive",
            "digest_mismatch",
            "wrong_c14n",
            swap(&exclusive, &from, &to),
        ),
        ("document by another key", "bad_signature", "wrong_key", {
            let other = signed(DOCUMENT, &PKI.stranger);
            other.replace(PKI.stranger.signer.certificate_base64(), by.signer.certificate_base64())
        }),
    ]
}

fn explain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qaqpa"))
        .arg("explain")
        .args(arguments)
        .output()
        .expect("qaqpa")
}

#[test]
fn every_spoiled_message_is_explained_rightly() {
    let folder = folder();
    let root = write(folder.path(), "root.pem", &PKI.root.pem).display().to_string();
    let mut wrong = Vec::new();
    let cases: Vec<Spoiled> =
        of_transport().into_iter().chain(of_structure()).chain(of_documents()).collect();
    assert!(cases.len() >= 35, "{} cases are left", cases.len());
    for (name, reason, hint, text) in &cases {
        let file = write(folder.path(), "message.xml", text).display().to_string();
        let at = "2026-11-22T05:00:00Z";
        let output = explain(&["--json", "--at", at, "--trust", &root, &file]);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{name}: {error}: {output:?}"));
        let signatures = report["signatures"].as_array().expect("signatures");
        let spoiled = signatures.iter().find(|one| one["valid"] == false);
        let found = spoiled.map_or(("", ""), |one| {
            let hint = one["hints"][0]["hint"].as_str().unwrap_or("no hint");
            (one["reason"].as_str().unwrap_or_default(), hint)
        });
        let code = i32::from(!reason.is_empty());
        if found != (*reason, *hint) || output.status.code() != Some(code) {
            wrong.push(format!("{name}: {found:?}, not {reason} {hint}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The whole table in each language: what stands in the corpus is what people see.
#[test]
fn every_explanation_fits_a_terminal_of_a_hundred_columns() {
    let folder = folder();
    let root = write(folder.path(), "root.pem", &PKI.root.pem).display().to_string();
    let cases = of_transport().into_iter().chain(of_structure()).chain(of_documents());
    for (number, (name, reason, _, text)) in cases.enumerate() {
        let file = write(folder.path(), "message.xml", text).display().to_string();
        // Every text of every language is measured below; here is the layout around them.
        let language = ["en", "ru", "kk"][number % 3];
        let at = "2026-11-22T05:00:00Z";
        let output = explain(&["--lang", language, "--at", at, "--trust", &root, &file]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("-- {name} ({language})\n{told}");
        let long = told.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{name} in {language}");
        assert_eq!(told.contains("  →  "), !reason.is_empty(), "{name} has a cure: {told}");
        assert!(told.lines().count() < 24, "at most a screen: {told}");
    }
}

#[test]
fn advice_is_given_in_three_languages_and_a_difference_is_shown() {
    let folder = folder();
    let good = sign(&message(), &usual(&PKI.rsa), &PKI.rsa);
    let file =
        write(folder.path(), "sent.xml", swap(&good, ">100<", ">999<")).display().to_string();
    let other = write(folder.path(), "signed.xml", &good).display().to_string();
    for (language, word, covers, difference) in [
        (
            "en",
            "changed after signing",
            "covers    \"#body\" <soap:Body>",
            "first difference at canonical byte",
        ),
        (
            "ru",
            "изменилось",
            "покрывает \"#body\" <soap:Body>",
            "первое различие в каноническом байте",
        ),
        (
            "kk",
            "өзгерген",
            "қамтиды    \"#body\" <soap:Body>",
            "бірінші айырмашылық, канондық байт",
        ),
    ] {
        let output = explain(&["--lang", language, &file, &other]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(word), "{language}: {text}");
        assert!(text.contains(difference), "{text}");
        assert!(text.contains("999") && text.contains("100"), "{text}");
        assert!(text.contains(covers), "{text}");
        assert!(text.lines().count() < 24, "at most a screen: {text}");
    }
    assert_eq!(explain(&["--lang", "de", &file]).status.code(), Some(64));
    let same = explain(&["--json", &other, &other]);
    let report: Value = serde_json::from_slice(&same.stdout).expect("JSON");
    assert_eq!(report["difference"]["told"], "none");
    let with_bytes = explain(&["--canonical", "--json", &other]);
    let report: Value = serde_json::from_slice(&with_bytes.stdout).expect("JSON");
    let canonical = report["signatures"][0]["covered"][0]["canonical"].as_str().expect("bytes");
    assert!(canonical.starts_with("<soap:Body xmlns:soap=") && canonical.ends_with("</soap:Body>"));
}

#[test]
fn every_hint_speaks_three_languages() {
    for hint in Hint::ALL {
        for language in [Language::Kk, Language::Ru, Language::En] {
            let length = hint.text(language).chars().count();
            assert!((40..240).contains(&length), "{}: {length}", hint.word());
        }
        assert!(hint.text(Language::Kk).contains(['қ', 'ң', 'ө', 'ү', 'ұ', 'і', 'ғ', 'ә']));
    }
}
