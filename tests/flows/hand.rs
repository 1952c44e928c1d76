//! Signatures made by hand: over any element, by any key, in any place, as forgers and odd clients make them.

use crate::caller::in_element;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::Signer;
use qaqpa::sign::canonical::{self, Options};
use qaqpa_kit::soap::{DS, WSSE};

const OASIS: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";

/// The document with a Security header that covers the element `covered` by `#id`.
pub fn sign(document: &str, covered: &str, id: &str, signer: &Signer) -> String {
    let security = security(document, covered, id, signer);
    document.replacen("<soap:Body", &format!("<soap:Header>{security}</soap:Header><soap:Body"), 1)
}

/// The `wsse:Security` block alone.
pub fn security(document: &str, covered: &str, id: &str, signer: &Signer) -> String {
    let canonical = in_element(document, covered, |element| {
        let mut bytes = Vec::new();
        canonical::element(element, &Options::default(), &mut |part| bytes.extend_from_slice(part));
        bytes
    });
    let sum = STANDARD.encode(digest(&SHA256, &canonical.expect("the element")).as_ref());
    let c14n = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let signed_info = |declaration: &str| {
        format!(
            "<ds:SignedInfo{declaration}><ds:CanonicalizationMethod Algorithm=\"{c14n}\">\
             </ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"{c14n}\">\
             </ds:Transform></ds:Transforms><ds:DigestMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{sum}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            signer.algorithm().uri()
        )
    };
    let whole = signed_info(&format!(" xmlns:ds=\"{DS}\""));
    let value = STANDARD.encode(signer.sign(whole.as_bytes()).unwrap());
    format!(
        "<wsse:Security xmlns:wsse=\"{WSSE}\" soap:mustUnderstand=\"1\"><ds:Signature \
         xmlns:ds=\"{DS}\">{}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>\
         <wsse:SecurityTokenReference><wsse:KeyIdentifier \
         EncodingType=\"{OASIS}soap-message-security-1.0#Base64Binary\" \
         ValueType=\"{OASIS}x509-token-profile-1.0#X509v3\">{}</wsse:KeyIdentifier>\
         </wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>",
        signed_info(""),
        signer.certificate_base64(),
    )
}
