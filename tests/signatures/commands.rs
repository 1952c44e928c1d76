//! The commands as an operator uses them: what they print and how they exit.

use crate::signatures::forge::{message, sign, usual};
use crate::signatures::oracles::{folder, write};
use crate::signatures::pki::PKI;
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
