//! What we sign, foreign tools verify; what they sign, we verify.

use crate::signatures::forge::{EXCLUSIVE, PAYLOAD, SOAP, judge, message, sign, usual};
use crate::signatures::oracles::{folder, openssl, python, write, xmlsec1, xmlsec1_verifies};
use crate::signatures::pki::{Identity, PKI};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::{Signer, wsse};
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

fn envelopes() -> Vec<Unsigned> {
    let soap = format!("xmlns:soap=\"{SOAP}\"");
    let in_soap = |inside: &str| format!("<soap:Envelope {soap}>{inside}</soap:Envelope>");
    let body = format!("<soap:Body>{PAYLOAD}</soap:Body>");
    let marked = "<soap:Body @WSU@ wsu:Id=\"@ID@\">";
    let header = format!("<soap:Header>@S@</soap:Header>{marked}");
    let with_id = |attribute: &str, payload: &str| {
        let inside = format!("<soap:Header x=\"\"/><soap:Body {attribute}>{payload}</soap:Body>");
        in_soap(&inside).replace("<soap:Envelope ", &format!("<soap:Envelope xmlns:u=\"{WSU}\" "))
    };
    let odd = PAYLOAD
        .replace("100", "Әж &lt;&#13; &gt;<!-- c --><![CDATA[<&>]]>\r\n")
        .replace("xsi:type=\"c:Pay\"", "b = 'x\"' a=\"&#10;\ty\"");
    let (closed, opened) = ("\"/><soap:Body u:Id='", "\">@S@</soap:Header><soap:Body u:Id='");
    vec![
        unsigned("no header", in_soap(&body), "<soap:Body>", &header),
        unsigned(
            "empty header",
            in_soap(&format!("<soap:Header />{body}")),
            "<soap:Header /><soap:Body>",
            &format!("<soap:Header >@S@</soap:Header>{marked}"),
        ),
        unsigned(
            "header with a block",
            in_soap(&format!("<soap:Header><x/></soap:Header>{body}")),
            "<x/></soap:Header><soap:Body>",
            &format!("@S@<x/></soap:Header>{marked}"),
        ),
        unsigned("own id", with_id("u:Id='own' a='1'", PAYLOAD), closed, opened),
        unsigned(
            "id that is none",
            with_id("u:Id='1 2'", PAYLOAD),
            "\"/><soap:Body u:Id='1 2'",
            "\">@S@</soap:Header><soap:Body u:Id=\"@ID@\"",
        ),
        unsigned(
            "id twice",
            with_id("u:Id='a'", &PAYLOAD.replace("<amount>", "<amount Id=\"a\">")),
            "\"/><soap:Body u:Id='a'",
            "\">@S@</soap:Header><soap:Body u:Id=\"@ID@\"",
        ),
        unsigned(
            "plain id",
            in_soap(&format!("<soap:Body Id=\"plain\">{PAYLOAD}</soap:Body>")),
            "<soap:Body Id",
            &format!("<soap:Header>@S@</soap:Header>{} Id", marked.trim_end_matches('>')),
        ),
        unsigned(
            "default namespace",
            format!("<Envelope xmlns=\"{SOAP}\"><Body>{PAYLOAD}</Body></Envelope>"),
            "<Body>",
            "<Header>@S@</Header><Body @WSU@ wsu:Id=\"@ID@\">",
        ),
        unsigned(
            "SOAP 1.2",
            format!("<e:Envelope xmlns:e=\"{SOAP12}\"><e:Body>{PAYLOAD}</e:Body></e:Envelope>"),
            "<e:Body>",
            "<e:Header>@S@</e:Header><e:Body @WSU@ wsu:Id=\"@ID@\">",
        ),
        unsigned(
            "wsu means something else",
            in_soap(&body.replace("c:Pay", "wsu:Pay"))
                .replace("xmlns:soap", "xmlns:wsu=\"urn:x\" xmlns:soap"),
            "<soap:Body>",
            &header.replace(" @WSU@ wsu:", &format!(" xmlns:wsu1=\"{WSU}\" wsu1:")),
        ),
        unsigned(
            "prefix rebound in the header",
            in_soap(&format!("<h:Header xmlns:h=\"{SOAP}\" xmlns:soap=\"urn:x\"/>{body}")),
            "urn:x\"/><soap:Body>",
            &format!("urn:x\">@S@</h:Header>{marked}"),
        ),
        unsigned(
            "odd data",
            format!(
                "\u{feff}<?xml version=\"1.0\"?>\r\n<!-- a -->{}\r\n",
                in_soap(&body.replace(PAYLOAD, &odd))
            ),
            "<soap:Body>",
            &header,
        ),
        unsigned("signed before", sign(&message(), &usual(&PKI.stranger), &PKI.stranger), "", ""),
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
