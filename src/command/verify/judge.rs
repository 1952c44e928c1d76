//! What each profile says of a signed file: the report of a good one, the fault of any other.

use super::{accepted, believe, masked, signer, trust_word};
use crate::command::http_file::HttpFile;
use crate::config::settings::BoundCertificate;
use crate::payments::receipt::KIND as RECEIPT_KIND;
use crate::sign::business::collect::cms_bytes;
use crate::sign::business::root::{self, Root};
use crate::sign::business::{demand, enveloped};
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::trust::Trust;
use crate::sign::{Reason, Refusal, cms, document, rest, wsse};
use jiff::Timestamp;
use qaqpa_kit::envelope::{Answer, AnswerBody, Request};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Element, Limits};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a file is judged by.
pub(super) struct Bench<'a> {
    pub trust: Option<&'a Trust>,
    /// Certificates that a message may name without bringing them.
    pub known: Vec<Arc<Certificate>>,
    /// What a detached signature is over.
    pub content: Option<Vec<u8>>,
    pub at_unix_s: i64,
}

fn malformed(error: qaqpa_kit::xml::XmlError) -> Fault {
    let code = if error.is_limit { Code::CallerTooLarge } else { Code::CallerMalformed };
    Fault::new(code, Phase::Receive, error.reason).at(error.at)
}

impl Bench<'_> {
    pub(super) fn wsse(&self, source: &[u8]) -> Result<Value, Fault> {
        let document = Document::scan(source, &Limits::default()).map_err(malformed)?;
        let envelope = Envelope::read(&document).map_err(|error| error.fault())?;
        // A KeyInfo may name its certificate by issuer and serial number alone.
        let bound = |certificate: &Arc<Certificate>| BoundCertificate {
            spki_sha256: certificate.spki_sha256(),
            der: Some(certificate.der().to_vec()),
            from_unix_s: i64::MIN,
            until_unix_s: i64::MAX,
        };
        let known: Vec<BoundCertificate> = self.known.iter().map(bound).collect();
        let cache = CertificateCache::default();
        let signed = wsse::verify(&envelope, &known, &cache, self.at_unix_s)
            .map_err(|refusal| refusal.of_caller())?;
        let basis = believe(&signed.certificate, self.trust, self.at_unix_s)?;
        Ok(accepted(&signed, basis))
    }

    /// A signed document, or the one in the `data` of a message.
    pub(super) fn xmldsig(&self, source: &[u8]) -> Result<Value, Fault> {
        let document = Document::scan(source, &Limits::default()).map_err(malformed)?;
        let payload = match document.root().local() {
            "Envelope" => Envelope::read(&document).map_err(|error| error.fault())?.payload,
            "syncSendMessageRequest" => document.root(),
            _ => return self.enveloped(&Root::of_document(&document)),
        };
        let business = |refusal: Refusal| refusal.of_caller().of_business();
        let missing = || business(Reason::SignatureMissing.at(payload.span().start));
        let data = data_of(payload)?.ok_or_else(missing)?;
        root::look(data, &Limits::default(), |root| Ok(self.enveloped(root))).map_err(business)?
    }

    fn enveloped(&self, root: &Root<'_>) -> Result<Value, Fault> {
        let cache = CertificateCache::default();
        let verified = enveloped::verify(root, &cache);
        let verified = verified.map_err(|refusal| refusal.of_caller().of_business())?;
        let mut signatures = Vec::new();
        for one in &verified {
            let basis = believe(&one.certificate, self.trust, self.at_unix_s)
                .map_err(|fault| fault.of_business().at(one.at))?;
            signatures.push(json!({
                "covered": one.covered.name(),
                "algorithm": one.algorithm.uri(),
                "trust": trust_word(basis),
                "role": demand::role(&one.certificate).map(|role| role.word()),
                "signer": signer(&one.certificate),
            }));
        }
        Ok(flattened(signatures))
    }

    pub(super) fn cms(&self, source: &[u8]) -> Result<Value, Fault> {
        let text = std::str::from_utf8(source).ok().and_then(cms_bytes);
        let der = text.as_deref().unwrap_or(source);
        let business = |reason: Reason| reason.of_caller().of_business();
        let cache = CertificateCache::default();
        let verified = cms::verify(der, self.content.as_deref(), &self.known, &cache);
        let verified = verified.map_err(business)?;
        let mut signatures = Vec::new();
        for one in &verified.signatures {
            let mut at_unix_s = self.at_unix_s;
            if let Some(stamp) = &one.stamp {
                if let Some(trust) = self.trust {
                    stamp.judge(trust).map_err(business)?;
                }
                at_unix_s = stamp.at_unix_s;
            }
            let basis =
                believe(&one.certificate, self.trust, at_unix_s).map_err(Fault::of_business)?;
            let stamp = one.stamp.as_ref().map(|stamp| {
                json!({
                    "at": time(stamp.at_unix_s),
                    "policy": stamp.policy,
                    "authority": signer(&stamp.certificate),
                })
            });
            signatures.push(json!({
                "covered": if self.content.is_some() { "detached content" } else { "content" },
                "algorithm": one.algorithm.oid().to_string(),
                "trust": trust_word(basis),
                "role": demand::role(&one.certificate).map(|role| role.word()),
                "claimed_at": one.claimed_at_unix_s.and_then(time),
                "timestamp": stamp,
                "signer": signer(&one.certificate),
            }));
        }
        Ok(flattened(signatures))
    }

    pub(super) fn jws(&self, source: &[u8]) -> Result<Value, Fault> {
        let text = std::str::from_utf8(source).map_err(|_| Reason::JwsMalformed.of_caller())?;
        let cache = CertificateCache::default();
        let verified = rest::jws::verify(text, self.content.as_deref(), &self.known, &cache)
            .map_err(Reason::of_caller)?;
        let basis = believe(&verified.certificate, self.trust, self.at_unix_s)?;
        Ok(json!({
            "valid": true,
            "covered": ["protected header", "payload"],
            "algorithm": rest::jws::word(verified.algorithm),
            "trust": trust_word(basis),
            "role": demand::role(&verified.certificate).map(|role| role.word()),
            "signer": signer(&verified.certificate),
        }))
    }

    pub(super) fn http(&self, source: &[u8]) -> Result<Value, Fault> {
        let file = HttpFile::read(source)
            .map_err(|_| Fault::new(Code::CallerMalformed, Phase::Receive, "no_http_request"))?;
        let cache = CertificateCache::default();
        let verified = rest::http::verify(&file.parts(), &self.known, &cache, self.at_unix_s)
            .map_err(Reason::of_caller)?;
        let basis = believe(&verified.certificate, self.trust, self.at_unix_s)?;
        Ok(json!({
            "valid": true,
            "covered": verified.covered,
            "algorithm": verified.algorithm.uri(),
            "created": time(verified.created_unix_s),
            "trust": trust_word(basis),
            "role": demand::role(&verified.certificate).map(|role| role.word()),
            "signer": signer(&verified.certificate),
        }))
    }

    /// A receipt's signature, and what it says of the payment.
    pub(super) fn receipt(&self, source: &[u8]) -> Result<Value, Fault> {
        let malformed = || Reason::JwsMalformed.of_caller();
        let document = str::from_utf8(source).map_err(|_| malformed())?.trim();
        let verified =
            document::verify(document, &CertificateCache::default()).map_err(Reason::of_caller)?;
        let receipt: Value = serde_json::from_slice(&verified.payload).map_err(|_| malformed())?;
        if verified.kind != RECEIPT_KIND {
            return Err(malformed());
        }
        let basis = believe(&verified.certificate, self.trust, self.at_unix_s)?;
        Ok(json!({
            "valid": true,
            "covered": ["receipt"],
            "algorithm": verified.algorithm,
            "trust": trust_word(basis),
            "signer": signer(&verified.certificate),
            "receipt": masked(receipt),
        }))
    }
}

/// One report for all signatures; the first one's facts stand at the top, as with one signature.
fn flattened(signatures: Vec<Value>) -> Value {
    let of_first = |name: &str| signatures.first().and_then(|one| one.get(name)).cloned();
    let covered: Vec<_> = signatures.iter().filter_map(|one| one.get("covered")).collect();
    json!({
        "valid": true,
        "covered": covered,
        "algorithm": of_first("algorithm"),
        "trust": of_first("trust"),
        "role": of_first("role"),
        "signer": of_first("signer"),
        "signatures": signatures,
    })
}

fn time(unix_s: i64) -> Option<String> {
    Timestamp::from_second(unix_s).map(|time| time.to_string()).ok()
}

/// The `data` that the gateway would read of a Body's payload or of the bare form, a request or an answer:
/// a `data` elsewhere is a hiding place, and what is signed there was asked of nobody.
///
/// # Errors
/// What the gateway itself would refuse.
pub(in crate::command) fn data_of(payload: Element<'_>) -> Result<Option<Element<'_>>, Fault> {
    match Request::read(payload) {
        Err(fault) if fault.reason == "unknown_wrapper" => match Answer::read(payload)?.body {
            AnswerBody::Response { data, .. } => Ok(data),
            AnswerBody::Fault { .. } => Ok(None),
        },
        read => read.map(|request| request.data),
    }
}
