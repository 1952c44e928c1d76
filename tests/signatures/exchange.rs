//! What we sign, foreign tools verify; what they sign, we verify.

use crate::signatures::forge::{EXCLUSIVE, PAYLOAD, SOAP, judge, message, sign, usual};
use crate::signatures::oracles::{folder, openssl, python, write, xmlsec1, xmlsec1_verifies};
use crate::signatures::pki::{Identity, PKI};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::config::settings::AnswerSignature;
use qaqpa::sign::algorithm::Family;
use qaqpa::sign::{Signer, Signers, wsse};
use qaqpa_kit::soap::{DS, SOAP12, WSSE, WSU};
use serde_json::json;

/// An envelope as a client or an adapter writes it, and what signing turns into what:
/// `@S@` stands for the new header block, `@ID@` for a new id.
struct Unsigned {
    name: &'static str,
    envelope: String,
    from: String,
    to: String,
}

fn unsigned(name: &'static str, envelope: String, from: &str, to: &str) -> Unsigned {
    let full = |text: &str| text.replace("@WSU@", &format!("xmlns:wsu=\"{WSU}\""));
    Unsigned { name, envelope: full(&envelope), from: full(from), to: full(to) }
}

const MARKED_BODY: &str = "<soap:Body @WSU@ wsu:Id=\"@ID@\">";

fn in_soap(inside: &str) -> String {
    format!("<soap:Envelope xmlns:soap=\"{SOAP}\">{inside}</soap:Envelope>")
}

fn envelopes() -> Vec<Unsigned> {
    [headers(), ids(), namespaces()].into_iter().flatten().collect()
}

/// Header absent, empty, filled, signed.
fn headers() -> Vec<Unsigned> {
    let body = format!("<soap:Body>{PAYLOAD}</soap:Body>");
    let odd = PAYLOAD
        .replace("100", "Әж &lt;&#13; &gt;<!-- c --><![CDATA[<&>]]>\r\n")
        .replace("xsi:type=\"c:Pay\"", "b = 'x\"' a=\"&#10;\ty\"");
    let odd = in_soap(&body.replace(PAYLOAD, &odd));
    let odd = format!("\u{feff}<?xml version=\"1.0\"?>\r\n<!-- a -->{odd}\r\n");
    let header = format!("<soap:Header>@S@</soap:Header>{MARKED_BODY}");
    let filled = "<soap:Header >@S@</soap:Header>";
    vec![
        unsigned("no header", in_soap(&body), "<soap:Body>", &header),
        unsigned(
            "empty header",
            in_soap(&format!("<soap:Header />{body}")),
            "<soap:Header /><soap:Body>",
            &format!("{filled}{MARKED_BODY}"),
        ),
        unsigned(
            "header with a block",
            in_soap(&format!("<soap:Header><x/></soap:Header>{body}")),
            "<x/></soap:Header><soap:Body>",
            &format!("@S@<x/></soap:Header>{MARKED_BODY}"),
        ),
        unsigned("odd data", odd, "<soap:Body>", &header),
        unsigned("signed before", sign(&message(), &usual(&PKI.stranger), &PKI.stranger), "", ""),
    ]
}

/// The Body with an id of its own, a plain one, an unusable one.
fn ids() -> Vec<Unsigned> {
    let with_id = |attribute: &str, payload: &str| {
        let inside = format!("<soap:Header x=\"\"/><soap:Body {attribute}>{payload}</soap:Body>");
        in_soap(&inside).replace("<soap:Envelope ", &format!("<soap:Envelope xmlns:u=\"{WSU}\" "))
    };
    let (closed, opened) = ("\"/><soap:Body u:Id=", "\">@S@</soap:Header><soap:Body u:Id=");
    let new = format!("{opened}\"@ID@\"");
    let doubled = PAYLOAD.replace("<amount>", "<amount Id=\"a\">");
    let plain = in_soap(&format!("<soap:Body Id=\"plain\">{PAYLOAD}</soap:Body>"));
    let marked = MARKED_BODY.trim_end_matches('>');
    vec![
        unsigned("own id", with_id("u:Id='own' a='1'", PAYLOAD), closed, opened),
        unsigned("no id", with_id("u:Id='1 2'", PAYLOAD), &format!("{closed}'1 2'"), &new),
        unsigned("id twice", with_id("u:Id='a'", &doubled), &format!("{closed}'a'"), &new),
        unsigned(
            "plain id",
            plain,
            "<soap:Body Id",
            &format!("<soap:Header>@S@</soap:Header>{marked} Id"),
        ),
    ]
}

/// SOAP by default, SOAP 1.2, prefixes that mean something else.
fn namespaces() -> Vec<Unsigned> {
    let body = format!("<soap:Body>{PAYLOAD}</soap:Body>");
    let by_default = format!("<Envelope xmlns=\"{SOAP}\"><Body>{PAYLOAD}</Body></Envelope>");
    let soap12 =
        format!("<e:Envelope xmlns:e=\"{SOAP12}\"><e:Body>{PAYLOAD}</e:Body></e:Envelope>");
    let other_wsu = in_soap(&body.replace("c:Pay", "wsu:Pay"))
        .replace("xmlns:soap", "xmlns:wsu=\"urn:x\" xmlns:soap");
    let marked_otherwise =
        MARKED_BODY.replace("@WSU@ wsu:", &format!("xmlns:wsu1=\"{WSU}\" wsu1:"));
    let rebound = format!("<h:Header xmlns:h=\"{SOAP}\" xmlns:soap=\"urn:x\"/>{body}");
    vec![
        unsigned(
            "default namespace",
            by_default,
            "<Body>",
            "<Header>@S@</Header><Body @WSU@ wsu:Id=\"@ID@\">",
        ),
        unsigned(
            "SOAP 1.2",
            soap12,
            "<e:Body>",
            "<e:Header>@S@</e:Header><e:Body @WSU@ wsu:Id=\"@ID@\">",
        ),
        unsigned(
            "wsu means something else",
            other_wsu,
            "<soap:Body>",
            &format!("<soap:Header>@S@</soap:Header>{marked_otherwise}"),
        ),
        unsigned(
            "prefix rebound in the header",
            in_soap(&rebound),
            "urn:x\"/><soap:Body>",
            &format!("urn:x\">@S@</h:Header>{MARKED_BODY}"),
        ),
    ]
}

#[test]
fn what_we_sign_we_and_xmlsec1_and_signxml_verify() {
    let mut tasks = String::new();
    for by in [&PKI.rsa, &PKI.p256, &PKI.p384] {
        for Unsigned { name, envelope, .. } in envelopes() {
            let signed = wsse::sign(envelope.as_bytes(), &by.signer).expect(name);
            let text = String::from_utf8_lossy(&signed).into_owned();
            let ours = judge(&signed).unwrap_or_else(|reason| panic!("{name}: {reason}: {text}"));
            assert_eq!(ours.certificate.sha256(), by.certificate().sha256());
            let (is_valid, messages) = xmlsec1_verifies(&signed, &by.cert_pem);
            assert!(is_valid, "{name}: {messages}: {text}");
            let task = json!({"document": STANDARD.encode(&signed), "certificate": by.cert_pem});
            tasks.push_str(&format!("{task}\n"));
        }
    }
    let tags = python("signxml_verify.py", &[], tasks.as_bytes());
    assert_eq!(String::from_utf8_lossy(&tags), "Body\n".repeat(tasks.lines().count()));
}

#[test]
fn signing_changes_nothing_but_the_header_and_the_bodys_id() {
    for Unsigned { name, envelope, from, to } in envelopes() {
        assert!(envelope.contains(&from), "{name}: {from} in {envelope}");
        let signed = wsse::sign(envelope.as_bytes(), &PKI.p256.signer).expect(name);
        let block = |text: &str| {
            let start = text.find("<wsse:Security ").unwrap();
            let end = text.find("</wsse:Security>").unwrap() + "</wsse:Security>".len();
            text[start..end].to_owned()
        };
        let signed = String::from_utf8(signed).unwrap();
        let added = block(&signed);
        assert!(
            added.contains(":mustUnderstand=\"1\"") && added.contains("<ds:Signature xmlns:ds=")
        );
        let rest = signed.replace(&added, "@S@");
        let expected = match from.as_str() {
            "" => envelope.replace(&block(&envelope), "@S@"),
            _ => envelope.replacen(&from, &to, 1),
        };
        let id = rest.split("Id=\"id-").nth(1).map_or("", |after| &after[..36]);
        assert_eq!(rest.replace(&format!("id-{id}"), "@ID@"), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_signed_is_refused() {
    for text in
        ["", "<a/>", "<a>", &format!("<s:Envelope xmlns:s=\"{SOAP}\"><s:Body/></s:Envelope>")]
    {
        assert!(wsse::sign(text.as_bytes(), &PKI.rsa.signer).is_err(), "{text}");
    }
    let relative = message().replace("@S@", "").replace("urn:c", "c");
    assert!(wsse::sign(relative.as_bytes(), &PKI.rsa.signer).is_err());
}

fn template(algorithm: &str, digest: &str, key_info: &str) -> String {
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{algorithm}\"/><ds:Reference URI=\"#body\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms><ds:DigestMethod Algorithm=\"{digest}\"/>\
         <ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>\
         <ds:KeyInfo><ds:X509Data>{key_info}</ds:X509Data></ds:KeyInfo></ds:Signature>"
    );
    message().replace("@S@", &signature)
}

#[test]
fn what_xmlsec1_signs_we_verify() {
    let folder = folder();
    let more = |name: &str| format!("http://www.w3.org/2001/04/xmldsig-more#{name}");
    let encryption = |name: &str| format!("http://www.w3.org/2001/04/xmlenc#{name}");
    let algorithms: [(&Identity, _, _); 5] = [
        (&PKI.rsa, more("rsa-sha256"), encryption("sha256")),
        (&PKI.rsa, more("rsa-sha384"), more("sha384")),
        (&PKI.rsa, more("rsa-sha512"), encryption("sha512")),
        (&PKI.p256, more("ecdsa-sha256"), encryption("sha256")),
        (&PKI.p384, more("ecdsa-sha384"), encryption("sha512")),
    ];
    for (by, algorithm, digest) in algorithms {
        for key_info in ["<ds:X509Certificate/>", "<ds:X509IssuerSerial/>"] {
            let key = write(folder.path(), "key.pem", &by.key_pem);
            let certificate = write(folder.path(), "cert.pem", &by.cert_pem);
            let file =
                write(folder.path(), "template.xml", template(&algorithm, &digest, key_info));
            let output = folder.path().join("signed.xml");
            let pair = format!("{},{}", key.display(), certificate.display());
            let arguments = [
                "--sign",
                "--privkey-pem",
                &pair,
                "--id-attr:Id",
                "Body",
                "--output",
                output.to_str().unwrap(),
            ];
            let (is_signed, messages) = xmlsec1(&arguments, &file);
            assert!(is_signed, "{algorithm}: {messages}");
            let signed = std::fs::read(&output).unwrap();
            let judged = judge(&signed).unwrap_or_else(|reason| {
                panic!("{algorithm} {key_info}: {reason}: {}", String::from_utf8_lossy(&signed))
            });
            assert_eq!(judged.algorithm.uri(), algorithm);
        }
    }
}

#[test]
fn what_signxml_signs_we_verify() {
    let folder = folder();
    let envelope = format!(
        "<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Header/><soap:Body Id=\"body\">{PAYLOAD}</soap:Body></soap:Envelope>"
    );
    for (by, algorithm, digest) in [
        (&PKI.rsa, "rsa-sha256", "sha256"),
        (&PKI.rsa, "rsa-sha512", "sha512"),
        (&PKI.p256, "ecdsa-sha256", "sha256"),
        (&PKI.p384, "ecdsa-sha384", "sha384"),
    ] {
        let key = write(folder.path(), "key.pem", &by.key_pem);
        let certificate = write(folder.path(), "cert.pem", &by.cert_pem);
        let arguments = [key.to_str().unwrap(), certificate.to_str().unwrap(), algorithm, digest];
        let signed = python("signxml_sign.py", &arguments, envelope.as_bytes());
        judge(&signed).unwrap_or_else(|reason| {
            panic!("{algorithm}: {reason}: {}", String::from_utf8_lossy(&signed))
        });
        assert!(String::from_utf8_lossy(&signed).contains(WSSE));
    }
}

#[test]
fn keys_are_read_in_every_usual_packing_and_only_with_their_certificate() {
    let folder = folder();
    for (by, old) in [(&PKI.rsa, "rsa"), (&PKI.p256, "ec"), (&PKI.p384, "ec")] {
        let key = write(folder.path(), "key.pem", &by.key_pem);
        let mut arguments = vec![old, "-in", key.to_str().unwrap()];
        if old == "rsa" {
            arguments.push("-traditional");
        }
        let old_pem = openssl(&arguments);
        let label = format!("BEGIN {} PRIVATE KEY", old.to_uppercase());
        assert!(String::from_utf8_lossy(&old_pem).contains(&label));
        let signer = Signer::from_pem(&old_pem, by.cert_pem.as_bytes()).expect("old packing");
        let message = b"message";
        let signature = signer.sign(message).unwrap();
        by.certificate().key().verify(signer.algorithm(), message, &signature).expect("valid");
        by.certificate().key().verify(signer.algorithm(), b"massage", &signature).unwrap_err();
        assert!(!format!("{signer:?}").contains("Demo"), "no name in a log");
    }
    for (key, certificate) in [
        (&PKI.rsa, &PKI.stranger),
        (&PKI.p256, &PKI.rsa),
        (&PKI.rsa, &PKI.p256),
        (&PKI.p384, &PKI.p256),
    ] {
        Signer::from_pem(key.key_pem.as_bytes(), certificate.cert_pem.as_bytes()).unwrap_err();
    }
    for (key, certificate) in [
        ("", PKI.rsa.cert_pem.as_str()),
        (&PKI.rsa.key_pem, ""),
        (&PKI.rsa.cert_pem, &PKI.rsa.cert_pem),
    ] {
        Signer::from_pem(key.as_bytes(), certificate.as_bytes()).unwrap_err();
    }
}

#[test]
fn an_answer_is_signed_with_the_family_that_the_caller_used() {
    let signer = |by: &Identity| {
        Signer::from_pem(by.key_pem.as_bytes(), by.cert_pem.as_bytes()).expect("signer")
    };
    let signers = |policy| Signers::new([signer(&PKI.rsa), signer(&PKI.p256)], policy).unwrap();
    let as_caller = signers(AnswerSignature::AsCaller);
    assert_eq!(as_caller.outgoing().family(), Family::Rsa);
    assert_eq!(as_caller.answer(Some(Family::Ecdsa)).family(), Family::Ecdsa);
    assert_eq!(as_caller.answer(Some(Family::Rsa)).family(), Family::Rsa);
    assert_eq!(as_caller.answer(None).family(), Family::Rsa, "the first");
    let ecdsa = signers(AnswerSignature::Ecdsa);
    assert_eq!(ecdsa.answer(Some(Family::Rsa)).family(), Family::Ecdsa);
    let one = Signers::new([signer(&PKI.rsa)], AnswerSignature::Ecdsa).unwrap();
    assert_eq!(one.answer(None).family(), Family::Rsa, "there is no other");
    assert!(Signers::new([], AnswerSignature::Rsa).is_none());
}
