//! Business signatures against xmlsec1 and signxml, and against whoever bends them.

use crate::signatures::hostile_business::hostile;
use crate::signatures::oracles::{folder, python, write, xmlsec1};
use crate::signatures::pki::{Identity, NOW_UNIX_S, PKI};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::algorithm::DigestAlgorithm;
use qaqpa::sign::business::enveloped::{self, Enveloped};
use qaqpa::sign::business::root::{self, Root};
use qaqpa::sign::business::seal::{self, Forms};
use qaqpa::sign::canonical::{self, Method};
use qaqpa::sign::xmldsig::ENVELOPED;
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::writer::push_text;
use qaqpa_kit::xml::{Document, Limits};
use serde_json::json;

/// A document with everything that canonical forms differ in.
pub(crate) const DOCUMENT: &str = "<?xml version=\"1.0\"?><!-- before --><ns2:Request \
    xmlns:ns2=\"http://gbdulinfobybin_v2.egp.gbdul.tamur.kz\" xmlns:unused=\"urn:u\" xml:lang=\"kk\">\
    <RequestorBIN>190540007715</RequestorBIN><!-- in --><BIN  a='2' unused:b=\"1\">171140001235</BIN>\
    <Name>«Үлгі» &amp; Ко\r\n</Name><Empty/></ns2:Request>";

pub(crate) const CANONICALIZATIONS: [(Method, bool, &str); 6] = [
    (Method::Inclusive, true, canonical::INCLUSIVE_WITH_COMMENTS),
    (Method::Inclusive, false, canonical::INCLUSIVE),
    (Method::Inclusive11, true, canonical::INCLUSIVE_11_WITH_COMMENTS),
    (Method::Inclusive11, false, canonical::INCLUSIVE_11),
    (Method::Exclusive, true, canonical::EXCLUSIVE_WITH_COMMENTS),
    (Method::Exclusive, false, canonical::EXCLUSIVE),
];

pub(crate) fn signed(document: &str, by: &Identity) -> String {
    let signed = seal::sign(document.as_bytes(), &by.signer, Forms::USUAL).expect("signed");
    String::from_utf8(signed).expect("text")
}

/// Who signed a whole document, in its order; or why not.
pub(crate) fn judge_document(document: &str) -> Result<Vec<[u8; 32]>, &'static str> {
    let document =
        Document::scan(document.as_bytes(), &Limits::default()).map_err(|error| error.reason)?;
    told(enveloped::verify(&Root::of_document(&document), PKI.trust.certificates()))
}

fn told(
    verified: Result<Vec<Enveloped<'_>>, qaqpa::sign::Refusal>,
) -> Result<Vec<[u8; 32]>, &'static str> {
    let verified = verified.map_err(|refusal| refusal.reason.word())?;
    for one in &verified {
        PKI.trust.judge(&one.certificate, NOW_UNIX_S).map_err(|reason| reason.word())?;
    }
    Ok(verified.iter().map(|one| one.certificate.sha256()).collect())
}

/// The same of what stands in `data`; the text is a whole document with one element `data`.
pub(crate) fn judge_data(text: &str) -> Result<Vec<[u8; 32]>, &'static str> {
    let document =
        Document::scan(text.as_bytes(), &Limits::default()).map_err(|error| error.reason)?;
    let data = document.root().descendants().find(|one| one.local() == "data").expect("data");
    let mut signers = Err("");
    let looked = root::look(data, &Limits::default(), |root| {
        signers = told(enveloped::verify(root, PKI.trust.certificates()));
        Ok(())
    });
    looked.map_err(|refusal| refusal.reason.word())?;
    signers
}

/// `data` in an envelope whose namespaces could get into the way.
pub(crate) fn in_data(inside: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"{}\" xmlns=\"urn:outer\" xmlns:xsi=\"urn:xsi\" xml:lang=\"ru\"><soap:Body>\
         <m xmlns=\"\" xmlns:m=\"urn:m\"><data xmlns:d=\"urn:d\" xsi:type=\"d:T\">{inside}</data></m></soap:Body>\
         </soap:Envelope>",
        qaqpa_kit::soap::SOAP11
    )
}

pub(crate) fn without_prolog(document: &str) -> &str {
    &document[document.find("<ns2:Request").expect("root")..]
}

pub(crate) fn escaped(document: &str) -> String {
    let mut text = String::new();
    push_text(&mut text, document);
    text
}

fn xmlsec1_verifies(document: &[u8], by: &Identity) -> (bool, String) {
    let folder = folder();
    let certificate = write(folder.path(), "cert.pem", &by.cert_pem).display().to_string();
    let file = write(folder.path(), "signed.xml", document);
    let arguments =
        ["--verify", "--pubkey-cert-pem", &certificate, "--enabled-key-data", "key-name"];
    let (is_content, text) = xmlsec1(&arguments, &file);
    (is_content && text.contains("OK"), text)
}

#[test]
fn what_we_sign_xmlsec1_and_signxml_verify_in_every_canonicalization() {
    let mut tasks = String::new();
    for by in [&PKI.rsa, &PKI.p256, &PKI.p384] {
        for (method, comments, _) in CANONICALIZATIONS {
            for (info_method, info_comments, _) in CANONICALIZATIONS {
                let forms = Forms {
                    document: (method, comments),
                    signed_info: (info_method, info_comments),
                };
                let signed = seal::sign(DOCUMENT.as_bytes(), &by.signer, forms).expect("signed");
                let text = String::from_utf8_lossy(&signed).into_owned();
                assert_eq!(judge_document(&text), Ok(vec![by.certificate().sha256()]), "{text}");
                let (is_valid, messages) = xmlsec1_verifies(&signed, by);
                assert!(is_valid, "{forms:?}: {messages}: {text}");
                // signxml cuts SignedInfo out of its document first and loses `xml:lang` above it, and
                // hashes comments that a reference to the whole document does not select.
                let plain = DOCUMENT
                    .replace(" xml:lang=\"kk\"", "")
                    .replace("<!-- before -->", "")
                    .replace("<!-- in -->", "");
                let signed = seal::sign(plain.as_bytes(), &by.signer, forms).expect("signed");
                let task =
                    json!({"document": STANDARD.encode(&signed), "certificate": by.cert_pem});
                tasks.push_str(&format!("{task}\n"));
            }
        }
    }
    let tags = python("signxml_verify.py", &["document"], tasks.as_bytes());
    assert_eq!(String::from_utf8_lossy(&tags), "Request\n".repeat(tasks.lines().count()));
}

/// A template for xmlsec1 as the last child of the root.
pub(crate) fn template(document: &str, uri: &str, transforms: &[&str], by: &Identity) -> String {
    let chain: String =
        transforms.iter().map(|uri| format!("<ds:Transform Algorithm=\"{uri}\"/>")).collect();
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{}\"/><ds:SignatureMethod Algorithm=\"{}\"/>\
         <ds:Reference URI=\"{uri}\"><ds:Transforms>{chain}</ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>\
         </ds:Signature></",
        canonical::INCLUSIVE,
        by.signer.algorithm().uri(),
        DigestAlgorithm::Sha256.uri(),
    );
    let at = document.rfind("</").expect("root");
    format!("{}{signature}{}", &document[..at], &document[at + 2..])
}

pub(crate) fn signed_by_xmlsec1(template: &str, by: &Identity) -> String {
    let folder = folder();
    let key = write(folder.path(), "key.pem", &by.key_pem);
    let certificate = write(folder.path(), "cert.pem", &by.cert_pem);
    let file = write(folder.path(), "template.xml", template);
    let output = folder.path().join("signed.xml");
    let pair = format!("{},{}", key.display(), certificate.display());
    let output_name = output.display().to_string();
    let arguments =
        ["--sign", "--privkey-pem", &pair, "--id-attr:Id", "Part", "--output", &output_name];
    let (is_signed, messages) = xmlsec1(&arguments, &file);
    assert!(is_signed, "{messages}: {template}");
    std::fs::read_to_string(output).expect("signed")
}

#[test]
fn what_xmlsec1_signs_we_verify_as_a_document_as_text_and_inline() {
    for by in [&PKI.rsa, &PKI.p256] {
        let expected = Ok(vec![by.certificate().sha256()]);
        for (_, _, uri) in CANONICALIZATIONS {
            for transforms in [&[ENVELOPED, uri][..], &[ENVELOPED][..]] {
                let signed = signed_by_xmlsec1(&template(DOCUMENT, "", transforms, by), by);
                assert_eq!(judge_document(&signed), expected, "{uri}: {signed}");
                let text = in_data(&escaped(&signed));
                assert_eq!(judge_data(&text), expected, "{uri} as text");
                let inline = without_prolog(DOCUMENT);
                let signed = signed_by_xmlsec1(&template(inline, "", transforms, by), by);
                let inline = in_data(without_prolog(&signed));
                assert_eq!(judge_data(&inline), expected, "{uri} inline: {inline}");
            }
            let part = "<ns2:Request xmlns:ns2=\"urn:n\"> <Part Id=\"p\" xmlns:x=\"urn:x\"><!-- c --><x:a/></Part></ns2:Request>";
            let signed = signed_by_xmlsec1(&template(part, "#p", &[uri], by), by);
            assert_eq!(judge_document(&signed), expected, "{uri} by id: {signed}");
            let signed = without_prolog(&signed).to_owned();
            assert_eq!(judge_data(&in_data(&signed)), expected, "{uri} by id inline: {signed}");
        }
    }
}

#[test]
fn a_document_that_was_signed_where_it_stands_is_verified_there() {
    // A signer that cuts the element out of the tree takes every namespace in scope along.
    let by = &PKI.rsa;
    let whole = in_data(without_prolog(DOCUMENT));
    let soap = qaqpa_kit::soap::SOAP11;
    let cut = without_prolog(DOCUMENT).replacen(
        " xmlns:unused",
        &format!(" xmlns:d=\"urn:d\" xmlns:m=\"urn:m\" xmlns:soap=\"{soap}\" xmlns:xsi=\"urn:xsi\" xmlns:unused"),
        1,
    );
    let signed = signed(&cut, by);
    let start = signed.find("<ds:Signature").expect("signature");
    let signature = &signed[start..signed.rfind("</ns2:").expect("end")];
    let placed = whole.replace("</ns2:Request>", &format!("{signature}</ns2:Request>"));
    assert_eq!(judge_data(&placed), Ok(vec![by.certificate().sha256()]));
    // What is used but declared above only is seen by its signer, too.
    let part = "<Request><d:x/></Request>";
    let declared = part.replace("<Request>", "<Request xmlns:d=\"urn:d\">");
    let signed = self::signed(&declared, by).replacen(" xmlns:d=\"urn:d\"", "", 1);
    assert_eq!(judge_data(&in_data(&signed)), Ok(vec![by.certificate().sha256()]));
}

#[test]
fn several_signatures_are_read_last_first() {
    let order = [&PKI.rsa, &PKI.p256, &PKI.p384];
    let mut document = DOCUMENT.to_owned();
    for by in order {
        document = signed(&document, by);
    }
    let expected: Vec<_> = order.iter().map(|by| by.certificate().sha256()).collect();
    assert_eq!(judge_document(&document), Ok(expected.clone()));
    assert_eq!(judge_data(&in_data(&escaped(&document))), Ok(expected.clone()));
    assert_eq!(judge_data(&in_data(without_prolog(&document))), Ok(expected));
    let start = document.find("<ds:Signature").expect("first");
    let end = document.find("</ds:Signature>").expect("first") + "</ds:Signature>".len();
    let first = &document[start..end];
    let without_first = document.replace(first, "");
    assert_eq!(judge_document(&without_first), Err("digest_mismatch"), "the second covers it");
    let swapped = without_first.replace("</ns2:Request>", &format!("{first}</ns2:Request>"));
    assert_eq!(judge_document(&swapped), Err("digest_mismatch"));
    let last = document.rfind("<ds:Signature ").expect("last");
    let dropped = format!("{}</ns2:Request>", &document[..last]);
    assert_eq!(
        judge_document(&dropped).map(|found| found.len()),
        Ok(2),
        "the first two stand alone"
    );
}

#[test]
fn a_bent_business_signature_is_refused_for_its_reason() {
    let cases = hostile();
    let mut wrong = Vec::new();
    for (name, reason, text) in &cases {
        match judge_data(text) {
            Err(found) if found == *reason => {}
            found => wrong.push(format!("{name}: {found:?}, not {reason}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 60, "{} cases are left", cases.len());
}
