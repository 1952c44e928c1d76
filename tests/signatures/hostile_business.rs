//! Business signatures bent in every way: moved, cut short, doubled, over something else, signed anew.

use crate::signatures::business::{DOCUMENT, escaped, in_data, signed, template, without_prolog};
use crate::signatures::forge::sign;
use crate::signatures::pki::{Identity, PKI};
use qaqpa::sign::canonical;
use qaqpa::sign::xmldsig::ENVELOPED;

/// A name, the reason, and a document with `data`.
pub(crate) type Hostile = (String, &'static str, String);

/// A reference and its signature filled in by a key that is trusted, whatever they say.
pub(crate) fn forged(
    document: &str,
    uri: &str,
    transforms: &[&str],
    change: impl Fn(String) -> String,
) -> String {
    let by: &Identity = &PKI.rsa;
    let blank = template(document, uri, transforms, by)
        .replace("<ds:DigestValue/>", "<ds:DigestValue>@DIGEST@</ds:DigestValue>")
        .replace("<ds:SignatureValue/>", "<ds:SignatureValue>@VALUE@</ds:SignatureValue>")
        .replace(
            "<ds:X509Certificate/>",
            &format!("<ds:X509Certificate>{}</ds:X509Certificate>", by.signer.certificate_base64()),
        );
    sign(&change(blank), "", by)
}

/// Every case, once written as text and once inline.
pub(crate) fn hostile() -> Vec<Hostile> {
    let mut cases = Vec::new();
    for (name, reason, document) in changed().into_iter().chain(resigned()) {
        let inline = without_prolog(&document).to_owned();
        cases.push((format!("{name}, inline"), reason, in_data(&inline)));
        cases.push((format!("{name}, as text"), reason, in_data(&escaped(&document))));
    }
    cases.extend(places());
    cases
}

/// A good signature, and something changed afterwards.
fn changed() -> Vec<Hostile> {
    let good = signed(DOCUMENT, &PKI.rsa);
    let stranger = signed(DOCUMENT, &PKI.stranger);
    let start = good.find("<ds:Signature").expect("signature");
    let signature = &good[start..good.rfind("</ns2:").expect("end")];
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let moved =
        good.replace(signature, "").replace("<Empty/>", &format!("<Empty>{signature}</Empty>"));
    let nine = good.replace(signature, &signature.repeat(9));
    [
        ("value", "digest_mismatch", swap("171140001235<", "171140001236<")),
        ("attribute", "digest_mismatch", swap("a='2'", "a='3'")),
        ("white space", "digest_mismatch", swap("<Empty/>", " <Empty/>")),
        ("namespace", "digest_mismatch", swap("xmlns:unused=\"urn:u\"", "xmlns:unused=\"urn:v\"")),
        ("namespace gone", "digest_mismatch", swap("xml:lang=\"kk\"", "")),
        ("element added", "digest_mismatch", swap("<Empty/>", "<Empty/><BIN>1</BIN>")),
        (
            "element after the signature",
            "digest_mismatch",
            swap("</ns2:Request>", "<x/></ns2:Request>"),
        ),
        ("instruction", "digest_mismatch", swap("<Empty/>", "<?x y?><Empty/>")),
        ("signature deeper", "signature_missing", moved),
        ("no signature", "signature_missing", good.replace(signature, "")),
        (
            "foreign signature",
            "signature_missing",
            good.replace("xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", "xmlns:ds=\"urn:x\""),
        ),
        ("nine", "signature_count", nine),
        ("same twice", "digest_mismatch", good.replace(signature, &signature.repeat(2))),
        ("stranger", "cert_unknown", stranger),
        (
            "comment in the digest",
            "unexpected_node_in_value",
            swap("</ds:DigestValue>", "<!-- --></ds:DigestValue>"),
        ),
        ("object", "unexpected_object", swap("</ds:Signature>", "<ds:Object/></ds:Signature>")),
        (
            "two infos",
            "signedinfo_count",
            swap("<ds:SignatureValue>", "<ds:SignedInfo/><ds:SignatureValue>"),
        ),
        ("value flipped", "bad_signature", swap("<ds:SignatureValue>", "<ds:SignatureValue>AAAA")),
    ]
    .into_iter()
    .map(|(name, reason, text)| (name.to_owned(), reason, text))
    .collect()
}

/// What an attacker with a trusted key signs: validity is no excuse.
fn resigned() -> Vec<Hostile> {
    let usual = [ENVELOPED, canonical::INCLUSIVE];
    let bent = |name: &str, reason, uri: &str, transforms: &[&str]| {
        (name.to_owned(), reason, forged(DOCUMENT, uri, transforms, |text| text))
    };
    let changed = |name: &str, reason, from: &'static str, to: &'static str| {
        let change = |text: String| {
            assert!(text.contains(from), "{from} in {text}");
            text.replacen(from, to, 1)
        };
        (name.to_owned(), reason, forged(DOCUMENT, "", &usual, change))
    };
    let mut cases = vec![
        bent("no enveloped", "transform_forbidden", "", &[canonical::INCLUSIVE]),
        bent("enveloped last", "transform_forbidden", "", &[canonical::INCLUSIVE, ENVELOPED]),
        bent("enveloped twice", "transform_forbidden", "", &[ENVELOPED, ENVELOPED]),
        bent(
            "three",
            "transform_forbidden",
            "",
            &[ENVELOPED, canonical::INCLUSIVE, canonical::INCLUSIVE],
        ),
        bent("remote", "remote_reference_forbidden", "http://127.0.0.1/x", &usual),
        bent("file", "remote_reference_forbidden", "file:///etc/passwd", &usual),
        bent("xpointer", "ref_unresolved", "#xpointer(/)", &usual),
        bent("nowhere", "ref_unresolved", "#nowhere", &usual),
        changed(
            "c14n 2.0",
            "c14n_forbidden",
            canonical::INCLUSIVE,
            "http://www.w3.org/2010/xml-c14n2",
        ),
        changed(
            "manifest",
            "manifest_forbidden",
            "URI=\"\"",
            "URI=\"\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"",
        ),
        changed("relative namespace", "c14n_error", "<Empty/>", "<Empty xmlns:r=\"relative\"/>"),
        changed(
            "sha-1",
            "alg_forbidden",
            "http://www.w3.org/2001/04/xmlenc#sha256",
            "http://www.w3.org/2000/09/xmldsig#sha1",
        ),
        changed("hmac", "alg_forbidden", "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256"),
        changed("no reference at all", "remote_reference_forbidden", "URI=\"\"", "URI=\"x\""),
    ];
    for uri in [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2010/xml-c14n2",
    ] {
        cases.push(bent(uri, "transform_forbidden", "", &[ENVELOPED, uri]));
        cases.push(bent(
            &format!("first {uri}"),
            "transform_forbidden",
            "",
            &[uri, canonical::INCLUSIVE],
        ));
    }
    cases
}

/// A signature around what it signs.
fn enveloping() -> String {
    let text = forged("<w></w>", "#o", &[canonical::INCLUSIVE], |text| {
        text.replace(
            "</ds:Signature>",
            "<ds:Object Id=\"o\"><iin>1</iin></ds:Object></ds:Signature>",
        )
    });
    text.replace("<w>", "").replace("</w>", "")
}

/// Where the document and what is signed of it stand.
fn places() -> Vec<Hostile> {
    let good = signed(without_prolog(DOCUMENT), &PKI.rsa);
    let by_id = |inside: &str, uri: &str| {
        let document = format!("<ns2:Request xmlns:ns2=\"urn:n\">{inside}</ns2:Request>");
        in_data(&forged(&document, uri, &[canonical::INCLUSIVE], |text| text))
    };
    let part = "<Part Id=\"p\"><iin>1</iin></Part>";
    let with_attribute = by_id(part, "#p").replace("<ns2:Request ", "<ns2:Request iin=\"2\" ");
    [
        ("text beside", "document_ambiguous", in_data(&format!("x{good}"))),
        (
            "text document beside",
            "document_ambiguous",
            in_data(&format!("{good}{}", escaped(&good))),
        ),
        (
            "comment in text",
            "document_ambiguous",
            in_data(&escaped(&good).replace("1400", "14<!-- -->00")),
        ),
        ("document in its signature", "unexpected_object", in_data(&enveloping())),
        ("two documents", "signature_missing", in_data(&good.repeat(2))),
        ("wrapped", "signature_missing", in_data(&format!("<w>{good}</w>"))),
        ("nothing", "signature_missing", in_data("")),
        ("words", "signature_missing", in_data("words")),
        ("broken text", "signed_document_not_xml", in_data("&lt;a>")),
        ("doctype in text", "signed_document_not_xml", in_data(&escaped("<!DOCTYPE a><a/>"))),
        ("part with a sibling", "content_not_signed", by_id(&format!("{part}<iin>2</iin>"), "#p")),
        ("part with text beside", "content_not_signed", by_id(&format!("{part}2"), "#p")),
        (
            "part with an instruction beside",
            "content_not_signed",
            by_id(&format!("{part}<?iin 2?>"), "#p"),
        ),
        ("part with an attribute above", "content_not_signed", with_attribute),
        ("part of a part", "ref_target_not_root", by_id("<w><Part Id=\"p\"/></w>", "#p")),
        ("part twice", "duplicate_id", by_id("<Part Id=\"p\"/><w ID=\"p\"/>", "#p")),
        ("id elsewhere", "ref_unresolved", by_id("<Part Id=\"q\"/>", "#p")),
        ("foreign id", "wrong_namespace", by_id("<Part xmlns:f=\"urn:f\" f:Id=\"p\"/>", "#p")),
    ]
    .into_iter()
    .map(|(name, reason, text)| (name.to_owned(), reason, text))
    .collect()
}
