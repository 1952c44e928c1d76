//! What a KeyInfo may say of the signer's certificate besides: as much as is true of it.

use crate::signatures::business::{DOCUMENT, judge_document, signed, signed_by_xmlsec1, template};
use crate::signatures::hostile_business::forged;
use crate::signatures::pki::{Identity, PKI};
use qaqpa::sign::canonical;
use qaqpa::sign::xmldsig::ENVELOPED;

fn certificate(base64: &str) -> String {
    format!("<ds:X509Certificate>{base64}</ds:X509Certificate>")
}

fn own(by: &Identity) -> String {
    certificate(by.signer.certificate_base64())
}

/// The root's certificate, as it is sent along.
fn root() -> String {
    let lines = PKI.root.pem.lines().filter(|line| !line.contains("---"));
    certificate(&lines.collect::<String>())
}

fn named(element: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<ds:{element}>{text}</ds:{element}>")
}

fn issued(by: &Identity) -> String {
    let certificate = by.certificate();
    let name = named("X509IssuerName", certificate.issuer());
    let serial = named("X509SerialNumber", certificate.serial_decimal());
    format!("<ds:X509IssuerSerial>{name}{serial}</ds:X509IssuerSerial>")
}

/// A good signature whose X509Data says this.
fn judged(said: &str) -> Result<(), &'static str> {
    judge_document(&signed(DOCUMENT, &PKI.rsa).replace(&own(&PKI.rsa), said)).map(drop)
}

#[test]
fn a_chain_a_name_and_a_number_may_stand_beside_the_certificate_where_they_are_true() {
    let by: &Identity = &PKI.rsa;
    let (own, root) = (own(by), root());
    let subject = named("X509SubjectName", by.certificate().subject());
    let other = named("X509SubjectName", PKI.p256.certificate().subject());
    let turned: Vec<&str> = by.certificate().subject().split(',').rev().collect();
    for said in [
        own.clone(),
        format!("{own}{root}"),
        format!("{root}{own}"),
        format!("{subject}{own}"),
        format!("{}{own}", named("X509SubjectName", &turned.join(", "))),
        format!("{}{subject}{own}", issued(by)),
        // xmlsec1 leaves what its template asks for in vain.
        format!("<ds:X509SubjectName/><ds:X509SKI/>{own}"),
    ] {
        assert_eq!(judged(&said), Ok(()), "{said}");
    }
    for said in [
        format!("{own}{own}"),
        format!("{own}{}", self::own(&PKI.p256)),
        format!("{own}{}", self::own(&PKI.stranger)),
        format!("{root}{root}"),
        format!("{other}{own}"),
        format!("{}{own}", issued(&PKI.p256)),
        format!("{}{own}", named("X509SKI", "AAAA")),
        format!("{}{own}", named("X509SubjectName", "no name")),
        format!("{own}{}", root.repeat(8)),
    ] {
        assert_eq!(judged(&said), Err("keyinfo_ambiguous"), "{said}");
    }
    assert_eq!(judged(&format!("{own}{}", named("X509CRL", "AAAA"))), Err("key_type_forbidden"));
    assert_eq!(judged(&subject), Err("key_type_forbidden"));
}

#[test]
fn a_part_may_be_signed_without_naming_a_transform() {
    let document = "<ns2:Request xmlns:ns2=\"urn:n\"> <Part Id=\"p\"><!-- c --><iin>1</iin></Part></ns2:Request>";
    let without = |text: String| {
        let start = text.find("<ds:Transforms>").expect("transforms");
        let end = text.find("</ds:Transforms>").expect("transforms") + "</ds:Transforms>".len();
        text.replace(&text[start..end], "")
    };
    let by_id = forged(document, "#p", &[canonical::INCLUSIVE], without);
    assert_eq!(judge_document(&by_id).map(drop), Err("digest_mismatch"), "another form's digest");
    let blank = template(document, "#p", &[canonical::INCLUSIVE], &PKI.rsa);
    let signed = signed_by_xmlsec1(&without(blank), &PKI.rsa);
    assert_eq!(judge_document(&signed).map(drop), Ok(()));
    let whole = forged(document, "", &[ENVELOPED], without);
    assert_eq!(judge_document(&whole).map(drop), Err("transform_forbidden"));
}
