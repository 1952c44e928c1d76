//! The commands as an operator uses them: what they print and how they exit.

use crate::signatures::business::{DOCUMENT, escaped, signed, without_prolog};
use crate::signatures::forge::{PAYLOAD, message, sign, usual};
use crate::signatures::oracles::{folder, write};
use crate::signatures::pki::PKI;
use qaqpa_kit::envelope::ns;
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn qaqpa(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qaqpa")).args(arguments).output().expect("qaqpa")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn named(path: &Path) -> &str {
    path.to_str().expect("path")
}

#[test]
fn a_message_is_signed_and_verified_from_the_command_line() {
    let folder = folder();
    let file = |name, content: &str| write(folder.path(), name, content);
    let root = file("root.pem", &PKI.root.pem);
    let plain = file("plain.xml", &message().replace("@S@", ""));
    for by in [&PKI.rsa, &PKI.p256] {
        let (key, cert) = (file("key.pem", &by.key_pem), file("cert.pem", &by.cert_pem));
        let arguments = ["sign", "--profile", "wsse", "--key", named(&key), "--cert", named(&cert)];
        let signed = qaqpa(&[&arguments[..], &[named(&plain)]].concat());
        assert!(signed.status.success(), "{}", text(&signed.stderr));
        let signed = file("signed.xml", &text(&signed.stdout));
        let at = "2026-11-22T10:00:00+05:00";
        let verify = ["verify", "--profile", "wsse", "--at", at, named(&signed)];
        let by_root = qaqpa(&[&verify[..], &["--trust", named(&root), "--json"]].concat());
        assert_eq!(by_root.status.code(), Some(0), "{}", text(&by_root.stdout));
        let report: Value = serde_json::from_slice(&by_root.stdout).expect("JSON");
        assert_eq!((&report["valid"], &report["trust"]), (&Value::from(true), &"chain".into()));
        assert_eq!(report["covered"], serde_json::json!(["Body"]));
        assert_eq!(report["signer"]["bin"], "190540007715");
        let by_itself = qaqpa(&[&verify[..], &["--trust", named(&cert)]].concat());
        assert!(text(&by_itself.stdout).contains("this very certificate"));
        let only = qaqpa(&[&verify[..], &["--signature-only"]].concat());
        assert_eq!(only.status.code(), Some(0));
        assert!(text(&only.stdout).contains("not judged (--signature-only)"));
    }
}

#[test]
fn what_is_not_valid_exits_with_1_and_what_is_not_asked_properly_with_64() {
    let folder = folder();
    let root = write(folder.path(), "root.pem", &PKI.root.pem);
    let good = sign(&message(), &usual(&PKI.rsa), &PKI.rsa);
    let stranger = sign(&message(), &usual(&PKI.stranger), &PKI.stranger);
    for (content, reason) in [
        (good.replace(">100<", ">999<"), "caller.bad_signature digest_mismatch"),
        (message().replace("@S@", ""), "caller.unsigned signature_missing"),
        (stranger, "caller.bad_signature cert_unknown"),
        (good.replace("</soap:Body>", ""), "caller.malformed mismatched_tag"),
        ("<a/>".into(), "caller.malformed no_envelope"),
        (String::new(), "caller.malformed root_missing"),
    ] {
        let file = write(folder.path(), "signed.xml", content);
        let arguments = ["verify", "--at", "2026-11-22T05:00:00Z", named(&file), "--trust"];
        let output = qaqpa(&[&arguments[..], &[named(&root)]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).starts_with(&format!("refused: {reason}")), "{output:?}");
    }
    let file = write(folder.path(), "signed.xml", good);
    let stale = ["verify", "--at", "2030-01-01T00:00:00Z", named(&file), "--trust", named(&root)];
    assert!(text(&qaqpa(&stale).stdout).contains("caller.stale cert_expired"));
    assert_eq!(qaqpa(&["verify", named(&file)]).status.code(), Some(64), "neither trust nor not");
    assert_eq!(qaqpa(&["verify", "--signature-only", "nowhere.xml"]).status.code(), Some(1));
}

/// A message around what stands in `data`.
fn with_data(inside: &str) -> String {
    message().replace("<amount>100</amount>", inside)
}

/// The same as a request without an envelope.
fn bare(inside: &str) -> String {
    let request =
        PAYLOAD.split_once("<request>").and_then(|(_, rest)| rest.split_once("</request>"));
    let request = request.expect("a request").0.replace("<amount>100</amount>", inside);
    let root = format!("r:syncSendMessageRequest xmlns:r=\"{}\"", ns::REQUEST);
    format!("<{root}>{request}</r:syncSendMessageRequest>")
}

fn answer(inside: &str) -> String {
    let payload = format!(
        "<SendMessageResponse><response><responseInfo><status><code>1</code></status></responseInfo>\
         <responseData><data>{inside}</data></responseData></response></SendMessageResponse>"
    );
    message().replace(PAYLOAD, &payload)
}

/// A signed document is put where the first `data` of the file is, and not the gateway's.
#[test]
fn a_signed_document_counts_only_in_the_data_that_the_gateway_reads() {
    let folder = folder();
    let root = write(folder.path(), "root.pem", &PKI.root.pem);
    let plain = without_prolog(DOCUMENT);
    let good = signed(plain, &PKI.rsa);
    let hidden = |text: &str| format!("<h><requestData><data>{text}</data></requestData></h>");
    let before = |mark: &str, message: String, text: &str| {
        assert!(message.contains(mark), "{mark} in {message}");
        message.replacen(mark, &format!("{}{mark}", hidden(text)), 1)
    };
    let (header, info) = ("</soap:Header>", "</requestInfo>");
    let as_text = escaped(&good);
    let missing = "caller.unsigned signature_missing";
    for (name, verdict, file) in [
        ("document", "valid", good.clone()),
        ("inline", "valid", with_data(&good)),
        ("as text", "valid", with_data(&as_text)),
        ("bare", "valid", bare(&good)),
        ("answer", "valid", answer(&good)),
        ("hidden beside a good one", "valid", before(header, with_data(&good), &as_text)),
        (
            "header",
            "caller.bad_signature signature_misplaced",
            before(header, with_data(plain), &good),
        ),
        ("header as text", missing, before(header, with_data(plain), &as_text)),
        ("header of an answer", missing, before(header, answer(plain), &as_text)),
        ("info", missing, before(info, with_data(plain), &as_text)),
        ("info of a bare one", missing, before(info, bare(plain), &good)),
        (
            "no data",
            missing,
            before(
                info,
                with_data(plain).replace("data>", "date>").replace("<data ", "<date "),
                &as_text,
            ),
        ),
        (
            "two",
            "caller.malformed duplicate_field",
            with_data(&format!("{good}</data><data>{plain}")),
        ),
        (
            "no message",
            "caller.malformed unknown_wrapper",
            message().replace(PAYLOAD, &hidden(&good)),
        ),
    ] {
        let file = write(folder.path(), "file.xml", file.replace("@S@", ""));
        let arguments = ["verify", "--profile", "xmldsig", "--at", "2026-11-22T05:00:00Z"];
        let output = qaqpa(&[&arguments[..], &["--trust", named(&root), named(&file)]].concat());
        let is_valid = verdict == "valid";
        assert_eq!(output.status.code(), Some(i32::from(!is_valid)), "{name}: {output:?}");
        let said = text(&output.stdout);
        assert!(is_valid || said.starts_with(&format!("refused: {verdict}")), "{name}: {said}");
    }
}

#[test]
fn a_signed_document_is_explained_only_in_the_data_that_the_gateway_reads() {
    let folder = folder();
    let good = signed(without_prolog(DOCUMENT), &PKI.rsa);
    let hidden = format!("<requestData><data>{}</data></requestData>", escaped(&good));
    let hiding = message().replace("</soap:Header>", &format!("{hidden}</soap:Header>"));
    let parts = |file: &str| {
        let file = write(folder.path(), "file.xml", file);
        let output = qaqpa(&["explain", "--json", "--at", "2026-11-22T05:00:00Z", named(&file)]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let told = report["signatures"].as_array().expect("signatures").iter();
        let told: Vec<_> =
            told.map(|one| (text_of(&one["part"]), text_of(&one["reason"]))).collect();
        (output.status.code(), told)
    };
    let part = |part: &str, reason: &str| (part.to_owned(), reason.to_owned());
    let transport = part("transport", "");
    let by = |message: &str| sign(message, &usual(&PKI.rsa), &PKI.rsa);
    let both = vec![transport.clone(), part("business", "")];
    assert_eq!(parts(&by(&with_data(&escaped(&good)))), (Some(0), both));
    assert_eq!(parts(&by(&hiding)), (Some(0), vec![transport.clone()]));
    let foreign = vec![transport, part("envelope", "unknown_wrapper")];
    assert_eq!(parts(&by(&message().replace(PAYLOAD, "<x/>"))), (Some(1), foreign));
    assert_eq!(parts(&bare(&good)), (Some(0), vec![part("business", "")]));
    let missing = vec![part("business", "signature_missing")];
    assert_eq!(parts(&bare("<amount/>")), (Some(1), missing));
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_canonical_form_is_printed_byte_for_byte() {
    let folder = folder();
    let text = "<a xmlns:p=\"urn:p\"><!-- c --><b Id='x' a=\"1\"  p:c='2'/></a>";
    let file = write(folder.path(), "a.xml", text);
    let file = named(&file);
    for (arguments, expected) in [
        (vec![], "<a><b xmlns:p=\"urn:p\" Id=\"x\" a=\"1\" p:c=\"2\"></b></a>"),
        (vec!["--id", "x"], "<b xmlns:p=\"urn:p\" Id=\"x\" a=\"1\" p:c=\"2\"></b>"),
        (
            vec!["--with-comments", "--inclusive-prefixes", "p q"],
            "<a xmlns:p=\"urn:p\"><!-- c --><b Id=\"x\" a=\"1\" p:c=\"2\"></b></a>",
        ),
    ] {
        let output = qaqpa(&[&["canonicalize", file][..], &arguments].concat());
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
    assert_eq!(qaqpa(&["canonicalize", "--id", "y", file]).status.code(), Some(1));
}

/// A list of the root that names this serial number.
fn list(revoked: &[u8]) -> String {
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 11, 1),
        next_update: date_time_ymd(2026, 12, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(revoked),
            revocation_time: date_time_ymd(2026, 11, 2),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&PKI.root.issuer).expect("list").pem().expect("PEM")
}

#[test]
fn a_list_of_revoked_certificates_is_asked_where_one_is_given() {
    let folder = folder();
    let file = |name: &str, text: &str| write(folder.path(), name, text).display().to_string();
    let root = file("root.pem", &PKI.root.pem);
    let signed = file("signed.xml", &sign(&message(), &usual(&PKI.p256), &PKI.p256));
    let der = x509_serial(PKI.p256.certificate().serial_decimal());
    let arguments = ["verify", "--json", "--at", "2026-11-22T05:00:00Z", "--trust", &root, &signed];
    let with = |list: &str| qaqpa(&[&arguments[..], &["--revocation", list]].concat());
    assert_eq!(qaqpa(&arguments).status.code(), Some(0), "nobody asks");
    let other = with(&file("other.crl", &list(&[1, 2, 3])));
    assert_eq!(other.status.code(), Some(0), "{}", text(&other.stdout));
    let own = with(&file("own.crl", &list(&der)));
    assert_eq!(own.status.code(), Some(1));
    let said = text(&own.stdout);
    assert!(said.contains("pki.revoked") && said.contains("cert_revoked"), "{said}");
    let broken = with(&file("broken.crl", "no list"));
    assert_eq!(broken.status.code(), Some(1), "a list that cannot be read is told");
}

/// The bytes of a decimal serial number.
fn x509_serial(decimal: &str) -> Vec<u8> {
    let mut bytes = vec![0_u8];
    for digit in decimal.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in bytes.iter_mut().rev() {
            let sum = u32::from(*byte) * 10 + carry;
            *byte = u8::try_from(sum % 256).expect("a byte");
            carry = sum / 256;
        }
        if carry > 0 {
            bytes.insert(0, u8::try_from(carry).expect("a byte"));
        }
    }
    bytes
}
