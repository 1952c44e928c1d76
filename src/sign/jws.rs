//! JWS in its compact form (RFC 7515 §7.1): what is signed for people and programs without XML.
//!
//! Written with RS256, ES256 or ES384 (RFC 7518 §3) by the gateway's own keys, the signer's certificate
//! in `x5c`. Read strictly: exactly the header fields that we write, an algorithm that the certificate's
//! key has, no `none`, no key from elsewhere.

use super::algorithm::SignatureAlgorithm;
use super::certificate::{Certificate, CertificateCache};
use super::key::{KeyError, Signer};
use super::reason::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of a document that is read; longer ones are refused.
pub const BYTES_MAX: usize = 65_536;

/// The protected header; anything else in it is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    /// The signer's certificate, base64 of DER (RFC 7515 §4.1.6).
    x5c: Vec<String>,
}

/// What a compact JWS says, and who signed it.
#[derive(Clone, Debug)]
pub struct Verified {
    pub payload: Vec<u8>,
    /// `typ`: what kind of document it is.
    pub kind: String,
    pub algorithm: &'static str,
    pub certificate: Arc<Certificate>,
}

/// The name of an algorithm in JWS; `None` for one that we neither write nor read here.
const fn word(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    match algorithm {
        SignatureAlgorithm::RsaSha256 => Some("RS256"),
        SignatureAlgorithm::EcdsaSha256 => Some("ES256"),
        SignatureAlgorithm::EcdsaSha384 => Some("ES384"),
        // No name is registered for the others, and we invent none.
        _ => None,
    }
}

/// Signs a document of this kind.
///
/// # Errors
/// The random source or the key failed.
pub fn sign(kind: &str, payload: &[u8], signer: &Signer) -> Result<String, KeyError> {
    let header = Header {
        alg: word(signer.algorithm()).ok_or(KeyError::Unregistered(signer.family()))?.to_owned(),
        typ: kind.to_owned(),
        x5c: vec![signer.certificate_base64().to_owned()],
    };
    // Texts only: it cannot fail.
    let header = serde_json::to_vec(&header).unwrap_or_default();
    let mut document = URL_SAFE_NO_PAD.encode(header);
    document.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut document);
    let signature = signer.sign(document.as_bytes())?;
    document.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut document);
    Ok(document)
}

/// Verifies that the certificate inside signed exactly this; whether it is believed is another question.
///
/// # Errors
/// `malformed` for what is no such document, `alg_forbidden`, `alg_key_mismatch`, what is wrong with the
/// certificate, or `bad_signature`.
pub fn verify(document: &str, certificates: &CertificateCache) -> Result<Verified, Reason> {
    if document.len() > BYTES_MAX {
        return Err(Reason::JwsMalformed);
    }
    let malformed = |_| Reason::JwsMalformed;
    let (signed, signature) = document.rsplit_once('.').ok_or(Reason::JwsMalformed)?;
    let (header, payload) = signed.split_once('.').ok_or(Reason::JwsMalformed)?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(malformed)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| Reason::JwsMalformed)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(malformed)?;
    let [certificate] = &header.x5c[..] else { return Err(Reason::JwsMalformed) };
    let certificate = certificates.parse(&STANDARD.decode(certificate).map_err(malformed)?)?;
    let found = SignatureAlgorithm::ALL.into_iter().find(|known| word(*known) == Some(&header.alg));
    let algorithm = found.ok_or(Reason::AlgForbidden)?;
    certificate.key().verify_on_curve(algorithm, signed.as_bytes(), &signature)?;
    let algorithm = word(algorithm).ok_or(Reason::AlgForbidden)?;
    Ok(Verified { payload, kind: header.typ, algorithm, certificate })
}
