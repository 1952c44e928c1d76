//! Gathers the business signatures of one message, in whatever forms its service takes them.

use super::root::{self, Root};
use super::{Claim, Signed, demand, enveloped};
use crate::sign::certificate::CertificateCache;
use crate::sign::rest::{Parts, http, jws};
use crate::sign::{Reason, Refusal, cms, pem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa_kit::manifest::{SignatureDemand, SignatureForm};
use qaqpa_kit::xml::{Document, Element, Limits};
use serde_json::Value;

/// What is needed to read signatures, whatever their form.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub demands: &'a [&'a SignatureDemand],
    pub certificates: &'a CertificateCache,
    pub limits: &'a Limits,
    pub now_unix_s: i64,
}

/// The signature of a REST call, and what it was made over.
#[derive(Debug)]
pub struct OfCall {
    pub signed: Signed,
    /// SHA-256 of the signature's own words: the same again is a replay.
    pub digest: [u8; 32],
}

impl Desk<'_> {
    /// Whether some demand takes this form.
    #[must_use]
    pub fn takes(&self, form: SignatureForm) -> bool {
        self.demands.iter().any(|demand| demand.form.contains(&form))
    }

    /// Every signature in `data`; a wrong one spoils all, a form that is not there is passed over.
    ///
    /// # Errors
    /// The first reason against a signature that is there.
    pub fn in_data(&self, data: Element<'_>) -> Result<Vec<Signed>, Refusal> {
        match root::look(data, self.limits, |root| self.in_document(root)) {
            Err(Refusal { reason: Reason::SignatureMissing, .. }) => Ok(Vec::new()),
            found => found,
        }
    }

    fn in_document(&self, root: &Root<'_>) -> Result<Vec<Signed>, Refusal> {
        let mut found = Vec::new();
        if self.takes(SignatureForm::Xmldsig) {
            match enveloped::verify(root, self.certificates) {
                Ok(signatures) => found.extend(signatures.into_iter().map(|one| Signed {
                    form: SignatureForm::Xmldsig,
                    fields: None,
                    claims: demand::claims(one.covered, self.demands),
                    certificate: one.certificate,
                    algorithm: one.algorithm,
                    stamp: None,
                    at: one.at,
                })),
                Err(Refusal { reason: Reason::SignatureMissing, .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let mut read: Vec<(&str, &str)> = Vec::new();
        for demand in self.demands.iter().filter(|one| one.form.contains(&SignatureForm::Cms)) {
            let fields = (demand.signature_field.as_str(), demand.content_field.as_str());
            if !read.contains(&fields) {
                read.push(fields);
                found.extend(self.in_field(root, fields)?);
            }
        }
        Ok(found)
    }

    /// The signatures of a CMS in a field, over another field or over its own content.
    fn in_field(
        &self,
        root: &Root<'_>,
        fields @ (place, content): (&str, &str),
    ) -> Result<Vec<Signed>, Refusal> {
        let Some(element) = demand::field(root.element, place) else { return Ok(Vec::new()) };
        let at = element.span().start;
        let text = element.plain_text().map_err(|e| Reason::UnexpectedNodeInValue.at(e.at))?;
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let der = cms_bytes(&text).ok_or(Reason::ValueNotBase64.at(at))?;
        let detached = match content {
            "" => None,
            path => {
                let element = demand::field(root.element, path);
                let element = element.ok_or(Reason::ContentMissing.at(at))?;
                let text = element.plain_text();
                Some(text.map_err(|e| Reason::UnexpectedNodeInValue.at(e.at))?)
            }
        };
        let detached = detached.as_deref().map(str::as_bytes);
        let verified = cms::verify(&der, detached, &[], self.certificates);
        let verified = verified.map_err(|reason| reason.at(at))?;
        let content = verified.content.as_deref().or(detached).unwrap_or_default();
        let claims = self.claims_in_xml(content);
        let signed = |one: cms::CmsSignature| Signed {
            form: SignatureForm::Cms,
            fields: Some((fields.0.to_owned(), fields.1.to_owned())),
            certificate: one.certificate,
            algorithm: one.algorithm,
            claims: claims.clone(),
            stamp: one.stamp,
            at,
        };
        Ok(verified.signatures.into_iter().map(signed).collect())
    }

    /// What signed bytes say where they are an XML document; nothing where they are none.
    fn claims_in_xml(&self, content: &[u8]) -> Vec<Claim> {
        match Document::scan(content, self.limits) {
            Ok(document) => demand::claims(document.root(), self.demands),
            Err(_) => Vec::new(),
        }
    }

    /// The signature of a REST call; `None` where it bears none, or no demand takes its form.
    ///
    /// # Errors
    /// The reason against a signature that is there.
    pub fn of_call(&self, parts: &Parts<'_>) -> Result<Option<OfCall>, Refusal> {
        let at_start = |reason: Reason| reason.at(0);
        if self.takes(SignatureForm::Jws) {
            match jws::verify_call(parts, self.certificates, self.now_unix_s) {
                Ok(one) => {
                    let words = Value::Object(one.header).to_string();
                    let of = (one.certificate, one.algorithm);
                    let digest_of = [words.as_bytes(), &one.payload].concat();
                    let call = self.call(SignatureForm::Jws, of, &one.payload, &digest_of);
                    return Ok(Some(call));
                }
                Err(Reason::SignatureMissing) => {}
                Err(reason) => return Err(at_start(reason)),
            }
        }
        if !self.takes(SignatureForm::Http) {
            return Ok(None);
        }
        match http::verify(parts, &[], self.certificates, self.now_unix_s) {
            Ok(one) => {
                let of = (one.certificate, one.algorithm);
                Ok(Some(self.call(SignatureForm::Http, of, parts.body, one.base.as_bytes())))
            }
            Err(Reason::SignatureMissing) => Ok(None),
            Err(reason) => Err(at_start(reason)),
        }
    }

    fn call(
        &self,
        form: SignatureForm,
        (certificate, algorithm): (
            std::sync::Arc<crate::sign::Certificate>,
            crate::sign::algorithm::SignatureAlgorithm,
        ),
        payload: &[u8],
        words: &[u8],
    ) -> OfCall {
        let value: Value = serde_json::from_slice(payload).unwrap_or(Value::Null);
        let text = |path: &str| match path {
            "" => None,
            path => value.pointer(&format!("/{path}"))?.as_str().map(|text| text.trim().to_owned()),
        };
        let claim = |demand: &&SignatureDemand| Claim {
            iin: text(&demand.iin_field),
            bin: text(&demand.bin_field),
        };
        let claims = self.demands.iter().map(claim).collect();
        let digest = crate::sign::certificate::sha256(words);
        let signed =
            Signed { form, certificate, algorithm, fields: None, claims, stamp: None, at: 0 };
        OfCall { signed, digest }
    }
}

/// A CMS as base64, in lines or not, or as PEM.
#[must_use]
pub fn cms_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with("-----BEGIN") {
        let blocks = pem::blocks(text.as_bytes()).ok()?;
        let is_cms = |label: &str| matches!(label, "CMS" | "PKCS7");
        return match &blocks[..] {
            [block] if is_cms(&block.label) => Some(block.der.to_vec()),
            _ => None,
        };
    }
    let tight: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(tight).ok().filter(|bytes| !bytes.is_empty())
}
