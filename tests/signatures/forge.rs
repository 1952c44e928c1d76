//! A signer without scruples: signs whatever stands in a document, so that attacks are signed after the mutation.

use crate::signatures::pki::{Identity, NOW_UNIX_S, PKI};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::algorithm::DigestAlgorithm;
use qaqpa::sign::canonical::{self, Options};
use qaqpa::sign::wsse::{self, Signed};
use qaqpa_kit::soap::{DS, Envelope, SOAP11, SOAP12, WSSE, WSU};
use qaqpa_kit::xml::{Document, Element, Limits};
use std::cell::Cell;
use x509_cert::der::Decode as _;

/// What a generator writes its messages in; families are run in all of them.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) soap: &'static str,
    pub(crate) by: &'static Identity,
    /// `A`, `B` or `C`.
    pub(crate) form: char,
}

thread_local! {
    static SETTING: Cell<Setting> = Cell::new(Setting { soap: SOAP11, by: &PKI.rsa, form: 'A' });
}

/// The setting of this thread; SOAP 1.1, RSA and form A where none was chosen.
pub(crate) fn setting() -> Setting {
    SETTING.get()
}

impl Setting {
    /// Both versions of SOAP, three kinds of key, three forms of KeyInfo; the usual one first.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for soap in [SOAP11, SOAP12] {
            for by in [&PKI.rsa, &PKI.p256, &PKI.p384] {
                all.extend(['A', 'B', 'C'].map(|form| Self { soap, by, form }));
            }
        }
        all
    }

    /// Runs something in this setting.
    pub(crate) fn within<T>(self, run: impl FnOnce() -> T) -> T {
        let before = SETTING.replace(self);
        let found = run();
        SETTING.set(before);
        found
    }

    pub(crate) fn is_usual(self) -> bool {
        self.soap == SOAP11 && self.form == 'A' && std::ptr::eq(self.by, &PKI.rsa)
    }

    pub(crate) fn name(self) -> String {
        format!(
            "{} {:?} {}",
            &self.soap[self.soap.len() - 10..],
            self.by.signer.algorithm(),
            self.form
        )
    }
}

/// SOAP 1.1, for what is written in one version only.
pub(crate) const SOAP: &str = SOAP11;
pub(crate) const EXCLUSIVE: &str = canonical::EXCLUSIVE;
pub(crate) const X509V3: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
pub(crate) const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// The business part of every test message.
pub(crate) const PAYLOAD: &str = "<ns2:SendMessage xmlns:ns2=\"http://bip.bee.kz/SyncChannel/v10/Types\"><request>\
    <requestInfo><messageId>1</messageId><serviceId>Pay</serviceId>\
    <messageDate>2026-11-22T10:00:00+05:00</messageDate><sender><senderId>bank</senderId></sender></requestInfo>\
    <requestData><data xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:c=\"urn:c\" xsi:type=\"c:Pay\">\
    <amount>100</amount></data></requestData></request></ns2:SendMessage>";

/// A message with `@S@` where the signature comes.
pub(crate) fn message() -> String {
    let soap = setting().soap;
    format!(
        "<soap:Envelope xmlns:soap=\"{soap}\"><soap:Header>\
         <wsse:Security xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\" soap:mustUnderstand=\"1\">@S@</wsse:Security>\
         </soap:Header><soap:Body xmlns:wsu=\"{WSU}\" wsu:Id=\"body\">{PAYLOAD}</soap:Body></soap:Envelope>"
    )
}

/// A Reference to that id, its digest to be filled in.
pub(crate) fn reference(id: &str) -> String {
    format!(
        "<ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue>@DIGEST@</ds:DigestValue></ds:Reference>",
        DigestAlgorithm::Sha256.uri()
    )
}

/// A Signature with these References and this KeyInfo content.
pub(crate) fn signature(by: &Identity, references: &str, key_info: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{}\"/>{references}</ds:SignedInfo>\
         <ds:SignatureValue>@VALUE@</ds:SignatureValue><ds:KeyInfo>{key_info}</ds:KeyInfo></ds:Signature>",
        by.signer.algorithm().uri()
    )
}

/// KeyInfo form A: the certificate as KeyIdentifier.
pub(crate) fn form_a(by: &Identity) -> String {
    format!(
        "<wsse:SecurityTokenReference><wsse:KeyIdentifier EncodingType=\"{BASE64}\" ValueType=\"{X509V3}\">\
         {}</wsse:KeyIdentifier></wsse:SecurityTokenReference>",
        by.signer.certificate_base64()
    )
}

/// `X509IssuerSerial` of a certificate.
pub(crate) fn issuer_serial(by: &Identity) -> String {
    let issuer = by.certificate().issuer().replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>\
         <ds:X509SerialNumber>{}</ds:X509SerialNumber></ds:X509IssuerSerial>",
        by.certificate().serial_decimal()
    )
}

/// KeyInfo form B: issuer and serial number.
pub(crate) fn form_b(by: &Identity) -> String {
    format!(
        "<wsse:SecurityTokenReference xmlns:wsu=\"{WSU}\" wsu:Id=\"STR-1\"><ds:X509Data>{}</ds:X509Data>\
         </wsse:SecurityTokenReference>",
        issuer_serial(by)
    )
}

/// The subject key identifier of a certificate, in base64.
pub(crate) fn key_id(by: &Identity) -> String {
    use x509_cert::ext::pkix::SubjectKeyIdentifier;
    let read = x509_cert::Certificate::from_der(by.certificate().der()).expect("a certificate");
    let (_, id) =
        read.tbs_certificate.get::<SubjectKeyIdentifier>().expect("readable").expect("an id");
    STANDARD.encode(id.0.as_bytes())
}

/// KeyInfo that names a certificate by its key id alone.
pub(crate) fn by_key_id(by: &Identity) -> String {
    let kind = X509V3.replace("#X509v3", "#X509SubjectKeyIdentifier");
    format!(
        "<wsse:SecurityTokenReference><wsse:KeyIdentifier EncodingType=\"{BASE64}\" ValueType=\"{kind}\">\
         {}</wsse:KeyIdentifier></wsse:SecurityTokenReference>",
        key_id(by)
    )
}

/// KeyInfo form C: the certificate as X509Data.
pub(crate) fn form_c(by: &Identity) -> String {
    format!(
        "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>",
        by.signer.certificate_base64()
    )
}

/// KeyInfo form D: a reference to the token `token`.
pub(crate) fn form_d() -> String {
    format!(
        "<wsse:SecurityTokenReference><wsse:Reference URI=\"#token\" ValueType=\"{X509V3}\"/>\
         </wsse:SecurityTokenReference>"
    )
}

/// The `BinarySecurityToken` of form D.
pub(crate) fn token(by: &Identity) -> String {
    format!(
        "<wsse:BinarySecurityToken xmlns:wsu=\"{WSU}\" EncodingType=\"{BASE64}\" ValueType=\"{X509V3}\" \
         wsu:Id=\"token\">{}</wsse:BinarySecurityToken>",
        by.signer.certificate_base64()
    )
}

/// The usual signature of the Body.
pub(crate) fn usual(by: &Identity) -> String {
    let key_info = match setting().form {
        'B' => form_b(by),
        'C' => form_c(by),
        _ => form_a(by),
    };
    signature(by, &reference("body"), &key_info)
}

/// Fills in digests and value wherever `@DIGEST@` and `@VALUE@` stand.
pub(crate) fn sign(document: &str, signature: &str, by: &Identity) -> String {
    let mut text = document.replacen("@S@", signature, 1);
    while text.contains("@DIGEST@") {
        let digest = with_document(&text, |document| {
            let reference = document
                .root()
                .descendants()
                .find(|one| one.local() == "Reference" && one.text().contains("@DIGEST@"))
                .expect("a reference to digest");
            digest_of(document, reference)
        });
        text = text.replacen("@DIGEST@", &digest, 1);
    }
    let value = with_document(&text, |document| {
        let is_signed_info = |one: &Element<'_>| one.local() == "SignedInfo";
        let signed_info = document.root().descendants().find(is_signed_info);
        signed_info.map(|signed_info| {
            let method = signed_info.child("CanonicalizationMethod");
            let canonical = canonical_form(signed_info, method);
            STANDARD.encode(by.signer.sign(&canonical).expect("signed"))
        })
    });
    text.replace("@VALUE@", &value.unwrap_or_default())
}

fn with_document<T>(text: &str, read: impl FnOnce(&Document<'_>) -> T) -> T {
    let document = Document::scan(text.as_bytes(), &LIMITS);
    read(&document.unwrap_or_else(|error| panic!("{error:?} in {text}")))
}

const LIMITS: Limits = Limits { nodes_max: 1_000_000, ..default_limits() };

const fn default_limits() -> Limits {
    Limits {
        depth_max: 64,
        attributes_max: 64,
        namespaces_max: 64,
        name_bytes_max: 256,
        value_bytes_max: 65_536,
        nodes_max: 500_000,
    }
}

/// The digest of what a Reference names: the first element with that id, else nothing at all.
fn digest_of(document: &Document<'_>, reference: Element<'_>) -> String {
    let uri = reference.attribute("", "URI").map(|uri| uri.value().into_owned());
    let id = uri.unwrap_or_default().trim_start_matches('#').to_owned();
    let target = document.root().descendants().find(|one| {
        one.attributes().any(|attribute| {
            matches!(attribute.local, "Id" | "ID" | "id" | "AssertionID") && attribute.value() == id
        })
    });
    let transform = reference.child("Transforms").and_then(|chain| chain.child("Transform"));
    let bytes = target.map_or_else(Vec::new, |target| canonical_form(target, transform));
    let method = reference.child("DigestMethod").and_then(|one| one.attribute("", "Algorithm"));
    let algorithm = method.and_then(|uri| DigestAlgorithm::from_uri(&uri.value()));
    let mut context = algorithm.unwrap_or(DigestAlgorithm::Sha256).start();
    context.update(&bytes);
    STANDARD.encode(context.finish().as_ref())
}

fn canonical_form(element: Element<'_>, method: Option<Element<'_>>) -> Vec<u8> {
    let list = method
        .and_then(|method| method.child("InclusiveNamespaces"))
        .and_then(|list| list.attribute("", "PrefixList"))
        .map(|list| list.value().into_owned())
        .unwrap_or_default();
    let prefixes: Vec<&str> =
        list.split_whitespace().map(|one| if one == "#default" { "" } else { one }).collect();
    let options = Options { inclusive_prefixes: &prefixes, ..Options::default() };
    let mut bytes = Vec::new();
    canonical::element(element, &options, &mut |piece| bytes.extend_from_slice(piece));
    bytes
}

/// What the gateway makes of a document: scan, structure, signature, trust.
pub(crate) fn judge(document: &[u8]) -> Result<Signed, &'static str> {
    let document = Document::scan(document, &LIMITS).map_err(|error| error.reason)?;
    let envelope = Envelope::read(&document).map_err(|error| error.reason)?;
    let known = [PKI.rsa.bound(), PKI.p256.bound(), PKI.p384.bound()];
    let signed = wsse::verify(&envelope, &known, PKI.trust.certificates(), NOW_UNIX_S)
        .map_err(|refusal| refusal.reason.word())?;
    PKI.trust.judge(&signed.certificate, NOW_UNIX_S).map_err(|reason| reason.word())?;
    Ok(signed)
}
